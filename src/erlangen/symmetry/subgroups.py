"""Subgroups of finite groups: found by elements, by name, or all of them up to conjugacy; their cosets."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from erlangen.errors import DomainError
from erlangen.symmetry.cayley import closure
from erlangen.symmetry.component import TOLERANCE

if TYPE_CHECKING:
    from erlangen.symmetry.finite import FiniteGroup


@dataclass(frozen=True)
class Subgroup:
    """A group H together with its place in a larger group G.

    Args:
        group: H itself.
        parent: the group G it lies in.
        elements: for each element of H, the element of the parent.
    """

    group: "FiniteGroup"
    parent: "FiniteGroup"
    elements: tuple[int, ...]

    @property
    def index(self) -> int:
        """The number |G| / |H| of cosets."""
        return self.parent.order // self.group.order

    @cached_property
    def cosets(self) -> np.ndarray:
        """[|G|/|H|, |H|] the left cosets xH, sorted, so that column 0 holds their representatives; H is the first."""
        inside, table = np.array(self.elements), self.parent.table
        place, found = np.full(len(table), -1), []
        for x in range(len(table)):
            if place[x] < 0:
                coset = np.sort(table[x, inside])
                place[coset] = len(found)
                found.append(coset)
        return np.array(found)

    @cached_property
    def coset_of(self) -> np.ndarray:
        """[|G|] the row of `cosets` in which every element of G lies."""
        place = np.empty(self.parent.order, np.int64)
        place[self.cosets] = np.arange(self.index)[:, None]
        return place

    @property
    def is_normal(self) -> bool:
        """Whether x H x⁻¹ = H for every x of G."""
        return len(self.normaliser) == self.parent.order

    @cached_property
    def normaliser(self) -> np.ndarray:
        """The elements x of G with x H x⁻¹ = H, sorted."""
        return np.flatnonzero((_conjugates(self.parent, self.elements) == np.sort(self.elements)).all(axis=1))

    @cached_property
    def conjugates(self) -> np.ndarray:
        """[number, |H|] the elements of every subgroup x H x⁻¹."""
        return np.unique(_conjugates(self.parent, self.elements), axis=0)

    def __repr__(self) -> str:
        return f"{self.group} in {self.parent}"


def find_subgroup(parent: "FiniteGroup", spec: "Subgroup | FiniteGroup | str | Iterable[int]") -> Subgroup:
    """A subgroup by generating elements, name or group (see `FiniteGroup.subgroup`)."""
    from erlangen.symmetry.finite import FiniteGroup

    if isinstance(spec, Subgroup):
        if spec.parent != parent:
            raise DomainError(f"{spec.group} was given as a subgroup of {spec.parent}, not of {parent}")
        return spec
    if isinstance(spec, str):
        from erlangen.symmetry.names import group

        found = group(spec)
        if not isinstance(found, FiniteGroup):
            raise DomainError(f"{found} is infinite or too large to list, so it is no subgroup of {parent}")
        spec = found
    if isinstance(spec, FiniteGroup):
        return _find(parent, spec)
    given = [int(g) for g in spec]
    outside = [g for g in given if g not in parent.elements]
    if outside:
        raise DomainError(f"{parent} has the elements 0 … {parent.order - 1}, got {outside} to generate a subgroup")
    return _with_elements(parent, closure(parent.table, given))


def subgroup_classes(parent: "FiniteGroup") -> tuple[Subgroup, ...]:
    """One subgroup of every conjugacy class, small ones first.

    Every subgroup is reached by adding one element of prime power order after another to the trivial one, and up to
    conjugacy it is enough to extend one representative of every class.

    Source: D. Holt, B. Eick, E. O'Brien, Handbook of Computational Group Theory, 2005, section 10.3 (by layers).
    """
    seen: set[bytes] = set()
    found: list[np.ndarray] = []
    steps = _prime_power_generators(parent)

    def add(elements: np.ndarray) -> None:
        if _key(parent, elements) not in seen:
            seen.update(_key(parent, other) for other in np.unique(_conjugates(parent, elements), axis=0))
            found.append(elements)

    add(np.zeros(1, np.int64))
    for elements in found:  # grows while it is read
        inside = np.zeros(parent.order, bool)
        inside[elements] = True
        letters = _generators(parent.table, elements)
        for z in steps:
            if not inside[z]:
                add(closure(parent.table, [*letters, z]))
    found.sort(key=lambda elements: (len(elements), *elements))
    return tuple(_with_elements(parent, elements) for elements in found)


def _with_elements(parent: "FiniteGroup", elements: np.ndarray) -> Subgroup:
    """The subgroup with these elements, as C(n) or D(n) where its action on the plane is theirs."""
    from erlangen.symmetry.finite import FiniteGroup

    matrices = parent.defining
    if len(elements) == parent.order:
        return Subgroup(parent, parent, tuple(parent.elements))
    if matrices is not None and matrices.shape[1:] == (2, 2):
        from erlangen.symmetry.planar import C, D

        order = len(elements)
        for candidate in (C(order), D(order // 2)) if order % 2 == 0 else (C(order),):
            place = _places(parent, candidate)
            if place is not None and set(place) == set(elements.tolist()):
                return Subgroup(candidate, parent, place)
    position = np.zeros(parent.order, np.int64)
    position[elements] = np.arange(len(elements))
    table = position[parent.table[np.ix_(elements, elements)]]
    generators = {parent.label(g): int(position[g]) for g in _generators(parent.table, elements)}
    name = f"<{', '.join(generators)}>" if generators else "C1"
    standard = None if matrices is None else matrices[elements]
    labels = tuple(parent.label(int(g)) for g in elements)
    inside = FiniteGroup(name, table, generators, standard=standard, labels=labels)
    return Subgroup(inside, parent, tuple(elements.tolist()))


def _find(parent: "FiniteGroup", other: "FiniteGroup") -> Subgroup:
    if other == parent:
        return Subgroup(other, parent, tuple(parent.elements))
    place = _places(parent, other)
    if place is not None:
        return Subgroup(other, parent, place)
    if other.order == 1:
        return Subgroup(other, parent, (0,))
    if len(parent.factors) == len(other.factors) == 2:
        first, second = (_find(a, b) for (a, _), (b, _) in zip(parent.factors, other.factors, strict=True))
        return Subgroup(
            other, parent, tuple(g * second.parent.order + h for g in first.elements for h in second.elements)
        )
    factors = [elements for factor, elements in parent.factors if factor == other]
    if len(factors) == 1:
        return Subgroup(other, parent, factors[0])
    if factors:
        raise DomainError(
            f"{parent} has {len(factors)} factors {other}; name one by its elements, such as {factors[0]}"
        )
    raise DomainError(
        f"{other} is not found inside {parent}: its action on space is not part of that of {parent}, and it is not a "
        f"factor of it. Fix: give elements of {parent} that generate the subgroup; its generators are "
        f"{dict(parent.generators)}."
    )


def _places(parent: "FiniteGroup", other: "FiniteGroup") -> tuple[int, ...] | None:
    """For each element of another group, the element of the parent that moves space in the same way, if all exist."""
    mine, theirs = parent.defining, other.defining
    if mine is None or theirs is None or mine.shape[1:] != theirs.shape[1:]:
        return None
    place = []
    for matrix in theirs:
        distance = np.abs(matrix - mine).reshape(len(mine), -1).max(axis=1)
        place.append(int(distance.argmin()))
        if distance[place[-1]] >= TOLERANCE:
            return None
    return tuple(place) if len(set(place)) == len(place) else None


def _generators(table: np.ndarray, elements: np.ndarray) -> list[int]:
    """Some of the elements of a subgroup that generate it; each is needed after those before it."""
    letters: list[int] = []
    inside = np.zeros(len(table), bool)
    inside[0] = True
    for g in elements.tolist():
        if not inside[g]:
            letters.append(g)
            inside[closure(table, letters)] = True
    return letters


def _prime_power_generators(parent: "FiniteGroup") -> list[int]:
    """One generator of every cyclic subgroup of prime power order."""
    found: dict[bytes, int] = {}
    for g in parent.elements[1:]:
        powers = [0]
        while (h := int(parent.table[powers[-1], g])) != 0:
            powers.append(h)
        prime = next(p for p in range(2, len(powers) + 1) if len(powers) % p == 0)
        rest = len(powers)
        while rest % prime == 0:
            rest //= prime
        if rest == 1:
            found.setdefault(_key(parent, np.array(powers)), g)
    return list(found.values())


def _conjugates(parent: "FiniteGroup", elements: Iterable[int]) -> np.ndarray:
    """[|G|, |H|] the elements of x H x⁻¹ for every x, each row sorted."""
    moved = parent.table[:, np.asarray(elements)]
    return np.sort(parent.table[moved, parent.inverses[:, None]], axis=1)


def _key(parent: "FiniteGroup", elements: np.ndarray) -> bytes:
    inside = np.zeros(parent.order, bool)
    inside[elements] = True
    return np.packbits(inside).tobytes()
