"""Heads: one answer a graph (invariant), or one a node (equivariant)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, Signal, Task
from erlangen.errors import FieldError
from erlangen.graphs.convolution import ConvolutionBody
from erlangen.graphs.nodewise import FeatureLinear, OnNodes, checked, plain
from erlangen.graphs.norm import RowBatchNorm
from erlangen.graphs.spmm import REDUCTIONS, spmm
from erlangen.point import Point


class PoolBody(nn.Module):
    """Plain torch: pool the nodes of each graph, then an MLP (see `GraphReadout`)."""

    def __init__(self, channels: int, outputs: int, pool: tuple[str, ...], hidden: int, dropout: float) -> None:
        super().__init__()
        self.pool = pool
        wide = channels * len(pool)
        if hidden:
            norm = RowBatchNorm(hidden)
            steps = [
                FeatureLinear(wide, hidden, bias=False),
                norm,
                nn.ReLU(),
                nn.Dropout(dropout),
                FeatureLinear(hidden, outputs),
            ]
        else:
            steps = [nn.Dropout(dropout), FeatureLinear(wide, outputs)]
        self.mlp = nn.Sequential(*steps)

    def forward(self, signal: Signal) -> Tensor:
        """[graphs, outputs]."""
        pooled = [spmm(signal.on.membership, signal.x, reduce=name) for name in self.pool]
        return self.mlp(torch.cat(pooled, dim=1))


class GraphReadout(EquivariantModule):
    """One vector a graph: pool over its nodes, then an MLP.

    Args:
        in_field: type of the input.
        task: what to predict; its output is invariant.
        pool: "sum", "mean", "max", or several joined by "+". A graph without nodes pools to 0.
        channels: of the MLP's hidden layer; as many as the input if not given; 0 for a linear head.
        dropout: share dropped before the last linear map.

    Law: f(P x, P A Pᵀ) = f(x, A).
    Source: Zaheer et al. 2017, arXiv 1703.06114, theorem 2.
    """

    def __init__(
        self, in_field: Field, task: Task, *, pool: str = "sum", channels: int | None = None, dropout: float = 0.0
    ) -> None:
        kinds = tuple(part.strip() for part in pool.split("+"))
        if not all(kind in REDUCTIONS for kind in kinds):
            raise FieldError(f"cannot pool by {pool!r}. Fix: {', '.join(REDUCTIONS)}, or several joined by '+'")
        super().__init__(in_field, Point().field(in_field.group, task.out_rep(in_field.group)))
        self.pool, self.hidden = kinds, in_field.size if channels is None else channels
        self.body = PoolBody(in_field.size, self.out_field.size, kinds, self.hidden, dropout)

    def forward(self, signal: Signal) -> Float[Tensor, "graphs outputs"]:
        """x [N, C] to [G, K]."""
        return self.body(checked(signal, self.in_field, "GraphReadout"))

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A point has no axes."""
        return ()

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the MLP."""
        wide, outputs = self.in_field.size * len(self.pool), self.out_field.size
        return wide * self.hidden + self.hidden * outputs if self.hidden else wide * outputs

    def export(self) -> nn.Module:
        """Sparse products and an MLP."""
        return plain(self.body)

    def extra_repr(self) -> str:
        """What prints between the parentheses."""
        return f"{' + '.join(self.pool)} of {self.in_field.rep} -> {self.out_field.rep}"


class NodeReadout(EquivariantModule):
    """One vector a node, for equivariant outputs.

    Args:
        in_field: type of the input.
        task: what to predict at every node.
        head: "linear", or "convolution" for a last hop over the edges.
        dropout: share of the entries dropped before the last linear map.

    Law: f(P x, P A Pᵀ) = P f(x, A).
    """

    def __init__(self, in_field: Field, task: Task, *, head: str = "linear", dropout: float = 0.0) -> None:
        super().__init__(in_field, in_field.with_rep(task.out_rep(in_field.group)))
        sizes = in_field.size, self.out_field.size
        if head not in ("linear", "convolution"):
            raise FieldError(f"unknown head {head!r}. Fix: 'linear' or 'convolution'")
        if head == "linear":
            self.body = OnNodes(FeatureLinear(*sizes, True, dropout))
        else:
            self.body = ConvolutionBody(*sizes, "symmetric", True, True, dropout)
        self.head = head

    def forward(self, signal: Signal) -> Signal:
        """x [N, C] to [N, K]."""
        return self.body(checked(signal, self.in_field, "NodeReadout"))

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """N c_in c_out, and (E + N) min(c_in, c_out) for a last hop."""
        nodes, edges = shape
        c_in, c_out = self.in_field.size, self.out_field.size
        return nodes * c_in * c_out + ((edges + nodes) * min(c_in, c_out) if self.head == "convolution" else 0)

    def export(self) -> nn.Module:
        """A linear map, and a sparse product for a last hop."""
        return plain(self.body)

    def extra_repr(self) -> str:
        """What prints between the parentheses."""
        return f"{self.head}, {self.in_field.rep} -> {self.out_field.rep}"
