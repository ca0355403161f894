"""Batches: graphs and signals side by side, and apart again."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from erlangen.blueprint import Signal
from erlangen.errors import DomainError, FieldError
from erlangen.graphs.graph import Graph
from erlangen.graphs.pattern import INT32_LIMIT, Pattern


def batch_graphs(graphs: Sequence[Graph]) -> Graph:
    """Several graphs side by side, without edges between them (see `Graph.batch`)."""
    graphs = list(graphs)
    if not graphs:
        raise DomainError("a batch needs at least one graph")
    device = graphs[0].ptr.device
    nodes, edges = [g.num_nodes for g in graphs], [g.num_edges for g in graphs]
    if max(sum(nodes), sum(edges)) >= INT32_LIMIT:
        raise DomainError(f"a batch of {sum(nodes)} nodes and {sum(edges)} edges is too large; use smaller batches")
    first_node, first_edge = _starts(nodes, device), _starts(edges, device)
    ptr = torch.cat([torch.cat([g.ptr[:-1] for g in graphs]) + _spread(first_edge, nodes), first_edge[-1:]])
    col = torch.cat([g.col for g in graphs]) + _spread(first_node, edges)
    if all(g._graph_ptr is None for g in graphs):
        graph_ptr = first_node
    else:
        parts = [g.graph_ptr[:-1] for g in graphs]
        shifted = torch.cat(parts) + _spread(first_node, [len(part) for part in parts])
        graph_ptr = torch.cat([shifted, first_node[-1:]])
    pattern = Pattern(ptr.int(), col.int(), sum(nodes), all(g.pattern.is_symmetric for g in graphs))
    weight = _joined([g.weight for g in graphs], "weights")
    features = _joined([g.edge_features for g in graphs], "edge features")
    return Graph.__new__(Graph)._fill(pattern, weight, features, graph_ptr.int())


def batch_signals(signals: Sequence[Signal]) -> Signal:
    """Several signals as one, on their graphs side by side.

    Args:
        signals: each with x [N_i, C] on a graph of N_i nodes.

    Returns:
        A signal x [Σ N_i, C] on the batch of graphs.

    Raises:
        FieldError: the signals have different channels.
        DomainError: there is no signal.
    """
    signals = list(signals)
    channels = {s.x.shape[1] for s in signals}
    if len(channels) > 1:
        raise FieldError(f"signals of one batch need equal channels, got {sorted(channels)}")
    on = batch_graphs([s.on for s in signals])
    return Signal(torch.cat([s.x for s in signals]), on)


def split_graph(graph: Graph) -> list[Graph]:
    """The graphs of a batch, one by one (see `Graph.unbatch`)."""
    if graph.num_graphs == 1:
        return [graph]
    parts, nodes, edges = [], graph.graph_ptr.tolist(), graph.ptr.tolist()
    for a, b in pairwise(nodes):
        inside = slice(edges[a], edges[b])
        ptr, col = graph.ptr[a : b + 1] - edges[a], graph.col[inside] - a
        pattern = Pattern(ptr, col, b - a, graph.pattern.known_symmetric or None)
        weight, features = (None if t is None else t[inside] for t in (graph.weight, graph.edge_features))
        parts.append(Graph.__new__(Graph)._fill(pattern, weight, features, None))
    return parts


def split_signal(signal: Signal) -> list[Signal]:
    """The signals of a batch, one by one."""
    sizes = signal.on.graph_ptr.diff().tolist()
    return [Signal(x, g) for x, g in zip(signal.x.split(sizes), signal.on.unbatch(), strict=True)]


def _starts(sizes: list[int], device: torch.device) -> Tensor:
    return torch.tensor([0, *sizes], device=device).cumsum(0)


def _spread(starts: Tensor, counts: list[int]) -> Tensor:
    """Each of the starts, repeated as often as its count says."""
    times = torch.tensor(counts, device=starts.device)
    return starts[:-1].repeat_interleave(times, output_size=sum(counts))


def _joined(values: list[Tensor | None], name: str) -> Tensor | None:
    there = [v for v in values if v is not None]
    if not there:
        return None
    if len(there) < len(values):
        raise DomainError(f"{len(there)} of {len(values)} graphs have {name}; give all of them {name}, or none")
    return torch.cat(there)
