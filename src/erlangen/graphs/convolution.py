"""Graph convolution: neighbours weighted by the graph alone, one sparse product and one matrix product."""

import torch
from torch import nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Signal
from erlangen.errors import UnknownName
from erlangen.graphs.features import sparse_features
from erlangen.graphs.nodewise import FeatureLinear, checked, plain
from erlangen.graphs.propagation import KINDS, propagation


class ConvolutionBody(nn.Module):
    """Plain torch: y = Â x W + b, multiplied in the cheaper order (see `GraphConvolution`)."""

    def __init__(
        self, in_channels: int, out_channels: int, normalise: str, self_loops: bool, bias: bool, dropout: float
    ) -> None:
        super().__init__()
        if normalise not in KINDS:
            raise UnknownName("normalisation of the adjacency matrix", normalise, KINDS)
        self.linear = FeatureLinear(in_channels, out_channels, False, dropout)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.normalise, self.self_loops = normalise, self_loops

    def forward(self, signal: Signal) -> Signal:
        """One hop and one linear map."""
        x, graph = signal
        weight = self.linear.weight
        dtype = torch.promote_types(x.dtype, weight.dtype)
        hop = propagation(graph, self.normalise, self.self_loops, dtype)
        # Hopping before the linear map costs c_in an edge, after it c_out; before it, the way back needs no hop at all
        # when nobody asks for the gradient of x.
        gain = 2 if torch.is_grad_enabled() and not x.requires_grad and sparse_features(x) is None else 1
        if weight.shape[1] <= gain * weight.shape[0]:
            x = functional.dropout(x, self.linear.dropout, self.training) if self.linear.dropout else x
            return Signal(functional.linear(hop(x), weight, self.bias), graph)
        y = hop(self.linear(x))
        if self.bias is not None:
            y.add_(self.bias)
        return Signal(y, graph)


class GraphConvolution(EquivariantModule):
    """Graph convolution, y = Â x W + b with the normalised adjacency matrix Â.

    Self-loops are a diagonal term and are never stored; the values of Â are computed once a graph; the gradient is the
    same kernel on Âᵀ, which for undirected graphs is Â itself; nothing of size edges x channels exists.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        normalise: "symmetric" D^-1/2 (A + I) D^-1/2, "mean" D^-1 (A + I), or "sum" A + I.
        self_loops: whether a node listens to itself.
        bias: whether to add one.
        residual: add the input, x (or x R with a learned R where the channels differ).
        dropout: share of the input entries dropped in training.

    Law: f(P x, P A Pᵀ) = P f(x, A).
    Source: Kipf and Welling 2017, arXiv 1609.02907.
    """

    def __init__(
        self,
        in_field: Field,
        out_field: Field,
        *,
        normalise: str = "symmetric",
        self_loops: bool = True,
        bias: bool = True,
        residual: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(in_field, out_field)
        body = ConvolutionBody(in_field.size, out_field.size, normalise, self_loops, bias, dropout)
        self.body = Residual(body, in_field.size, out_field.size) if residual else body
        self.residual = residual

    def forward(self, signal: Signal) -> Signal:
        """x [N, c_in] to [N, c_out]."""
        return self.body(checked(signal, self.in_field, "GraphConvolution"))

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """N c_in c_out for the matrix product, (E + N) min(c_in, c_out) for the hop."""
        nodes, edges = shape
        c_in, c_out = self.in_field.size, self.out_field.size
        total = nodes * c_in * c_out + (edges + nodes) * min(c_in, c_out)
        return total + (nodes * c_in * c_out if self.residual and c_in != c_out else 0)

    def export(self) -> nn.Module:
        """A linear map and a sparse product."""
        return plain(self.body)

    def extra_repr(self) -> str:
        """What prints between the parentheses."""
        return f"{self.in_field.rep} -> {self.out_field.rep}"


class Residual(nn.Module):
    """Plain torch: y = body(x) + x, or + x R where the channels differ.

    Args:
        body: maps signals to signals on the same graph.
        in_channels: channels of the input.
        out_channels: channels of the output.
    """

    def __init__(self, body: nn.Module, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.body = body
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else FeatureLinear(in_channels, out_channels, bias=False)

    def forward(self, signal: Signal) -> Signal:
        """The body and the shortcut."""
        return Signal(self.body(signal).x + self.shortcut(signal.x), signal.on)
