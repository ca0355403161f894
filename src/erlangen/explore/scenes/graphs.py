"""Graphs: nodes that are renamed, and edges that go missing."""

from typing import Any

import torch
from torch import Tensor, nn

from erlangen.blueprint import Classify, Signal
from erlangen.explore.defects import FlattenHead, InOrder
from erlangen.explore.figures import layout, packed, rows
from erlangen.explore.motion import Motion, changes, relabellings
from erlangen.explore.scene import Sample, Scene
from erlangen.graphs import Graph, Graphs
from erlangen.graphs.batch import batch_graphs

KINDS = 3  # of nodes
NAMES = ("no triangle", "a triangle")


def _graph(kind: int, generator: torch.Generator) -> Signal:
    """A ring with a bridge and tails, of 12 to 15 nodes of three kinds; the second class has a triangle."""
    nodes = 12 + int(torch.randint(4, (1,), generator=generator))
    ring = 8
    edges = [(i, (i + 1) % ring) for i in range(ring)] + [(0, 4)]
    for node in range(ring, nodes):
        edges.append((node, int(torch.randint(node if node > ring + 1 else ring, (1,), generator=generator))))
    if kind:
        edges.append((1, 3))
    order = torch.randperm(nodes, generator=generator)
    ends = order[torch.tensor(edges).T]
    x = torch.eye(KINDS)[torch.randint(KINDS, (nodes,), generator=generator)]
    return Signal(x, Graph.from_edges(ends, nodes, undirected=True))


def _edges(signal: Signal) -> list[list[int]]:
    source, target = signal.on.edge_index().tolist()
    return sorted([a, b] for a, b in zip(source, target, strict=True) if a < b)


def _without(count: int, order: list[int]) -> Any:
    def move(signal: Signal, rep: Any) -> Signal:
        edges = _edges(signal)
        gone = set([i for i in order if i < len(edges)][:count])
        left = [e for i, e in enumerate(edges) if i not in gone]
        ends = torch.tensor(left, dtype=torch.long).reshape(-1, 2).T
        return Signal(signal.x, Graph.from_edges(ends, len(signal.x), undirected=True))

    return move


class Reader(nn.Sequential):
    """A network without the symmetry: it reads the rows of the adjacency matrix as they are listed.

    Args:
        like: a graph, which sizes the layers.
    """

    def __init__(self, like: Signal) -> None:
        first = Rows(like, 12)
        super().__init__(first, InOrder(12), FlattenHead(first(like), len(NAMES)))


class Rows(nn.Module):
    """A linear layer and a ReLU on the features of every node beside its row of the adjacency matrix.

    Args:
        like: a graph; nodes beyond its number are not looked at.
        wide: channels that come out.
    """

    def __init__(self, like: Signal, wide: int) -> None:
        super().__init__()
        self.nodes = len(like.x)
        self.linear = nn.Linear(like.x.shape[1] + self.nodes, wide)

    def forward(self, signal: Signal) -> Signal:
        """New features at every node."""
        start = signal.on.graph_ptr.long()
        mine = torch.repeat_interleave(start[:-1], start.diff())  # first node of the graph that a node is in
        source, target = signal.on.edge_index().long()
        place = source - mine[source]
        seen = place < self.nodes
        rows = torch.zeros(len(signal.x), self.nodes)
        rows[target[seen], place[seen]] = 1.0
        return Signal(self.linear(torch.cat([signal.x, rows], 1)).relu(), signal.on)


def graphs() -> Scene:
    """Rings with bridges and tails."""
    space = Graphs(nodes=14, edges=32)

    def motions(group: Any, signal: Signal) -> tuple[Motion, ...]:
        order = torch.randperm(64, generator=torch.Generator().manual_seed(4)).tolist()
        return (
            relabellings(space, len(signal.x)),
            changes(
                "edges", "remove edges (no symmetry)", " edges", lambda k: (f"{k} edges less", _without(k, order)), 9
            ),
        )

    def draw(signal: Signal) -> dict[str, Any]:
        edges = _edges(signal)
        kinds = {"kind": "nodes", "edges": edges, **packed(signal.x.argmax(1).float(), KINDS - 1)}
        table = torch.zeros(len(signal.x), len(signal.x))
        for a, b in edges:
            table[a, b] = table[b, a] = 1.0
        return {"parts": [kinds, {"kind": "adjacency", "name": "who is joined to whom", **packed(table, 1.0)}]}

    def draw_map(value: Signal, rep: Any, scales: dict[str, float]) -> dict[str, Any]:
        found = rows(value.x.T, None, scales, "rows")
        size = value.x.norm(dim=1)
        top = scales.setdefault("size", 1.1 * float(size.max()) or 1.0)
        first = {"kind": "nodes", "edges": _edges(value), "name": "size of the features", **packed(size, top)}
        return {"parts": [first, found[0] | {"name": found[0]["name"] + ", a column a node"}]}

    def train(n: int, generator: torch.Generator) -> tuple[Signal, Tensor]:
        labels = torch.randint(2, (n,), generator=generator)
        drawn = [_graph(k, generator) for k in labels.tolist()]
        return Signal(torch.cat([s.x for s in drawn]), batch_graphs([s.on for s in drawn])), labels

    still = torch.Generator().manual_seed(7)
    samples = tuple(Sample(f"{NAMES[k]}, {i // 2 + 1}", _graph(k, still), k) for i, k in enumerate((1, 0, 1, 0)))
    return Scene(
        "graph", "Graphs", "drawn at random by this program", space, ("Σn",), f"{KINDS} trivial", f"{KINDS} trivial",
        Classify(2), NAMES, samples, train, motions, draw, draw_map, ("order", "position", "flatten"), {}, Reader,
        "relabel",
    )  # fmt: skip


def places(signal: Signal) -> list[list[float]]:
    """Where the nodes of a graph are drawn."""
    return layout(len(signal.x), _edges(signal))
