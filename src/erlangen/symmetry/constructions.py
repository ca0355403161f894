"""Components made of other representations: tensor products, duals, restrictions along a homomorphism."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from erlangen.symmetry.component import Component, SignedPermutation
from erlangen.symmetry.group import Group

if TYPE_CHECKING:
    from erlangen.symmetry.representation import Representation


class Tensor(Component):
    """The tensor product (ρ ⊗ σ)(g) = ρ(g) ⊗ σ(g); channel (i, j) is i·size(σ) + j.

    Args:
        left: ρ.
        right: σ, of the same group.

    Law: d(ρ ⊗ σ)(A) = dρ(A) ⊗ 1 + 1 ⊗ dσ(A); χ = χ_ρ χ_σ.
    """

    def __init__(self, left: "Representation", right: "Representation") -> None:
        super().__init__(left.group, f"{_factor(left)}*{_factor(right)}", left.size * right.size)
        self.left, self.right = left, right

    def on(self, g: Any) -> np.ndarray:
        """The Kronecker product."""
        return np.kron(self.left.on(g), self.right.on(g))

    def derivative(self, a: str) -> np.ndarray:
        """Leibniz' rule."""
        ones = np.eye(self.left.size), np.eye(self.right.size)
        return np.kron(self.left.derivative(a), ones[1]) + np.kron(ones[0], self.right.derivative(a))

    def signed(self, g: Any) -> SignedPermutation | None:
        """Pairs of indices, products of signs."""
        one, two = self.left.signed(g), self.right.signed(g)
        if one is None or two is None:
            return None
        image = one[0][:, None] * self.right.size + two[0]
        return image.ravel(), (one[1][:, None] * two[1]).ravel()

    @cached_property
    def signed_generators(self) -> dict[str, SignedPermutation] | None:
        """Pairs of indices where both factors are signed permutations; large products of others are never written."""
        if self.size > 256 and not (self.left.is_monomial and self.right.is_monomial):
            return None
        return super().signed_generators

    def trace(self, g: Any) -> complex:
        """The product of the traces."""
        return self.left.trace(g) * self.right.trace(g)

    @cached_property
    def matrices(self) -> np.ndarray:
        """All Kronecker products at once."""
        a, b = self.left.matrices(), self.right.matrices()
        return np.einsum("gij,gkl->gikjl", a, b).reshape(len(a), self.size, self.size)

    @cached_property
    def character(self) -> np.ndarray:
        """The product of the characters."""
        return self.left.character * self.right.character


class Dual(Component):
    """The dual representation, ρ*(g) = ρ(g⁻¹)ᵀ.

    Args:
        rep: ρ.

    Law: dρ*(A) = -dρ(A)ᵀ.
    """

    def __init__(self, rep: "Representation") -> None:
        super().__init__(rep.group, f"dual({rep})", rep.size)
        self.rep = rep

    def on(self, g: Any) -> np.ndarray:
        """The inverse transpose."""
        return np.linalg.inv(self.rep.on(g)).T

    def derivative(self, a: str) -> np.ndarray:
        """Minus the transpose."""
        return -self.rep.derivative(a).T

    def signed(self, g: Any) -> SignedPermutation | None:
        """A signed permutation is its own inverse transpose."""
        return self.rep.signed(g)


class Restricted(Component):
    """ρ on a subgroup H, or along any homomorphism H → G: (ρ∘φ)(h) = ρ(φ(h)).

    Args:
        group: H.
        name: its name.
        rep: ρ, a representation of G.
        place: a homomorphism with `element(h)` in G, and `algebra(a)`, which writes a generator of the Lie algebra of H
            in those of G.
    """

    def __init__(self, group: Group, name: str, rep: "Representation", place: "Homomorphism") -> None:
        super().__init__(group, name, rep.size)
        self.rep, self.place = rep, place

    def on(self, g: Any) -> np.ndarray:
        """ρ(φ(h))."""
        return self.rep.on(self.place.element(g))

    def derivative(self, a: str) -> np.ndarray:
        """dρ(dφ(A)), linear in the generators of G."""
        total = np.zeros((self.size, self.size))
        for name, weight in self.place.algebra(a).items():
            total = total + weight * self.rep.derivative(name)
        return total

    def signed(self, g: Any) -> SignedPermutation | None:
        """The signed permutation ρ(φ(h))."""
        return self.rep.signed(self.place.element(g))

    def trace(self, g: Any) -> complex:
        """χ(φ(h))."""
        return self.rep.trace(self.place.element(g))


class Homomorphism:
    """A homomorphism of groups, by what it does to elements and to generators of the Lie algebra. The identity."""

    def element(self, h: Any) -> Any:
        """φ(h)."""
        return h

    def algebra(self, a: str) -> dict[str, float]:
        """dφ(A) as a combination of named generators of the Lie algebra of G."""
        return {a: 1.0}


def _factor(rep: "Representation") -> str:
    if len(rep.terms) == 1 and rep.terms[0][0] == 1:
        return str(rep.terms[0][1])
    return f"({rep})"
