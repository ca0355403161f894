"""Message passing: an edge may look at both its ends, and at itself."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Signal
from erlangen.errors import DomainError, FieldError
from erlangen.graphs.convolution import Residual
from erlangen.graphs.graph import Graph
from erlangen.graphs.nodewise import FeatureLinear, checked, plain
from erlangen.graphs.nonlinearity import pointwise
from erlangen.graphs.norm import RowBatchNorm
from erlangen.graphs.pattern import Pattern
from erlangen.graphs.spmm import REDUCTIONS, spmm


class MessageBody(nn.Module):
    """Plain torch: y_v = x_v U + ⊕_u σ(x_u S + x_v T + e_uv E + b) V (see `MessagePassing`)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden: int,
        reduce: str,
        edge_channels: int,
        activation: str,
        dropout: float,
    ) -> None:
        super().__init__()
        if reduce not in REDUCTIONS:
            raise DomainError(f"unknown reduction {reduce!r} over neighbours. Fix: one of {', '.join(REDUCTIONS)}")
        self.source = FeatureLinear(in_channels, hidden, True, dropout)
        self.target = FeatureLinear(in_channels, hidden, False, dropout)
        self.edge = FeatureLinear(edge_channels, hidden, bias=False) if edge_channels else None
        self.own = FeatureLinear(in_channels, out_channels, True, dropout)
        self.update = FeatureLinear(hidden, out_channels, bias=False)
        self.reduce, self.activation = reduce, pointwise(activation)

    def forward(self, signal: Signal) -> Signal:
        """Messages along every edge, then the update at every node."""
        x, graph = signal
        message = functional.embedding(graph.col, self.source(x))
        message = message + functional.embedding(graph.pattern.row, self.target(x))
        if self.edge is not None:
            message = message + self.edge(edge_features(graph, self.edge.in_features))
        message = self.activation(message)
        arriving = Pattern(graph.ptr, _numbers(graph), graph.num_edges, symmetric=False)
        gathered = spmm(arriving, message, graph.weight, self.reduce)
        return Signal(self.own(x) + self.update(gathered), graph)


class MessagePassing(EquivariantModule):
    """Message passing with a nonlinear message of both ends and the edge.

    The linear parts of the message are pushed off the edges: W [x_u; x_v] = S x_u + T x_v takes two products of size N
    instead of one of size E, so only the nonlinearity works edge by edge.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        reduce: "sum", "mean" or "max" over the incoming edges; edge weights multiply the messages.
        hidden: channels of a message; the output's if not given.
        edge_channels: channels of the graph's edge features that the message reads.
        activation: nonlinearity of the message.
        residual: add the input.
        dropout: share of the input entries dropped in training.

    Law: f(P x, P A Pᵀ) = P f(x, A), since ⊕ does not see the order of the edges.
    Source: Gilmer et al. 2017, arXiv 1704.01212, section 2.
    """

    def __init__(
        self,
        in_field: Field,
        out_field: Field,
        *,
        reduce: str = "sum",
        hidden: int | None = None,
        edge_channels: int = 0,
        activation: str = "relu",
        residual: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(in_field, out_field)
        c_in, c_out = in_field.size, out_field.size
        body = MessageBody(c_in, c_out, hidden or c_out, reduce, edge_channels, activation, dropout)
        self.body = Residual(body, c_in, c_out) if residual else body
        self.hidden, self.edge_channels, self.reduce, self.residual = hidden or c_out, edge_channels, reduce, residual

    def forward(self, signal: Signal) -> Signal:
        """x [N, c_in] to [N, c_out]."""
        return self.body(checked(signal, self.in_field, "MessagePassing"))

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Products of size N for the ends, of size E for the edge features."""
        nodes, edges = shape
        c_in, c_out = self.in_field.size, self.out_field.size
        at_nodes = nodes * (2 * c_in * self.hidden + c_in * c_out + self.hidden * c_out)
        shortcut = nodes * c_in * c_out if self.residual and c_in != c_out else 0
        return at_nodes + shortcut + edges * self.edge_channels * self.hidden

    def export(self) -> nn.Module:
        """Linear maps, a gather and a sparse product."""
        return plain(self.body)

    def extra_repr(self) -> str:
        """What prints between the parentheses."""
        return f"{self.in_field.rep} -> {self.out_field.rep}, {self.reduce} of {self.hidden} message channels"


class IsomorphismBody(nn.Module):
    """Plain torch: y = MLP((1 + ε) x_v + ⊕_u x_u) (see `GraphIsomorphism`)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden: int,
        reduce: str,
        edge_channels: int,
        norm: bool,
        activation: str,
        dropout: float,
    ) -> None:
        super().__init__()
        if reduce not in REDUCTIONS:
            raise DomainError(f"unknown reduction {reduce!r} over neighbours. Fix: one of {', '.join(REDUCTIONS)}")
        self.epsilon = nn.Parameter(torch.zeros(()))
        self.edge = FeatureLinear(edge_channels, in_channels) if edge_channels else None
        self.first = FeatureLinear(in_channels, hidden, True, dropout)
        self.norm = RowBatchNorm(hidden) if norm else nn.Identity()
        self.activation = pointwise(activation)
        self.second = FeatureLinear(hidden, out_channels)
        self.reduce = reduce

    def forward(self, signal: Signal) -> Signal:
        """Gather, then two linear maps at every node."""
        x, graph = signal
        if self.edge is None:
            gathered = spmm(graph.pattern, x, graph.weight, self.reduce, symmetric=graph.symmetric)
        else:
            along = self.edge(edge_features(graph, self.edge.in_features))
            message = self.activation(functional.embedding(graph.col, x) + along)
            arriving = Pattern(graph.ptr, _numbers(graph), graph.num_edges, symmetric=False)
            gathered = spmm(arriving, message, graph.weight, self.reduce)
        y = torch.addcmul(gathered, x, (1 + self.epsilon).to(x.dtype))
        return Signal(self.second(self.activation(self.norm(self.first(y)))), graph)


