"""How well a model does: loss, and accuracy, area under the curve, Dice or error, by task."""

from math import isnan
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.allocator import freed_memory_kept
from erlangen.blueprint import Classify, Segment, Signal, Task
from erlangen.blueprint.mode import evaluating

LARGEST_BATCH, LARGEST_SIZE = 128, 1 << 20  # examples, and numbers of the input, that are evaluated at a time


def output_tensor(output: Any) -> Tensor:
    """The tensor of an output: the values of a `Signal`, or the tensor itself."""
    return output.x if isinstance(output, Signal) else output


class Score:
    """Running totals over batches, as tensors: nothing waits for the device until `result`.

    Args:
        task: decides what is counted: hits (one of n classes), also by class for whole signals; Dice coefficients for
            a `Segment` that asks for them; squared and absolute errors for values.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.counts_classes = isinstance(task, Classify | Segment)
        self.by_class = isinstance(task, Classify)
        self.overlaps = isinstance(task, Segment) and task.dice > 0
        self._totals: list[Any] = [0.0, 0, 0.0, 0.0]  # loss · n, n, then hits or squared error, then absolute error
        if self.by_class or self.overlaps:
            self._totals.append(0.0)  # [2, n]: hits and examples of each class; or sums and counts of Dice coefficients

    @torch.no_grad()
    def add(self, output: Tensor, target: Tensor, loss: Tensor) -> None:
        """Take in one batch; targets of -1 have no label and do not count.

        Args:
            output: [B, n, *space] logits, or predictions of the shape of the target.
            target: [B, *space] labels, or values.
            loss: the mean loss of the batch.
        """
        count: Any = target.numel()
        second: Any = 0.0
        values: list[Any] = []
        if self.counts_classes:
            if self.task.dense:
                count = (target >= 0).sum()
            found = output.argmax(dim=1)
            first = (found == target).sum()
            if self.by_class:
                values = [class_hits(found, target, output.shape[1]).double()]
            elif self.overlaps:
                values = [torch.stack(_summed(dice_coefficients(found, target, output.shape[1])))]
        else:
            gap = self.task.values(output).double() - target.double().reshape(output.shape)
            first, second = gap.square().sum(), gap.abs().sum()
        for i, value in enumerate([loss.detach().double() * count, count, first, second, *values]):
            self._totals[i] = self._totals[i] + value

    @property
    def totals(self) -> Tensor:
        """All totals as one tensor; setting it restores them."""
        return torch.cat([torch.as_tensor(v, dtype=torch.float64).flatten().cpu() for v in self._totals])

    @totals.setter
    def totals(self, saved: Tensor) -> None:
        self._totals = saved[:4].tolist()
        if self.by_class or self.overlaps:
            rest = saved[4:]
            self._totals.append(rest.reshape(2, -1) if len(rest) > 1 else float(rest))

    def result(self) -> dict[str, float]:
        """What was counted, by name; empty if nothing was.

        Returns:
            {"loss", "accuracy"} for classes, and "balanced_accuracy" (the mean over the classes of the share found)
            for whole signals, "dice" and "dice_1" … for segmentations; {"loss", "mse", "mae"} for values.
        """
        loss, count, first, second = (float(v) for v in self._totals[:4])
        if count == 0:
            return {}
        if not self.counts_classes:
            return {"loss": loss / count, "mse": first / count, "mae": second / count}
        found = {"loss": loss / count, "accuracy": first / count}
        if not (self.by_class or self.overlaps):
            return found
        part, whole = torch.as_tensor(self._totals[4]).cpu()
        shares = (part / whole)[whole > 0]
        found["balanced_accuracy" if self.by_class else "dice"] = float(shares.mean()) if len(shares) else 0.0
        if self.overlaps:
            found |= {f"dice_{c}": float(part[c - 1] / whole[c - 1]) for c in range(1, len(part) + 1) if whole[c - 1]}
        return found


def class_hits(found: Tensor, target: Tensor, classes: int) -> Tensor:
    """How many examples of each class were found, and how many there are: [2, n]."""
    hits = torch.zeros(2, classes, dtype=torch.long, device=target.device)
    hits[0].scatter_add_(0, target, (found == target).long())
    hits[1].scatter_add_(0, target, torch.ones_like(target))
    return hits


def dice_coefficients(found: Tensor, target: Tensor, classes: int) -> Tensor:
    """The Dice coefficient of every label 1 … n-1 in every example, [B, n-1]; NaN where neither has the label.

    Args:
        found: [B, *space] predicted labels.
        target: [B, *space] labels; points of -1 are left out.
        classes: number of classes n; 0 is the background.

    Law: 2 |P ∩ T| / (|P| + |T|).

    Source: Dice 1945, Ecology 26(3).
    """
    known, rows = target >= 0, []
    for c in range(1, classes):
        p, t = ((found == c) & known).flatten(1), (target == c).flatten(1)
        rows.append(2.0 * (p & t).sum(1).double() / (p.sum(1) + t.sum(1)).double())
    return torch.stack(rows, dim=1)


def _summed(coefficients: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over the examples, and how many have a value."""
    valid = ~coefficients.isnan()
    return coefficients.nan_to_num().sum(0), valid.sum(0).double()


