"""Spectral convolution on periodic grids: one matrix for each of the lowest Fourier modes."""

from math import pi, prod

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, check_signal
from erlangen.errors import DomainError
from erlangen.grids.expansion import BiasExpansion, KernelExpansion
from erlangen.grids.groups import exact_for
from erlangen.grids.needs import needs_one_scale, needs_squares
from erlangen.grids.stride import spread


class SpectralConv(EquivariantModule):
    """Multiply the Fourier modes with |ξ_i| ≤ M by one matrix each and drop the others.

    The matrices are the transform of a real kernel with 2M+1 samples along each axis of the whole period, which is a
    bijection; so the free weights are all equivariant kernels on that box, and the layer is all linear maps between
    signals of these modes that commute with the point group and with every shift, by fractions of a pixel too. The map
    does not depend on the number of pixels: a signal sampled twice as finely gives the same output, sampled twice as
    finely.

    Law: W(gξ) = ρ_out(g) W(ξ) ρ_in(g)⁻¹, hence f(g·x) = g·f(x) for the point group and for circular shifts.

    Args:
        in_field: type of the input.
        out_field: type of the output, same space and group.
        modes: M, the highest frequency along each axis (…, y, x), or one number for all; at most (n-1)/2.
        bias: whether to add the invariant vectors of the output representation.

    Raises:
        NoEquivariantMap: dim Hom = 0 for a term of the output, which would be constantly zero.
        DomainError: in forward, a grid with fewer than 2M+1 pixels along an axis.

    Source: Li et al. 2021, arXiv 2010.08895 (truncated modes); the equivariance of their weights: Helwig et al. 2023,
        arXiv 2306.05697.
    """

    incomplete = "only modes up to the highest frequency pass, so not every kernel is reached"

    def __init__(self, in_field: Field, out_field: Field, modes: "int | tuple[int, ...]", *, bias: bool = True) -> None:
        super().__init__(in_field, out_field)
        needs_squares(in_field, "SpectralConv", "HexConv")
        needs_one_scale(in_field, "SpectralConv", "ScaleConv")
        self.d = len(in_field.space.nominal_shape())
        self.modes = spread(modes, self.d, "modes", least=0)
        self.box = tuple(2 * m + 1 for m in self.modes)
        self.expand = KernelExpansion(in_field, out_field, self.box)
        self.weights = nn.ParameterList(nn.Parameter(torch.empty(shape)) for shape in self.expand.shapes)
        self.expand_bias = BiasExpansion(out_field) if bias else None
        free = self.expand_bias.free if self.expand_bias is not None else 0
        self.bias = nn.Parameter(torch.empty(free)) if free else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The mean square of an output is that of a white input."""
        for weight, feeding in zip(self.weights, self.expand.feeding(), strict=True):
            nn.init.normal_(weight, std=max(feeding, 1.0) ** -0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def matrices(self) -> Complex[Tensor, "modes c_out c_in"]:
        """W(ξ), complex, for every kept mode, in the order of frequencies 0 … M, -M … -1 along each axis but the last,
        which has 0 … M."""
        kernel = self.expand(list(self.weights))
        return spectrum(kernel if kernel.dtype == torch.float64 else kernel.float(), self.modes)

    def forward(self, x: Float[Tensor, "b c_in *space"]) -> Float[Tensor, "b c_out *space"]:
        """Transform, multiply the kept modes, transform back; in float32 at least."""
        check_signal(self.in_field, x, "SpectralConv")
        bias = None if self.bias is None or self.expand_bias is None else self.expand_bias(self.bias)
        return spectral_conv(x, self.matrices(), bias, self.modes)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """At every size; of a group that does more than map the grid to itself, for the part that does."""
        part = exact_for(self.in_field.group, self.d) if max(self.box) > 1 else ""
        return True, part or "always"

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Four a complex product of every kept mode, and the two transforms."""
        kept = prod(self.box[:-1]) * (self.modes[-1] + 1)
        transforms = (self.in_field.size + self.out_field.size) * prod(shape) * sum(n.bit_length() for n in shape)
        return 4 * kept * self.in_field.size * self.out_field.size + transforms

    def export(self) -> nn.Module:
        """The same product with the expanded matrices."""
        bias = None if self.bias is None or self.expand_bias is None else self.expand_bias(self.bias).detach()
        return _PlainSpectralConv(self.matrices().detach(), bias, self.modes)

    def extra_repr(self) -> str:
        """Fields and modes."""
        highest = "×".join(map(str, self.modes))
        return f"{self.in_field.rep} -> {self.out_field.rep} of {self.in_field.group}, modes up to {highest}"


