"""Augmentation by the exact elements of a finite group: signals move, and so do targets that live on the domain."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from erlangen.blueprint import Classify, Field, Segment, Space, Task
from erlangen.errors import DomainError
from erlangen.point import Point
from erlangen.symmetry import FiniteGroup, Representation


class RandomElement:
    """Every example of a batch moved by an element of a finite group, drawn for itself: exact, nothing is interpolated.

    Where the sizes of the axes differ, a turned example has another shape, and one element is drawn for the batch.

    Args:
        field: the type of the signals: domain, group, representation of the channels.
        task: what the targets are; they are moved with the signal, by its representation. None: targets stay.

    Law: (x, y) becomes (g·x, ρ(g) y) with g uniform on G and ρ the representation of the task.

    Raises:
        DomainError: the group is not finite.
    """

    def __init__(self, field: Field, task: Task | None = None) -> None:
        if not isinstance(field.group, FiniteGroup):
            raise DomainError(f"augmentation by {field.group} needs a finite group, such as 'C4', 'D1' or 'RC'")
        self.field, self.task, self.order = field, task, len(field.group.table)

    def __call__(self, signal: Tensor, generator: torch.Generator) -> Tensor:
        """The moved signals [B, C, *shape]."""
        return self._moved(signal, self._draw(len(signal), signal.shape[2:], generator), self.field.act)

    def targets(self, target: Tensor, generator: torch.Generator) -> Tensor:
        """Targets that live on the domain or whose classes the group exchanges, moved as `self` moves their signals."""
        if self.task is None:
            return target
        rep = self.task.out_rep(self.field.group)
        if rep.is_trivial and not self.task.dense:
            return target
        sizes = target.shape[target.ndim - self._axes :] if self.task.dense else self.field.space.nominal_shape()
        drawn = self._draw(len(target), sizes, generator)
        if isinstance(self.task, Classify | Segment) and not target.is_floating_point():  # labels, not scores
            return self._moved(target, drawn, lambda g, labels: self._labels(g, labels, rep))
        home: Space = self.field.space if self.task.dense else Point()
        values = target if target.is_floating_point() else target.float()
        return self._moved(values, drawn, lambda g, values: home.act(g, values, rep))

    @property
    def _axes(self) -> int:
        return len(self.field.space.nominal_shape())

    def _draw(self, count: int, sizes: Sequence[int], generator: torch.Generator) -> Tensor:
        """An element an example; one for all where the axes differ in size, since what it moves must stack."""
        drawn = torch.randint(self.order, (count,), generator=generator)
        return drawn if len(set(sizes)) < 2 else drawn[:1].expand(count)

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
        """Labels [B] or [B, *shape], of classes that the group may exchange; -1 stays."""
        moved = labels
        if labels.ndim > 1:
            moved = self.field.space.act(g, labels.unsqueeze(1), rep.group.representation(1)).squeeze(1)
        if rep.is_trivial:
            return moved
        image = rep.apply(g, torch.eye(rep.size), dim=0).argmax(0).to(labels.device)  # where each class goes
        return torch.where(moved < 0, moved, image[moved.clamp(min=0)])
