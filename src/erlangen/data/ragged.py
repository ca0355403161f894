"""Signals of different sizes with targets at every point, padded to a common size when a batch is made."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from erlangen.data.split import Indices, Split
from erlangen.data.targets import UNLABELLED
from erlangen.errors import DataError


class RaggedSplit(Split):
    """Volumes (or images) of different sizes, each with labels on its own points.

    A batch has the size of its largest member along every axis. The others are padded about their centres by zeros, and
    the targets there are -1, which losses and metrics leave out.

    Args:
        signals: one [C, *space_i] an example.
        targets: one [*space_i] of labels an example.
        cubic: whether all batches are cubes of the largest side of the whole split, so that axes can be exchanged, as
            an audit does.

    Raises:
        DataError: signals and targets do not have the same sizes.
    """

    def __init__(self, signals: Sequence[Tensor], targets: Sequence[Tensor], cubic: bool = False) -> None:
        super().__init__(torch.empty(0, dtype=torch.long))
        if len(signals) != len(targets):
            raise DataError(f"{len(signals)} signals but {len(targets)} targets")
        for i, (signal, target) in enumerate(zip(signals, targets, strict=True)):
            if signal.shape[1:] != target.shape:
                raise DataError(
                    f"example {i}: a signal on {list(signal.shape[1:])} points has labels on {list(target.shape)}"
                )
        self.signals, self.labels, self.cubic = list(signals), list(targets), cubic

    def __len__(self) -> int:
        return len(self.signals)

    def take(self, indices: Indices) -> "RaggedSplit":
        """The split with these examples only."""
        rows = self._rows(indices).tolist()
        return RaggedSplit([self.signals[i] for i in rows], [self.labels[i] for i in rows], self.cubic)

    def cubes(self) -> "RaggedSplit":
        """The same examples, all padded to cubes of one size when a batch is made."""
        return RaggedSplit(self.signals, self.labels, cubic=True)

    def batch(self, indices: Indices) -> tuple[Tensor, Tensor]:
        """Signals [B, C, *largest] and labels [B, *largest]."""
        rows = self._rows(indices).tolist()
        if not rows:
            raise DataError("a batch of signals of different sizes needs at least one of them")
        shapes = [self.labels[i].shape for i in rows]
        largest = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
        if self.cubic:
            largest = (max(n for target in self.labels for n in target.shape),) * len(largest)
        signals = torch.stack([centred(self.signals[i], largest) for i in rows])
        return signals, torch.stack([centred(self.labels[i].long(), largest, UNLABELLED) for i in rows])


def centred(x: Tensor, shape: Sequence[int], fill: float = 0.0) -> Tensor:
    """Pad or crop the last axes of x to a shape, about the centre; an odd voxel goes to the end.

    Args:
        x: [..., *space].
        shape: the wanted sizes of the space.
        fill: what is put outside.
    """
    gaps = [n - m for n, m in zip(shape, x.shape[-len(shape) :], strict=True)]
    sides = [side for gap in reversed(gaps) for side in (gap // 2, gap - gap // 2)]
    return functional.pad(x, sides, value=fill) if any(sides) else x