class GraphIsomorphism(EquivariantModule):
    """The layer that separates graphs as well as colour refinement can: y_v = MLP((1 + ε) x_v + Σ_u x_u).

    With edge features the message is σ(x_u + e_uv E) instead of x_u.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        hidden: channels inside the MLP; the output's if not given.
        reduce: "sum" (as strong as colour refinement), "mean" or "max".
        edge_channels: channels of the graph's edge features that the message reads.
        norm: batch normalisation inside the MLP.
        activation: nonlinearity inside the MLP.
        residual: add the input.
        dropout: share of the gathered entries dropped in training.

    Law: f(P x, P A Pᵀ) = P f(x, A).
    Source: Xu et al. 2019, arXiv 1810.00826, equation 4.1; edge features as in Hu et al. 2020, arXiv 1905.12265.
    """

    def __init__(
        self,
        in_field: Field,
        out_field: Field,
        *,
        hidden: int | None = None,
        reduce: str = "sum",
        edge_channels: int = 0,
        norm: bool = True,
        activation: str = "relu",
        residual: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(in_field, out_field)
        c_in, c_out = in_field.size, out_field.size
        body = IsomorphismBody(c_in, c_out, hidden or c_out, reduce, edge_channels, norm, activation, dropout)
        self.body = Residual(body, c_in, c_out) if residual else body
        self.hidden, self.edge_channels, self.reduce, self.residual = hidden or c_out, edge_channels, reduce, residual

    def forward(self, signal: Signal) -> Signal:
        """x [N, c_in] to [N, c_out]."""
        return self.body(checked(signal, self.in_field, "GraphIsomorphism"))

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """N (c_in h + h c_out) for the MLP, N c_in for (1 + ε) x, E d c_in for d edge channels."""
        nodes, edges = shape
        c_in, c_out = self.in_field.size, self.out_field.size
        shortcut = nodes * c_in * c_out if self.residual and c_in != c_out else 0
        return nodes * (c_in * self.hidden + self.hidden * c_out + c_in) + shortcut + edges * self.edge_channels * c_in

    def export(self) -> nn.Module:
        """Linear maps and a sparse product."""
        return plain(self.body)

    def extra_repr(self) -> str:
        """What prints between the parentheses."""
        return f"{self.in_field.rep} -> {self.out_field.rep}, {self.reduce}"


def edge_features(graph: Graph, channels: int) -> Tensor:
    """The edge features of a graph, checked.

    Raises:
        FieldError: there are none, or not as many channels as the layer was built for.
    """
    features = graph.edge_features
    if features is None or features.ndim != 2 or features.shape[1] != channels:
        got = "none" if features is None else str(tuple(features.shape))
        raise FieldError(
            f"the layer reads {channels} edge channels, the graph has {got}. "
            f"Fix: Graph.from_edges(…, edge_features=[E, {channels}])"
        )
    return features


def _numbers(graph: Graph) -> Tensor:
    return torch.arange(graph.num_edges, dtype=graph.col.dtype, device=graph.col.device)
