"""Layers and networks: the conformance suite, permutations of every corner, dense references, options and errors."""

import pytest
import torch
from make import CORNERS, dense, random_edges

from erlangen.blueprint import Classify, Predict, Regress, Segment, Sequential, Signal, derive, network_from, space_from
from erlangen.errors import DomainError, FieldError, UnknownName
from erlangen.graphs import (
    Graph,
    GraphConvolution,
    GraphIsomorphism,
    GraphReadout,
    Graphs,
    MessagePassing,
    NodeActivation,
    NodeLinear,
    NodeNorm,
    NodeReadout,
    SetLinear,
    batch_signals,
    propagation,
    split_signal,
)
from erlangen.testing import check

SPACE = Graphs()
IN, OUT = SPACE.field(None, 5), SPACE.field(None, 8)
LAYERS = {
    "convolution": lambda: GraphConvolution(IN, OUT),
    "narrowing": lambda: GraphConvolution(OUT, IN, dropout=0.1),
    "mean": lambda: GraphConvolution(IN, OUT, normalise="mean", residual=True),
    "sum": lambda: GraphConvolution(IN, IN, normalise="sum", self_loops=False, bias=False, residual=True),
    "message sum": lambda: MessagePassing(IN, OUT),
    "message mean": lambda: MessagePassing(IN, OUT, reduce="mean", residual=True, hidden=3),
    "message max": lambda: MessagePassing(IN, OUT, reduce="max", activation="gelu"),
    "isomorphism": lambda: GraphIsomorphism(IN, OUT),
    "isomorphism max": lambda: GraphIsomorphism(IN, OUT, reduce="max", norm=False, residual=True, hidden=4),
    "node": lambda: NodeLinear(IN, OUT),
    "set": lambda: SetLinear(IN, OUT),
    "batch norm": lambda: NodeNorm(IN),
    "graph norm": lambda: NodeNorm(IN, "graph"),
    "layer norm": lambda: NodeNorm(IN, "layer"),
    "activation": lambda: NodeActivation(IN, "elu"),
    "graph head": lambda: GraphReadout(IN, Classify(3), pool="sum + mean + max"),
    "linear graph head": lambda: GraphReadout(IN, Regress(2), pool="mean", channels=0),
    "node head": lambda: NodeReadout(IN, Segment(3)),
    "hopping node head": lambda: NodeReadout(IN, Predict("2 trivial"), head="convolution"),
    "graph network": lambda: derive(IN, Classify(2), "tiny"),
    "node network": lambda: derive(IN, Segment(4), "medium", width=0.1),
}
EVERY = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


def features(output: "Signal | torch.Tensor") -> torch.Tensor:
    return output.x if isinstance(output, Signal) else output


NETWORKS = ("graph network", "node network")  # their layers are all looked at by themselves
LAWS_ELSEWHERE = {"convolution", "isomorphism", "node", "batch norm", "layer norm"}  # in full in tests/laws


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in NETWORKS else n for n in LAYERS])
def test_conformance(name, left_to_slow):
    check(LAYERS[name](), skip=left_to_slow if name in LAWS_ELSEWHERE else ())


@EVERY
@pytest.mark.parametrize("name", CORNERS)
def test_permutations_and_edge_shuffles_of_every_corner(make, name):
    torch.manual_seed(0)
    layer, graph = make().eval().double(), CORNERS[name]
    signal = Signal(torch.randn(graph.num_nodes, layer.in_field.size, dtype=torch.float64), graph)
    y = layer(signal)
    for action in SPACE.actions(layer.in_field.group, signal, 5, torch.Generator().manual_seed(1)):
        moved = features(layer(action.move(signal, layer.in_field.rep)))
        want = features(action.move(y, layer.out_field.rep)) if isinstance(y, Signal) else y
        assert torch.isfinite(moved).all()
        error = (moved - want).abs().max().item() if moved.numel() else 0.0
        assert error <= 1e-12 * max(1.0, want.abs().max().item() if want.numel() else 0.0), action.label


@EVERY
def test_a_batch_is_its_graphs_one_by_one(make):
    layer = make().eval().double()
    graphs = [Graph.from_edges(random_edges(n, 3 * n, n), n) for n in (4, 7, 1)] + [Graph.set(3)]
    size = layer.in_field.size
    signals = [Signal(torch.randn(g.num_nodes, size, dtype=torch.float64), g) for g in graphs]
    together, alone = layer(batch_signals(signals)), [layer(s) for s in signals]
    parts = [s.x for s in split_signal(together)] if isinstance(together, Signal) else list(together.split(1))
    for part, one in zip(parts, alone, strict=True):
        assert torch.allclose(part, features(one), atol=1e-12)


