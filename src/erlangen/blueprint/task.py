"""What a network is for: the type of its output, its loss and its metrics."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, replace
from math import inf, isfinite
from numbers import Integral
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

    def values(self, output: Tensor) -> Tensor:
        """What an output says, in the units of the target."""
        return output

    def of_scalars(self, group: Group) -> "Task":
        """The same task for a network without the symmetry: outputs that `group` exchanges are as many scalars."""
        if getattr(self, "rep", None) is None:
            return self
        changes: dict[str, Any] = {"rep": f"{self.out_rep(group).size} trivial"}
        return replace(self, **changes)

    def describe(self) -> dict[str, Any]:
        """A JSON-able description; `task_from` reads it."""
        return {"task": self.name, **asdict(self)}


def _count(value: Any, of: str, what: str) -> int:
    """A whole number, at least 1."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise FieldError(f"{of} needs a whole number, at least one {what}; got {value!r}")
    return int(value)


def _is_number(value: Any, least: float = 0.0, most: float = inf) -> bool:
    """Whether a finite number lies in bounds."""
    return isinstance(value, int | float) and isfinite(value) and least <= value <= most


@dataclass(frozen=True)
class Classify(Task):
    """One of n classes for a whole signal; the output is invariant, or turns with the classes.

    Args:
        classes: number of classes n.
        label_smoothing: share of the target spread over all classes.
        weights: what each class counts in the loss, such as inverse frequencies; None counts every example alike.
        rep: representation of the classes, in string form, where the symmetry exchanges them (the strand that a gene
            is on, its reading frame); None leaves every class as it is.

    Raises:
        FieldError: no whole number of classes; not as many weights as classes; weights or a smoothing that are none.
    """

    classes: int
    label_smoothing: float = 0.0
    weights: tuple[float, ...] | None = None
    rep: str | None = None
    name: ClassVar[str] = "classify"

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", _count(self.classes, "Classify(n)", "class"))
        if not _is_number(self.label_smoothing, 0.0, 1.0):
            raise FieldError(f"label_smoothing is a share in [0, 1], got {self.label_smoothing!r}")
        if self.weights is not None:
            object.__setattr__(self, "weights", tuple(float(w) for w in self.weights))
            if len(self.weights) != self.classes:
                raise FieldError(f"Classify({self.classes}) needs {self.classes} weights, got {len(self.weights)}")
            if not all(_is_number(w) for w in self.weights) or not any(self.weights):
                raise FieldError(f"weights of classes are not negative, and not all 0; got {self.weights}")

    def out_rep(self, group: Group) -> Representation:
        """n trivial, or the declared representation.

        Raises:
            FieldError: the declared representation does not have n channels.
        """
        return _classes(group, self.classes, self.rep, "Classify")

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross entropy of logits [B, n] and labels [B]."""
        weights = None if self.weights is None else torch.tensor(self.weights, device=output.device)
        return functional.cross_entropy(output.float(), target, weights, label_smoothing=self.label_smoothing)


@dataclass(frozen=True)
class Regress(Task):
    """k invariant numbers for a whole signal.

    Args:
        outputs: how many numbers k.

    Raises:
        FieldError: no whole number of outputs.
    """

    outputs: int = 1
    name: ClassVar[str] = "regress"

    def __post_init__(self) -> None:
        object.__setattr__(self, "outputs", _count(self.outputs, "Regress(k)", "output"))

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
        dice: weight of the soft Dice loss of the classes 1 … n-1 (0 is the background) beside the cross entropy; if it
            is not 0, Dice coefficients are reported too.
        rep: representation of the classes, in string form, where the symmetry exchanges them (left and right, the
            letters of a strand); None leaves every class as it is.

    Raises:
        FieldError: no whole number of classes, or a negative weight.
    """

    classes: int
    dice: float = 0.0
    rep: str | None = None
    name: ClassVar[str] = "segment"
    dense: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", _count(self.classes, "Segment(n)", "class"))
        if not _is_number(self.dice):
            raise FieldError(f"dice is the weight of a loss, at least 0; got {self.dice!r}")

    def out_rep(self, group: Group) -> Representation:
        """n trivial channels at every point, or the declared representation.

        Raises:
            FieldError: the declared representation does not have n channels.
        """
        return _classes(group, self.classes, self.rep, "Segment")

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross entropy over the points that have a label (0 where none has), plus `dice` times the soft Dice loss."""
        wide = output.float()
        total = functional.cross_entropy(wide, target, ignore_index=-1, reduction="sum")
        loss = total / (target != -1).sum().clamp(min=1)
        return loss + self.dice * soft_dice_loss(wide, target) if self.dice else loss


def _classes(group: Group, classes: int, rep: str | None, where: str) -> Representation:
    """The representation of the classes of a task, checked."""
    if rep is None:
        return classes * group.trivial
    declared = group.representation(rep)
    if declared.size != classes:
        raise FieldError(f"{where}({classes}) has {classes} classes, but {rep!r} has {declared.size}")
    return declared


def soft_dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """1 - the mean over the classes 1 … n-1 of 2 Σ p t / Σ (p + t), with p the softmax; sums run over the batch.

    Args:
        logits: [B, n, *space].
        target: [B, *space] labels; -1 is left out.

    Source: Milletari et al. 2016, arXiv 1606.04797, section 3 (with p in the denominator, there p²).
    """
    known = (target >= 0).unsqueeze(1)
    p = logits.softmax(dim=1) * known
    t = torch.zeros_like(p).scatter_(1, target.clamp(min=0).unsqueeze(1), 1.0) * known
    axes = [0, *range(2, p.ndim)]
    both, either = (p * t).sum(dim=axes)[1:], (p + t).sum(dim=axes)[1:]
    return 1.0 - ((2.0 * both + 1.0) / (either + 1.0)).mean()


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
        _check_outputs(output, target, self)
        return functional.mse_loss(output.float(), target.to(torch.float32))


@dataclass(frozen=True)
class Profile(Task):
    """Counts of events along the domain, a track a channel: the output is the logarithm of their rate.

    Args:
        rep: representation of the tracks, in string form: "regular" for the two strands of one experiment, "trivial"
            for a track without strand, "2 regular + trivial" for several.

    Source: a Poisson rate at every place is a Poisson total and a multinomial shape, the two parts of the loss of Avsec
    et al. 2021, Nature Genetics 53 (BPNet), with weights 1 and 1.
    """

    rep: str
    name: ClassVar[str] = "profile"
    dense: ClassVar[bool] = True

    def out_rep(self, group: Group) -> Representation:
        """The declared representation of the tracks."""
        return group.representation(self.rep)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean Poisson deviance up to a constant: exp(o) - t·o for log rates o and counts t, [B, tracks, *space]."""
        _check_outputs(output, target, self)
        return functional.poisson_nll_loss(output.float(), target.float(), log_input=True)

    def values(self, output: Tensor) -> Tensor:
        """Rates."""
        return output.exp()


