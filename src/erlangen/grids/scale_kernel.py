"""One kernel at several scales: what is smoothed before it, and where its taps lie."""

from itertools import pairwise
from math import ceil, exp, prod

import numpy as np
import torch
from torch import Tensor, nn

from erlangen.blueprint import Tables, operator_dtype
from erlangen.errors import FieldError
from erlangen.grids.coarsen import binomial
from erlangen.grids.linear import CONV, PADDING_MODES
from erlangen.grids.scale import ScaleGrid
from erlangen.grids.wrap import wrap

BLUR = 0.5  # variance of the smoothing between scales 1 and a is BLUR (a² - 1), where the ratio is no whole number


class Spread(nn.Module):
    """A convolution whose taps lie aᵏ apart: with holes if that is a whole number, else interpolated.

    Args:
        space: the scales of the output.
        kernel_size: taps along each axis at scale 1.
        padding_mode: "zeros" or "circular".
    """

    def __init__(self, space: ScaleGrid, kernel_size: tuple[int, ...], padding_mode: str) -> None:
        super().__init__()
        if any(k % 2 == 0 for k in kernel_size):
            raise FieldError(f"a kernel at several scales needs a tap at its centre, an odd number: got {kernel_size}")
        if padding_mode not in PADDING_MODES:
            raise FieldError(f"padding_mode is 'zeros' or 'circular', got {padding_mode!r}")
        self.steps, self.scales, self.mode, self.d = space.steps, space.scales, padding_mode, space.d
        matrices = {}
        if self.steps is None:
            for k in range(1, space.scales):
                matrices |= {f"{k}_{i}": between(n, space.ratio**k) for i, n in enumerate(kernel_size)}
        axes = list(enumerate(kernel_size))
        sizes = [[len(matrices.get(f"{k}_{i}", range(n))) for i, n in axes] for k in range(self.scales)]
        self.taps = [prod(s) for s in sizes]
        steps = self.steps or (1,) * self.scales
        self.sides = [tuple(step * (n // 2) for n in size) for step, size in zip(steps, sizes, strict=True)]
        self.tables = Tables({f"matrix_{name}": m for name, m in matrices.items()})

    def forward(self, x: Tensor, kernel: Tensor, bias: Tensor | None, k: int) -> Tensor:
        """x of scale k, met by the kernel spread by aᵏ."""
        if self.steps is None and k:
            for i in range(self.d):
                matrix = getattr(self.tables, f"matrix_{k}_{i}").to(kernel.dtype)
                kernel = torch.tensordot(kernel, matrix, dims=([2], [1]))  # the axes go round, each to the end
        step = self.steps[k] if self.steps is not None else 1
        x, padding = pad(x, self.sides[k], self.mode)
        return CONV[self.d](x, kernel, bias, (1,) * self.d, padding, (step,) * self.d, 1)


class Smoothing(nn.Module):
    """The smoother and smoother copies x_0 = x, x_1, … of a signal that the scales look at.

    Args:
        space: the scales.
        padding_mode: "zeros" or "circular".
    """

    def __init__(self, space: ScaleGrid, padding_mode: str) -> None:
        super().__init__()
        self.steps, self.mode, self.d = space.steps, padding_mode, space.d
        if space.steps is not None:
            filters = [np.array(binomial(2 * round(space.ratio) - 1))] * (space.scales - 1)
        else:
            spread = [BLUR * space.ratio ** (2 * k) for k in range(space.scales)]
            filters = [gaussian(b - a) for a, b in pairwise(spread)]
        self.tables = Tables({f"filter_{k}": f for k, f in enumerate(filters)})
        self.scales = space.scales

    def forward(self, x: Tensor) -> list[Tensor]:
        """x_0, x_1, …."""
        levels = [x]
        dtype = operator_dtype("filter", x)
        with torch.autocast(x.device.type, enabled=False):
            for k in range(self.scales - 1):
                step = self.steps[k] if self.steps is not None else 1
                levels.append(self._filtered(levels[-1].to(dtype), getattr(self.tables, f"filter_{k}"), step))
        return [level.to(x.dtype) for level in levels]

    def _filtered(self, x: Tensor, taps: Tensor, step: int) -> Tensor:
        side, channels = step * (len(taps) // 2), x.shape[1]
        x, padding = pad(x, (side,) * self.d, self.mode)
        product = taps.to(x.dtype)
        for _ in range(self.d - 1):
            product = product[..., None] * taps.to(x.dtype)
        weight = product.expand(channels, 1, *product.shape)
        return CONV[self.d](x, weight, None, (1,) * self.d, padding, (step,) * self.d, channels)


def pad(x: Tensor, sides: tuple[int, ...], mode: str) -> tuple[Tensor, tuple[int, ...]]:
    """The signal made ready for a convolution, and the zeros it should still add."""
    if mode == "zeros":
        return x, sides
    return wrap(x, sides), (0,) * len(sides)


def between(taps: int, step: float) -> np.ndarray:
    """[n, taps] how taps that lie `step` apart are spread over pixels: cubic interpolation, about the centre.

    Source: Keys 1981, "Cubic convolution interpolation for digital image processing".
    """
    places = step * (np.arange(taps) - taps // 2)
    reach = ceil(places[-1]) + 1
    away = np.abs(np.arange(-reach, reach + 1)[:, None] - places)
    near = (1.5 * away - 2.5) * away**2 + 1
    far = ((2.5 - 0.5 * away) * away - 4) * away + 2
    return np.where(away <= 1, near, np.where(away < 2, far, 0.0))


def gaussian(variance: float) -> np.ndarray:
    """A sampled Gaussian filter of this variance, with sum 1."""
    reach = max(1, ceil(4 * variance**0.5))
    taps = np.array([exp(-(t**2) / (2 * variance)) for t in range(-reach, reach + 1)])
    return taps / taps.sum()
