"""Induction of representations from a subgroup to the whole group."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from erlangen.errors import FieldError
from erlangen.symmetry.component import Component, SignedPermutation
from erlangen.symmetry.representation import Representation
from erlangen.symmetry.subgroups import Subgroup

if TYPE_CHECKING:
    from erlangen.symmetry.finite import FiniteGroup


class Induced(Component):
    """Ind_H^G ρ: one block of channels for every coset xH; g moves the blocks as cosets, and turns them by ρ.

    Args:
        rep: ρ, a component of H.
        subgroup: H and its place in G.

    Law: block (j, i) of Ind(g) is ρ(x_j⁻¹ g x_i) if that lies in H, else zero; ⟨Ind ρ, σ⟩_G = ⟨ρ, Res σ⟩_H.

    Source: J.-P. Serre, Linear Representations of Finite Groups, sections 3.3 and 7.1.
    """

    def __init__(self, rep: Component, subgroup: Subgroup) -> None:
        super().__init__(subgroup.parent, f"induce({rep}, {subgroup.group})", subgroup.index * rep.size)
        self.rep, self.subgroup = rep, subgroup

    def on(self, g: int) -> np.ndarray:
        """The block-monomial matrix."""
        places, inner = self._moves(g)
        d, n = self.rep.size, self.subgroup.index
        matrix = np.zeros((n, d, n, d), np.complex128 if self.rep.is_complex else np.float64)
        for i in range(n):
            matrix[places[i], :, i, :] = self.rep.on(int(inner[i]))
        return matrix.reshape(self.size, self.size)

    def signed(self, g: int) -> SignedPermutation | None:
        """A signed permutation if every ρ(h) is one."""
        places, inner = self._moves(g)
        pairs = [self.rep.signed(int(h)) for h in inner]
        images = [j * self.rep.size + pair[0] for j, pair in zip(places, pairs, strict=True) if pair is not None]
        if len(images) < len(pairs):
            return None
        return np.concatenate(images), np.concatenate([pair[1] for pair in pairs if pair is not None])

    def trace(self, g: int) -> complex:
        """Σ χ_ρ(x_i⁻¹ g x_i) over the cosets that g leaves in place."""
        places, inner = self._moves(g)
        stay = np.flatnonzero(places == np.arange(len(places)))
        return sum((self.rep.trace(int(inner[i])) for i in stay), 0.0)

    @cached_property
    def character(self) -> np.ndarray:
        """χ of every element of G, from one element of every class."""
        group = self._group
        values = np.array([np.real(self.trace(int(one[0]))) for one in group.conjugacy_classes])
        return values[group.class_of]

    @property
    def _group(self) -> "FiniteGroup":
        return self.subgroup.parent

    @cached_property
    def _inside(self) -> np.ndarray:
        """[|G|] the element of H that an element of G is; -1 outside."""
        inside = np.full(self._group.order, -1)
        inside[list(self.subgroup.elements)] = np.arange(len(self.subgroup.elements))
        return inside

    def _moves(self, g: int) -> tuple[np.ndarray, np.ndarray]:
        """(the coset to which every coset goes, the element h of H with g x_i = x_j h)."""
        first, group = self.subgroup.cosets[:, 0], self._group
        moved = group.table[g, first]
        places = self.subgroup.coset_of[moved]
        return places, self._inside[group.table[group.inverses[first[places]], moved]]


def induce(rep: Representation, subgroup: Subgroup) -> Representation:
    """The induced representation Ind_H^G ρ, of size |G|/|H| · size of ρ.

    Args:
        rep: ρ, a representation of H.
        subgroup: H as a subgroup of G, such as `G.subgroup("C4")`.

    Returns:
        A representation of G: one induced component for every component of ρ, with its multiplicity.

    Raises:
        FieldError: ρ is a representation of another group than H.

    Law: ⟨Ind ρ, σ⟩_G = ⟨ρ, Res σ⟩_H for every σ (Frobenius); Ind of the trivial representation is G.quotient(H).
    """
    if rep.group != subgroup.group:
        raise FieldError(
            f"{rep} is a representation of {rep.group}, not of {subgroup.group}, the subgroup of {subgroup.parent}. "
            f"Fix: restrict it to {subgroup.group}, or name the subgroup by {subgroup.parent}.subgroup({rep.group})."
        )
    return Representation(subgroup.parent, tuple((m, Induced(c, subgroup)) for m, c in rep.terms))
