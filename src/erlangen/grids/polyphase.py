"""Pooling that keeps every circular shift: of the s^d ways to keep each s-th sample, the strongest one is kept.

Keeping samples 0, s, 2s, … depends on where the grid begins; a signal shifted by one pixel gives other samples. Here
the samples that are kept are chosen by the signal itself: those whose values have the largest norm. A shifted signal
has the same s^d sets of samples (its *polyphase components*), only numbered otherwise, so it keeps the same values.
"""

from itertools import product
from math import gcd, prod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, check_channels, operator_dtype
from erlangen.errors import FieldError, NonlinearityError, UnknownName
from erlangen.grids.coarsen import CONV, MAX_POOL, binomial
from erlangen.grids.stride import spread

KINDS = ("blur", "plain", "max", "maxblur")


class PolyphasePool(EquivariantModule):
    """Pooling by a factor s that commutes with all circular shifts and with the point group.

    An axis of n samples is coarsened by gcd(n, s): a factor that does not divide n would make the shift by n, which
    is none, a shift of the output. So 7 stays 7 under s = 2.

    Law: f(t·x) = t′·f(x) for every circular shift t, where t′ is t/s rounded up or down; f(g·x) = g·f(x).
    Both hold unless two components have equal norms. Where a symmetry of x itself exchanges them, either choice is
    right up to that symmetry, so an invariant head sees no difference.

    Args:
        field: type of input and output.
        stride: the factor s, one for each axis or one number.
        kind: "blur", a circular binomial filter before; "plain", no filter; "max", the maximum over s+1 (s even) or s
            samples before; "maxblur", both.
        taps: taps of the binomial filter, an odd number; None takes 2s-1.

    Raises:
        UnknownName: no such kind.
        NonlinearityError: "max" on channels that are not permuted; a representation that changes norms.
        FieldError: an even number of taps.

    Source: Chaman & Dokmanić 2021, arXiv 2011.14214.
    """

    def __init__(
        self, field: Field, stride: "int | tuple[int, ...]" = 2, kind: str = "blur", taps: int | None = None
    ) -> None:
        super().__init__(field, field)
        self.phases = Phases(field, stride, kind, taps)

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *coarse"]:
        """Filter, then keep the strongest polyphase component of every example."""
        check_channels(self.in_field, x.shape[1], "PolyphasePool")
        return self.phases.keep(x)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Always: an axis that the stride does not divide is not coarsened."""
        return True, "always (axes are divided by gcd(n, s))"

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """n / gcd(n, s) along each axis."""
        return tuple(n // s for n, s in zip(shape, self.phases.steps(shape), strict=True))

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """The filter at every sample, and a square for the norm."""
        return self.in_field.size * prod(shape) * (1 + prod(self.phases.taps_at(shape)))

    def export(self) -> nn.Module:
        """The same choice in plain torch."""
        return PlainPolyphasePool(self.phases)

    def extra_repr(self) -> str:
        """Kind and stride."""
        return f"{self.phases.kind}, stride {'×'.join(map(str, self.phases.stride))}"


class PolyphaseUpsample(EquivariantModule):
    """The way back from `PolyphasePool`: samples return to where they were taken from, linear interpolation between.

    Law: f(t·y, like=t·x) = t·f(y, like=x) for every circular shift t of the fine grid; likewise for the point group.

    Args:
        field: type of input and output.
        like: type of the fine signal that `PolyphasePool` coarsened.
        stride: as in `PolyphasePool`.
        kind: as in `PolyphasePool`, which decides which samples it kept.
        taps: as in `PolyphasePool`.
    """

    def __init__(
        self,
        field: Field,
        like: Field | None = None,
        stride: "int | tuple[int, ...]" = 2,
        kind: str = "blur",
        taps: int | None = None,
    ) -> None:
        super().__init__(field, field)
        self.phases = Phases(field if like is None else like, stride, kind, taps)

    def forward(self, x: Float[Tensor, "b c *coarse"], like: Float[Tensor, "b k *fine"]) -> Float[Tensor, "b c *fine"]:
        """Put x back onto the grid of `like`, from which it was taken, and interpolate."""
        check_channels(self.in_field, x.shape[1], "PolyphaseUpsample")
        return self.phases.put_back(x, like)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """The filters at every sample of the fine grid."""
        taps = prod(2 * s - 1 for s in self.phases.steps(shape)) + prod(self.phases.taps_at(shape)) + 1
        return self.in_field.size * prod(shape) * taps

    def export(self) -> nn.Module:
        """The same in plain torch."""
        return PlainPolyphaseUpsample(self.phases)

    def extra_repr(self) -> str:
        """Kind and stride."""
        return f"{self.phases.kind}, stride {'×'.join(map(str, self.phases.stride))}"


class Phases:
    """Which samples of a signal are kept: the filter before, the choice, and the way back.

    Args:
        field: type of the fine signal.
        stride: the factor s.
        kind: of `PolyphasePool`.
        taps: of the binomial filter.
    """

    def __init__(self, field: Field, stride: "int | tuple[int, ...]", kind: str, taps: int | None) -> None:
        if kind not in KINDS:
            raise UnknownName("kind of polyphase pooling", kind, KINDS)
        if kind.startswith("max") and not field.rep.is_permutation:
            raise NonlinearityError(
                f"the maximum over samples commutes with permutations of channels only, {field.rep} turns them. "
                "Fix: kind='blur' or 'plain'."
            )
        if not field.rep.is_orthogonal:
            raise NonlinearityError(
                f"samples are kept by their norm, which {field.rep} of {field.group} does not leave alone. "
                "Fix: an orthogonal representation, or Pool."
            )
        if taps is not None and (taps < 1 or taps % 2 == 0):
            raise FieldError(f"the filter needs an odd number of taps, so that it has a centre; got taps={taps}")
        self.stride, self.kind, self.taps = spread(stride, len(field.space.nominal_shape()), "stride"), kind, taps

    def steps(self, shape: "tuple[int, ...] | torch.Size") -> tuple[int, ...]:
        """gcd(n, s) along every axis."""
        return tuple(gcd(n, s) for n, s in zip(shape, self.stride, strict=True))

    def taps_at(self, shape: "tuple[int, ...] | torch.Size") -> tuple[int, ...]:
        """Taps of the binomial filter along every axis: one where nothing is coarsened, and none that wrap twice."""
        if self.kind in ("plain", "max"):
            return (1,) * len(self.stride)
        found = (1 if s == 1 else 2 * s - 1 if self.taps is None else self.taps for s in self.steps(shape))
        return tuple(min(k, 2 * n - 1) for k, n in zip(found, shape, strict=True))

    def keep(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *coarse"]:
        """The strongest polyphase component."""
        x = self._filtered(x)
        steps = self.steps(x.shape[2:])
        chosen = strongest(x, steps).view(-1, *[1] * (x.ndim - 1))
        offsets = list(product(*(range(s) for s in steps)))
        kept = _component(x, offsets[0], steps)
        for i, offset in enumerate(offsets[1:], 1):
            kept = torch.where(chosen == i, _component(x, offset, steps), kept)
        return kept

    def put_back(self, y: Float[Tensor, "b c *coarse"], like: Float[Tensor, "b k *fine"]) -> Float[Tensor, "b c *fine"]:
        """Samples at the places that `keep(like)` took, zeros between, and a circular triangle filter over all."""
        fine = tuple(like.shape[2:])
        steps = self.steps(fine)
        if tuple(y.shape[2:]) != tuple(n // s for n, s in zip(fine, steps, strict=True)):
            raise FieldError(
                f"PolyphaseUpsample got {'×'.join(map(str, y.shape[2:]))} samples for a fine grid of "
                f"{'×'.join(map(str, fine))} coarsened by {'×'.join(map(str, steps))}. Fix: give it what PolyphasePool "
                "made of `like`, at its size."
            )
        if prod(steps) == 1:
            return y
        chosen = strongest(self._filtered(like), steps).view(-1, *[1] * (y.ndim - 1))
        zero = torch.zeros_like(y)
        spread_out = torch.stack([torch.where(chosen == i, y, zero) for i in range(prod(steps))], dim=2)
        d = len(steps)
        lattice = spread_out.unflatten(2, steps)  # [B, C, *steps, *coarse]
        order = [0, 1, *(axis for i in range(d) for axis in (2 + d + i, 2 + i))]
        lattice = lattice.permute(order).reshape(*y.shape[:2], *fine)
        return circular_filter(lattice, [triangle(s) for s in steps])

    def _filtered(self, x: Tensor) -> Tensor:
        shape = x.shape[2:]
        if self.kind.startswith("max"):
            x = circular_maximum(x, [1 if s == 1 else s + 1 - s % 2 for s in self.steps(shape)])
        return circular_filter(x, [binomial(k) for k in self.taps_at(shape)])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Phases) and vars(self) == vars(other)

    __hash__ = object.__hash__


def strongest(x: Float[Tensor, "b c *space"], steps: tuple[int, ...]) -> Int[Tensor, " b"]:
    """The number of the polyphase component with the largest norm, of every example.

    Args:
        x: the signal.
        steps: how many components there are along each axis; each divides its size.
    """
    wide = x if x.dtype == torch.float64 else x.float()
    energy = wide.square().sum(1)
    axes: list[int] = []
    for n, s in zip(x.shape[2:], steps, strict=True):
        axes += [n // s, s]
    energy = energy.reshape(x.shape[0], *axes)
    return energy.sum(dim=[1 + 2 * i for i in range(len(steps))]).flatten(1).argmax(1)


def triangle(s: int) -> tuple[float, ...]:
    """The filter of linear interpolation between samples s apart: 1/s, 2/s, …, 1, …, 1/s."""
    return tuple((s - abs(j)) / s for j in range(1 - s, s))


def circular_filter(x: Tensor, filters: "list[tuple[float, ...]]") -> Tensor:
    """One depthwise convolution of a periodic signal with the product of filters of odd length, one for each axis."""
    if all(len(f) == 1 for f in filters):
        return x
    taps = torch.ones((), dtype=torch.float64)
    for f in filters:
        taps = taps[..., None] * torch.tensor(f, dtype=torch.float64)
    dtype, channels = operator_dtype("depthwise", x), x.shape[1]
    weight = taps.to(device=x.device, dtype=dtype).expand(channels, 1, *taps.shape)
    with torch.autocast(x.device.type, enabled=False):
        d = len(filters)
        padded = wrap(x.to(dtype), [len(f) // 2 for f in filters])
        y = CONV[d](padded, weight, None, (1,) * d, (0,) * d, (1,) * d, channels)
    return y.to(x.dtype)


def circular_maximum(x: Tensor, windows: list[int]) -> Tensor:
    """The maximum over a window of odd length along each axis of a periodic signal."""
    if all(k == 1 for k in windows):
        return x
    return MAX_POOL[len(windows)](wrap(x, [k // 2 for k in windows]), windows, 1)


def wrap(x: Tensor, sides: list[int]) -> Tensor:
    """The periodic signal with so many samples more on both sides of each axis."""
    return functional.pad(x, [p for p in reversed(sides) for _ in range(2)], mode="circular")


def _component(x: Tensor, offset: tuple[int, ...], steps: tuple[int, ...]) -> Tensor:
    return x[(slice(None), slice(None), *(slice(o, None, s) for o, s in zip(offset, steps, strict=True)))]


class PlainPolyphasePool(nn.Module):
    """The plain-torch form of `PolyphasePool`."""

    def __init__(self, phases: Phases) -> None:
        super().__init__()
        self.phases = phases

    def forward(self, x: Tensor) -> Tensor:
        """Filter, then keep the strongest polyphase component."""
        return self.phases.keep(x)


class PlainPolyphaseUpsample(nn.Module):
    """The plain-torch form of `PolyphaseUpsample`."""

    def __init__(self, phases: Phases) -> None:
        super().__init__()
        self.phases = phases

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        """Put x back onto the grid of `like`, and interpolate."""
        return self.phases.put_back(x, like)
