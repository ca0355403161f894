"""Maps that treat every node alike and alone, and the check every graph layer makes of its input."""

from copy import deepcopy

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Signal, check_channels
from erlangen.errors import DomainError, FieldError
from erlangen.graphs.features import feature_linear
from erlangen.graphs.graph import Graph
from erlangen.graphs.spmm import spmm


def checked(signal: Signal, field: Field, where: str) -> Signal:
    """The signal, if it is one of this field; otherwise an error that says what to give instead.

    Raises:
        FieldError: not a signal on a graph, or the wrong number of channels.
        DomainError: as many rows as nodes are needed.
    """
    if not isinstance(signal, Signal) or not isinstance(signal.on, Graph):
        raise FieldError(f"{where} acts on signals on graphs, got {type(signal).__name__}. Fix: Signal(x, graph)")
    x, graph = signal
    if x.ndim != 2 or x.shape[0] != graph.num_nodes:
        raise DomainError(
            f"{where} needs one row for each of the {graph.num_nodes} nodes, x [{graph.num_nodes}, {field.size}], "
            f"got {tuple(x.shape)}. Fix: give the signal the graph it lives on"
        )
    check_channels(field, x.shape[1], where)
    return signal


def plain(body: nn.Module) -> nn.Module:
    """A copy of the plain-torch part of a layer, without its fields."""
    return deepcopy(body)


class OnNodes(nn.Module):
    """Plain torch: a module of tensors [N, C], applied to the features of a signal.

    Args:
        inner: acts on every row alone, or on the rows as an unordered batch.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, signal: Signal) -> Signal:
        """Apply to x, keep the graph."""
        return Signal(self.inner(signal.x), signal.on)


class FeatureLinear(nn.Linear):
    """Plain torch: dropout, then a linear map; wide sparse inputs (bags of words) cost only their nonzeros.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        bias: whether to add one.
        dropout: share of the input entries dropped in training.
    """

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True, dropout: float = 0.0) -> None:
        super().__init__(in_channels, out_channels, bias)
        if not 0.0 <= dropout < 1.0:
            raise FieldError(f"dropout is a share in [0, 1), got {dropout}")
        self.dropout = dropout

    def reset_parameters(self) -> None:
        """Glorot uniform weights, zero bias."""
        nn.init.xavier_uniform_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, input: Float[Tensor, "nodes c_in"]) -> Float[Tensor, "nodes c_out"]:
        """x W, after dropout in training."""
        return feature_linear(input, self.weight, self.bias, self.dropout if self.training else 0.0)

    def extra_repr(self) -> str:
        """What prints between the parentheses."""
        return super().extra_repr() + (f", dropout={self.dropout}" if self.dropout else "")


class NodeLinear(EquivariantModule):
    """The same linear map at every node, y_v = x_v W + b: all that is equivariant and does not mix nodes.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        bias: whether to add one.
        dropout: share of the input entries dropped in training.

    Law: f(P x) = P f(x).
    """

    def __init__(self, in_field: Field, out_field: Field, *, bias: bool = True, dropout: float = 0.0) -> None:
        super().__init__(in_field, out_field)
        self.body = OnNodes(FeatureLinear(in_field.size, out_field.size, bias, dropout))

    def forward(self, signal: Signal) -> Signal:
        """x [N, c_in] to [N, c_out]."""
        return self.body(checked(signal, self.in_field, "NodeLinear"))

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """N c_in c_out."""
        return shape[0] * self.in_field.size * self.out_field.size

    def export(self) -> nn.Module:
        """A linear map on the rows."""
        return plain(self.body)

    def extra_repr(self) -> str:
        """What prints between the parentheses."""
        return f"{self.in_field.rep} -> {self.out_field.rep}"


class _SetBody(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, bias: bool) -> None:
        super().__init__()
        self.own = FeatureLinear(in_channels, out_channels, bias)
        self.mean = FeatureLinear(in_channels, out_channels, bias=False)

    def forward(self, signal: Signal) -> Signal:
        x, graph = signal
        means = self.mean(spmm(graph.membership, x, reduce="mean"))
        member = graph.membership.row
        return Signal(self.own(x) + functional.embedding(member, means), graph)


class SetLinear(EquivariantModule):
    """Every linear equivariant map of a set: y_v = x_v A + mean_u(x_u) B + b.

    On a batch the mean is that of the node's own graph. Edges play no part.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        bias: whether to add one.

    Law: f(P x) = P f(x); complete, since the commutant of Σn on R^n is spanned by I and 11ᵀ (n >= 2).
    Source: Zaheer et al. 2017, arXiv 1703.06114, lemma 3.
    """

    def __init__(self, in_field: Field, out_field: Field, *, bias: bool = True) -> None:
        super().__init__(in_field, out_field)
        self.body = _SetBody(in_field.size, out_field.size, bias)

    def forward(self, signal: Signal) -> Signal:
        """x [N, c_in] to [N, c_out]."""
        return self.body(checked(signal, self.in_field, "SetLinear"))

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """N c_in c_out, and once more c_in c_out for the mean."""
        return (shape[0] + 1) * self.in_field.size * self.out_field.size

    def export(self) -> nn.Module:
        """Two linear maps and a mean."""
        return plain(self.body)

    def extra_repr(self) -> str:
        """What prints between the parentheses."""
        return f"{self.in_field.rep} -> {self.out_field.rep}"
