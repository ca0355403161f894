"""The polyphase components of periodic signals: which of them is kept, and the way back."""

from itertools import product
from math import gcd, prod
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from erlangen.blueprint import Field, operator_dtype
from erlangen.errors import FieldError, NonlinearityError, UnknownName
from erlangen.grids.coarsen import CONV, MAX_POOL, binomial
from erlangen.grids.needs import needs_one_scale, needs_orthogonal
from erlangen.grids.stride import spread
from erlangen.grids.wrap import wrap

KINDS = ("blur", "plain", "max", "maxblur")


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
        needs_orthogonal(field, "Polyphase pooling")
        needs_one_scale(field, "Polyphase pooling", "PoolEveryScale")
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
        return _Keep.apply(x, chosen, steps)

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
        lattice = interleaved(spread_out, steps)
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
    dtype, channels = operator_dtype("filter", x), x.shape[1]
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


class _Keep(torch.autograd.Function):
    """One polyphase component of every example; backwards, its gradient in its places and zeros in the others."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, chosen: Tensor, steps: tuple[int, ...]) -> Tensor:  # pyrefly: ignore[bad-override]
        places = _components(x.ndim, steps)
        kept = x[places[0]]
        for i, place in enumerate(places[1:], 1):
            kept = torch.where(chosen == i, x[place], kept)
        return kept

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, chosen, ctx.steps = inputs
        ctx.shape = x.shape
        ctx.save_for_backward(chosen)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # pyrefly: ignore[bad-override]
        (chosen,) = ctx.saved_tensors
        parts = torch.stack([grad * (chosen == i) for i in range(prod(ctx.steps))], dim=2)
        return interleaved(parts, ctx.steps), None, None


def interleaved(parts: Float[Tensor, "b c phases *coarse"], steps: tuple[int, ...]) -> Float[Tensor, "b c *fine"]:
    """The signal with these polyphase components."""
    d = len(steps)
    lattice = parts.unflatten(2, steps)  # [B, C, *steps, *coarse]
    order = [0, 1, *(axis for i in range(d) for axis in (2 + d + i, 2 + i))]
    fine = [n * s for n, s in zip(parts.shape[3:], steps, strict=True)]
    return lattice.permute(order).reshape(*parts.shape[:2], *fine)


def _components(ndim: int, steps: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Where each polyphase component lies."""
    whole = (slice(None),) * (ndim - len(steps))
    offsets = product(*(range(s) for s in steps))
    return [(*whole, *(slice(o, None, s) for o, s in zip(offset, steps, strict=True))) for offset in offsets]
