"""How well a model does: loss, and accuracy or error, by task."""

from typing import Any

import torch
from torch import Tensor, nn

from erlangen.blueprint import Classify, Segment, Signal, Task


def output_tensor(output: Any) -> Tensor:
    """The tensor of an output: the values of a `Signal`, or the tensor itself."""
    return output.x if isinstance(output, Signal) else output


class Score:
    """Running totals over batches, as tensors: nothing waits for the device until `result`.

    Args:
        task: decides between accuracy (one of n classes) and mean squared and absolute error.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.counts_classes = isinstance(task, Classify | Segment)
        self._totals: list[Any] = [0.0, 0, 0.0, 0.0]  # loss · n, n, then hits or squared error, then absolute error

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
        if self.counts_classes:
            if self.task.dense:
                count = (target >= 0).sum()
            first = (output.argmax(dim=1) == target).sum()
        else:
            gap = self.task.values(output).double() - target.double().reshape(output.shape)
            first, second = gap.square().sum(), gap.abs().sum()
        for i, value in enumerate((loss.detach().double() * count, count, first, second)):
            self._totals[i] = self._totals[i] + value

    @property
    def totals(self) -> Tensor:
        """The four totals as one tensor; setting it restores them."""
        return torch.tensor([float(v) for v in self._totals], dtype=torch.float64)

    @totals.setter
    def totals(self, saved: Tensor) -> None:
        self._totals = saved.tolist()

    def result(self) -> dict[str, float]:
        """{"loss", "accuracy"} for classes, {"loss", "mse", "mae"} for values; empty if nothing was counted."""
        loss, count, first, second = (float(v) for v in self._totals)
        if count == 0:
            return {}
        if self.counts_classes:
            return {"loss": loss / count, "accuracy": first / count}
        return {"loss": loss / count, "mse": first / count, "mae": second / count}


@torch.no_grad()
def evaluate(
    model: nn.Module, split: Any, task: Task, *, batch_size: int = 1000, precision: str = "float32"
) -> dict[str, float]:
    """Loss and accuracy (or error) of a model in evaluation mode over a whole split.

    Args:
        model: the model; its training mode is restored afterwards.
        split: a `Split` of `erlangen.data`.
        task: what the outputs mean.
        batch_size: examples at a time; large is fast.
        precision: mode of `erlangen.blueprint.precision`.

    Returns:
        As `Score.result`.
    """
    from erlangen.blueprint import precision as precision_context

    parameter = next(iter(model.parameters()), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    training = model.training
    model.eval()
    score = Score(task)
    try:
        for signal, target in split.batches(batch_size):
            signal, target = move(signal, device), target.to(device)
            with precision_context(precision, device.type):
                output = output_tensor(model(signal))
            score.add(output, target, task.loss(output, target))
    finally:
        model.train(training)
    return score.result()


def move(signal: Any, device: torch.device) -> Any:
    """A signal on another device; itself where it is there already."""
    if isinstance(signal, Signal):
        return signal if signal.x.device == device else Signal(signal.x.to(device), signal.on.to(device))
    return signal.to(device)
