"""Local pooling on a hexagonal grid, exact for every radius, and the way back.

Of a hexagon of radius R every s-th cell along both axes is kept, counted from the centre: a hexagon of radius R // s.
The points s·(q, r) are a hexagonal lattice too, so no rotation by 60° and no mirror is lost.
"""

from functools import lru_cache
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, check_signal, operator_dtype
from erlangen.errors import DomainError, NonlinearityError, UnknownName
from erlangen.grids.hexagon.lattice import hexagon, masked, radius_of

KINDS = ("blur", "max", "maxblur")
STEPS = ((1, 0), (-1, 1), (0, -1))
"""Three of the six neighbours (q, r), 120° apart; they add up to nothing."""


@lru_cache
def box_spline(stride: int) -> list[list[float]]:
    """The filter Π_d (1 + z^d + … + z^((s-1)d)) / s over the three directions d: 2s-1 rows and columns, with sum 1.

    It vanishes at every frequency that sampling by s folds onto zero; s = 2 gives 1/4 at the centre and 1/8 at each
    neighbour.
    """
    taps = [[0.0] * (2 * stride - 1) for _ in range(2 * stride - 1)]
    for steps in product(range(stride), repeat=3):
        q = sum(n * d[0] for n, d in zip(steps, STEPS, strict=True))
        r = sum(n * d[1] for n, d in zip(steps, STEPS, strict=True))
        taps[r + stride - 1][q + stride - 1] += stride**-3
    return taps


def blur_cells(x: Tensor, stride: int) -> Tensor:
    """Filter every channel by the box spline and keep every s-th cell: one depthwise convolution."""
    radius, channels = radius_of(x.shape[2:]), x.shape[1]
    dtype = operator_dtype("filter", x)
    taps = torch.tensor(box_spline(stride), dtype=dtype, device=x.device)
    weight = taps.expand(channels, 1, *taps.shape)
    with torch.autocast(x.device.type, enabled=False):
        y = functional.conv2d(x.to(dtype), weight, None, stride, stride - 1 - radius % stride, 1, channels)
    return masked(y).to(x.dtype)


def largest_around(x: Tensor, reach: int) -> Tensor:
    """The maximum over the hexagon of radius `reach` about every cell; dead cells take no part, and hold zero."""
    n = x.shape[-1]
    alive = hexagon(n, x.device)
    y = functional.pad(x.masked_fill(~alive, float("-inf")), (reach,) * 4, value=float("-inf"))
    for q, r in STEPS:  # a hexagon is the sum of three segments; what wraps around is cut off below
        for _ in range(reach):
            y = torch.maximum(y, y.roll((r, q), dims=(-2, -1)))
    return y[..., reach : reach + n, reach : reach + n].masked_fill(~alive, 0.0)


