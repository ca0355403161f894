"""Conjugacy classes and complex characters of finite groups with a multiplication table.

Irreducible characters are the common eigenvectors of all convolutions with class functions. One random Hermitian
convolution separates them; the multiplicities of the eigenvalues of ρ(g), which must be whole numbers, then give every
value to rounding and prove it right.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from erlangen.errors import DomainError
from erlangen.symmetry.component import TOLERANCE

if TYPE_CHECKING:
    from erlangen.symmetry.finite import FiniteGroup

TYPES = {1: "real", 2: "complex", 4: "quaternionic"}  # by the dimension of the commutant of a real irrep


@dataclass(frozen=True, eq=False)
class CharacterTable:
    """The irreducible complex characters of a finite group, one a row; small degrees first, the trivial one on top.

    Args:
        name: of the group.
        classes: the elements of every conjugacy class; the identity first, then by order of the elements.
        labels: the name of the first element of every class.
        sizes: [classes] number of elements.
        orders: [classes] order of the elements.
        degrees: [classes] degree χ(e) of every character.
        indicators: [classes] Frobenius-Schur indicator of every character: 1 real, 0 complex, -1 quaternionic.
        values: [classes, classes] complex128, values[i, j] = χ_i on class j.

    Law: Σ_j sizes[j] χ_i(j) conj χ_k(j) = |G| δ_ik; Σ degrees² = |G|.
    """

    name: str
    classes: tuple[np.ndarray, ...]
    labels: tuple[str, ...]
    sizes: np.ndarray
    orders: np.ndarray
    degrees: np.ndarray
    indicators: np.ndarray
    values: np.ndarray

    @property
    def types(self) -> tuple[str, ...]:
        """The type of every character: real, complex or quaternionic."""
        return tuple({1: "real", 0: "complex", -1: "quaternionic"}[int(i)] for i in self.indicators)

    def inner(self, phi: np.ndarray, psi: np.ndarray) -> complex:
        """⟨φ, ψ⟩ = 1/|G| Σ_g φ(g) conj ψ(g) of two class functions, each [classes]."""
        return complex((self.sizes * phi * np.conj(psi)).sum() / self.sizes.sum())

    def multiplicities(self, chi: np.ndarray) -> np.ndarray:
        """How often every irreducible character occurs in a character [classes]."""
        return np.round((np.conj(self.values) * self.sizes * chi).sum(axis=1).real / self.sizes.sum()).astype(int)

    def __str__(self) -> str:
        rows = [["class", *self.labels, "type"], ["size", *map(str, self.sizes), ""]]
        rows += [
            [f"χ{i}", *(_number(v) for v in row), kind]
            for i, (row, kind) in enumerate(zip(self.values, self.types, strict=True))
        ]
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        lines = ["  ".join(f"{text:>{w}}" for text, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([f"characters of {self.name}, order {self.sizes.sum()}", *lines])


def conjugacy_classes(table: np.ndarray, inverses: np.ndarray) -> tuple[np.ndarray, ...]:
    """The classes {x g x⁻¹}: the identity first, then by order of the elements, size, and first element.

    Args:
        table: [|G|, |G|], with identity 0.
        inverses: [|G|].
    """
    free = np.ones(len(table), bool)
    found = []
    for g in range(len(table)):
        if free[g]:
            one = np.unique(table[table[:, g], inverses])
            free[one] = False
            found.append(one)
    orders = element_orders(table)
    return tuple(sorted(found, key=lambda one: (orders[one[0]], len(one), one[0])))


def element_orders(table: np.ndarray) -> np.ndarray:
    """The order of every element, [|G|]."""
    every = np.arange(len(table))
    orders, power, n = np.zeros(len(table), np.int64), every, 1
    while (orders == 0).any():
        orders[(power == 0) & (orders == 0)] = n
        power, n = table[power, every], n + 1
    return orders


def character_table(group: "FiniteGroup") -> CharacterTable:
    """All irreducible complex characters (see `FiniteGroup.character_table`).

    Raises:
        DomainError: no random class function separates the characters in float64.

    Source: J. Dixon, High speed computation of group characters, Numer. Math. 10 (1967), 446-450 (class algebra).
    """
    classes, first = group.conjugacy_classes, np.array([one[0] for one in group.conjugacy_classes])
    sizes, orders = np.array([len(one) for one in classes]), element_orders(group.table)[first]
    powers = _powers(group.table, first, group.class_of, int(orders.max()))
    for seed in range(8):
        values = _polish(_separate(group, first, sizes, seed), orders, powers)
        if values is not None and _orthogonal(values, sizes):
            break
    else:
        raise DomainError(f"the {len(classes)} characters of {group} do not separate in float64 in 8 random attempts")
    degrees = values[:, 0].real.round().astype(np.int64)
    keys = [
        (degrees[i], *(-row.real.round(6)).tolist(), *(-row.imag.round(6)).tolist()) for i, row in enumerate(values)
    ]
    order = sorted(range(len(values)), key=keys.__getitem__)
    values = values[order]
    squares = powers[:, 2 % powers.shape[1]]
    indicators = ((sizes * values[:, squares]).sum(axis=1).real / group.order).round().astype(np.int64)
    labels = tuple(group.label(int(g)) for g in first)
    return CharacterTable(group.name, classes, labels, sizes, orders, degrees[order], indicators, values)


def _separate(group: "FiniteGroup", first: np.ndarray, sizes: np.ndarray, seed: int) -> np.ndarray:
    """Approximate characters: eigenvectors of f ↦ c * f on class functions, with c(g⁻¹) = conj c(g).

    In the orthonormal basis 1_C / √|C| the operator has the entries √(|C_i| / |C_j|) Σ_{h in C_j} c(g_i h⁻¹).
    """
    n, r = len(group.table), len(first)
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal(r) + 1j * rng.standard_normal(r)
    c = weights[group.class_of]
    c = c + np.conj(c[group.inverses])
    sums = np.zeros((r, r), np.complex128)
    for i, g in enumerate(first):
        terms = c[group.table[g, group.inverses]]  # c(g h⁻¹) for every h
        sums[i] = np.bincount(group.class_of, terms.real, r) + 1j * np.bincount(group.class_of, terms.imag, r)
    matrix = np.sqrt(sizes[:, None] / sizes) * sums
    vectors = np.linalg.eigh((matrix + matrix.conj().T) / 2)[1].T
    phases = np.abs(vectors[:, :1]) / np.where(vectors[:, :1] == 0, 1, vectors[:, :1])
    return phases * vectors * np.sqrt(n / sizes)


def _polish(values: np.ndarray, orders: np.ndarray, powers: np.ndarray) -> np.ndarray | None:
    """Values to rounding from whole multiplicities; None if some multiplicity is not whole.

    The eigenvalue ζ^k of ρ(g), ζ = exp(2πi/m) with m the order of g, occurs 1/m Σ_j χ(g^j) ζ^{-jk} times.
    """
    exact, done = np.empty_like(values), np.zeros(len(orders), bool)
    for j, m in enumerate(orders):
        if done[j]:
            continue
        counts = np.fft.fft(values[:, powers[j, :m]], axis=1) / m
        whole = counts.real.round()
        if np.abs(counts - whole).max() > 1e-3 or whole.min() < 0:
            return None
        coprime = np.flatnonzero(np.gcd(np.arange(m), m) == 1)  # these powers have the same eigenvalues, in other order
        exact[:, powers[j, coprime]] = whole @ np.exp(2j * np.pi * (np.outer(np.arange(m), coprime) % m) / m)
        done[powers[j, coprime]] = True
    return _snap(exact.real) + 1j * _snap(exact.imag)


def _orthogonal(values: np.ndarray, sizes: np.ndarray) -> bool:
    gram = (values * sizes) @ values.conj().T / sizes.sum()
    return bool(np.abs(gram - np.eye(len(values))).max() < TOLERANCE)


def _powers(table: np.ndarray, first: np.ndarray, class_of: np.ndarray, largest: int) -> np.ndarray:
    """[classes, largest]: the class of g_i^j."""
    power = np.zeros_like(first)
    found = []
    for _ in range(largest):
        found.append(class_of[power])
        power = table[power, first]
    return np.stack(found, axis=1)


def _snap(values: np.ndarray) -> np.ndarray:
    halves = np.round(2 * values) / 2
    return np.where(np.abs(values - halves) < TOLERANCE, halves, values) + 0.0


def _number(value: complex) -> str:
    real, imag = (f"{round(v, 3):g}" for v in (value.real, value.imag))
    if imag == "0" or imag == "-0":
        return real
    turn = f"{'' if imag.startswith('-') else '+'}{imag}i"
    return turn.removeprefix("+") if real in ("0", "-0") else real + turn