def area_under_curve(scores: Tensor, labels: Tensor) -> float:
    """The area under the receiver operating characteristic: the chance that a positive scores above a negative.

    Args:
        scores: [N], larger for label 1.
        labels: [N] of 0 and 1.

    Returns:
        A number in [0, 1], ties counting one half; NaN if a class is missing.

    Source: Hanley and McNeil 1982, Radiology 143(1) (the area is the Mann-Whitney statistic).
    """
    positive = labels.flatten() == 1
    p, n = int(positive.sum()), int((~positive).sum())
    if not p or not n:
        return float("nan")
    _, places, counts = scores.flatten().double().unique(return_inverse=True, return_counts=True)
    rank = counts.cumsum(0).double() - (counts.double() - 1.0) / 2.0  # the mean rank of tied scores
    return float((rank[places][positive].sum() - p * (p + 1) / 2) / (p * n))


def evaluation_batch(split: Any, most: int = LARGEST_BATCH) -> int:
    """How many examples to evaluate at a time: `most`, or fewer where they are large, as volumes are.

    Larger batches leave the caches: of 500 images of 28², each took 1.15–1.35 times as long as of 125 (one core).
    """
    if not len(split):
        return 1
    first, _ = split.batch([0])
    return min(most, max(1, LARGEST_SIZE // max(1, output_tensor(first).numel())))


@torch.no_grad()
def evaluate(
    model: nn.Module, split: Any, task: Task, *, batch_size: int | None = None, precision: str = "float32"
) -> dict[str, float]:
    """Loss and accuracy (or error) of a model in evaluation mode over a whole split.

    Args:
        model: the model; every part of it is in its own mode again afterwards.
        split: a `Split` of `erlangen.data`.
        task: what the outputs mean.
        batch_size: examples at a time; None takes what memory surely holds.
        precision: mode of `erlangen.blueprint.precision`.

    Returns:
        As `Score.result`; and "auc", the area under the curve, for two classes of whole signals.
    """
    from erlangen.blueprint import precision as precision_context

    parameter = next(iter(model.parameters()), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    score = Score(task)
    two_classes = isinstance(task, Classify) and task.classes == 2
    margins: list[Tensor] = []
    with evaluating(model), freed_memory_kept():
        for signal, target in split.batches(batch_size or evaluation_batch(split)):
            signal, target = move(signal, device), target.to(device)
            with precision_context(precision, device.type):
                output = output_tensor(model(signal))
            score.add(output, target, task.loss(output, target))
            if two_classes:
                margins.append((output[:, 1] - output[:, 0]).float().cpu())
    if margins:
        auc = area_under_curve(torch.cat(margins), split.targets)
        return score.result() | ({} if isnan(auc) else {"auc": auc})
    return score.result()


def move(signal: Any, device: torch.device) -> Any:
    """A signal on another device; itself where it is there already."""
    if isinstance(signal, Signal):
        return signal if signal.x.device == device else Signal(signal.x.to(device), signal.on.to(device))
    return signal.to(device)
