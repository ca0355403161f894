"""Augmentation by the exact elements of a finite group: signals move, and so do targets that live on the domain."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from erlangen.blueprint import Field, Task
from erlangen.errors import DomainError
from erlangen.symmetry import FiniteGroup, Representation


class RandomElement:
    """Every example of a batch moved by an element of a finite group, drawn for itself: exact, nothing is interpolated.

    Where the sizes of the axes differ, a turned example has another shape, and one element is drawn for the batch.

    Args:
        field: the type of the signals: domain, group, representation of the channels.
        task: what the targets are; targets of a dense task are moved with the signal. None: targets stay.

    Law: (x, y) becomes (g·x, g·y) with g uniform on G; y stays if it is invariant.

    Raises:
        DomainError: the group is not finite.
    """

    def __init__(self, field: Field, task: Task | None = None) -> None:
        if not isinstance(field.group, FiniteGroup):
            raise DomainError(f"augmentation by {field.group} needs a finite group, such as 'C4', 'D1' or 'RC'")
        self.field, self.task, self.order = field, task, len(field.group.table)

    def __call__(self, signal: Tensor, generator: torch.Generator) -> Tensor:
        """The moved signals [B, C, *shape]."""
        return self._moved(signal, self._draw(signal, generator), self.field.act)

    def targets(self, target: Tensor, generator: torch.Generator) -> Tensor:
        """Targets that live on the domain, moved as `self(signal, generator)` moves their signals."""
        if self.task is None or not self.task.dense:
            return target
        drawn, rep = self._draw(target, generator), self.task.out_rep(self.field.group)
        if target.is_floating_point():
            return self._moved(target, drawn, Field(self.field.space, rep).act)
        return self._moved(target, drawn, lambda g, labels: self._labels(g, labels, rep))

    def _draw(self, x: Tensor, generator: torch.Generator) -> Tensor:
        drawn = torch.randint(self.order, (len(x),), generator=generator)
        sizes = x.shape[x.ndim - len(self.field.space.nominal_shape()) :]
        return drawn if len(set(sizes)) < 2 else drawn[:1].expand(len(x))

    def _moved(self, x: Tensor, drawn: Tensor, act: Callable[[Any, Tensor], Tensor]) -> Tensor:
        if len(x) and bool((drawn == drawn[0]).all()):
            return act(int(drawn[0]), x)
        result = x.clone()
        for g in range(1, self.order):
            rows = (drawn == g).nonzero().flatten().to(x.device)
            if len(rows):
                result[rows] = act(g, x[rows])
        return result

    def _labels(self, g: int, labels: Tensor, rep: Representation) -> Tensor:
        """Labels [B, *shape] of classes that the group exchanges; -1 stays."""
        points = Field(self.field.space, rep.group.trivial)
        moved = points.act(g, labels.unsqueeze(1)).squeeze(1)
        if rep.is_trivial:
            return moved
        image = rep.apply(g, torch.eye(rep.size), dim=0).argmax(0).to(labels.device)  # where each class goes
        return torch.where(moved < 0, moved, image[moved.clamp(min=0)])
