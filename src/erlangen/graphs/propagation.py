"""What one hop over the edges does: the adjacency matrix, normalised; self-loops are a diagonal, never stored.

    "symmetric"   D^-1/2 (A + I) D^-1/2      D = degrees of A + I
    "mean"        D^-1 (A + I)
    "sum"         A + I

The values are computed once a graph and kept with it.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from erlangen.errors import UnknownName
from erlangen.graphs.graph import Graph
from erlangen.graphs.pattern import Pattern, tracing
from erlangen.graphs.spmm import spmm

KINDS = ("symmetric", "mean", "sum")


class Propagation(NamedTuple):
    """The sparse matrix of one hop.

    Args:
        pattern: its entries.
        weight: [E] their values; None is 1.
        diagonal: [N] what it adds on the diagonal; None is 0.
        symmetric: whether it equals its transpose.
    """

    pattern: Pattern
    weight: Tensor | None
    diagonal: Tensor | None
    symmetric: bool

    def __call__(self, x: Tensor) -> Tensor:
        """One hop: y_v = Σ_u a_vu x_u + d_v x_v."""
        return spmm(self.pattern, x, self.weight, diagonal=self.diagonal, symmetric=self.symmetric)


def propagation(
    graph: Graph, kind: str = "symmetric", self_loops: bool = True, dtype: torch.dtype | None = None
) -> Propagation:
    """The normalised adjacency matrix of a graph, computed once and kept with it.

    Args:
        graph: the graph; its weights are the entries of A, 1 without weights.
        kind: "symmetric", "mean" or "sum".
        self_loops: whether to add I to A.
        dtype: type of the values.

    Raises:
        UnknownName: no normalisation has this name.

    Law: for a permutation P of the nodes, propagation(PAPᵀ) = P propagation(A) Pᵀ.
    Source: Kipf and Welling 2017, arXiv 1609.02907, equation 2 ("symmetric").
    """
    if kind not in KINDS:
        raise UnknownName("normalisation of the adjacency matrix", kind, KINDS)
    dtype = dtype or torch.get_default_dtype()
    learned = graph.weight is not None and graph.weight.requires_grad
    key = (kind, self_loops, dtype)
    if learned or key not in graph._operators:
        made = _make(graph, kind, self_loops, dtype)
        if learned or tracing():
            return made
        graph._operators[key] = made
    return graph._operators[key]


def _make(graph: Graph, kind: str, self_loops: bool, dtype: torch.dtype) -> Propagation:
    pattern, loops = graph.pattern, int(self_loops)
    precise = torch.promote_types(dtype, torch.float32)
    weight = None if graph.weight is None else graph.weight.to(precise)
    if kind == "sum":
        ones = torch.ones(pattern.rows, dtype=dtype, device=pattern.ptr.device) if self_loops else None
        return Propagation(pattern, None if weight is None else weight.to(dtype), ones, graph.symmetric)
    if weight is None:
        degree = pattern.degree.to(precise) + loops
    else:
        degree = weight.new_zeros(pattern.rows).index_add(0, pattern.row.long(), weight) + loops
    there = degree > 0
    degree = torch.where(there, degree, torch.ones_like(degree))
    row, col = pattern.row.long(), pattern.col.long()
    if kind == "mean":
        scale = torch.where(there, degree.reciprocal(), torch.zeros_like(degree))
        values, diagonal, symmetric = scale[row], scale, False
    else:
        scale = torch.where(there, degree.rsqrt(), torch.zeros_like(degree))
        values, diagonal, symmetric = scale[row] * scale[col], scale.square(), graph.symmetric
    if weight is not None:
        values = values * weight
    return Propagation(pattern, values.to(dtype), diagonal.to(dtype) if self_loops else None, symmetric)
