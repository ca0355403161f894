"""Finite groups with a multiplication table, and their subgroups.

Elements are the integers 0 … |G|-1, with 0 the identity.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from erlangen.errors import DomainError, UnknownName
from erlangen.symmetry.component import TOLERANCE, Component
from erlangen.symmetry.group import Group
from erlangen.symmetry.irreps import real_irreps
from erlangen.symmetry.representation import Representation


class FiniteGroup(Group):
    """A finite group from its multiplication table.

    Args:
        name: the name that prints, such as "D4".
        table: [|G|, |G|] integers, table[g, h] = gh; element 0 is the identity.
        generators: named elements that generate the group.
        irreps: name -> [|G|, d, d] matrices of every real irreducible representation, the trivial one first; None to
            find them numerically when they are asked for.
        standard: [|G|, d, d] matrices of the defining action on space, if the group has one.
        sign: name of the irrep that is called the sign representation, if any.
        labels: a short name for each element.
        factors: (group, its elements in this one) for every factor of a direct product.

    Raises:
        ValueError: the table is not that of a group with identity 0, or the generators do not generate it.
    """

    def __init__(
        self,
        name: str,
        table: np.ndarray,
        generators: Mapping[str, int],
        irreps: Mapping[str, np.ndarray] | None = None,
        standard: np.ndarray | None = None,
        sign: str | None = None,
        labels: tuple[str, ...] = (),
        factors: "tuple[tuple[FiniteGroup, tuple[int, ...]], ...]" = (),
    ) -> None:
        order = len(table)
        if table.shape != (order, order) or not (np.sort(table, axis=1) == np.arange(order)).all():
            raise ValueError(f"{name}: the rows of a multiplication table must be permutations of 0 … {order - 1}")
        if (table[0] != np.arange(order)).any() or (table[:, 0] != np.arange(order)).any():
            raise ValueError(f"{name}: element 0 must be the identity")
        if len(closure(table, generators.values())) != order:
            raise ValueError(
                f"{name}: the generators {', '.join(generators) or '()'} do not generate all {order} elements"
            )
        for a in generators.values():  # Light's test: associativity need only hold with a generator in the middle
            if (table[table[:, a]] != table[:, table[a]]).any():
                raise ValueError(f"{name}: the table is not associative, (g a) h ≠ g (a h) for some g, h and a = {a}")
        self.name, self.order, self.table = name, order, table
        self.inverses = np.argmin(table, axis=1)  # the column holding 0, the identity
        self._generators, self._given_irreps, self._standard, self._sign = dict(generators), irreps, standard, sign
        self._factors = factors
        self.labels = labels or tuple(str(g) for g in range(order))

    @property
    def identity(self) -> int:
        """The neutral element, 0."""
        return 0

    @property
    def elements(self) -> range:
        """All elements."""
        return range(len(self.table))

    @property
    def generators(self) -> Mapping[str, int]:
        """Named generators, such as {"r": 1, "m": 4} of D4."""
        return self._generators

    def compose(self, g: int, h: int) -> int:
        """The product gh: first h, then g."""
        return int(self.table[g, h])

    def inverse(self, g: int) -> int:
        """The element g⁻¹."""
        return int(self.inverses[g])

    def sample(self, n: int, generator: torch.Generator | None = None) -> list[int]:
        """Draw n elements uniformly."""
        return torch.randint(len(self.table), (n,), generator=generator).tolist()

    def label(self, g: int) -> str:
        """A short name of an element, such as "r90" or "r90·m"."""
        return self.labels[g]

    # representations

    @property
    def representations(self) -> tuple[str, ...]:
        """Names of the representations this group has, as `representation` reads them."""
        named = ["trivial", "regular"]
        if self._sign is not None:
            named.insert(1, "sign")
        if self._standard is not None:
            named.insert(1, "standard")
        return (*named, *self._irreps, "quotient(H)")

    @cached_property
    def _irreps(self) -> Mapping[str, np.ndarray]:
        return real_irreps(self.table) if self._given_irreps is None else self._given_irreps

    @cached_property
    def trivial(self) -> Representation:
        """ρ(g) = 1."""
        return self._single("trivial", np.ones((len(self.table), 1, 1)))

    @cached_property
    def regular(self) -> Representation:
        """ρ(g) e_h = e_gh, of size |G|."""
        order = len(self.table)
        matrices = np.zeros((order, order, order))
        g, h = np.meshgrid(np.arange(order), np.arange(order), indexing="ij")
        matrices[g, self.table, h] = 1.0
        return self._single("regular", matrices)

    @cached_property
    def standard(self) -> Representation:
        """The defining action on the plane, vectors (x, y)."""
        if self._standard is None:
            raise DomainError(f"{self} has no defining action on space; name an irrep: {', '.join(self._irreps)}")
        return self._single("standard", self._standard)

    @cached_property
    def sign(self) -> Representation:
        """The one-dimensional representation with values ±1: (-1)^r of C(n), n even; the determinant of D(n)."""
        if self._sign is None:
            raise UnknownName(f"representation of {self}", "sign", ["trivial", "regular", *self._irreps])
        return self._single("sign", self._irreps[self._sign])

    @cached_property
    def irreps(self) -> tuple[Representation, ...]:
        """All real irreducible representations, the trivial one first."""
        return tuple(self._single(name, matrices) for name, matrices in self._irreps.items())

    def irrep(self, *label: int) -> Representation:
        """A real irrep by its label: the frequency k of C(n); parity j and frequency k of D(n); a position elsewhere.

        Raises:
            UnknownName: no irrep has this label.
        """
        name = f"irrep({','.join(str(k) for k in label)})"
        if name not in self._irreps:
            raise UnknownName(f"irrep of {self}", name, list(self._irreps))
        return self.irreps[list(self._irreps).index(name)]

    def quotient(self, subgroup: "Subgroup | FiniteGroup | str | Iterable[int]") -> Representation:
        """The permutation of the cosets G/H, of size |G|/|H|: functions on G that H leaves alone."""
        inside = self.subgroup(subgroup)
        cosets = sorted({tuple(sorted(int(self.table[g, h]) for h in inside.elements)) for g in self.elements})
        where = {g: i for i, coset in enumerate(cosets) for g in coset}
        matrices = np.zeros((len(self.table), len(cosets), len(cosets)))
        for g in self.elements:
            for i, coset in enumerate(cosets):
                matrices[g, where[self.compose(g, coset[0])], i] = 1.0
        return self._single(f"quotient({inside.group})", matrices)

    def component_of(self, matrices: np.ndarray, otherwise: str) -> Component:
        """The component with these matrices, under the name this group has for it, else under the name given."""
        known = [self.trivial, *self.irreps, self.regular]
        if self._standard is not None:
            known.insert(1, self.standard)
        for rep in known:
            if rep.size == matrices.shape[1] and np.allclose(rep.matrices(), matrices, atol=TOLERANCE):
                return rep.terms[0][1]
        return Component(self, otherwise, matrices)

    def _single(self, name: str, matrices: np.ndarray) -> Representation:
        return Representation(self, ((1, Component(self, name, matrices)),))

    # subgroups

    def subgroup(self, spec: "Subgroup | FiniteGroup | str | Iterable[int]") -> "Subgroup":
        """A subgroup, by generating elements, or by a group or name that is found inside through its action on space.

        Raises:
            DomainError: the group is not a subgroup of this one.
        """
        if isinstance(spec, Subgroup):
            if spec.parent != self:
                raise DomainError(f"{spec.group} was given as a subgroup of {spec.parent}, not of {self}")
            return spec
        if isinstance(spec, str):
            from erlangen.symmetry.names import group

            spec = group(spec)
        if isinstance(spec, FiniteGroup):
            return self._find(spec)
        given = [int(g) for g in spec]
        outside = [g for g in given if g not in self.elements]
        if outside:
            raise DomainError(
                f"{self} has the elements 0 … {len(self.table) - 1}, got {outside} to generate a subgroup"
            )
        return self._generated(sorted(closure(self.table, given)))

    def _generated(self, elements: list[int]) -> "Subgroup":
        """The subgroup with these elements, as C(n) or D(n) where its action on space is theirs."""
        if self._standard is not None and self._standard.shape[1] == 2:
            from erlangen.symmetry.planar import C, D

            order = len(elements)
            for candidate in (C(order), D(order // 2)) if order % 2 == 0 else (C(order),):
                place = self._places(candidate)
                if place is not None and set(place) == set(elements):
                    return Subgroup(candidate, self, place)
        position = {g: i for i, g in enumerate(elements)}
        table = np.array([[position[int(self.table[g, h])] for h in elements] for g in elements])
        generators: dict[str, int] = {}
        for g in elements[1:]:
            if position[g] not in closure(table, generators.values()):
                generators[self.label(g)] = position[g]
        name = f"<{', '.join(generators)}>" if generators else "C1"
        standard = None if self._standard is None else self._standard[elements]
        labels = tuple(self.label(g) for g in elements)
        return Subgroup(FiniteGroup(name, table, generators, standard=standard, labels=labels), self, tuple(elements))

    def _places(self, other: "FiniteGroup") -> tuple[int, ...] | None:
        """For each element of another group, the element of this one that moves space in the same way, if all exist."""
        if self._standard is None or other._standard is None or self._standard.shape[1:] != other._standard.shape[1:]:
            return None
        distance = np.abs(other._standard[:, None] - self._standard[None]).max(axis=(2, 3))
        if (distance.min(axis=1) >= TOLERANCE).any():
            return None
        place = tuple(int(i) for i in distance.argmin(axis=1))
        return place if len(set(place)) == len(place) else None

    def _find(self, other: "FiniteGroup") -> "Subgroup":
        if other == self:
            return Subgroup(other, self, tuple(self.elements))
        place = self._places(other)
        if place is not None:
            return Subgroup(other, self, place)
        if other.order == 1:
            return Subgroup(other, self, (0,))
        factors = [elements for factor, elements in self._factors if factor == other]
        if len(factors) == 1:
            return Subgroup(other, self, factors[0])
        if factors:
            raise DomainError(
                f"{self} has {len(factors)} factors {other}; name one by its elements, such as {factors[0]}"
            )
        raise DomainError(
            f"{other} is not found inside {self}: its action on space is not part of that of {self}, and it is not a "
            f"factor of it. Fix: give elements of {self} that generate the subgroup; its generators are "
            f"{dict(self.generators)}."
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FiniteGroup) and self.name == other.name and np.array_equal(self.table, other.table)

    def __hash__(self) -> int:
        return hash((self.name, self.order))


@dataclass(frozen=True)
class Subgroup:
    """A group H together with its place in a larger group.

    Args:
        group: H itself.
        parent: the group it lies in.
        elements: for each element of H, the element of the parent.
    """

    group: FiniteGroup
    parent: FiniteGroup
    elements: tuple[int, ...]


def closure(table: np.ndarray, elements: Iterable[int]) -> set[int]:
    """The elements of the smallest subgroup that holds the given ones."""
    generators = [int(g) for g in elements]
    found, new = {0}, [0]
    while new:
        new = [h for h in {int(table[g, a]) for g in new for a in generators} if h not in found]
        found.update(new)
    return found
