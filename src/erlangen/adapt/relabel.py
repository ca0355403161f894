"""Augmentations of graphs: the nodes under other names, the edges in another order."""

import torch
from torch import Tensor

from erlangen.adapt.compose import KeepsTargets
from erlangen.blueprint import Signal, Task
from erlangen.errors import FieldError
from erlangen.graphs import Graphs


class RandomNames:
    """The nodes of every graph of a batch under new numbers; targets at nodes go along.

    Args:
        task: what the targets are; those of a dense task belong to the nodes of the last batch that was renamed.

    Law: (x, A, y) becomes (p·x, p·A, p·y) with p uniform on Σn, for every graph its own.
    """

    def __init__(self, task: Task | None = None) -> None:
        self.task = task
        self.sizes: list[int] | None = None

    def __call__(self, signal: Signal, generator: torch.Generator) -> Signal:
        """The renamed signal."""
        self.sizes = signal.on.graph_ptr.diff().tolist()
        return Graphs().act(self._draw(self.sizes, generator).to(signal.x.device), signal)

    def targets(self, target: Tensor, generator: torch.Generator) -> Tensor:
        """Targets at the nodes, renamed as `self` renames the nodes; those of whole graphs as they are.

        Raises:
            FieldError: they are not those of the last batch.
        """
        if self.task is None or not self.task.dense:
            return target
        sizes = [len(target)] if self.sizes is None else self.sizes
        if sum(sizes) != len(target):
            raise FieldError(f"{len(target)} targets for the {sum(sizes)} nodes of the last batch. Fix: one for each.")
        return target[torch.argsort(self._draw(sizes, generator)).to(target.device)]

    @staticmethod
    def _draw(sizes: list[int], generator: torch.Generator) -> Tensor:
        """p[i], the place to which node i goes."""
        parts, start = [torch.zeros(0, dtype=torch.long)], 0
        for n in sizes:
            parts.append(torch.randperm(n, generator=generator) + start)
            start += n
        return torch.cat(parts)


class RandomEdgeOrder(KeepsTargets):
    """The edges of every node in another order, which no sum over edges should notice."""

    def __call__(self, signal: Signal, generator: torch.Generator) -> Signal:
        """The same graph, stored differently."""
        return Signal(signal.x, signal.on.shuffle_edges(generator))
