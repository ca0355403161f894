"""The compiler and torch.export, with graphs as inputs of changing size."""

import pytest
import torch
from make import random_edges

from erlangen.blueprint import Classify, Segment, Signal, derive
from erlangen.graphs import Graph, Graphs, MessagePassing

FIELD = Graphs().field(None, 4)
NETWORKS = {
    "graph classifier": lambda: derive(FIELD, Classify(2), "tiny", pool="sum+mean+max"),
    "node classifier": lambda: derive(FIELD, Segment(3), "tiny"),
    "max messages": lambda: MessagePassing(FIELD, FIELD, reduce="max"),
}
EVERY = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)


def signal(nodes: int, seed: int = 0) -> Signal:
    graph = Graph.from_edges(random_edges(nodes, 3 * nodes, seed), nodes)
    return Signal(torch.randn(nodes, 4), graph)


def features(output):
    return output.x if isinstance(output, Signal) else output


@EVERY
def test_compiled_networks_agree_with_gradients_on_graphs_of_any_size(make):
    torch._dynamo.reset()
    net = make().eval()
    fast = torch.compile(net, fullgraph=True, backend="aot_eager")
    for nodes in (9, 14, 23):
        here = signal(nodes)
        grads = []
        for run in (net, fast, fast):
            net.zero_grad()
            y = features(run(here))
            y.square().sum().backward()
            grads.append([y.detach(), *(p.grad.clone() for p in net.parameters())])
        for other in grads[1:]:
            assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in zip(grads[0], other, strict=True))


@EVERY
def test_a_graph_is_an_input_of_an_exported_program(make):
    net, here = make().eval(), signal(11)
    program = torch.export.export(net, (here,), strict=False)
    mixed = Signal(torch.randn(11, 4), here.on.shuffle_edges(torch.Generator().manual_seed(1)))
    assert torch.allclose(features(program.module()(mixed)), features(net(mixed)), atol=1e-5)
