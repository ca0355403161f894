"""Conversions, there and back."""

import pytest
import torch
from make import CORNERS, dense, random_edges

from erlangen.blueprint import Signal
from erlangen.errors import DomainError
from erlangen.graphs import Graph, from_networkx, from_pyg, from_scipy, to_networkx, to_pyg, to_scipy

GRAPHS = pytest.mark.parametrize("graph", CORNERS.values(), ids=CORNERS)


def with_weight(graph: Graph) -> Graph:
    return graph.with_weight(torch.rand(graph.num_edges))


@GRAPHS
def test_scipy(graph):
    graph = with_weight(graph)
    again = from_scipy(to_scipy(graph))
    assert torch.equal(again.ptr, graph.ptr)
    assert torch.equal(dense(again, again.weight), dense(graph, graph.weight))
    # parallel edges are summed by scipy in float32, by `dense` in float64
    assert torch.allclose(torch.from_numpy(to_scipy(graph).todense()).double(), dense(graph, graph.weight).double())


def test_scipy_of_other_formats_and_shapes():
    from scipy.sparse import coo_array, random_array

    matrix = random_array((6, 6), density=0.3, rng=0)
    assert torch.allclose(dense(from_scipy(matrix), from_scipy(matrix).weight), torch.from_numpy(matrix.toarray()))
    assert from_scipy(matrix, weighted=False).weight is None
    with pytest.raises(DomainError, match="square"):
        from_scipy(coo_array((2, 3)))


@GRAPHS
def test_networkx(graph):
    pytest.importorskip("networkx")
    graph = with_weight(graph)
    again = from_networkx(to_networkx(graph), weight="weight")
    assert torch.allclose(dense(again, again.weight), dense(graph, graph.weight))


def test_networkx_undirected():
    networkx = pytest.importorskip("networkx")
    graph = from_networkx(networkx.karate_club_graph())
    assert (graph.num_nodes, graph.num_edges, graph.symmetric) == (34, 156, True)


def test_pyg():
    pytest.importorskip("torch_geometric")
    from torch_geometric.data import Batch

    graph = Graph.from_edges(random_edges(6, 14), 6, torch.rand(14), edge_features=torch.randn(14, 2))
    signal = Signal(torch.randn(6, 3), graph)
    data = to_pyg(signal, y=torch.tensor([1]))
    again = from_pyg(data)
    assert torch.equal(again.x, signal.x)
    assert torch.equal(dense(again.on, again.on.weight), dense(graph, graph.weight))
    assert torch.equal(again.on.edge_features, graph.edge_features)
    assert data.y.item() == 1
    batch = from_pyg(Batch.from_data_list([data, data]))
    assert batch.on.graph_ptr.tolist() == [0, 6, 12]
    with pytest.raises(DomainError, match="split_signal"):
        to_pyg(batch)
