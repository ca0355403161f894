"""What a network is for: the type of its output, its loss and its metrics."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from erlangen.errors import FieldError, UnknownName
from erlangen.symmetry import Group, Representation


@dataclass(frozen=True)
class Task(ABC):
    """The head a network needs and how its output is judged."""

    name: ClassVar[str]
    dense: ClassVar[bool] = False  # whether the output lives on the domain

    @abstractmethod
    def out_rep(self, group: Group) -> Representation:
        """Representation of the output channels."""

    @abstractmethod
    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean loss over a batch, in float32."""

    def describe(self) -> dict[str, Any]:
        """A JSON-able description; `task_from` reads it."""
        return {"task": self.name, **asdict(self)}


@dataclass(frozen=True)
class Classify(Task):
    """One of n classes for a whole signal; the output is invariant.

    Args:
        classes: number of classes n.
        label_smoothing: share of the target spread over all classes.
    """

    classes: int
    label_smoothing: float = 0.0
    name: ClassVar[str] = "classify"

    def out_rep(self, group: Group) -> Representation:
        """n trivial."""
        return self.classes * group.trivial

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross entropy of logits [B, n] and labels [B]."""
        return functional.cross_entropy(output.float(), target, label_smoothing=self.label_smoothing)


@dataclass(frozen=True)
class Regress(Task):
    """k invariant numbers for a whole signal.

    Args:
        outputs: how many numbers k.
    """

    outputs: int = 1
    name: ClassVar[str] = "regress"

    def out_rep(self, group: Group) -> Representation:
        """k trivial."""
        return self.outputs * group.trivial

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean squared error of [B, k]."""
        return functional.mse_loss(output.float(), target.float().reshape(output.shape))


@dataclass(frozen=True)
class Segment(Task):
    """One of n classes at every point of the domain (pixel, voxel, node); the output is equivariant.

    Args:
        classes: number of classes n. Targets of -1 are left out.
    """

    classes: int
    name: ClassVar[str] = "segment"
    dense: ClassVar[bool] = True

    def out_rep(self, group: Group) -> Representation:
        """n trivial channels at every point."""
        return self.classes * group.trivial

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross entropy over the points that have a label; 0 where none has."""
        total = functional.cross_entropy(output.float(), target, ignore_index=-1, reduction="sum")
        return total / (target != -1).sum().clamp(min=1)


@dataclass(frozen=True)
class Predict(Task):
    """A field at every point: vectors, stranded tracks, anything that carries a representation.

    Args:
        rep: representation of the output, in string form.
    """

    rep: str
    name: ClassVar[str] = "predict"
    dense: ClassVar[bool] = True

    def out_rep(self, group: Group) -> Representation:
        """The declared representation."""
        return group.representation(self.rep)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean squared error."""
        return functional.mse_loss(output.float(), target.to(torch.float32))


_TASKS = {t.name: t for t in (Classify, Regress, Segment, Predict)}


def task_from(description: dict[str, Any]) -> Task:
    """The task that `Task.describe` described.

    Raises:
        UnknownName: no task has this name.
        FieldError: its options are wrong.
    """
    options = dict(description)
    name = options.pop("task", None)
    if name not in _TASKS:
        raise UnknownName("task", name, sorted(_TASKS))
    try:
        return _TASKS[name](**options)
    except TypeError as error:
        raise FieldError(f"task {name!r}: {error}") from error
