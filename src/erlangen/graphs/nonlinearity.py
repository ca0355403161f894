"""Pointwise nonlinearities: all of them are legal, since permutations move nodes and leave channels alone."""

from torch import nn

from erlangen.blueprint import EquivariantModule, Field, Signal
from erlangen.errors import UnknownName
from erlangen.graphs.nodewise import OnNodes, checked, plain

POINTWISE: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "elu": nn.ELU,
    "silu": nn.SiLU,
    "leaky_relu": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
}


def pointwise(name: str) -> nn.Module:
    """The torch module of this name.

    Raises:
        UnknownName: no pointwise nonlinearity has this name.
    """
    if name not in POINTWISE:
        raise UnknownName("pointwise nonlinearity", name, POINTWISE)
    return POINTWISE[name]()


class NodeActivation(EquivariantModule):
    """σ at every node and channel.

    Args:
        field: type of the input and of the output.
        name: "relu", "gelu", "elu", "silu", "leaky_relu", "tanh" or "identity".

    Law: σ(P x) = P σ(x).
    """

    def __init__(self, field: Field, name: str = "relu") -> None:
        super().__init__(field, field)
        self.body = OnNodes(pointwise(name))
        self.name = name

    def forward(self, signal: Signal) -> Signal:
        """σ(x), entry by entry."""
        return self.body(checked(signal, self.in_field, "NodeActivation"))

    def export(self) -> nn.Module:
        """The torch module."""
        return plain(self.body)

    def extra_repr(self) -> str:
        """What prints between the parentheses."""
        return self.name
