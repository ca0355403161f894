"""Periodic signals: samples more on both sides, as they come around again.

`torch.nn.functional.pad` does the same, but leaves channels_last order and sums gradients over full copies of the
signal, which costs more than the convolution after it.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.errors import DomainError


def wrap(x: Float[Tensor, "b c *space"], sides: Sequence[int]) -> Float[Tensor, "b c *wider"]:
    """The periodic signal with so many samples more on both sides of each axis.

    Args:
        x: one period.
        sides: samples to add along each axis of space, not more than there are.

    Raises:
        DomainError: an axis is shorter than what is to be added.
    """
    check_period(tuple(x.shape[2:]), sides)
    return _Wrap.apply(x, tuple(sides)) if any(sides) else x


def check_period(shape: tuple[int, ...], sides: Sequence[int]) -> None:
    """Refuse to continue a periodic signal by more than a period.

    Args:
        shape: samples along each axis.
        sides: samples to add on both sides of each axis.

    Raises:
        DomainError: an axis is shorter than what is to be added.
    """
    if any(p > n for p, n in zip(sides, shape, strict=True)):
        raise DomainError(
            f"a periodic signal of {'×'.join(map(str, shape))} samples cannot be continued by "
            f"{'×'.join(map(str, sides))} on both sides. Fix: a smaller kernel or less dilation, or fewer scales."
        )


class _Wrap(torch.autograd.Function):
    """Join the ends; backwards, add what lies beyond them to the samples it was copied from."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, sides: tuple[int, ...]) -> Tensor:  # pyrefly: ignore[bad-override]
        for axis, p in enumerate(sides, 2):
            if p:
                n = x.shape[axis]
                x = torch.cat([x.narrow(axis, n - p, p), x, x.narrow(axis, 0, p)], axis)
        return x

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.sides = inputs

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # pyrefly: ignore[bad-override]
        for axis, p in enumerate(ctx.sides, 2):
            if p:
                n = grad.shape[axis] - 2 * p
                inner = grad.narrow(axis, p, n).clone()
                inner.narrow(axis, n - p, p).add_(grad.narrow(axis, 0, p))
                inner.narrow(axis, 0, p).add_(grad.narrow(axis, p + n, p))
                grad = inner
        return grad, None
