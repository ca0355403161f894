"""Graphs: construction, order, transposes, batches, motion, copies."""

import copy
import pickle

import pytest
import torch
from make import CORNERS, dense, random_edges

from erlangen.blueprint import Signal
from erlangen.errors import DomainError, FieldError
from erlangen.graphs import Graph, batch_signals, split_signal

GRAPHS = pytest.mark.parametrize("graph", CORNERS.values(), ids=CORNERS)


def weighted(seed: int = 0) -> Graph:
    edges = random_edges(8, 25, seed)
    return Graph.from_edges(edges, 8, torch.rand(25), edge_features=torch.randn(25, 3))


def test_edges_arrive_at_their_destination():
    graph = Graph.from_edges(torch.tensor([[2, 0, 1], [0, 1, 0]]), 4, torch.tensor([5.0, 6.0, 7.0]))
    assert graph.ptr.tolist() == [0, 2, 3, 3, 3]
    assert graph.col.tolist() == [1, 2, 0]
    assert graph.weight.tolist() == [7.0, 5.0, 6.0]
    assert graph.ptr.dtype == graph.col.dtype == torch.int32


def test_the_order_of_an_edge_list_does_not_matter():
    edges, weight = torch.unique(random_edges(9, 40), dim=1), torch.rand(40)
    weight, mixed = weight[: edges.shape[1]], torch.randperm(edges.shape[1])
    a, b = Graph.from_edges(edges, 9, weight), Graph.from_edges(edges[:, mixed], 9, weight[mixed])
    assert torch.equal(a.col, b.col)
    assert torch.equal(a.weight, b.weight)


def test_undirected_edges_go_both_ways_and_loops_stay_single():
    graph = Graph.from_edges(torch.tensor([[0, 1, 1], [1, 2, 1]]), 3, torch.tensor([1.0, 2.0, 3.0]), undirected=True)
    want = torch.tensor([[0.0, 1.0, 0.0], [1.0, 3.0, 2.0], [0.0, 2.0, 0.0]], dtype=torch.float64)
    assert torch.equal(dense(graph, graph.weight), want)
    assert graph.symmetric


@GRAPHS
def test_the_transpose(graph):
    back, order = graph.pattern.mirror()
    weight = torch.rand(graph.num_edges)
    other = Graph(back.ptr, back.col)
    assert torch.equal(dense(other, weight[order.long()]), dense(graph, weight).T)


def test_symmetry_is_found_not_believed():
    edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    assert Graph.from_edges(edges, 3).symmetric
    assert not Graph.from_edges(edges[:, :3], 3).symmetric
    assert Graph.from_edges(edges, 3, torch.tensor([1.0, 1.0, 2.0, 2.0])).symmetric
    assert not Graph.from_edges(edges, 3, torch.tensor([1.0, 3.0, 2.0, 2.0])).symmetric
    graph = Graph.from_edges(edges, 3)
    assert graph.symmetric
    assert graph.pattern.transpose.col is graph.pattern.col  # no second copy


@GRAPHS
def test_permutation_is_conjugation(graph):
    parts = [torch.randperm(n) for n in graph.graph_ptr.diff().tolist()]
    starts = graph.graph_ptr[:-1].tolist()
    p = torch.cat([q + s for q, s in zip(parts, starts, strict=True)])
    matrix = torch.zeros(graph.num_nodes, graph.num_nodes, dtype=torch.float64)
    matrix[p, torch.arange(len(p))] = 1.0
    assert torch.equal(dense(graph.permute(p)), matrix @ dense(graph) @ matrix.T)
    assert torch.equal(graph.permute(p).graph_ptr, graph.graph_ptr)


def test_weights_and_features_move_with_their_edges():
    graph, p = weighted(), torch.randperm(8)
    moved = graph.permute(p)
    back = moved.permute(torch.argsort(p))
    assert torch.equal(dense(moved, moved.weight)[p][:, p], dense(graph, graph.weight))
    assert torch.equal(dense(back, back.edge_features[:, 1]), dense(graph, graph.edge_features[:, 1]))
    mixed = graph.shuffle_edges(torch.Generator().manual_seed(3))
    assert not torch.equal(mixed.col, graph.col)
    assert torch.allclose(dense(mixed, mixed.weight), dense(graph, graph.weight))
    assert torch.allclose(dense(mixed, mixed.edge_features[:, 0]), dense(graph, graph.edge_features[:, 0]))


