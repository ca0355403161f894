"""Local pooling that keeps the symmetry at every size, and the way back.

Before every s-th sample is kept, a binomial filter removes what would alias. Its number of taps and its padding
follow the parity of the input, so that (n + 2p - k) mod s = 0 always holds: a stride never moves the centre.
"""

from functools import lru_cache
from math import comb

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, check_signal, operator_dtype
from erlangen.errors import DomainError, NonlinearityError, UnknownName
from erlangen.grids.axes import along_axes, filter_matrix, linear_matrix
from erlangen.grids.groups import exact_for, is_finer
from erlangen.grids.line import convolve_line
from erlangen.grids.needs import needs_one_scale, needs_squares
from erlangen.grids.stride import spread

KINDS = ("blur", "max", "maxblur")
HALF = 64  # pixels up to which products of matrices in bfloat16 are faster than the filter in float32
CONV = {1: convolve_line, 2: functional.conv2d, 3: functional.conv3d}
MAX_POOL = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}


@lru_cache
def window(n: int, stride: int, least: int) -> tuple[int, int]:
    """Taps and padding of a window over n samples that keeps the centre: (n + 2p - k) mod s = 0, with ceil(n/s)
    outputs.

    Args:
        n: samples.
        stride: step s.
        least: smallest number of taps.
    """
    outputs = -(-n // stride)
    for taps in range(least, least + 2 * stride):
        twice = (outputs - 1) * stride + taps - n
        if twice >= 0 and twice % 2 == 0:
            return taps, twice // 2
    raise AssertionError  # two consecutive numbers of taps differ in parity, so one of them fits


@lru_cache
def binomial(taps: int) -> tuple[float, ...]:
    """The binomial filter of this many taps, with sum 1."""
    return tuple(comb(taps - 1, j) / 2 ** (taps - 1) for j in range(taps))


def taps_at_least(stride: int, wide: bool) -> int:
    """The smallest number of taps of the filter before every s-th sample is kept: 2s-1, or 2s+1 if it is wide."""
    return 2 * stride + 1 if wide and stride > 1 else 2 * stride - 1


def blur(x: Tensor, stride: tuple[int, ...], wide: bool = False) -> Tensor:
    """Filter every channel by the binomial and keep every s-th sample: one depthwise convolution, or three products.

    Args:
        x: [B, C, *space].
        stride: step along each axis.
        wide: two taps more.
    """
    windows = [window(n, s, taps_at_least(s, wide)) for n, s in zip(x.shape[2:], stride, strict=True)]
    half = x.dtype == torch.bfloat16 and x.device.type == "cpu" and max(x.shape[2:]) <= HALF
    if len(stride) == 3 or half:  # torch computes the gradient of a depthwise convolution of volumes slowly
        filters = [torch.tensor(binomial(count), dtype=torch.float64) for count, _ in windows]
        each = zip(filters, x.shape[2:], stride, windows, strict=True)
        return along_axes(x, [None if s == 1 else filter_matrix(f, n, s, p) for f, n, s, (_, p) in each])
    taps = torch.ones((), dtype=torch.float64)
    for count, _ in windows:
        taps = taps[..., None] * torch.tensor(binomial(count), dtype=torch.float64)
    dtype, channels = operator_dtype("filter", x), x.shape[1]
    weight = taps.to(device=x.device, dtype=dtype).expand(channels, 1, *taps.shape)
    with torch.autocast(x.device.type, enabled=False):
        y = CONV[len(stride)](x.to(dtype), weight, None, stride, [p for _, p in windows], (1,) * len(stride), channels)
    return y.to(x.dtype)


class Pool(EquivariantModule):
    """Anti-aliased pooling onto a grid coarser by a factor s.

    Law: f(g·x) = g·f(x) for every element of the point group, at every size.

    Args:
        field: type of input and output.
        stride: the factor s, one for each axis or one number.
        kind: "blur", a binomial filter of 2s-1 or 2s taps, or of two more where the group turns by angles that do not
            map pixels to pixels and aliases would not turn; "max", the maximum over s or s+1 samples; "maxblur", both.

    Raises:
        UnknownName: no such kind.
        NonlinearityError: "max" on channels that are not permuted.

    Source: binomial smoothing before sampling: Burt & Adelson 1983, "The Laplacian pyramid as a compact image code".
    """

    def __init__(self, field: Field, stride: "int | tuple[int, ...]" = 2, kind: str = "blur") -> None:
        super().__init__(field, field)
        needs_squares(field, "Pool", "HexPool, as space.coarsen(field) makes it")
        needs_one_scale(field, "Pool", "PoolEveryScale, as space.coarsen(field) makes it")
        if kind not in KINDS:
            raise UnknownName("kind of pooling", kind, KINDS)
        if kind != "blur" and not field.rep.is_permutation:
            raise NonlinearityError(
                f"the maximum over samples commutes with permutations of channels only, {field.rep} turns them. "
                "Fix: kind='blur'."
            )
        self.d = len(field.space.nominal_shape())
        self.stride, self.kind = spread(stride, self.d, "stride"), kind
        self.wide = is_finer(field.group, self.d)

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *coarse"]:
        """Filter, then keep every s-th sample."""
        check_signal(self.in_field, x, "Pool")
        return pool(x, self.stride, self.kind, self.wide)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Always for what maps pixels to pixels: taps and padding follow the size."""
        return True, exact_for(self.in_field.group, self.d, "up to aliasing") or "always (taps follow the size)"

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """ceil(n / s) along each axis."""
        return tuple(-(-n // s) for n, s in zip(shape, self.stride, strict=True))

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Taps of the filter at every output."""
        if self.kind == "max":
            return 0
        taps = [window(n, s, taps_at_least(s, self.wide))[0] for n, s in zip(shape, self.stride, strict=True)]
        return self.in_field.size * torch.Size(self.out_shape(shape)).numel() * torch.Size(taps).numel()

    def export(self) -> nn.Module:
        """The same filter."""
        return PlainPool(self.stride, self.kind, self.wide)

    def extra_repr(self) -> str:
        """Kind and stride."""
        return f"{self.kind}, stride {'×'.join(map(str, self.stride))}"


def pool(x: Tensor, stride: tuple[int, ...], kind: str, wide: bool = False) -> Tensor:
    """Pool a signal [B, C, *space] as `Pool` does."""
    d = len(stride)
    sizes = x.shape[2:]
    if not all(sizes):
        raise DomainError(f"a signal of {'×'.join(map(str, sizes))} points has nothing to pool")
    if kind == "max":
        windows = [window(n, s, s) for n, s in zip(sizes, stride, strict=True)]
        sides = [p for _, p in reversed(windows) for _ in range(2)]
        if any(sides):
            x = functional.pad(x, sides, value=float("-inf"))
        return MAX_POOL[d](x, [k for k, _ in windows], list(stride))
    if kind == "maxblur":
        x = MAX_POOL[d](x, 3, 1, 1)
    return blur(x, stride, wide)


class PlainPool(nn.Module):
    """The plain-torch form of `Pool`."""

    def __init__(self, stride: tuple[int, ...], kind: str, wide: bool) -> None:
        super().__init__()
        self.stride, self.kind, self.wide = stride, kind, wide

    def forward(self, x: Tensor) -> Tensor:
        """Filter, then keep every s-th sample."""
        return pool(x, self.stride, self.kind, self.wide)


class Upsample(EquivariantModule):
    """Linear interpolation onto the finer grid that `Pool` came from.

    Samples lie s apart about the centre: with s = 2, an even size became samples at the centres of pairs, an odd one
    samples at positions 0, 2, 4, …; both are undone.

    Law: f(g·x) = g·f(x) about the centre, at every size.

    Args:
        field: type of input and output.
        stride: as in `Pool`.
    """

    def __init__(self, field: Field, stride: "int | tuple[int, ...]" = 2) -> None:
        super().__init__(field, field)
        needs_squares(field, "Upsample", "HexUpsample, as space.refine(field) makes it")
        needs_one_scale(field, "Upsample")
        self.stride = spread(stride, len(field.space.nominal_shape()), "stride")

    def forward(self, x: Float[Tensor, "b c *coarse"], like: Float[Tensor, "b k *fine"]) -> Float[Tensor, "b c *fine"]:
        """Interpolate x onto the grid of `like`."""
        check_signal(self.in_field, x, "Upsample")
        return upsample(x, like, self.stride)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Always for what maps pixels to pixels."""
        return True, exact_for(self.in_field.group, len(shape), "up to interpolation") or "always"

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Three an axis and value."""
        return 3 * len(shape) * self.in_field.size * torch.Size(shape).numel()

    def export(self) -> nn.Module:
        """The same interpolation."""
        return PlainUpsample(self.stride)

    def extra_repr(self) -> str:
        """Stride."""
        return f"stride {'×'.join(map(str, self.stride))}"


class PlainUpsample(nn.Module):
    """The plain-torch form of `Upsample`."""

    def __init__(self, stride: tuple[int, ...]) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        """Interpolate x onto the grid of `like`."""
        return upsample(x, like, self.stride)


def upsample(x: Tensor, like: Tensor, stride: tuple[int, ...]) -> Tensor:
    """Linear interpolation along every axis, about the common centre of both grids.

    Raises:
        DomainError: x is not what pooling by this stride makes of a signal of the size of `like`.
    """
    fine = tuple(like.shape[2:])
    if tuple(x.shape[2:]) != tuple(-(-n // s) for n, s in zip(fine, stride, strict=True)):
        raise DomainError(
            f"{'×'.join(map(str, x.shape[2:]))} samples are not {'×'.join(map(str, fine))} pooled by "
            f"{'×'.join(map(str, stride))}. Fix: give Upsample the stride of the Pool, and the signal that was pooled."
        )
    each = zip(x.shape[2:], fine, stride, strict=True)
    return along_axes(x, [None if s == 1 else linear_matrix(_positions(m, n, s), m) for m, n, s in each])


def _positions(m: int, n: int, s: int) -> Tensor:
    """Where n samples lie between m that are s of them apart, about a common centre."""
    return (torch.arange(n, dtype=torch.float64) - (n - 1) / 2) / s + (m - 1) / 2