def spectrum(kernel: Float[Tensor, "c_out c_in *taps"], modes: tuple[int, ...]) -> Tensor:
    """The transform of a kernel on a period of 2M+1 samples whose middle sample is at 0: [modes, c_out, c_in]."""
    found = kernel_spectrum(kernel, list(kernel.shape[2:]))  # with the first sample at 0
    phase = torch.zeros((), dtype=kernel.dtype, device=kernel.device)
    for axis, m in enumerate(modes):
        count = m + 1 if axis == len(modes) - 1 else 2 * m + 1
        steps = (torch.arange(count, device=kernel.device) * m) % (2 * m + 1)
        phase = phase[..., None] - steps.to(kernel.dtype) * (2 * pi / (2 * m + 1))
    return found * torch.polar(torch.ones_like(phase), phase).flatten()[:, None, None]


def kernel_spectrum(kernel: Float[Tensor, "c_out c_in *taps"], sizes: list[int]) -> Tensor:
    """conj k̂(ξ) = Σ_t k(t) exp(2πi ξ·t / n) for every frequency of `rfftn`, as matrices [frequencies, c_out, c_in].

    Taps are few, so that products with the matrix of every axis cost less than transforms of padded kernels.

    Args:
        kernel: real taps; the first one is at 0.
        sizes: n along each axis.
    """
    d = len(sizes)
    found = kernel.movedim((0, 1), (-2, -1))
    found = torch.complex(found, torch.zeros_like(found))
    for axis in reversed(range(d)):
        n, taps = sizes[axis], kernel.shape[2 + axis]
        count = n // 2 + 1 if axis == d - 1 else n
        steps = torch.arange(count, device=kernel.device).outer(torch.arange(taps, device=kernel.device)) % n
        angles = steps.to(kernel.dtype) * (2 * pi / n)
        found = torch.tensordot(torch.polar(torch.ones_like(angles), angles), found, ([1], [d - 1]))
    return found.flatten(0, d - 1)


def spectral_conv(x: Tensor, matrices: Tensor, bias: Tensor | None, modes: tuple[int, ...]) -> Tensor:
    """Multiply the modes of a periodic signal [B, C, *space] by matrices as `SpectralConv.matrices` has them.

    Raises:
        DomainError: fewer than 2M+1 samples along an axis.
    """
    shape, axes = x.shape[2:], list(range(2, x.ndim))
    if any(n < 2 * m + 1 for n, m in zip(shape, modes, strict=True)):
        size = "×".join(map(str, shape))
        raise DomainError(
            f"modes up to {max(modes)} need {2 * max(modes) + 1} samples along an axis, the input has {size}. "
            f"Fix: modes={(min(shape) - 1) // 2} or less."
        )
    if not x.numel():
        weight = matrices.real.sum() + (0 if bias is None else bias.sum())
        nothing = x.flatten(1).sum(1) * weight.to(x.dtype)  # no examples, and yet a function of all
        return nothing.view(-1, 1, *[1] * len(shape)).expand(-1, matrices.shape[1], *shape)
    wide = torch.float64 if matrices.dtype == torch.complex128 else torch.float32
    with torch.autocast(x.device.type, enabled=False):
        y = torch.fft.rfftn(x.to(wide), dim=axes)
        for axis, m in zip(axes, modes, strict=True):  # keep 0 … M and, but for the last axis, -M … -1
            n, last = y.shape[axis], axis == axes[-1]
            y = torch.cat([y.narrow(axis, 0, m + 1)] + ([] if last else [y.narrow(axis, n - m, m)]), dim=axis)
        kept = y.shape[2:]
        y = (y.flatten(2).permute(2, 0, 1) @ matrices.mT).permute(1, 2, 0).unflatten(2, kept)
        for axis, m in zip(axes[:-1], modes[:-1], strict=True):
            n = shape[axis - 2]
            gap = y.new_zeros(*y.shape[:axis], n - 2 * m - 1, *y.shape[axis + 1 :])
            y = torch.cat([y.narrow(axis, 0, m + 1), gap, y.narrow(axis, m + 1, m)], dim=axis)
        y = torch.fft.irfftn(y, list(shape), axes)
    y = y if bias is None else y + bias.to(y.dtype).view(-1, *[1] * len(modes))
    return y.to(x.dtype)


class _PlainSpectralConv(nn.Module):
    """The plain-torch form of `SpectralConv`."""

    def __init__(self, matrices: Tensor, bias: Tensor | None, modes: tuple[int, ...]) -> None:
        super().__init__()
        self.weight, self.modes = nn.Parameter(matrices.clone()), modes
        self.bias = None if bias is None else nn.Parameter(bias.clone())

    def forward(self, x: Tensor) -> Tensor:
        """Multiply the kept modes."""
        return spectral_conv(x, self.weight, self.bias, self.modes)
