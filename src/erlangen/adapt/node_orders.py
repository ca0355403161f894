"""Orders of the nodes of graphs: a canonical one for every graph, or some random ones to average over."""

from collections.abc import Iterator

import torch
from torch import Tensor

from erlangen.adapt.orbit import Orbit, Part
from erlangen.adapt.orders import canonical_order
from erlangen.blueprint import Field, Signal
from erlangen.graphs.batch import split_signal


class NodeOrders(Orbit):
    """Renamings of the nodes of every graph of a batch.

    Args:
        in_field: a field on graphs.
        out_field: type of the output: numbers of every graph, or of every node.
        samples: how many random orders; 0 takes the canonical one.
        seed: of the random orders, which are drawn anew from it in every call.
        limit: leaves of the search for a canonical order.

    Law: a canonical form is the same for p·x as for x. Outputs at nodes that a symmetry of the graph exchanges are
        averaged over them, as the law demands. Averages over random orders obey it in expectation.

    Source: Murphy, Srinivasan, Rao and Ribeiro 2019, arXiv 1903.02541, section 2 (canonical orders, and random ones).
    """

    def __init__(self, in_field: Field, out_field: Field, samples: int, seed: int = 0, limit: int = 256) -> None:
        words = f"{samples} random orders of the nodes" if samples else "the order of the nodes is canonical"
        super().__init__(in_field, out_field, not samples, float(samples or 1), words)
        self.random, self.seed, self.limit = samples, seed, limit
        self.dense = out_field.space == in_field.space

    def samples(self, x: Signal) -> int:
        """Nodes, or graphs."""
        return len(x.x) if self.dense else x.on.num_graphs

    def parts(self, x: Signal, chunk: int | None) -> Iterator[Part]:
        """One order of all graphs at a time."""
        if not self.random:
            yield self._canonical(x)
            return
        generator = torch.Generator().manual_seed(self.seed)
        sizes = x.on.graph_ptr.diff().tolist()
        for _ in range(self.random):
            order = _side_by_side([torch.randperm(n, generator=generator) for n in sizes], sizes).to(x.x.device)
            yield Part(self.in_field.act(order, x), None, 1.0 / self.random, self._back(order))

    def _canonical(self, x: Signal) -> Part:
        orders = [canonical_order(one, self.limit) for one in split_signal(x)]
        sizes = [len(order.places) for order in orders]
        places = _side_by_side([torch.from_numpy(order.places) for order in orders], sizes).to(x.x.device)
        alike = _side_by_side([torch.from_numpy(order.alike) for order in orders], sizes).to(x.x.device)
        complete = torch.tensor([order.complete for order in orders], dtype=torch.bool)
        self.count(torch.tensor([order.symmetric for order in orders], dtype=torch.bool) | ~complete, ~complete)
        return Part(self.in_field.act(places, x), None, 1.0, self._back(places, alike))

    def _back(self, places: Tensor, alike: Tensor | None = None) -> "_Back":
        return _Back(places if self.dense else None, alike)


class _Back:
    """Rows of the nodes back in their own order, averaged over nodes that look alike; rows of graphs as they are."""

    def __init__(self, places: Tensor | None, alike: Tensor | None) -> None:
        self.places, self.alike = places, alike

    def __call__(self, y: Tensor) -> Tensor:
        if self.places is None:
            return y
        y = y[self.places]
        if self.alike is None:
            return y
        total = torch.zeros_like(y).index_add(0, self.alike, y)
        count = torch.zeros(len(y), dtype=y.dtype, device=y.device).index_add(0, self.alike, y.new_ones(len(y)))
        shape = [-1, *[1] * (y.ndim - 1)]
        return total[self.alike] / count[self.alike].reshape(shape)


def _side_by_side(parts: list[Tensor], sizes: list[int]) -> Tensor:
    """Numbers of nodes within each graph, as numbers within the batch."""
    starts = torch.tensor([0, *sizes]).cumsum(0).tolist()
    shifted = [part + start for part, start in zip(parts, starts, strict=False)]
    return torch.cat(shifted) if shifted else torch.zeros(0, dtype=torch.long)
