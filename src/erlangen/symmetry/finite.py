"""Finite groups with a multiplication table.

Elements are the integers 0 … |G|-1, with 0 the identity.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch

from erlangen.errors import DomainError, FieldError, UnknownName
from erlangen.symmetry.atoms import Indexed, Tabulated, Trivial
from erlangen.symmetry.cayley import closure, transversals
from erlangen.symmetry.characters import TYPES, CharacterTable, character_table, conjugacy_classes
from erlangen.symmetry.component import TOLERANCE, Component, as_signed
from erlangen.symmetry.group import Group
from erlangen.symmetry.irreps import real_irreps, type_dimension
from erlangen.symmetry.representation import Representation
from erlangen.symmetry.subgroups import Subgroup, find_subgroup, subgroup_classes


class FiniteGroup(Group):
    """A finite group from its multiplication table.

    Args:
        name: the name that prints, such as "D4".
        table: [|G|, |G|] integers, table[g, h] = gh; element 0 is the identity.
        generators: named elements that generate the group.
        irreps: name -> [|G|, d, d] matrices of every real irreducible representation, the trivial one first, or a
            function that makes them when they are first asked for; None to find them numerically.
        standard: the defining action, if the group has one: [|G|, d, d] matrices on space, or [|G|, d] integers, the
            place to which each of d points goes.
        sign: name of the irrep that is called the sign representation, if any.
        labels: a short name for each element.
        factors: (group, its elements in this one) for every factor of a direct product.
        description: JSON-able words from which `erlangen.symmetry.group` makes an equal group; None for its name.

    Raises:
        ValueError: the table is not that of a group with identity 0, or the generators do not generate it.
    """

    order: int  # type: ignore[override]
    is_listed = True

    def __init__(
        self,
        name: str,
        table: np.ndarray,
        generators: Mapping[str, int],
        irreps: Mapping[str, np.ndarray] | Callable[[], Mapping[str, np.ndarray]] | None = None,
        standard: np.ndarray | None = None,
        sign: str | None = None,
        labels: tuple[str, ...] = (),
        factors: "tuple[tuple[FiniteGroup, tuple[int, ...]], ...]" = (),
        description: dict[str, Any] | None = None,
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
        self._generators, self._given_irreps, self._sign = dict(generators), irreps, sign
        self.defining = standard
        self.factors, self._description = factors, description
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

    def describe(self) -> str | dict[str, Any]:
        """Its name, or the words it was generated from."""
        return self._description or self.name

    # classes and characters

    @cached_property
    def conjugacy_classes(self) -> tuple[np.ndarray, ...]:
        """The elements of every class {x g x⁻¹}; the identity first, then by order of the elements."""
        return conjugacy_classes(self.table, self.inverses)

    @cached_property
    def class_of(self) -> np.ndarray:
        """[|G|] the position in `conjugacy_classes` of the class of every element."""
        place = np.empty(len(self.table), np.int64)
        for k, one in enumerate(self.conjugacy_classes):
            place[one] = k
        return place

    @cached_property
    def character_table(self) -> CharacterTable:
        """All irreducible complex characters; print it."""
        return character_table(self)

    @cached_property
    def transversals(self) -> tuple[np.ndarray, ...]:
        """Short lists T_1, T_2, … of elements: every g is t_k ⋯ t_2 t_1 in exactly one way, which shortens sums."""
        return transversals(self.table)

    # representations

    @property
    def representations(self) -> tuple[str, ...]:
        """Names of the representations this group has, as `representation` reads them."""
        named = ["trivial", "regular"]
        if self._sign is not None:
            named.insert(1, "sign")
        if self.defining is not None:
            named.insert(1, "standard")
        return (*named, *self._irreps, "quotient(H)")

    @cached_property
    def _irreps(self) -> Mapping[str, np.ndarray]:
        given = self._given_irreps
        if given is None:
            return real_irreps(self, self.defining)
        return given() if callable(given) else given

    @cached_property
    def trivial(self) -> Representation:
        """ρ(g) = 1."""
        return Representation(self, ((1, Trivial(self)),))

    @cached_property
    def regular(self) -> Representation:
        """ρ(g) e_h = e_gh, of size |G|."""
        return Representation(self, ((1, Indexed(self, "regular", self.table)),))

    @cached_property
    def standard(self) -> Representation:
        """The defining action: vectors (x, y) or (x, y, z), or the points that permutations permute."""
        if self.defining is None:
            raise DomainError(f"{self} has no defining action on space; name an irrep: {', '.join(self._irreps)}")
        pair = as_signed(self.defining) if self.defining.ndim == 3 else (self.defining, None)
        if pair is None:
            return self._single("standard", self.defining)
        return Representation(self, ((1, Indexed(self, "standard", *pair)),))

    @cached_property
    def sign(self) -> Representation:
        """A one-dimensional representation with values ±1.

        (-1)^r of C(n), n even; the determinant of D(n), Oh and Ih; the parity of S(n), and of O on the four diagonals
        of the cube.
        """
        if self._sign is None:
            raise UnknownName(f"representation of {self}", "sign", ["trivial", "regular", *self._irreps])
        return self._single("sign", self._irreps[self._sign])

    @cached_property
    def irreps(self) -> tuple[Representation, ...]:
        """All real irreducible representations, the trivial one first."""
        return tuple(self._single(name, matrices) for name, matrices in self._irreps.items())

    def irrep(self, *label: int) -> Representation:
        """A real irrep by its label.

        The frequency k of C(n); parity j and frequency k of D(n); a partition of n, such as (3, 1), of S(n); positions
        in the lists of irreps of the factors of a direct product; a position elsewhere, small irreps first.

        Raises:
            UnknownName: no irrep has this label.
        """
        name = f"irrep({','.join(str(k) for k in label)})"
        if name not in self._irreps:
            raise UnknownName(f"irrep of {self}", name, list(self._irreps))
        return self.irreps[list(self._irreps).index(name)]

    def irrep_type(self, *label: int) -> str:
        """The type of a real irrep, by its label: "real", "complex" or "quaternionic".

        The matrices that commute with it are a field of this kind, of dimension 1, 2 or 4.

        Raises:
            UnknownName: no irrep has this label.
        """
        return TYPES[type_dimension(self.irrep(*label))]

    def quotient(self, subgroup: "Subgroup | FiniteGroup | str | Iterable[int]") -> Representation:
        """The permutation of the cosets G/H, of size |G|/|H|: functions on G that H leaves alone."""
        inside = self.subgroup(subgroup)
        image = inside.coset_of[self.table[:, inside.cosets[:, 0]]]
        return Representation(self, ((1, Indexed(self, f"quotient({inside.group})", image)),))

    def component_of(self, matrices: np.ndarray, otherwise: str) -> Component:
        """The component with these matrices, under the name this group has for it, else under the name given."""
        known = [self.trivial, *self.irreps, self.regular]
        if self.defining is not None:
            known.insert(1, self.standard)
        for rep in known:
            if rep.size == matrices.shape[1] and np.allclose(rep.matrices(), matrices, atol=TOLERANCE):
                return rep.terms[0][1]
        return Tabulated(self, otherwise, matrices)

    def _single(self, name: str, matrices: np.ndarray) -> Representation:
        return Representation(self, ((1, Tabulated(self, name, matrices)),))

    def _from_images(self, images: Mapping[str, Any]) -> Representation:
        """ρ on every element as a product of the images of generators, every product of the table checked."""
        if set(images) != set(self._generators):
            raise FieldError(f"{self} is generated by {', '.join(self._generators)}; got images of {', '.join(images)}")
        given = {name: np.asarray(m, dtype=np.float64) for name, m in images.items()}
        sizes = {m.shape for m in given.values()}
        if len(sizes) != 1 or any(len(s) != 2 or s[0] != s[1] for s in sizes):
            raise FieldError(f"a representation of {self} needs square matrices of one size, got {sorted(sizes)}")
        size = sizes.pop()[0]
        found: dict[int, np.ndarray] = {0: np.eye(size)}
        words, front = {0: "e"}, [0]
        while front:
            after = []
            for g in front:
                for name, a in self._generators.items():
                    h, matrix = int(self.table[g, a]), found[g] @ given[name]
                    if h not in found:
                        found[h], words[h] = matrix, name if g == 0 else f"{words[g]} {name}"
                        after.append(h)
                    elif not np.allclose(found[h], matrix, atol=1e-6):
                        raise FieldError(
                            f"these matrices are no representation of {self}: the group has {words[g]} · {name} = "
                            f"{words[h]}, but the products of the matrices differ by "
                            f"{np.abs(found[h] - matrix).max():.2g}. Fix: check the images of {name} and of the "
                            f"generators in {words[h]}."
                        )
            front = after
        return Representation(self, ((1, self.component_of(np.stack([found[g] for g in self.elements]), "given")),))

    # subgroups

    def subgroup(self, spec: "Subgroup | FiniteGroup | str | Iterable[int]") -> "Subgroup":
        """A subgroup, by generating elements, or by a group or name that is found inside through its action on space.

        Raises:
            DomainError: the group is not a subgroup of this one.
        """
        return find_subgroup(self, spec)

    @cached_property
    def subgroups(self) -> tuple[Subgroup, ...]:
        """One subgroup of every conjugacy class, the trivial one first and the group itself last."""
        return subgroup_classes(self)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, FiniteGroup) or self.name != other.name or not np.array_equal(self.table, other.table):
            return False
        mine, theirs = self.defining, other.defining
        return (mine is None) == (theirs is None) and (
            mine is None or theirs is None or (mine.shape == theirs.shape and np.allclose(mine, theirs, atol=TOLERANCE))
        )

    def __hash__(self) -> int:
        return hash((self.name, self.order))