@pytest.mark.parametrize("name", CORNERS)
@pytest.mark.parametrize(("c_in", "c_out"), [(5, 8), (8, 2)])
def test_graph_convolution_is_the_formula(name, c_in, c_out):
    graph = CORNERS[name]
    layer = GraphConvolution(SPACE.field(None, c_in), SPACE.field(None, c_out)).double()
    torch.nn.init.normal_(layer.body.bias)
    a = dense(graph) + torch.eye(graph.num_nodes)
    scale = a.sum(1).rsqrt()
    x = torch.randn(graph.num_nodes, c_in, dtype=torch.float64)
    want = scale[:, None] * (a @ (scale[:, None] * x)) @ layer.body.linear.weight.T + layer.body.bias
    assert torch.allclose(layer(Signal(x, graph)).x, want, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("c_in", "c_out"), [(5, 8), (8, 2)])
def test_graph_convolution_equals_pyg(weighted, c_in, c_out):
    pytest.importorskip("torch_geometric")
    from torch_geometric.nn import GCNConv

    graph = Graph.from_edges(random_edges(30, 200), 30).without_self_loops()  # PyG keeps loops it finds, A + I adds one
    if weighted:
        graph = graph.with_weight(torch.rand(graph.num_edges, dtype=torch.float64))
    layer = GraphConvolution(SPACE.field(None, c_in), SPACE.field(None, c_out)).double()
    peer = GCNConv(c_in, c_out).double()
    with torch.no_grad():
        peer.lin.weight.copy_(layer.body.linear.weight)
        peer.bias.normal_()
        layer.body.bias.copy_(peer.bias)
    x, z = (torch.randn(30, c_in, dtype=torch.float64).requires_grad_() for _ in range(2))
    with torch.no_grad():
        z.copy_(x)
    y, want = layer(Signal(x, graph)).x, peer(z, graph.edge_index(), graph.weight)
    y.square().sum().backward()
    want.square().sum().backward()
    assert torch.allclose(y, want, atol=1e-12)
    assert torch.allclose(x.grad, z.grad, atol=1e-11)
    assert torch.allclose(layer.body.linear.weight.grad, peer.lin.weight.grad, atol=1e-10)


def test_learned_edge_weights_get_their_gradient():
    graph = Graph.from_edges(random_edges(6, 12), 6)
    weight = torch.rand(12, dtype=torch.float64, requires_grad=True)
    layer, x = GraphConvolution(IN, OUT).double(), torch.randn(6, 5, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda w: layer(Signal(x, graph.with_weight(w))).x, weight)


def test_normalised_weights_are_computed_once_a_graph():
    graph = Graph.from_edges(random_edges(6, 12), 6, undirected=True)
    assert propagation(graph) is propagation(graph)
    assert propagation(graph) is not propagation(graph, dtype=torch.float64)
    assert propagation(graph).symmetric
    assert not propagation(graph, "mean").symmetric
    means = propagation(graph, "mean", dtype=torch.float64)(torch.ones(6, 1, dtype=torch.float64))
    assert torch.allclose(means, torch.ones_like(means))


def test_isomorphism_layers_separate_what_means_cannot():
    """A star of 3 leaves and one of 4: the same means everywhere, different sums."""
    stars = [
        Graph.from_edges(torch.stack([torch.zeros(n).long(), torch.arange(1, n + 1)]), n + 1, undirected=True)
        for n in (3, 4)
    ]
    field = SPACE.field(None, 1)
    for reduce, separates in (("mean", False), ("sum", True)):
        torch.manual_seed(0)
        layer = GraphIsomorphism(field, OUT, reduce=reduce, norm=False).eval()
        a, b = (layer(Signal(torch.ones(g.num_nodes, 1), g)).x[0] for g in stars)
        assert torch.allclose(a, b) != separates


@pytest.mark.parametrize("layer", [MessagePassing, GraphIsomorphism])
def test_edge_features_are_read(layer):
    edges, values = random_edges(6, 15), torch.randn(15, 2, dtype=torch.float64)
    net = layer(IN, OUT, edge_channels=2).double().eval()
    x = torch.randn(6, 5, dtype=torch.float64)
    one = net(Signal(x, Graph.from_edges(edges, 6, edge_features=values)))
    other = net(Signal(x, Graph.from_edges(edges, 6, edge_features=2 * values)))
    assert not torch.allclose(one.x, other.x)
    p = torch.randperm(6)
    moved = net(SPACE.act(p, Signal(x, one.on)))
    assert torch.allclose(moved.x[p], one.x, atol=1e-12)
    with pytest.raises(FieldError, match="reads 2 edge channels, the graph has none"):
        net(Signal(x, Graph.from_edges(edges, 6)))


def test_on_sets_message_passing_is_a_node_wise_map():
    """Deep Sets: without edges a network treats every point alone until the readout."""
    net, x = derive(IN, Classify(2), "tiny").eval(), torch.randn(6, 5)
    a, b = x.clone(), x.clone()
    b[0] = 0.0
    body = Sequential(*list(net.steps)[:-1]).eval()
    assert torch.equal(body(Signal(a, Graph.set(6))).x[1:], body(Signal(b, Graph.set(6))).x[1:])
    assert not torch.allclose(net(Signal(a, Graph.set(6))), net(Signal(b, Graph.set(6))))


def test_set_layers_span_both_invariants():
    layer, x = SetLinear(IN, OUT).double(), torch.randn(4, 5, dtype=torch.float64)
    own, mean = layer.body.own, layer.body.mean
    want = x @ own.weight.T + own.bias + (x.mean(0) @ mean.weight.T)
    assert torch.allclose(layer(Signal(x, Graph.set(4))).x, want, atol=1e-12)


