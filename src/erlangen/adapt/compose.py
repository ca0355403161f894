"""Several augmentations one after the other, each with a stream of random numbers of its own."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Step = Callable[[Any, torch.Generator], Any]


class Compose:
    """Augmentations one after the other.

    Args:
        steps: `step(signal, generator)`; those with a method `targets(target, generator)` move the targets too.

    Law: with the same generator, `targets` draws for every step what the call drew.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)

    def __call__(self, signal: Any, generator: torch.Generator) -> Any:
        """The signals after all steps."""
        for step, own in zip(self.steps, self._streams(generator), strict=True):
            signal = step(signal, own)
        return signal

    def targets(self, target: Tensor, generator: torch.Generator) -> Tensor:
        """The targets, moved by every step that moves targets."""
        for step, own in zip(self.steps, self._streams(generator), strict=True):
            move = getattr(step, "targets", None)
            target = target if move is None else move(target, own)
        return target

    def _streams(self, generator: torch.Generator) -> list[torch.Generator]:
        seeds = torch.randint(2**62, (len(self.steps),), generator=generator).tolist()
        return [torch.Generator().manual_seed(seed) for seed in seeds]


class KeepsTargets:
    """What changes values and moves no point: targets stay, also those that live on the domain."""

    def targets(self, target: Tensor, generator: torch.Generator) -> Tensor:
        """The targets as they are."""
        return target


def uniform(low: float, high: float, count: int, generator: torch.Generator) -> Tensor:
    """Uniform numbers between two bounds, [count]."""
    return low + (high - low) * torch.rand(count, generator=generator)
