"""Canonical orders of nodes: the same for every renaming, with the symmetries of the graph; networks made invariant."""

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import erlangen as eg
from erlangen import Graph, Graphs, Signal
from erlangen.adapt import symmetrize
from erlangen.adapt.orders import canonical_order
from erlangen.errors import DomainError
from erlangen.graphs.batch import batch_signals

SPACE = Graphs()
FIELD = SPACE.field(None, 2)
GRAPHS = {
    "ring": nx.cycle_graph(7),
    "complete": nx.complete_graph(6),
    "set": nx.empty_graph(30),
    "cube": nx.hypercube_graph(3),
    "petersen": nx.petersen_graph(),
    "squares": nx.disjoint_union_all([nx.cycle_graph(4)] * 4),
    "tree": nx.balanced_tree(2, 3),
    "star": nx.star_graph(12),
    "bipartite": nx.complete_bipartite_graph(4, 4),
    "rook": nx.line_graph(nx.complete_bipartite_graph(4, 4)),
    "random": nx.gnp_random_graph(12, 0.3, seed=1),
    "large": nx.gnp_random_graph(200, 0.02, seed=2),
}


def signal(graph: nx.Graph, x: Tensor | None = None, directed: bool = False, **more: Tensor) -> Signal:
    n = graph.number_of_nodes()
    edges = torch.tensor(list(nx.convert_node_labels_to_integers(graph).edges())).reshape(-1, 2).T
    on = Graph.from_edges(edges, n, undirected=not directed, **more)
    return Signal(torch.ones(n, 1) if x is None else x, on)


def form(x: Signal) -> tuple[Tensor, ...]:
    moved = SPACE.act(torch.from_numpy(canonical_order(x).places), x)
    rest = [t for t in (moved.on.weight, moved.on.edge_features) if t is not None]
    return moved.x, moved.on.edge_index(), *rest


def same(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> bool:
    return all(torch.equal(s, t) for s, t in zip(a, b, strict=True))


@pytest.mark.parametrize("name", GRAPHS)
def test_the_form_does_not_depend_on_the_names(name: str) -> None:
    x = signal(GRAPHS[name])
    assert canonical_order(x).complete
    for seed in range(4):
        p = torch.randperm(len(x.x), generator=torch.Generator().manual_seed(seed))
        assert same(form(SPACE.act(p, x)), form(x))


@pytest.mark.parametrize("name", ["ring", "complete", "cube", "petersen", "tree", "random", "bipartite"])
def test_orbits_are_those_of_all_symmetries(name: str) -> None:
    graph = nx.convert_node_labels_to_integers(GRAPHS[name])
    if name in ("tree", "bipartite"):
        graph = graph.subgraph(range(7)).copy()  # few enough symmetries to list
    reached: list[set[int]] = [set() for _ in graph]
    for image in nx.isomorphism.GraphMatcher(graph, graph).isomorphisms_iter():
        for v, w in image.items():
            reached[v].add(w)
    assert canonical_order(signal(graph)).alike.tolist() == [min(r) for r in reached]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(0, 2**36 - 1), st.integers(0, 10**6), st.booleans())
