"""How well a network answers: on test examples as they are, moved by the group, and turned by any angle."""

from collections.abc import Sequence
from math import isnan
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.adapt import RandomElement, augmentation
from erlangen.blueprint import Classify, Field, Segment, Task
from erlangen.blueprint.mode import evaluating
from erlangen.learn.metrics import Score, area_under_curve, evaluation_batch, output_tensor
from erlangen.learn.session import stream
from erlangen.symmetry import FiniteGroup

UPRIGHT, MOVED, TURNED = "upright", "moved", "turned"
FEWEST, MOST = 4, 62  # a batch of one example would move all of them alike, as would one of all examples


class SampledMotion:
    """Every batch moved by one random element of a group that cannot be listed; on graphs every graph by its own.

    Args:
        field: the type of the signals.
        task: what the targets are; they are moved with the signal.
    """

    def __init__(self, field: Field, task: Task) -> None:
        self.field, self.task = field, task

    def __call__(self, signal: Any, generator: torch.Generator) -> Any:
        """The moved signals."""
        return self._action(signal, generator).move(signal, self.field.rep)

    def outputs(self, output: Tensor, signal: Any, generator: torch.Generator) -> Tensor:
        """Outputs moved as `self(signal, generator)` moves the signals; likewise targets of that shape."""
        rep = self.task.out_rep(self.field.group)
        if not self.task.dense and rep.is_trivial:
            return output
        action = self._action(signal, generator)
        if self.field.space.name == "graph":
            return action.move(signal._replace(x=output), rep).x
        return action.move(output, rep)

    def _action(self, signal: Any, generator: torch.Generator) -> Any:
        group, space = self.field.group, self.field.space
        found = space.actions(group, signal, count=3, generator=generator)
        drawn = [a for a in found if a.exact and not a.generator and a.family in (group.name, "permutation")]
        return (drawn or [a for a in found if a.exact])[-1]


class Motion:
    """A random motion of a batch, the same for every network that is judged by it.

    Args:
        name: of the motion.
        move: an augmentation, or a `SampledMotion`.
        task: what outputs are.
    """

    def __init__(self, name: str, move: Any, task: Task) -> None:
        self.name, self.move, self.task = name, move, task

    def __call__(self, signal: Any, batch: int) -> Any:
        """The moved signals of a batch."""
        return self.move(signal, stream(0, self.name, batch))

    def outputs(self, output: Tensor, signal: Any, batch: int) -> Tensor:
        """What outputs (or targets) of the unmoved signals become."""
        generator = stream(0, self.name, batch)
        if isinstance(self.move, SampledMotion):
            return self.move.outputs(output, signal, generator)
        return self.move.targets(output, generator) if hasattr(self.move, "targets") else output


def motions(field: Field, task: Task) -> list[Motion]:
    """The motions to judge by: a random element of the group, and any angle where the group turns."""
    finite = isinstance(field.group, FiniteGroup)
    found = [Motion(MOVED, RandomElement(field, task) if finite else SampledMotion(field, task), task)]
    if field.space.name in ("grid", "hexagons") and turns(field.group) and field.rep.is_trivial:
        if not task.dense or len(field.space.nominal_shape()) == 3:
            found.append(Motion(TURNED, augmentation("rotation", field.space, None, task), task))
    return found


def turns(group: Any) -> bool:
    """Whether some element is neither the identity nor its own inverse, as turns by less than 180° are."""
    return isinstance(group, FiniteGroup) and any(group.compose(g, g) != group.identity for g in group.elements)


class Tally:
    """Scores of one network in one pose, and how its answers differ from those to the unmoved examples.

    Args:
        task: what outputs are.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.score = task, Score(task)
        self.classes = isinstance(task, Classify | Segment)
        self.margins: list[Tensor] = []
        self.labels: list[Tensor] = []
        self.differ = self.points = self.error = self.examples = 0.0

    def add(self, output: Tensor, target: Tensor, expected: "Tensor | None") -> None:
        """Take in a batch; `expected` is what the output should be, moved from that to the unmoved examples."""
        self.score.add(output, target, self.task.loss(output, target))
        if isinstance(self.task, Classify) and self.task.classes == 2:
            self.margins.append((output[:, 1] - output[:, 0]).float())
            self.labels.append(target)
        if expected is None:
            return
        gap, size = ((output - expected).flatten(1).norm(dim=1), expected.flatten(1).norm(dim=1))
        self.error += float((gap / size.clamp_min(torch.finfo(size.dtype).tiny)).sum())
        self.examples += len(output)
        if self.classes:
            changed = output.argmax(1) != expected.argmax(1)
            self.differ += float(changed.sum())
            self.points += changed.numel()

    def result(self) -> dict[str, float]:
        """The scores; of a moved pose also `error`, the mean relative change of an output, and `flips`, the share of
        answers that change."""
        found = dict(self.score.result())
        if self.margins:
            area = area_under_curve(torch.cat(self.margins), torch.cat(self.labels))
            found |= {} if isnan(area) else {"auc": area}
        if self.examples:
            found["error"] = self.error / self.examples
        if self.points:
            found["flips"] = self.differ / self.points
        return found


@torch.no_grad()
def judged(model: nn.Module, split: Any, task: Task, among: Sequence[Motion]) -> dict[str, dict[str, float]]:
    """Scores of a network on a split, upright and under every motion.

    Args:
        model: from signals to outputs; evaluated in float32.
        split: examples to judge by.
        task: what outputs are.
        among: the motions.

    Returns:
        {pose: scores}, as `Tally.result`.
    """
    tallies = {name: Tally(task) for name in (UPRIGHT, *(m.name for m in among))}
    with evaluating(model):
        for i, (signal, target) in enumerate(split.batches(max(FEWEST, evaluation_batch(split, 8 * MOST) // 8))):
            here = output_tensor(model(signal)).float()
            tallies[UPRIGHT].add(here, target, None)
            for motion in among:
                there = output_tensor(model(motion(signal, i))).float()
                inexact = motion.name == TURNED and task.dense  # labels can be turned by any angle, outputs cannot
                expected = None if inexact else motion.outputs(here, signal, i)
                tallies[motion.name].add(there, motion.outputs(target, signal, i), expected)
    return {name: tally.result() for name, tally in tallies.items()}
