"""Graphs from and to scipy, networkx and torch-geometric; none of them is imported before it is asked for."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from erlangen.blueprint import Signal
from erlangen.errors import DomainError, MissingExtra
from erlangen.graphs.graph import Graph
from erlangen.graphs.pattern import index_type

if TYPE_CHECKING:
    import networkx
    import scipy.sparse
    import torch_geometric.data


def from_scipy(matrix: Any, weighted: bool = True) -> Graph:
    """A graph from an adjacency matrix with A[v, u] ≠ 0 for an edge u → v.

    Args:
        matrix: square sparse matrix or array of scipy, of any format.
        weighted: keep the values as weights; otherwise only the places count.

    Raises:
        DomainError: the matrix is not square.
    """
    if matrix.shape[0] != matrix.shape[1]:
        raise DomainError(f"an adjacency matrix is square, got {matrix.shape}")
    rows = matrix.tocsr()
    kind = index_type(max(rows.shape[0], rows.nnz))
    ptr, col = torch.as_tensor(rows.indptr.copy()).to(kind), torch.as_tensor(rows.indices.copy()).to(kind)
    return Graph(ptr, col, torch.as_tensor(rows.data.copy()) if weighted else None)


def to_scipy(graph: Graph) -> "scipy.sparse.csr_array":
    """The adjacency matrix, A[v, u] for an edge u → v; 1 without weights. Multiple edges stay separate entries."""
    from scipy.sparse import csr_array

    values = torch.ones(graph.num_edges) if graph.weight is None else graph.weight.detach()
    arrays = tuple(t.cpu().numpy() for t in (values, graph.col, graph.ptr))
    return csr_array(arrays, shape=(graph.num_nodes, graph.num_nodes))


def from_networkx(graph: "networkx.Graph", weight: str | None = None) -> Graph:
    """A graph from networkx; nodes are numbered in their order there, undirected edges go both ways.

    Args:
        graph: any networkx graph, multigraphs and directed ones too.
        weight: the edge attribute that holds the weight.
    """
    place = {node: i for i, node in enumerate(graph.nodes)}
    edges = [(place[u], place[v]) for u, v in graph.edges()]
    index = torch.tensor(edges, dtype=torch.long).reshape(-1, 2).T
    values = None
    if weight is not None:
        values = torch.tensor([float(d) for *_, d in graph.edges(data=weight)], dtype=torch.get_default_dtype())
    return Graph.from_edges(index, len(place), values, undirected=not graph.is_directed())


def to_networkx(graph: Graph) -> "networkx.MultiDiGraph":
    """A directed networkx multigraph on the nodes 0 … N-1; weights become the attribute "weight"."""
    try:
        import networkx
    except ImportError as error:
        raise MissingExtra("networkx", "graph") from error
    result = networkx.MultiDiGraph()
    result.add_nodes_from(range(graph.num_nodes))
    edges = graph.edge_index().T.tolist()
    if graph.weight is None:
        result.add_edges_from(edges)
    else:
        result.add_weighted_edges_from((u, v, w) for (u, v), w in zip(edges, graph.weight.tolist(), strict=True))
    return result


def from_pyg(data: "torch_geometric.data.Data") -> Signal:
    """A signal from a torch-geometric `Data` or `Batch`.

    Args:
        data: with `edge_index`, and `x`, `edge_weight`, `edge_attr`, `ptr` where it has them.

    Returns:
        x on the graph; a one-dimensional `edge_attr` counts as weight, a two-dimensional one as edge features. Without
        `x` every node gets the number 1.
    """
    if data.num_nodes is None or data.edge_index is None:
        raise DomainError(
            f"{data} has no edge_index or no number of nodes. Fix: set data.edge_index and data.num_nodes"
        )
    nodes = data.num_nodes
    attributes, weight = getattr(data, "edge_attr", None), getattr(data, "edge_weight", None)
    if attributes is not None and attributes.ndim == 1:
        weight, attributes = (attributes if weight is None else weight), None
    graph = Graph.from_edges(data.edge_index, nodes, weight, edge_features=attributes)
    starts = getattr(data, "ptr", None)
    if starts is not None:
        graph = Graph(graph.ptr, graph.col, graph.weight, edge_features=graph.edge_features, graph_ptr=starts)
    x: Tensor | None = getattr(data, "x", None)
    return Signal(torch.ones(nodes, 1) if x is None else x, graph)


def to_pyg(signal: Signal, **fields: Any) -> "torch_geometric.data.Data":
    """A torch-geometric `Data` with x, edge_index and, where there are any, edge_weight and edge_attr.

    Args:
        signal: a signal on one graph.
        fields: what else to store, such as `y`.

    Raises:
        MissingExtra: torch-geometric is not installed.
        DomainError: the signal is a batch; convert its parts one by one.
    """
    try:
        from torch_geometric.data import Data
    except ImportError as error:
        raise MissingExtra("torch-geometric", "graph") from error
    graph = signal.on
    if graph.num_graphs != 1:
        raise DomainError(
            f"a batch of {graph.num_graphs} graphs does not fit one Data. Fix: split_signal(signal) first"
        )
    extra = {"edge_weight": graph.weight, "edge_attr": graph.edge_features}
    present = {name: value for name, value in extra.items() if value is not None}
    return Data(x=signal.x, edge_index=graph.edge_index(), num_nodes=graph.num_nodes, **present, **fields)