@dataclass(frozen=True)
class Count(Task):
    """Counts of events in a whole signal, a track a channel: the output is the logarithm of their rate.

    Args:
        rep: representation of the tracks, in string form: "regular" for the two strands of one experiment, "trivial"
            for a track without strand.
    """

    rep: str
    name: ClassVar[str] = "count"

    def out_rep(self, group: Group) -> Representation:
        """The declared representation of the tracks."""
        return group.representation(self.rep)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean Poisson deviance up to a constant: exp(o) - t·o for log rates o and counts t, [B, tracks]."""
        _check_outputs(output, target, self)
        return functional.poisson_nll_loss(output.float(), target.float(), log_input=True)

    def values(self, output: Tensor) -> Tensor:
        """Rates."""
        return output.exp()


def _check_outputs(output: Tensor, target: Tensor, task: Task) -> None:
    """Raise unless outputs and targets have the same shape.

    Raises:
        FieldError: they do not; under another group a representation has another number of channels.
    """
    if output.shape != target.shape:
        raise FieldError(
            f"{task} has outputs {list(output.shape)} and targets {list(target.shape)}. Fix: declare the channels of "
            f"the targets for the group of the network, such as rep='{target.shape[1] if target.ndim > 1 else 1} "
            "trivial' without a symmetry."
        )


_TASKS = {t.name: t for t in (Classify, Regress, Segment, Predict, Profile, Count)}


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
