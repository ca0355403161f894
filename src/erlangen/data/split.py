"""One part (train, validation, test) of a data set: examples and their targets, served in batches."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from erlangen.blueprint import Signal
from erlangen.errors import DataError

Indices = Sequence[int] | range | Tensor | slice


class Split(ABC):
    """Examples with targets.

    Args:
        targets: [N] one label an example (for one big graph: one a node, -1 where the split has no label), or values.
    """

    def __init__(self, targets: Tensor) -> None:
        self.targets = targets

    @abstractmethod
    def __len__(self) -> int:
        """Number of examples."""

    @abstractmethod
    def take(self, indices: Indices) -> "Split":
        """The split with these examples only, in this order."""

    @abstractmethod
    def batch(self, indices: Indices) -> tuple[Any, Tensor]:
        """(signal, targets) of these examples: what a network and its task's loss take."""

    def batches(
        self, batch_size: int, shuffle: bool = False, generator: torch.Generator | None = None
    ) -> Iterator[tuple[Any, Tensor]]:
        """Every example once, in batches; the last one may be smaller.

        Args:
            batch_size: examples a batch.
            shuffle: in random order.
            generator: source of that order; the same seed gives the same batches.
        """
        if batch_size < 1:
            raise DataError(f"batch_size must be at least 1, got {batch_size}")
        order = torch.randperm(len(self), generator=generator) if shuffle else torch.arange(len(self))
        for start in range(0, len(self), batch_size):
            yield self.batch(order[start : start + batch_size])

    def subset(self, n: int, seed: int = 0) -> "Split":
        """n examples at random. For one seed the subsets are nested: `subset(100)` lies inside `subset(200)`.

        Raises:
            DataError: there are fewer than n examples.
        """
        return self.take(self._draw(len(self), n, seed))

    def _draw(self, available: int, n: int, seed: int) -> Tensor:
        if not 0 <= n <= available:
            raise DataError(f"a subset of {n} was asked from a split of {available}. Fix: ask for 0 to {available}.")
        return torch.randperm(available, generator=torch.Generator().manual_seed(seed))[:n]

    def _rows(self, indices: Indices) -> Tensor:
        if isinstance(indices, slice):
            return torch.arange(len(self))[indices]
        rows = torch.as_tensor(indices)
        return rows.nonzero().flatten() if rows.dtype == torch.bool else rows.long()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} examples)"


class TensorSplit(Split):
    """Signals on a fixed domain (images, volumes, vectors), held in one tensor.

    Args:
        signals: [N, C, *spatial].
        targets: [N] labels, or values [N, k].
    """

    def __init__(self, signals: Float[Tensor, "n c *spatial"], targets: Tensor) -> None:
        super().__init__(targets)
        if len(signals) != len(targets):
            raise DataError(f"{len(signals)} signals but {len(targets)} targets")
        self.signals = signals

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, indices: Indices) -> "TensorSplit":
        """The split with these examples only; a slice shares memory with this split."""
        rows = indices if isinstance(indices, slice) else self._rows(indices)
        return TensorSplit(self.signals[rows], self.targets[rows])

    def batch(self, indices: Indices) -> tuple[Tensor, Tensor]:
        """Signals [B, C, *spatial] and their targets."""
        rows = indices if isinstance(indices, slice) else self._rows(indices)
        return self.signals[rows], self.targets[rows]


class GraphSplit(Split):
    """Many graphs, each a signal with one label.

    Args:
        signals: one `Signal(x=[n, C], on=Graph)` an example.
        targets: [N].
    """

    def __init__(self, signals: Sequence[Signal], targets: Int64[Tensor, " n"]) -> None:
        super().__init__(targets)
        if len(signals) != len(targets):
            raise DataError(f"{len(signals)} graphs but {len(targets)} targets")
        self.signals = list(signals)

    def __len__(self) -> int:
        return len(self.signals)

    def take(self, indices: Indices) -> "GraphSplit":
        """The split with these graphs only."""
        rows = self._rows(indices)
        return GraphSplit([self.signals[i] for i in rows.tolist()], self.targets[rows])

    def batch(self, indices: Indices) -> tuple[Signal, Tensor]:
        """The graphs as one disjoint union, and targets [B]."""
        from erlangen.graphs import batch_signals

        rows = self._rows(indices)
        return batch_signals([self.signals[i] for i in rows.tolist()]), self.targets[rows]


class NodeSplit(Split):
    """One big graph, of whose nodes some are labelled in this split: ONE example.

    Args:
        signal: the whole graph, shared by all splits.
        targets: [nodes], -1 outside the split.
    """

    def __init__(self, signal: Signal, targets: Int64[Tensor, " nodes"]) -> None:
        super().__init__(targets)
        self.signal = signal

    def __len__(self) -> int:
        return int((self.targets >= 0).any())

    @property
    def nodes(self) -> Tensor:
        """Indices of the nodes that are labelled in this split."""
        return (self.targets >= 0).nonzero().flatten()

    def take(self, indices: Indices) -> "NodeSplit":
        """This split: there is one example, so `indices` can only be [0]."""
        rows = self._rows(indices)
        if rows.tolist() != [0]:
            raise DataError("one big graph is one example: take [0], or use subset(n) for fewer labelled nodes")
        return self

    def batch(self, indices: Indices) -> tuple[Signal, Tensor]:
        """The whole graph and targets [nodes]."""
        self.take(indices)
        return self.signal, self.targets

    def subset(self, n: int, seed: int = 0) -> "NodeSplit":
        """The same graph with n of its labelled nodes, at random, nested for one seed."""
        kept = self.nodes[self._draw(len(self.nodes), n, seed)]
        targets = torch.full_like(self.targets, -1)
        targets[kept] = self.targets[kept]
        return NodeSplit(self.signal, targets)

    def __repr__(self) -> str:
        return f"NodeSplit({len(self.nodes):,} labelled nodes of {len(self.targets):,})"
