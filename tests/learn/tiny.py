"""A task small enough for tests: four blobs on an 8 x 8 grid, learnt by a few hundred parameters in a second."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from erlangen.blueprint import Classify, Task


class TinySplit:
    """The interface of a split, from two tensors."""

    def __init__(self, signals: torch.Tensor, targets: torch.Tensor) -> None:
        self.signals, self.targets = signals, targets

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, indices: Any) -> tuple[torch.Tensor, torch.Tensor]:
        return self.signals[indices], self.targets[indices]

    def batches(self, batch_size: int, shuffle: bool = False, generator: Any = None) -> Any:
        for start in range(0, len(self), batch_size):
            yield self.batch(slice(start, start + batch_size))


def blobs(n: int, seed: int) -> TinySplit:
    """A bright square in one of four corners, in noise; the corner is the class."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(4, (n,), generator=generator)
    signals = 0.7 * torch.randn(n, 1, 8, 8, generator=generator)
    for i, corner in enumerate(targets.tolist()):
        y, x = 4 * (corner // 2), 4 * (corner % 2)
        signals[i, 0, y : y + 4, x : x + 4] += 1.0
    return TinySplit(signals, targets)


def dataset(n: int = 96, validation: int = 0, task: Task | None = None) -> Any:
    """A `Dataset`-like object."""
    return SimpleNamespace(
        name="blobs",
        space=SimpleNamespace(name="grid"),
        channels=1,
        task=task or Classify(4),
        train=blobs(n, 1),
        validation=blobs(validation, 2),
        test=blobs(200, 3),
        provenance={"source": "generated", "seed": 1},
    )


def network(seed: int = 0) -> nn.Module:
    """Convolution, batch norm, dropout, linear."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(4),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(16, 4),
    )
