"""What a group is: elements, composition, inverse, generators, sampling.

Finite groups hold a multiplication table; huge groups (permutations, translations) are implicit and never enumerated.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from erlangen.symmetry.representation import Representation

Element = Any  # an integer for a finite group, a tensor for an implicit one


class Group(ABC):
    """A group G of symmetries.

    Laws: (gh)k = g(hk); eg = ge = g; g g⁻¹ = e.
    """

    name: str
    order: int | None  # None: infinite, or not fixed before an input is seen

    @property
    @abstractmethod
    def identity(self) -> Element:
        """The neutral element e."""

    @abstractmethod
    def compose(self, g: Element, h: Element) -> Element:
        """The product gh: first h, then g."""

    @abstractmethod
    def inverse(self, g: Element) -> Element:
        """The element g⁻¹."""

    @property
    @abstractmethod
    def generators(self) -> Mapping[str, Element]:
        """Named elements whose products make the whole group."""

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator | None = None) -> list[Element]:
        """Draw n elements uniformly (Haar measure)."""

    def label(self, g: Element) -> str:
        """A short name of an element for tables and figures."""
        return str(g)

    @property
    @abstractmethod
    def trivial(self) -> "Representation":
        """The representation ρ(g) = 1."""

    @property
    def representations(self) -> tuple[str, ...]:
        """Names of the representations this group has, as `representation` reads them."""
        return ("trivial",)

    def representation(self, spec: "str | int | Representation") -> "Representation":
        """Read a representation of this group from its string form.

        Args:
            spec: a representation of this group; or its string form, "4 regular + 2 standard"; or a number
                of trivial channels.

        Returns:
            The representation.

        Raises:
            UnknownName: a term that this group does not have.
            FieldError: a malformed string, or a representation of another group.
        """
        from erlangen.symmetry.parse import parse

        return parse(self, spec)

    def __repr__(self) -> str:
        return self.name
