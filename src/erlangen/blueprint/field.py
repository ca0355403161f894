"""The type of a signal: a domain together with the representation its channels carry."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from erlangen.symmetry import Group, Representation

if TYPE_CHECKING:
    from erlangen.blueprint.space import Space


class Signal(NamedTuple):
    """A signal on a varying domain, where the domain is part of the input.

    Args:
        x: [N, C], one row a point of the domain.
        on: the domain instance, such as a `Graph` with N nodes.
    """

    x: Tensor
    on: Any


@dataclass(frozen=True)
class Field:
    """Signals X(Ω, C) on a space Ω whose channels C carry a representation ρ.

    Args:
        space: the domain Ω.
        rep: the representation ρ of the symmetry group.
    """

    space: "Space"
    rep: Representation

    @property
    def group(self) -> Group:
        """The symmetry group G."""
        return self.rep.group

    @property
    def size(self) -> int:
        """Number of channels."""
        return self.rep.size

    def act(self, g: Any, signal: Any) -> Any:
        """g·x, that is (g·x)(u) = ρ(g) x(g⁻¹u)."""
        return self.space.act(g, signal, self.rep)

    def with_rep(self, rep: "Representation | str | int") -> "Field":
        """The field on the same space and group with other channels."""
        return Field(self.space, self.group.representation(rep))

    def __repr__(self) -> str:
        return f"{self.rep} of {self.group} on {self.space}"