def test_wide_sparse_features_take_the_sparse_route_to_the_same_result():
    from erlangen.graphs.features import feature_linear, sparse_features

    x = torch.zeros(600, 500)
    x[torch.arange(600).repeat(9), torch.randint(500, (5400,))] = 1.0
    weight, bias = torch.randn(7, 500, requires_grad=True), torch.randn(7)
    assert sparse_features(x) is not None
    assert sparse_features(torch.randn(600, 500)) is None
    y = feature_linear(x, weight, bias)
    want = torch.nn.functional.linear(x, weight, bias)
    assert torch.allclose(y, want, atol=1e-5)
    assert torch.allclose(*(torch.autograd.grad(t.square().sum(), weight)[0] for t in (y, want)), rtol=1e-4, atol=1e-3)
    x[0, 0] += 3.0  # in place: what was kept must not be used
    assert torch.allclose(feature_linear(x, weight, bias), torch.nn.functional.linear(x, weight, bias), atol=1e-5)
    torch.manual_seed(0)
    dropped = torch.stack([feature_linear(x, weight, None, 0.5) for _ in range(400)]).mean(0)
    scatter = torch.stack([feature_linear(x, weight, None, 0.5) for _ in range(400)]).std(0)
    assert ((dropped - x @ weight.T).abs() <= 6 * scatter / 20 + 1e-4).all()


@pytest.mark.parametrize("task", [Classify(2), Regress(), Segment(3), Predict("2 trivial")])
@pytest.mark.parametrize("size", ["tiny", "small", "medium", "large"])
def test_derived_networks(task, size):
    net = derive(IN, task, size).eval()
    signal = SPACE.sample_signal(IN, 3)
    y = net(signal)
    assert features(y).shape == ((signal.on.num_nodes if task.dense else 3), net.out_field.size)
    assert net.plan.parameters == sum(p.numel() for p in net.parameters())
    assert net.plan.exact
    again = network_from(net.declaration).eval()
    again.load_state_dict(net.state_dict())
    assert torch.equal(features(again(signal)), features(y))
    assert torch.allclose(features(net.export()(signal)), features(y))


def test_the_space_describes_itself():
    space = Graphs(nodes=100, edges=400)
    assert space_from(space.describe()) == space != SPACE
    assert space.nominal_shape() == (100, 400)
    assert repr(SPACE.field(None, 7)) == "7 trivial of Σn on Graphs()"
    assert SPACE.field("Σn", 7) == SPACE.field(None, 7)


ERRORS = {
    "channels": (
        lambda: GraphConvolution(IN, OUT)(Signal(torch.randn(3, 4), Graph.set(3))),
        FieldError,
        "5 channels.*Fix",
    ),
    "rows": (lambda: NodeNorm(IN)(Signal(torch.randn(2, 5), Graph.set(3))), DomainError, r"x \[3, 5\], got \(2, 5\)"),
    "tensor": (lambda: NodeLinear(IN, OUT)(torch.randn(3, 5)), FieldError, r"Fix: Signal\(x, graph\)"),
    "group": (lambda: SPACE.field("C4", 1), DomainError, "Σn"),
    "coarsen": (lambda: SPACE.coarsen(IN), DomainError, "Fix: derive without coarsen_after"),
    "chain": (lambda: Sequential(NodeLinear(IN, OUT), NodeNorm(IN)), FieldError, "8 trivial"),
    "layer": (lambda: SPACE.linear(IN, OUT, kind="convolutoin"), UnknownName, "Did you mean 'convolution'"),
    "option": (lambda: SPACE.block(IN, OUT, hops=2), FieldError, "no option 'hops'. It has: normalise"),
    "head option": (lambda: derive(IN, Classify(2), pooling="sum"), FieldError, "no option 'pooling'. It has: pool"),
    "pool": (lambda: GraphReadout(IN, Classify(2), pool="median"), FieldError, "Fix: sum, mean, max"),
    "size": (lambda: derive(IN, Classify(2), "smal"), UnknownName, "Did you mean 'small'"),
    "norm": (lambda: NodeNorm(IN, "instance"), UnknownName, "Known: batch, layer, graph"),
    "activation": (lambda: NodeActivation(IN, "rely"), UnknownName, "Did you mean 'relu'"),
    "normalise": (lambda: GraphConvolution(IN, OUT, normalise="max"), UnknownName, "symmetric, mean, sum"),
    "reduce": (lambda: MessagePassing(IN, OUT, reduce="min"), DomainError, "Fix: one of sum, mean, max"),
    "dropout": (lambda: NodeLinear(IN, OUT, dropout=1.0), FieldError, r"share in \[0, 1\)"),
    "sizes": (lambda: Graphs(nodes=-1), DomainError, "-1 nodes"),
}


@pytest.mark.parametrize(("act", "kind", "match"), ERRORS.values(), ids=ERRORS)
def test_errors_teach(act, kind, match):
    with pytest.raises(kind, match=match):
        act()
