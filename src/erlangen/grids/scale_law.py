"""Zooming out, and how well a module commutes with it: a number, since pixels and borders are lost on the way."""

import copy
from math import pi

import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.blueprint import Action, EquivariantModule
from erlangen.errors import DomainError, FieldError
from erlangen.grids.coarsen import binomial
from erlangen.grids.scale import ScaleGrid
from erlangen.grids.scale_kernel import BLUR, Smoothing
from erlangen.symmetry import Representation


def zoom_out(x: Float[Tensor, "b c *space"], ratio: int = 2, padding_mode: str = "zeros") -> Tensor:
    """D x(u) = (h * x)(a·u): smooth, then keep every a-th pixel, beginning with the first.

    Args:
        x: the signal; a zoom about its centre needs (n - 1) mod a = 0 along each axis.
        ratio: the factor a, a whole number.
        padding_mode: "zeros" or "circular".

    Raises:
        DomainError: a ratio that is no whole number above 1.
    """
    d = x.ndim - 2
    if not isinstance(ratio, int) or ratio < 2:
        raise DomainError(f"zoom_out keeps every a-th pixel, so it needs a whole number a >= 2, got {ratio!r}")
    smooth = Smoothing(ScaleGrid(d, 2, float(ratio)), padding_mode).to(x)
    return smooth(x)[1][(..., *[slice(None, None, ratio)] * d)]


def zooming(ratio: int = 2, padding_mode: str = "zeros") -> Action:
    """Zooming out as an action for audits: `audit(network, data, actions=[zooming(2)])`.

    Args:
        ratio: the factor, a whole number.
        padding_mode: "zeros" or "circular".
    """

    def move(x: Tensor, rep: Representation | None) -> Tensor:
        return zoom_out(x, ratio, padding_mode)

    return Action(f"÷{ratio}", "scale", False, move, True, float(ratio))


def scale_error(
    module: EquivariantModule, band: float = 0.5, samples: int = 16, size: int = 65, seed: int = 0
) -> float:
    """How far a module from a grid to its scales is from the law f(D x)(k, u) = f(x)(k+1, a·u).

    The signals are sums of plane waves, known between the pixels too, so that zooming out by any ratio costs no
    interpolation, and the values are compared at the centre, far from the border. What is measured is the error of the
    layers alone: 0 to rounding for whole ratios.

    Args:
        module: from a field on a `Grid` to one on a `ScaleGrid`.
        band: highest frequency along an axis after zooming out, as a share of the highest that pixels can carry.
        samples: random signals.
        size: pixels along each axis, odd.
        seed: of the signals.

    Returns:
        The worst relative error over neighbouring scales, in the root mean square over samples and channels, in
        float64.
    """
    space = module.out_field.space
    if not isinstance(space, ScaleGrid) or isinstance(module.in_field.space, ScaleGrid) or space.scales < 2:
        raise FieldError(
            f"scale_error needs a module from a grid to at least two scales, got {module.in_field} and "
            f"{module.out_field}"
        )
    if size % 2 == 0:
        raise DomainError(f"the signals need a pixel at the centre, an odd size, got {size}")
    generator = torch.Generator().manual_seed(seed)
    shape = (samples, module.in_field.size, 4, space.d)  # four waves a channel
    wave = (torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1) * (band * pi / space.ratio)
    phase = torch.rand(shape[:-1], generator=generator, dtype=torch.float64) * 2 * pi
    double = copy.deepcopy(module).double().eval()
    with torch.no_grad():
        near = double(_waves(wave, phase, torch.ones_like(phase), size))
        far = double(_waves(wave * space.ratio, phase, _response(wave, space), size))
    middle = (..., *[size // 2] * space.d)
    got, want = far[middle][:, :, :-1], near[middle][:, :, 1:]
    return float(((got - want).square().mean((0, 1)) / want.square().mean((0, 1))).sqrt().max())


def _waves(wave: Tensor, phase: Tensor, amplitude: Tensor, size: int) -> Tensor:
    """Σ amplitude · cos(wave · u + phase) on pixels u about the centre, [samples, channels, *[size] * d]."""
    u = torch.arange(size, dtype=torch.float64) - size // 2
    angle = phase
    for i in range(wave.shape[-1]):
        angle = angle[..., None] + (wave[..., i].reshape(*phase.shape, *[1] * i)[..., None] * u)
    return (amplitude.reshape(*phase.shape, *[1] * wave.shape[-1]) * angle.cos()).sum(2)


def _response(wave: Tensor, space: ScaleGrid) -> Tensor:
    """What the filter h of zooming out makes of the amplitude of a wave."""
    if space.steps is None:
        return (-BLUR * (space.ratio**2 - 1) * wave.square().sum(-1) / 2).exp()
    taps = torch.tensor(binomial(2 * round(space.ratio) - 1), dtype=torch.float64)
    t = torch.arange(len(taps), dtype=torch.float64) - len(taps) // 2
    return ((wave[..., None] * t).cos() * taps).sum(-1).prod(-1)