def test_permutations_of_a_batch_stay_inside_its_graphs():
    graph = Graph.batch([Graph.set(2), Graph.set(2)])
    with pytest.raises(DomainError, match="permute graph by graph"):
        graph.permute(torch.tensor([2, 1, 0, 3]))
    with pytest.raises(DomainError, match=r"not a permutation of 4 nodes. Fix"):
        graph.permute(torch.tensor([0, 0, 1, 2]))


def test_batches_come_apart_again():
    graphs = [weighted(0), weighted(1), weighted(2)]
    batch = Graph.batch(graphs)
    assert batch.num_graphs == 3
    assert batch.graph_ptr.tolist() == [0, 8, 16, 24]
    want = torch.block_diag(*(dense(g, g.weight) for g in graphs))
    assert torch.equal(dense(batch, batch.weight), want)
    for part, graph in zip(batch.unbatch(), graphs, strict=True):
        assert torch.equal(part.col, graph.col)
        assert torch.equal(part.edge_features, graph.edge_features)
    nested = Graph.batch([batch, weighted(3)])
    assert nested.graph_ptr.tolist() == [0, 8, 16, 24, 32]


def test_signals_come_apart_again():
    signals = [Signal(torch.randn(g.num_nodes, 4), g) for g in (Graph.set(3), weighted().with_weight(None))]
    signals[1] = Signal(signals[1].x, Graph(signals[1].on.ptr, signals[1].on.col))
    batch = batch_signals(signals)
    assert all(torch.equal(a.x, b.x) for a, b in zip(split_signal(batch), signals, strict=True))
    with pytest.raises(FieldError, match=r"equal channels, got \[1, 4\]"):
        batch_signals([signals[0], Signal(torch.randn(2, 1), Graph.set(2))])


def test_batches_that_cannot_be():
    with pytest.raises(DomainError, match="at least one graph"):
        Graph.batch([])
    with pytest.raises(DomainError, match="1 of 2 graphs have weights"):
        Graph.batch([Graph.from_edges(torch.tensor([[0], [1]]), 2, torch.ones(1)), Graph.set(2)])


def test_self_loops_go():
    graph = Graph.from_edges(torch.tensor([[0, 1, 1, 0], [0, 1, 0, 1]]), 3, torch.arange(4.0)).without_self_loops()
    assert torch.equal(graph.edge_index(), torch.tensor([[1, 0], [0, 1]]))
    assert graph.weight.tolist() == [2.0, 3.0]
    assert graph.ptr.tolist() == [0, 1, 2, 2]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_copies_are_whole_and_light(copied):
    graph = weighted()
    light = len(pickle.dumps(graph))
    assert not graph.symmetric  # fills the caches
    other = copied(graph)
    assert torch.equal(other.col, graph.col)
    assert torch.equal(other.weight, graph.weight)
    assert torch.equal(other.edge_features, graph.edge_features)
    assert len(pickle.dumps(graph)) == light


def test_to_changes_types_of_values_only():
    graph = weighted()
    assert graph.to("cpu") is graph
    double = graph.to(torch.float64)
    assert double.weight.dtype == double.edge_features.dtype == torch.float64
    assert double.col.dtype == torch.int32
    assert double.pattern is graph.pattern
    assert str(double) == "Graph(8 nodes, 25 edges, weighted, 3 edge channels)"


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: Graph.from_edges(torch.tensor([[0, 5], [1, 1]]), 3), r"nodes 0 … 5, but there are 3"),
        (lambda: Graph.from_edges(torch.tensor([[0, 1]]), 3), r"must be \[2, E\]"),
        (lambda: Graph(torch.tensor([0, 1, 3]), torch.tensor([0, 1])), "ptr must run from 0 to the number of edges, 2"),
        (lambda: Graph(torch.tensor([0, 1]), torch.tensor([0]), torch.ones(2)), "one row for each of the 1 edges"),
        (
            lambda: Graph(torch.tensor([0, 0]), torch.tensor([]).long(), graph_ptr=torch.tensor([0, 2])),
            "graph_ptr must run from 0",
        ),
        (lambda: weighted().with_weight(torch.ones(3)), "one weight for each of the 25 edges"),
    ],
)
def test_graphs_that_cannot_be(build, match):
    with pytest.raises(DomainError, match=match):
        build()
