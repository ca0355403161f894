"""Graphs as inputs of exported programs: what of a graph is a tensor, and how the tensors make a graph again."""

from typing import Any

from torch import Tensor
from torch.utils._pytree import GetAttrKey, register_pytree_node

from erlangen.graphs.graph import Graph
from erlangen.graphs.pattern import Pattern

PARTS = ("ptr", "col", "weight", "edge_features", "graph_ptr")


def parts(graph: Graph) -> tuple[list[Tensor | None], None]:
    """The tensors of a graph, in the order of `PARTS`; graph_ptr is None for a single graph."""
    return [graph.ptr, graph.col, graph.weight, graph.edge_features, graph._graph_ptr], None


def named_parts(graph: Graph) -> tuple[list[tuple[Any, Tensor | None]], None]:
    """The same, each with its name."""
    return [(GetAttrKey(name), part) for name, part in zip(PARTS, parts(graph)[0], strict=True)], None


def whole(values: Any, context: None) -> Graph:
    """The graph with these tensors; what was derived from it is computed again when needed."""
    ptr, col, weight, features, starts = values
    return Graph.__new__(Graph)._fill(Pattern(ptr, col, len(ptr) - 1), weight, features, starts)


register_pytree_node(
    Graph, parts, whole, serialized_type_name="erlangen.graphs.Graph", flatten_with_keys_fn=named_parts
)
