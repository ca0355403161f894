"""The audit must catch every graph network that depends on the order of nodes or edges, and let the right ones pass."""

import broken_graphs as graphs
import pytest
import torch

from erlangen.audit import audit
from erlangen.blueprint import Classify, Segment, derive

CASES = {
    "lstm": (graphs.LSTMNetwork, "read", "a recurrent network reads"),
    "ordered readout": (graphs.OrderedReadout, "after inner, before head", "order in which nodes"),
    "node embedding": (lambda: graphs.NodeEmbedding(54), "after inner, before head", "'place'"),
    "row order": (graphs.RowNetwork, "mix", "order in which nodes"),
}


@pytest.mark.parametrize("name", CASES)
def test_every_fault_is_found_where_it_is(name):
    build, guilty, cause = CASES[name]
    torch.manual_seed(1)
    found = audit(build(), graphs.graphs(), in_field=graphs.FIELD)
    assert found.verdict != "exact"
    assert any(guilty in row.name for row in found.culprits), str(found)
    assert any(cause in row.cause for row in found.culprits), str(found)


def test_the_order_of_edges_alone_is_caught():
    torch.manual_seed(1)
    found = audit(graphs.LSTMNetwork(), graphs.graphs(), in_field=graphs.FIELD)
    edge_order = next(f for f in found.families if f.name == "edge order")
    assert edge_order.declared
    assert edge_order.verdict != "exact"


def test_plain_sum_network_is_exact():
    torch.manual_seed(1)
    found = audit(graphs.SumNetwork(), graphs.graphs(), in_field=graphs.FIELD)
    assert found.verdict == "exact", str(found)


@pytest.mark.parametrize("task", [Classify(3), Segment(3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_derived_networks_are_exact(task, dtype):
    torch.manual_seed(0)
    net = derive(graphs.FIELD, task, "tiny")
    found = audit(net, graphs.graphs(), dtype=dtype)
    assert found.verdict == "exact", str(found)
    assert found.max_error <= (1e-5 if dtype == torch.float32 else 1e-12)
    assert all(row.intrinsic is not None for row in found.layers), str([(r.name, r.note) for r in found.layers])
