"""Finite groups with a multiplication table: cyclic, dihedral, direct products, and their subgroups.

Elements are the integers 0 … |G|-1, with 0 the identity.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import cos, pi, sin

import numpy as np
import torch

from erlangen.errors import DomainError, UnknownName
from erlangen.symmetry.group import Group
from erlangen.symmetry.representation import TOLERANCE, Component, Representation


class FiniteGroup(Group):
    """A finite group from its multiplication table.

    Args:
        name: the name that prints, such as "D4".
        table: [|G|, |G|] integers, table[g, h] = gh; element 0 is the identity.
        generators: named elements that generate the group.
        irreps: name -> [|G|, d, d] matrices of every real irreducible representation, the trivial one first.
        standard: [|G|, d, d] matrices of the defining action on space, if the group has one.
        sign: name of the irrep that is called the sign representation, if any.
        labels: a short name for each element.

    Raises:
        ValueError: the table is not that of a group with identity 0.
    """

    def __init__(
        self,
        name: str,
        table: np.ndarray,
        generators: Mapping[str, int],
        irreps: Mapping[str, np.ndarray],
        standard: np.ndarray | None = None,
        sign: str | None = None,
        labels: tuple[str, ...] = (),
    ) -> None:
        order = len(table)
        if table.shape != (order, order) or not (np.sort(table, axis=1) == np.arange(order)).all():
            raise ValueError(f"{name}: the rows of a multiplication table must be permutations of 0 … {order - 1}")
        if (table[0] != np.arange(order)).any() or (table[:, 0] != np.arange(order)).any():
            raise ValueError(f"{name}: element 0 must be the identity")
        self.name, self.order, self.table = name, order, table
        self.inverses = np.argmin(table, axis=1)  # the column holding 0, the identity
        self._generators, self._irreps, self._standard, self._sign = dict(generators), irreps, standard, sign
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
        """A real irrep by its label: the frequency k of C(n); parity j and frequency k of D(n).

        Raises:
            UnknownName: no irrep has this label.
        """
        name = f"irrep({','.join(str(k) for k in label)})"
        if name not in self._irreps:
            raise UnknownName(f"irrep of {self}", name, list(self._irreps))
        return self._single(name, self._irreps[name])

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
        elements = {0, *spec}
        while True:
            closure = {int(self.table[g, h]) for g in elements for h in elements}
            if closure <= elements:
                break
            elements |= closure
        ordered = sorted(elements)
        position = {g: i for i, g in enumerate(ordered)}
        table = np.array([[position[int(self.table[g, h])] for h in ordered] for g in ordered])
        name = f"<{', '.join(self.label(g) for g in ordered[1:])}>" if len(ordered) > 1 else "C1"
        trivial = {"irrep(0)": np.ones((len(ordered), 1, 1))}
        named = {self.label(g): position[g] for g in ordered[1:]}
        return Subgroup(FiniteGroup(name, table, named, trivial), self, tuple(ordered))

    def _find(self, other: "FiniteGroup") -> "Subgroup":
        if other == self:
            return Subgroup(other, self, tuple(self.elements))
        if self._standard is not None and other._standard is not None and self._standard.shape[1:] == other._standard.shape[1:]:
            distance = np.abs(other._standard[:, None] - self._standard[None]).max(axis=(2, 3))
            if (distance.min(axis=1) < TOLERANCE).all():
                return Subgroup(other, self, tuple(int(i) for i in distance.argmin(axis=1)))
        raise DomainError(f"{other} is not a subgroup of {self}")

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


def rotation(angle: float) -> np.ndarray:
    """The 2 x 2 matrix that turns (x, y) by `angle` radians, with exact entries at multiples of 90°."""
    c, s = cos(angle), sin(angle)
    c, s = (float(round(v)) if abs(v - round(v)) < TOLERANCE else v for v in (c, s))
    return np.array([[c, -s], [s, c]])


def _degrees(r: int, n: int) -> str:
    return f"r{360 * r / n:g}"


@lru_cache
def C(n: int) -> FiniteGroup:
    """The cyclic group of rotations by 360°/n.

    Args:
        n: its order, >= 1. Element k turns the plane by 360°·k/n from the x axis towards the y axis.
    """
    _check_order("C", n)
    k = np.arange(n)
    irreps: dict[str, np.ndarray] = {}
    for f in range(n // 2 + 1):
        if f == 0 or 2 * f == n:
            irreps[f"irrep({f})"] = np.cos(2 * pi * f * k / n).round()[:, None, None]
        else:
            irreps[f"irrep({f})"] = np.stack([rotation(2 * pi * f * r / n) for r in k])
    return FiniteGroup(
        f"C{n}",
        (k[:, None] + k[None]) % n,
        {"r": 1} if n > 1 else {},
        irreps,
        np.stack([rotation(2 * pi * r / n) for r in k]),
        sign=f"irrep({n // 2})" if n % 2 == 0 else None,
        labels=("e", *(_degrees(r, n) for r in range(1, n))),
    )


@lru_cache
def D(n: int) -> FiniteGroup:
    """The dihedral group of n rotations and n reflections.

    Args:
        n: half its order, >= 1. Element s·n + r is r rotations by 360°/n after s mirrorings m: (x, y) → (-x, y).

    Law: (r, s)(r', s') = (r + (-1)^s r', s + s').
    """
    _check_order("D", n)
    s, r = np.divmod(np.arange(2 * n), n)
    turn = (r[:, None] + np.where(s[:, None] == 1, -1, 1) * r[None]) % n
    table = ((s[:, None] + s[None]) % 2) * n + turn
    flip = np.where(s == 1, -1.0, 1.0)
    irreps = {"irrep(0,0)": np.ones((2 * n, 1, 1)), "irrep(1,0)": flip[:, None, None]}
    if n % 2 == 0:
        alternate = np.where(r % 2 == 1, -1.0, 1.0)
        irreps[f"irrep(0,{n // 2})"] = alternate[:, None, None]
        irreps[f"irrep(1,{n // 2})"] = (alternate * flip)[:, None, None]
    mirror = np.diag([-1.0, 1.0])
    for f in range(1, (n - 1) // 2 + 1):
        irreps[f"irrep(1,{f})"] = _turn_and_flip(r * f, s, n, mirror)
    generators = {"r": 1, "m": n} if n > 1 else {"m": 1}
    turns = ["e", *(_degrees(k, n) for k in range(1, n))]
    labels = (*turns, "m", *(f"{t}·m" for t in turns[1:]))
    return FiniteGroup(f"D{n}", table, generators, irreps, _turn_and_flip(r, s, n, mirror), "irrep(1,0)", labels)


def _turn_and_flip(r: np.ndarray, s: np.ndarray, n: int, mirror: np.ndarray) -> np.ndarray:
    return np.stack([rotation(2 * pi * a / n) @ (mirror if b else np.eye(2)) for a, b in zip(r, s, strict=True)])


def Z2() -> FiniteGroup:
    """The group of two elements {e, m}, the mirror of a line: D(1)."""
    return D(1)


def direct_product(first: FiniteGroup, second: FiniteGroup) -> FiniteGroup:
    """The direct product: pairs (g, h) with (g, h)(g', h') = (gg', hh'); pair (g, h) is element g·|H| + h.

    The irreps listed are the outer tensor products ρ ⊗ σ of real irreps of which at least one is of real type, so that
    they are irreducible over the reals.

    Raises:
        DomainError: both groups have a two-dimensional irrep of complex type, whose product is reducible.
    """
    n, m = len(first.table), len(second.table)
    table = (first.table[:, None, :, None] * m + second.table[None, :, None, :]).reshape(n * m, n * m)
    irreps = {}
    for i, a in enumerate(first.irreps):
        for j, b in enumerate(second.irreps):
            if _type_dimension(a) > 1 and _type_dimension(b) > 1:
                raise DomainError(f"{first} x {second}: the product of the complex-type irreps {a} and {b} is reducible")
            outer = np.einsum("gij,hkl->ghikjl", a.matrices(), b.matrices())
            irreps[f"irrep({i},{j})"] = outer.reshape(n * m, a.size * b.size, -1)
    generators = {f"{k}": g * m for k, g in first.generators.items()}
    generators |= {(k if k not in generators else f"{k}'"): h for k, h in second.generators.items()}
    labels = tuple("e" if a == b == "e" else f"({a},{b})" for a in first.labels for b in second.labels)
    return FiniteGroup(f"{first}x{second}", table, generators, irreps, labels=labels)


def _type_dimension(irrep: Representation) -> int:
    """dim of the commutant: 1 for real type, 2 for complex, 4 for quaternionic."""
    return round(float(irrep.character @ irrep.character) / len(irrep.character))


def _check_order(family: str, n: int) -> None:
    if not isinstance(n, int) or n < 1:
        raise DomainError(f"{family}(n) needs an integer n >= 1, got {n!r}")