def pool_cells(x: Tensor, stride: int, kind: str) -> Tensor:
    """Pool a signal [B, C, 2R+1, 2R+1] as `HexPool` does."""
    radius = radius_of(x.shape[2:])
    if kind == "blur":
        return blur_cells(x, stride)
    peaks = largest_around(x, stride // 2)
    if kind == "maxblur":
        return blur_cells(peaks, stride)
    start = radius % stride
    return masked(peaks[..., start::stride, start::stride])


def _checked_stride(stride: "int | tuple[int, ...] | list[int]") -> int:
    steps = set(stride) if isinstance(stride, (tuple, list)) else {stride}
    step = steps.pop() if len(steps) == 1 else 0
    if not isinstance(step, int) or step < 1:
        raise DomainError(f"a hexagonal grid is coarsened by one whole number >= 1, got stride={stride!r}")
    return step


class HexPool(EquivariantModule):
    """Anti-aliased pooling of a hexagon of radius R onto one of radius R // s.

    Law: f(g·x) = g·f(x) for every element of the point group, at every radius.

    Args:
        field: type of input and output.
        stride: the factor s.
        kind: "blur", a box spline of radius s-1; "max", the maximum over a hexagon of radius s // 2; "maxblur", both.

    Raises:
        UnknownName: no such kind.
        NonlinearityError: "max" on channels that are not permuted.
        DomainError: the factor is no whole number, or differs along the axes.

    Source: C. de Boor, K. Höllig, S. Riemenschneider 1993, Box Splines (the three-direction mesh).
    """

    def __init__(self, field: Field, stride: int = 2, kind: str = "blur") -> None:
        super().__init__(field, field)
        if kind not in KINDS:
            raise UnknownName("kind of pooling", kind, KINDS)
        if kind != "blur" and not field.rep.is_permutation:
            raise NonlinearityError(
                f"the maximum over cells commutes with permutations of channels only, {field.rep} turns them. "
                "Fix: kind='blur'."
            )
        self.stride, self.kind = _checked_stride(stride), kind

    def forward(self, x: Float[Tensor, "b c n n"]) -> Float[Tensor, "b c m m"]:
        """Filter, then keep every s-th cell."""
        check_signal(self.in_field, x, "HexPool")
        return pool_cells(x, self.stride, self.kind)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """At every radius."""
        radius_of(shape)
        return True, "at every radius"

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The box of radius R // s."""
        return (2 * (radius_of(shape) // self.stride) + 1,) * 2

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Taps of the filter at every output."""
        taps = 0 if self.kind == "max" else (2 * self.stride - 1) ** 2
        return self.in_field.size * torch.Size(self.out_shape(shape)).numel() * taps

    def export(self) -> nn.Module:
        """The same filter."""
        return PlainHexPool(self.stride, self.kind)

    def extra_repr(self) -> str:
        """Kind and stride."""
        return f"{self.kind}, stride {self.stride}"


class PlainHexPool(nn.Module):
    """The plain-torch form of `HexPool`."""

    def __init__(self, stride: int, kind: str) -> None:
        super().__init__()
        self.stride, self.kind = stride, kind

    def forward(self, x: Tensor) -> Tensor:
        """Filter, then keep every s-th cell."""
        return pool_cells(x, self.stride, self.kind)


class HexUpsample(EquivariantModule):
    """Linear interpolation on triangles onto the finer hexagon that `HexPool` with stride 2 came from.

    A cell between two coarse ones takes their mean; at the rim of an odd radius, where one is missing, the other.

    Law: f(g·x) = g·f(x), at every radius.
    """

    def __init__(self, field: Field) -> None:
        super().__init__(field, field)

    def forward(self, x: Float[Tensor, "b c m m"], like: Float[Tensor, "b k n n"]) -> Float[Tensor, "b c n n"]:
        """Interpolate x onto the cells of `like`."""
        check_signal(self.in_field, x, "HexUpsample")
        return refine_cells(x, like)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Nine a coarse value."""
        return 9 * self.in_field.size * torch.Size(shape).numel()

    def export(self) -> nn.Module:
        """The same interpolation."""
        return PlainHexUpsample()


class PlainHexUpsample(nn.Module):
    """The plain-torch form of `HexUpsample`."""

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        """Interpolate x onto the cells of `like`."""
        return refine_cells(x, like)


def refine_cells(x: Tensor, like: Tensor) -> Tensor:
    """Spread every cell over the hexagon of radius 1 about its place in the finer grid, with weights that add up to 1.

    Raises:
        DomainError: x is not of half the radius of `like`, rounded down.
    """
    coarse, fine = radius_of(x.shape[2:]), radius_of(like.shape[2:])
    if fine // 2 != coarse:
        raise DomainError(
            f"a hexagon of radius {coarse} refines to radius {2 * coarse} or {2 * coarse + 1}, not {fine}"
        )
    channels, dtype = x.shape[1], operator_dtype("filter", x)
    hat = 4 * torch.tensor(box_spline(2), dtype=dtype, device=x.device)
    with torch.autocast(x.device.type, enabled=False):
        padding = 1 - fine % 2
        weight = hat.expand(channels, 1, 3, 3)
        y = functional.conv_transpose2d(masked(x).to(dtype), weight, None, 2, padding, groups=channels)
        alive = hexagon(x.shape[-1], x.device).to(dtype)[None, None]
        share = functional.conv_transpose2d(alive, hat[None, None], None, 2, padding)
    return masked(y / share.clamp(min=0.5)).to(x.dtype)
