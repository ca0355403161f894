"""Lifting to scales, and convolution over points and scales: one kernel, spread further at every coarser scale."""

from copy import deepcopy
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, check_signal, operator_dtype
from erlangen.errors import DomainError, FieldError
from erlangen.grids.linear import Conv
from erlangen.grids.scale import ScaleGrid
from erlangen.grids.scale_kernel import Smoothing, Spread


class ScaleLift(EquivariantModule):
    """From a signal on a grid to one at S scales: x is smoothed, and met by one kernel spread by 1, a, a², ….

        f(x)(k, u) = Σ_t K(t) x_k(u - aᵏ t),    x_0 = x,  x_{k+1}(u) = smoothing of x_k

    Law: f(D x)(k, u) = f(x)(k+1, a·u) with zooming out D x(u) = (h * x)(a·u). If the ratio a is a whole number (h is
    the binomial filter, the kernel has holes at coarser scales) it is exact at every point, the border included; of a
    periodic signal, if a divides its size. Else (h is Gaussian, taps between pixels are spread by cubic interpolation)
    it is as near as `erlangen.grids.scale_error` measures, away from the border.
    The law of the point group, f(g·x) = g·f(x), is exact always.

    Args:
        in_field: type of the input, on a `Grid`.
        out_field: type of the output, on a `ScaleGrid` over it.
        kernel_size: taps along each axis, odd.
        bias: whether to add the invariant vectors of the output representation.
        padding_mode: "zeros" or "circular".

    Raises:
        FieldError: the output is not on a `ScaleGrid` over the grid of the input, or the kernel is even.

    Source: Worrall & Welling 2019, arXiv 1905.11697; Sosnovik, Szmaja & Smeulders 2020, arXiv 1910.11093.
    """

    incomplete = "the kernels of all scales are one kernel, smoothed and spread"

    def __init__(
        self,
        in_field: Field,
        out_field: Field,
        kernel_size: "int | tuple[int, ...]" = 3,
        *,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__(in_field, out_field)
        space = out_field.space
        if not isinstance(space, ScaleGrid) or in_field.space != space.grid:
            raise FieldError(
                f"ScaleLift maps a field on a grid to one on its scales, got {in_field} and {out_field}. "
                f"Fix: ScaleGrid({getattr(in_field.space, 'd', 2)}, scales=3).field(...) with the shape of the grid."
            )
        self.base = Conv(in_field, Field(space.grid, out_field.rep), kernel_size, bias=bias)
        self.spread = Spread(space, self.base.kernel_size, padding_mode)
        self.smooth = Smoothing(space, padding_mode)

    def forward(self, x: Float[Tensor, "b c_in *space"]) -> Float[Tensor, "b c_out s *space"]:
        """Smooth, then convolve every scale."""
        check_signal(self.in_field, x, "ScaleLift")
        dtype = operator_dtype("dense", x)
        kernel, bias = self.base.kernel(dtype), self.base.expanded_bias()
        bias = None if bias is None else bias.to(dtype)
        levels = self.smooth(x)
        return torch.stack([self.spread(v.to(dtype), kernel, bias, k) for k, v in enumerate(levels)], dim=2)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(S, *shape)."""
        return (self.spread.scales, *shape)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the convolutions; the smoothing is depthwise and small."""
        return self.in_field.size * self.out_field.size * prod(shape) * sum(self.spread.taps)

    def export(self) -> nn.Module:
        """The same with the expanded kernel."""
        bias = self.base.expanded_bias()
        return PlainScales(self.base.kernel().detach(), bias, self.spread, self.smooth, 1)

    def extra_repr(self) -> str:
        """Fields."""
        return f"{self.in_field.rep} -> {self.out_field.rep} of {self.in_field.group}"


class ScaleConv(EquivariantModule):
    """Convolution over points and over neighbouring scales, each from one to J-1 steps coarser.

        f(x)(k, u) = Σ_{j<J} Σ_t K_j(t) x(k+j, u - aᵏ t)

    Law: f(D x) = D f(x) for zooming out, (D x)(k, u) = x(k+1, a·u), exact under the conditions of `ScaleLift`.
    f(g·x) = g·f(x) for the point group.

    Args:
        in_field: type of the input, on a `ScaleGrid` of S scales.
        out_field: type of the output, on one of S - J + 1 scales; a representation on the in_field's own space is
            understood as that.
        kernel_size: taps along each axis, odd.
        depth: how many scales J it sees. Outputs whose scales would reach beyond the coarsest one are left out.
        bias: whether to add the invariant vectors of the output representation.
        padding_mode: "zeros" or "circular".

    Raises:
        FieldError: fields that do not fit, or more depth than scales.
    """

    incomplete = "the kernels of all scales are one kernel, spread"

    def __init__(
        self,
        in_field: Field,
        out_field: Field,
        kernel_size: "int | tuple[int, ...]" = 3,
        *,
        depth: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        space = in_field.space
        if not isinstance(space, ScaleGrid) or not 1 <= depth <= space.scales:
            raise FieldError(
                f"ScaleConv needs a field on a ScaleGrid with at least depth={depth} scales, got {in_field}. "
                "Fix: ScaleLift first, or give less depth."
            )
        left = ScaleGrid(space.d, space.scales - depth + 1, space.ratio, space.shape, space.spacing)
        if out_field.space not in (space, left):
            raise FieldError(
                f"ScaleConv with depth {depth} leaves {left.scales} of {space.scales} scales, got {out_field}"
            )
        super().__init__(in_field, Field(left, out_field.rep))
        joined = sum((in_field.rep for _ in range(depth - 1)), in_field.rep)
        self.base = Conv(Field(space.grid, joined), Field(space.grid, out_field.rep), kernel_size, bias=bias)
        self.depth = depth
        self.spread = Spread(left, self.base.kernel_size, padding_mode)

    def forward(self, x: Float[Tensor, "b c_in s *space"]) -> Float[Tensor, "b c_out t *space"]:
        """Join each scale with the coarser ones it sees, then convolve it."""
        check_signal(self.in_field, x, "ScaleConv")
        _check_scales(x, self.spread.scales + self.depth - 1)
        dtype = operator_dtype("dense", x)
        kernel, bias = self.base.kernel(dtype), self.base.expanded_bias()
        bias = None if bias is None else bias.to(dtype)
        return convolve_scales(x.to(dtype), kernel, bias, self.spread, self.depth)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(S - J + 1, *shape)."""
        return (shape[0] - self.depth + 1, *shape[1:])

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the convolutions."""
        return self.base.in_field.size * self.out_field.size * prod(shape[1:]) * sum(self.spread.taps)

    def export(self) -> nn.Module:
        """The same with the expanded kernel."""
        return PlainScales(self.base.kernel().detach(), self.base.expanded_bias(), self.spread, None, self.depth)

    def extra_repr(self) -> str:
        """Fields and depth."""
        return f"{self.in_field.rep} -> {self.out_field.rep} of {self.in_field.group}, depth {self.depth}"


class PlainScales(nn.Module):
    """The plain-torch form of `ScaleLift` and `ScaleConv`."""

    def __init__(
        self, kernel: Tensor, bias: Tensor | None, spread: Spread, smooth: Smoothing | None, depth: int
    ) -> None:
        super().__init__()
        self.kernel = nn.Parameter(kernel.clone())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())
        self.spread, self.smooth, self.depth = deepcopy(spread), deepcopy(smooth), depth  # casts of one leave the other

    def forward(self, x: Tensor) -> Tensor:
        """Smooth if it lifts, then convolve every scale."""
        lifted = x if self.smooth is None else torch.stack(self.smooth(x), dim=2)
        return convolve_scales(lifted, self.kernel, self.bias, self.spread, self.depth)


def convolve_scales(x: Tensor, kernel: Tensor, bias: Tensor | None, spread: Spread, depth: int) -> Tensor:
    """Every scale, joined with the depth - 1 coarser ones after it, met by the kernel spread for it."""
    found = []
    for k in range(spread.scales):
        joined = x[:, :, k] if depth == 1 else torch.cat([x[:, :, k + j] for j in range(depth)], dim=1)
        found.append(spread(joined, kernel, bias, k))
    return torch.stack(found, dim=2)


def _check_scales(x: Tensor, scales: int) -> None:
    if x.ndim < 4 or x.shape[2] != scales:
        raise DomainError(f"expected signals [B, C, {scales}, …] at {scales} scales, got {list(x.shape)}")
