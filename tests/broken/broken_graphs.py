"""Graph networks that depend on the order of nodes or edges on purpose, and one that does not."""

import torch
from torch import Tensor, nn

from erlangen.blueprint import Signal
from erlangen.graphs import Graph, Graphs, batch_signals

FIELD = Graphs().field(None, 5)


def graphs(n: int = 6, nodes: int = 9, seed: int = 0) -> Signal:
    """A batch of random graphs with every node of degree 4, so that neighbours fit a tensor."""
    g = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(n):
        targets = torch.arange(nodes).repeat_interleave(4)
        hops = torch.stack([torch.randperm(nodes - 1, generator=g)[:4] + 1 for _ in range(nodes)])
        sources = (torch.arange(nodes)[:, None] + hops).remainder(nodes).flatten()
        made.append(
            Signal(torch.randn(nodes, 5, generator=g), Graph.from_edges(torch.stack([sources, targets]), nodes))
        )
    return batch_signals(made)


def neighbours(signal: Signal) -> Tensor:
    """Features of the four sources of every node, [N, 4, C], in the order of the edge list."""
    return signal.x[signal.on.col.long()].reshape(signal.x.shape[0], 4, -1)


def pooled(x: Tensor, on: Graph) -> Tensor:
    """Sum over the nodes of each graph."""
    sizes = on.graph_ptr.diff().long()
    owner = torch.arange(len(sizes)).repeat_interleave(sizes)
    return x.new_zeros(len(sizes), x.shape[1]).index_add(0, owner, x)


class SumNetwork(nn.Module):
    """Sums neighbours, then nodes: right."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.head = nn.Linear(5, 8), nn.Linear(8, 3)

    def forward(self, signal: Signal) -> Tensor:
        x = self.inner(signal.x + neighbours(signal).sum(1)).relu()
        return self.head(pooled(x, signal.on))


class LSTMNetwork(nn.Module):
    """Reads neighbours with an LSTM, in the order of the edge list."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.head = nn.LSTM(5, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, signal: Signal) -> Tensor:
        x = self.read(neighbours(signal))[0][:, -1]
        return self.head(pooled(x, signal.on))


class OrderedReadout(nn.Module):
    """Concatenates the nodes of a graph instead of pooling them."""

    def __init__(self, nodes: int = 9) -> None:
        super().__init__()
        self.inner, self.head = nn.Linear(5, 8), nn.Linear(8 * nodes, 3)

    def forward(self, signal: Signal) -> Tensor:
        x = self.inner(signal.x).relu()
        return self.head(x.reshape(signal.on.num_graphs, -1))


class NodeEmbedding(nn.Module):
    """Adds a parameter with its own row for every node."""

    def __init__(self, nodes: int) -> None:
        super().__init__()
        self.inner, self.head = nn.Linear(5, 8), nn.Linear(8, 3)
        self.place = nn.Parameter(torch.randn(nodes, 8))

    def forward(self, signal: Signal) -> Tensor:
        x = self.head((self.inner(signal.x) + self.place).relu())
        return pooled(x, signal.on)


class RowNorm(nn.Module):
    """Differences of neighbouring rows of the node matrix: a layer that reads the order."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.roll(1, 0)


class RowNetwork(nn.Module):
    """Uses it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.mix, self.head = nn.Linear(5, 8), RowNorm(), nn.Linear(8, 3)

    def forward(self, signal: Signal) -> Tensor:
        return pooled(self.head(self.mix(self.inner(signal.x)).relu()), signal.on)
