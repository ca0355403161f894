"""Graphs that tests share: every corner a sparse kernel could trip over."""

import torch
from torch import Tensor

from erlangen.graphs import Graph


def random_edges(nodes: int, edges: int, seed: int = 0) -> Tensor:
    """[2, edges] with repeated edges and self-loops as they come; the last node stays alone."""
    return torch.randint(max(1, nodes - 1), (2, edges), generator=torch.Generator().manual_seed(seed))


def dense(graph: Graph, weight: Tensor | None = None) -> Tensor:
    """A[v, u] in float64, multiple edges added up."""
    values = torch.ones(graph.num_edges) if weight is None else weight
    matrix = torch.zeros(graph.num_nodes, graph.num_nodes, dtype=torch.float64)
    source, target = graph.edge_index()
    return matrix.index_put((target, source), values.double(), accumulate=True)


CORNERS = {
    "directed multigraph": Graph.from_edges(random_edges(7, 30), 7),
    "undirected": Graph.from_edges(random_edges(9, 12, 1), 9, undirected=True),
    "set": Graph.set(5),
    "one node": Graph.set(1),
    "one loop": Graph.from_edges(torch.tensor([[0], [0]]), 1),
    "no nodes": Graph.set(0),
    "batch": Graph.batch([Graph.set(2), Graph.from_edges(random_edges(5, 9), 5), Graph.set(0), Graph.set(1)]),
}
