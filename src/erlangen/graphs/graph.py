"""`Graph`: nodes, edges by destination, and batches of graphs side by side."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from erlangen.errors import DomainError
from erlangen.graphs.pattern import Pattern, index_type, tracing


class Graph:
    """A graph, or several side by side, stored by destination (CSR).

    Node v receives from the sources `col[ptr[v]:ptr[v + 1]]`. What layers derive from a graph (transpose, normalised
    weights) is computed when first needed and kept with it, so make a graph once and use it often. A set is a graph
    without edges.

    Args:
        ptr: [N + 1] start of the incoming edges of each node, then their number.
        col: [E] source of each edge.
        weight: [E] a number for each edge, if it has one.
        edge_features: [E, D] a feature vector for each edge, if it has one.
        graph_ptr: [G + 1] first node of each graph of a batch, then the number of nodes; None is one graph.
        symmetric: whether every edge (u, v) has its reverse (v, u), as often and with the same weight; None finds out.

    Raises:
        DomainError: sizes do not fit.
    """

    def __init__(
        self,
        ptr: Int[Tensor, " node_offsets"],
        col: Int[Tensor, " edges"],
        weight: Float[Tensor, " edges"] | None = None,
        *,
        edge_features: Float[Tensor, "edges channels"] | None = None,
        graph_ptr: Int[Tensor, " graph_offsets"] | None = None,
        symmetric: bool | None = None,
    ) -> None:
        if ptr.ndim != 1 or len(ptr) < 1 or col.ndim != 1:
            raise DomainError(f"a graph needs ptr [N + 1] and col [E], got {tuple(ptr.shape)} and {tuple(col.shape)}")
        for name, values in (("weight", weight), ("edge_features", edge_features)):
            if values is not None and len(values) != len(col):
                raise DomainError(f"{name} must have one row for each of the {len(col)} edges, got {len(values)}")
        kind = index_type(max(len(ptr), len(col)))
        self._fill(Pattern(ptr.to(kind), col.to(kind), len(ptr) - 1, symmetric), weight, edge_features, graph_ptr)
        if not tracing():
            self._check()

    def _fill(
        self, pattern: Pattern, weight: Tensor | None, edge_features: Tensor | None, graph_ptr: Tensor | None
    ) -> "Graph":
        self.pattern, self.weight, self.edge_features = pattern, weight, edge_features
        self._graph_ptr = graph_ptr
        self._membership: Pattern | None = None
        self._operators: dict[Any, Any] = {}
        return self

    def _check(self) -> None:
        ends = self.graph_ptr[[0, -1]].tolist()
        if ends != [0, self.num_nodes]:
            raise DomainError(f"graph_ptr must run from 0 to the number of nodes, {self.num_nodes}, got {ends}")
        ends = self.ptr[[0, -1]].tolist()
        if ends != [0, self.num_edges]:
            raise DomainError(f"ptr must run from 0 to the number of edges, {self.num_edges}, got {ends}")

    @classmethod
    def from_edges(
        cls,
        edge_index: Int[Tensor, "2 edges"],
        num_nodes: int,
        weight: Float[Tensor, " edges"] | None = None,
        *,
        edge_features: Float[Tensor, "edges channels"] | None = None,
        undirected: bool = False,
        symmetric: bool | None = None,
    ) -> "Graph":
        """A graph from a list of edges in any order; multiple edges are kept.

        Args:
            edge_index: [2, E] sources in the first row, destinations in the second.
            num_nodes: number of nodes N; nodes without edges count.
            weight: [E] a number for each edge.
            edge_features: [E, D] a vector for each edge.
            undirected: every edge is listed once and goes both ways.
            symmetric: the list holds the reverse of every edge, with equal weight; None finds out.

        Raises:
            DomainError: an edge names a node that is not there, or the list has the wrong shape.
        """
        edge_index = torch.as_tensor(edge_index)
        if edge_index.ndim != 2 or edge_index.shape[0] != 2:
            raise DomainError(
                f"edge_index must be [2, E] (sources, destinations), got {tuple(edge_index.shape)}. Fix: transpose it"
            )
        if edge_index.numel():
            low, high = (int(end) for end in torch.aminmax(edge_index))
            if low < 0 or high >= num_nodes:
                raise DomainError(
                    f"edges name the nodes {low} … {high}, but there are {num_nodes}, 0 … {num_nodes - 1}. "
                    "Fix: count from 0, and let num_nodes be the number of nodes, not of edges"
                )
        source, target = edge_index[0].long(), edge_index[1].long()
        if undirected:
            symmetric, proper = True, source != target
            source, target = torch.cat([source, target[proper]]), torch.cat([target, source[proper]])
            weight, edge_features = (None if t is None else torch.cat([t, t[proper]]) for t in (weight, edge_features))
        pattern, order = Pattern.from_coordinates(target, source, num_nodes, num_nodes, symmetric)
        weight, features = (None if t is None else torch.as_tensor(t)[order] for t in (weight, edge_features))
        return cls.__new__(cls)._fill(pattern, weight, features, None)

    @classmethod
    def set(cls, n: int) -> "Graph":
        """A set of n points: a graph without edges."""
        empty = torch.zeros(0, dtype=torch.int32)
        return cls(torch.zeros(n + 1, dtype=torch.int32), empty, symmetric=True)

    @classmethod
    def nothing(cls) -> "Graph":
        """A batch of no graphs, as the end of a filtered stream may be."""
        zero = torch.zeros(1, dtype=torch.int32)
        return cls(zero, zero[:0], graph_ptr=zero, symmetric=True)

    @classmethod
    def batch(cls, graphs: "Sequence[Graph]") -> "Graph":
        """Several graphs side by side, without edges between them.

        Raises:
            DomainError: there is no graph, or only some have weights or edge features.
        """
        from erlangen.graphs.batch import batch_graphs

        return batch_graphs(graphs)

    # sizes and parts

    @property
    def ptr(self) -> Int[Tensor, " node_offsets"]:
        """Start of the incoming edges of each node, then the number of edges."""
        return self.pattern.ptr

    @property
    def col(self) -> Int[Tensor, " edges"]:
        """Source of each edge."""
        return self.pattern.col

    @property
    def num_nodes(self) -> int:
        """Number of nodes N."""
        return self.pattern.rows

    @property
    def num_edges(self) -> int:
        """Number of stored (directed) edges E."""
        return self.pattern.entries

    @property
    def num_graphs(self) -> int:
        """Number of graphs side by side."""
        return 1 if self._graph_ptr is None else len(self._graph_ptr) - 1

    @property
    def graph_ptr(self) -> Int[Tensor, " graph_offsets"]:
        """First node of each graph, then the number of nodes."""
        if self._graph_ptr is None:
            return torch.tensor([0, self.num_nodes], dtype=self.ptr.dtype, device=self.ptr.device)
        return self._graph_ptr

    @property
    def membership(self) -> Pattern:
        """Which graph holds which nodes: a pattern of graphs x nodes, so that pooling is a sparse product."""
        if self._membership is not None:
            return self._membership
        nodes = torch.arange(self.num_nodes, dtype=self.col.dtype, device=self.col.device)
        made = Pattern(self.graph_ptr.to(self.col.dtype), nodes, self.num_nodes, symmetric=False)
        self._membership = None if tracing() else made
        return made

    @property
    def symmetric(self) -> bool:
        """Whether every edge has its reverse with the same weight, so that A = Aᵀ."""
        if self.weight is None or not self.pattern.is_symmetric or self.weight.requires_grad:
            return self.weight is None and self.pattern.is_symmetric
        if "symmetric" not in self._operators:
            if tracing():
                return False
            same_places = torch.equal(self.pattern.transpose.col, self.col)
            mirrored = self.weight[self.pattern.mirror()[1].long()]
            self._operators["symmetric"] = same_places and torch.equal(self.weight, mirrored)
        return self._operators["symmetric"]

    def edge_index(self) -> Int[Tensor, "2 edges"]:
        """[2, E] int64: sources, destinations, in the stored order."""
        return torch.stack([self.col.long(), self.pattern.row.long()])

    def unbatch(self) -> "list[Graph]":
        """The graphs of a batch, one by one."""
        from erlangen.graphs.batch import split_graph

        return split_graph(self)

    # motion

    def permute(self, p: Int[Tensor, " nodes"]) -> "Graph":
        """The same graph with renamed nodes: node i goes to place p[i].

        Raises:
            DomainError: p is no permutation of the nodes, or moves a node into another graph of the batch.

        Law: A'[p[v], p[u]] = A[v, u].
        """
        p = torch.as_tensor(p, device=self.col.device).long()
        if p.shape != (self.num_nodes,) or not torch.equal(p.sort().values, torch.arange(len(p), device=p.device)):
            raise DomainError(
                f"{p[:8].tolist()} … {tuple(p.shape)} is not a permutation of {self.num_nodes} nodes. "
                f"Fix: every number 0 … {self.num_nodes - 1} once, such as torch.randperm"
            )
        if self.num_graphs > 1:
            member = self.membership.row
            if not torch.equal(member[p], member):
                raise DomainError(
                    "a permutation of a batch must keep every node inside its graph; permute graph by graph"
                )
        row, col = p[self.pattern.row.long()], p[self.col.long()]
        pattern, order = Pattern.from_coordinates(row, col, len(p), len(p), self.pattern.known_symmetric)
        weight, features = (None if t is None else t[order] for t in (self.weight, self.edge_features))
        return Graph.__new__(Graph)._fill(pattern, weight, features, self._graph_ptr)

    def shuffle_edges(self, generator: torch.Generator | None = None) -> "Graph":
        """The same graph with the edges of every node in a random order."""
        mixed = torch.randperm(self.num_edges, generator=generator).to(self.col.device)
        order = mixed[torch.sort(self.pattern.row[mixed], stable=True).indices]
        pattern = Pattern(self.ptr, self.col[order], self.num_nodes, self.pattern.is_symmetric)
        weight, features = (None if t is None else t[order] for t in (self.weight, self.edge_features))
        graph = Graph.__new__(Graph)._fill(pattern, weight, features, self._graph_ptr)
        if self.weight is not None and not self.weight.requires_grad:
            graph._operators["symmetric"] = self.symmetric
        return graph

    def without_self_loops(self) -> "Graph":
        """The same graph without edges from a node to itself."""
        keep = self.pattern.row != self.col
        count = torch.zeros(self.num_nodes + 1, dtype=torch.long, device=keep.device)
        count[1:] = torch.zeros_like(count[1:]).index_add_(0, self.pattern.row.long(), keep.long()).cumsum(0)
        pattern = Pattern(count.to(self.ptr.dtype), self.col[keep], self.num_nodes, self.pattern.known_symmetric)
        weight, features = (None if t is None else t[keep] for t in (self.weight, self.edge_features))
        return Graph.__new__(Graph)._fill(pattern, weight, features, self._graph_ptr)

    def with_weight(self, weight: Float[Tensor, " edges"] | None) -> "Graph":
        """The same edges with other weights; what was derived from the edges alone is shared."""
        if weight is not None and weight.shape != (self.num_edges,):
            raise DomainError(f"expected one weight for each of the {self.num_edges} edges, got {tuple(weight.shape)}")
        graph = Graph.__new__(Graph)._fill(self.pattern, weight, self.edge_features, self._graph_ptr)
        graph._membership = self._membership
        return graph

    def to(self, *args: Any, **kwargs: Any) -> "Graph":
        """The same graph on a device; a floating-point type applies to weights and edge features.

        Args:
            args: as of `torch.Tensor.to`.
            kwargs: as of `torch.Tensor.to`.
        """
        device, dtype, non_blocking, _ = torch._C._nn._parse_to(*args, **kwargs)
        weight, features = (
            None if value is None else value.to(device, dtype, non_blocking)
            for value in (self.weight, self.edge_features)
        )
        pattern = self.pattern if device is None else self.pattern.to(device)
        if pattern is self.pattern and weight is self.weight and features is self.edge_features:
            return self
        starts = None if self._graph_ptr is None else self._graph_ptr.to(pattern.ptr.device)
        return Graph.__new__(Graph)._fill(pattern, weight, features, starts)

    def __getstate__(self) -> tuple[Any, ...]:
        return self.pattern, self.weight, self.edge_features, self._graph_ptr

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._fill(*state)

    def __repr__(self) -> str:
        parts = [f"{self.num_nodes} nodes", f"{self.num_edges} edges"]
        if self.num_graphs != 1:
            parts.insert(0, f"{self.num_graphs} graphs")
        parts += [] if self.weight is None else ["weighted"]
        parts += [] if self.edge_features is None else [f"{self.edge_features.shape[1]} edge channels"]
        return f"Graph({', '.join(parts)})"