def test_random_graphs_with_features_weights_and_directions(n: int, bits: int, seed: int, weighted: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    pairs = [(u, v) for u in range(n) for v in range(n) if u != v]
    edges = torch.tensor([pair for i, pair in enumerate(pairs) if bits >> (i % 36) & 1]).reshape(-1, 2).T
    weight = torch.randint(0, 2, (edges.shape[1],), generator=generator).float() if weighted else None
    x = Signal(torch.randint(0, 2, (n, 1), generator=generator).float(), Graph.from_edges(edges, n, weight))
    p = torch.randperm(n, generator=generator)
    assert same(form(SPACE.act(p, x)), form(x))


def test_different_graphs_have_different_forms() -> None:
    """Two triangles and a ring of six, which refinement of colours alone cannot tell apart."""
    ring, triangles = nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
    assert not same(form(signal(ring)), form(signal(triangles)))
    assert canonical_order(signal(ring)).symmetric


def test_a_search_that_is_cut_short_says_so() -> None:
    assert not canonical_order(signal(GRAPHS["petersen"]), limit=1).complete


class Listed(nn.Module):
    """Weighs nodes and their neighbours by their places, so the order of the nodes counts."""

    def __init__(self, dense: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.dense = nn.Linear(2, 3).double(), dense

    def forward(self, x: Signal) -> Tensor:
        sizes = x.on.graph_ptr.diff().long()
        place = torch.cat([torch.arange(n) for n in sizes.tolist()])
        source, target = x.on.edge_index()
        h = self.linear(x.x) * (1 + place[:, None]).sqrt()
        h = torch.tanh(h + torch.zeros_like(h).index_add(0, target, h[source]))
        if self.dense:
            return h
        member = torch.arange(len(sizes)).repeat_interleave(sizes)
        return torch.zeros(len(sizes), 3, dtype=h.dtype).index_add(0, member, h)


def batch() -> Signal:
    drawn = SPACE.sample_signal(FIELD, 3, torch.Generator().manual_seed(0))
    alike = [signal(GRAPHS[name], torch.ones(len(GRAPHS[name]), 2)) for name in ("ring", "cube", "set")]
    both = batch_signals([drawn, *alike])
    return Signal(both.x.double(), both.on)


@pytest.mark.parametrize("dense", [False, True])
def test_networks_on_graphs(dense: bool) -> None:
    model, x = Listed(dense), batch()
    made = symmetrize(model, FIELD, data=x)
    here, moves = made(x), [a for a in SPACE.actions(FIELD.group, x, 6) if a.family == "permutation"]
    assert (made.method, made.cost, made.exact) == ("canonical", 1, True)
    assert made.degenerate == 3
    assert made.unresolved == 0

    def gap(net: nn.Module, before: Tensor) -> float:
        wanted = [a.move(Signal(before, x.on), None).x if dense else before for a in moves]
        return max(float((net(a.move(x, None)) - w).detach().abs().max()) for a, w in zip(moves, wanted, strict=True))

    assert gap(made, here) <= 1e-12
    assert gap(model, model(x)) > 1e-2
    if dense:  # nodes that look alike have the same answer
        ring = here[-(7 + 8 + 30) :][:7]
        assert torch.allclose(ring, ring[:1].expand_as(ring))
    here.sum().backward()
    assert bool(model.linear.weight.grad.any())


def test_an_average_over_random_orders_is_repeatable_and_approximate() -> None:
    model, x = Listed(False), batch()
    made = symmetrize(model, FIELD, "average", data=x, samples=3)
    assert torch.equal(made(x), made(x))
    assert not made.exact
    assert made.cost == 3
    assert not torch.equal(made(x), symmetrize(model, FIELD, "average", data=x, samples=3, seed=1)(x))
    with pytest.raises(DomainError, match="no method for the orders of nodes"):
        symmetrize(model, FIELD, "frames", data=x)


def test_signals_come_out_where_signals_do() -> None:
    class Wrapped(Listed):
        def forward(self, x: Signal) -> Signal:  # type: ignore[override]
            return Signal(super().forward(x), x.on)

    x = batch()
    made = symmetrize(Wrapped(True), FIELD, data=x)
    answer = made(x)
    assert isinstance(answer, Signal)
    assert answer.on is x.on
    assert torch.allclose(answer.x, symmetrize(Listed(True), FIELD, data=x)(x))


def test_derived_networks_on_molecules_are_unchanged() -> None:
    drawn = SPACE.sample_signal(FIELD, 4, torch.Generator().manual_seed(2))
    net = eg.derive(FIELD, eg.Classify(2), "tiny").eval()
    assert torch.allclose(symmetrize(net)(drawn), net(drawn), atol=1e-5)
