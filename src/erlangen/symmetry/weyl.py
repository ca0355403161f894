"""Averages over compact Lie groups, exactly: Weyl's integration formula on the maximal torus.

The average of a function of conjugacy classes is an integral over the angles of a maximal torus, with the density
Π |1 - e^{iα}|² over the positive roots α. Characters are trigonometric polynomials of those angles, so a uniform grid
with enough points integrates them without error.

Orthogonal groups have a second component: -1 times the first for odd n; for even n, elements with eigenvalues 1, -1 and
pairs e^{±iθ} with the density of the symplectic group. The groups SO(p,q), O(p,q), Sp(2n), SL(n), GL(n) and the
scalings are not compact, but for sums, tensor products and duals of their defining representation the invariants are
those of the compact form (Weyl's unitary trick: both are Zariski-dense in the same complex group), so they are exact as
well. Both components of SO(p,q), and its connected part, lie in the one complex group SO(p+q).

Source: B. Simon, Representations of Finite and Compact Groups (1996), ch. IX; H. Weyl, The Classical Groups (1946);
E. Meckes, The Random Matrix Theory of the Classical Compact Groups (2019), thm 3.5, for the second component.
"""

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from math import factorial, prod
from typing import Any

import numpy as np

from erlangen.errors import DomainError
from erlangen.symmetry.classical import Classical
from erlangen.symmetry.finite import FiniteGroup
from erlangen.symmetry.group import Group
from erlangen.symmetry.infinite_products import DirectProduct
from erlangen.symmetry.permutation import PermutationGroup
from erlangen.symmetry.representation import Representation
from erlangen.symmetry.symmetric import partitions
from erlangen.symmetry.torus import characters, extends_to_torus, highest_weight

LARGEST_GRID = 500_000  # points; above, no formula is offered
LARGEST_SYMMETRIC = 20  # points of S(n), which has 627 cycle types then
FORMS = {"SO(p,q)": "SO", "O(p,q)": "O", "Sp": "Sp", "SL": "SU", "GL": "U", "Scaling": "Scaling"}

Piece = tuple[Any, np.ndarray]  # elements, weights


def character_inner(rep_in: Representation, rep_out: Representation) -> float | None:
    """dim Hom(ρ, σ) = ∫ χ̄_ρ(g) χ_σ(g) dg, from characters alone.

    Args:
        rep_in: ρ, of a listed group, a symmetric group, a classical group or a direct product of those.
        rep_out: σ, of the same group.

    Returns:
        The integral, an integer to rounding; over the complex numbers if a representation is complex. None where no
        formula is known: groups that are not reductive (E(n)), custom Lie groups, other representations of groups that
        are not compact, and tori of very many grid points.
    """
    if rep_in.group != rep_out.group:
        raise DomainError(f"the inner product of characters needs one group, got {rep_in.group} and {rep_out.group}")
    pieces = classes(rep_in.group, highest_weight(rep_in) + highest_weight(rep_out))
    if pieces is None or not (extends_to_torus(rep_in) and extends_to_torus(rep_out)):
        return None
    return float(
        sum(np.sum(w * characters(rep_in, g).conj() * characters(rep_out, g)) for g, w in pieces).real  # type: ignore
    )


def haar_mean(group: Group, function: Callable[[Any], np.ndarray], degree: int) -> complex:
    """The average ∫ f(g) dg of a function of conjugacy classes.

    Args:
        group: a compact classical group, a finite group or a direct product.
        function: f of many elements at once: matrices [n, d, d] -> [n] (indices [n] for a finite group).
        degree: the highest frequency of f in any angle of the torus.

    Raises:
        DomainError: the group is not compact, or no formula is known for it.
    """
    pieces = classes(group, degree) if group.is_compact else None
    if pieces is None:
        raise DomainError(f"no formula averages functions of classes over {group}; compact: SO, O, U, SU and products")
    return complex(sum(np.sum(w * function(g)) for g, w in pieces))


def classes(group: Group, degree: int) -> list[Piece] | None:
    """Elements and weights that average class functions of a bounded frequency exactly.

    Args:
        group: a classical group (for one that is not compact: of its compact form), a listed group, S(n), a product.
        degree: the highest frequency in any angle of the torus.

    Returns:
        [(elements, weights)], one pair for every component; None where no formula is known.
    """
    if isinstance(group, FiniteGroup):
        return [(np.arange(group.order), np.full(group.order, 1 / group.order))]
    if isinstance(group, PermutationGroup):
        return _cycle_types(group)
    if isinstance(group, DirectProduct):
        first, second = (classes(factor, degree) for factor in group.factors)
        if first is None or second is None:
            return None
        if sum(len(w) for _, w in first) * sum(len(w) for _, w in second) > LARGEST_GRID:
            return None
        return [_paired(a, b) for a in first for b in second]
    if not isinstance(group, Classical):
        return None
    family, n = FORMS.get(group.family, group.family), group.degree
    if family in ("SO", "O"):
        proper = _rotations(n, degree)
        if family == "SO" or proper is None:
            return proper
        other = _improper(n, degree)
        if other is None:
            return None
        return [(g, w / 2) for g, w in (*proper, *other)]
    if family in ("U", "SU"):
        return _unitary(n, degree, special=family == "SU")
    if family == "Sp":
        return _pairs(n // 2, degree, "C", np.zeros((0, 0)))
    if family == "Scaling":
        phases = np.exp(2j * np.pi * np.arange(degree + 1) / (degree + 1))
        return [(phases[:, None, None] * np.eye(n), np.full(degree + 1, 1 / (degree + 1)))]
    return None


def _cycle_types(group: PermutationGroup) -> list[Piece] | None:
    """One permutation of every cycle type, if the group is S(n): a share 1/z of it has that type.

    z = Π_k k^{m_k} m_k! for m_k cycles of length k.
    """
    n = group.degree
    if n > LARGEST_SYMMETRIC or group.order != factorial(n):
        return None
    elements, shares = [], []
    for parts in partitions(n):
        ends = np.cumsum(parts)
        image = np.arange(1, n + 1)
        image[ends - 1] = ends - parts
        elements.append(image)
        shares.append(1 / prod(length**count * factorial(count) for length, count in Counter(parts).items()))
    return [(np.stack(elements), np.array(shares))]


def _rotations(n: int, degree: int) -> list[Piece] | None:
    """SO(n)."""
    rank, odd = divmod(n, 2)
    return _pairs(rank, degree, "B" if odd else "D", np.eye(odd))


def _improper(n: int, degree: int) -> list[Piece] | None:
    """The elements of O(n) with determinant -1."""
    rank, odd = divmod(n, 2)
    if not odd:
        return _pairs(rank - 1, degree, "C", np.diag([1.0, -1.0]))
    proper = _rotations(n, degree)
    return None if proper is None else [(-g, w) for g, w in proper]


def _pairs(rank: int, degree: int, kind: str, rest: np.ndarray) -> list[Piece] | None:
    """Plane rotations by `rank` angles beside a constant block, with the density of roots of kind B, C or D."""
    roots = [(i, j, s) for i, j in combinations(range(rank), 2) for s in (1, -1)]
    extra = {"B": 1, "C": 2, "D": 0}[kind]
    angles = _grid(rank, degree + 2 * (rank - 1) + extra + 1)
    if angles is None:
        return None
    density = np.ones(len(angles))
    for i, j, s in roots:
        density *= _root(angles[:, i] + s * angles[:, j])
    if extra:
        density *= _root(extra * angles).prod(axis=1)
    order = factorial(rank) * 2 ** (rank - (kind == "D" and rank > 0))  # of the Weyl group
    elements = np.zeros((len(angles), 2 * rank + len(rest), 2 * rank + len(rest)))
    elements[:, 2 * rank :, 2 * rank :] = rest
    for k in range(rank):
        cos, sin = np.cos(angles[:, k]), np.sin(angles[:, k])
        elements[:, 2 * k, 2 * k], elements[:, 2 * k, 2 * k + 1] = cos, -sin
        elements[:, 2 * k + 1, 2 * k], elements[:, 2 * k + 1, 2 * k + 1] = sin, cos
    return [(elements, density / (order * len(angles)))]


def _unitary(n: int, degree: int, special: bool) -> list[Piece] | None:
    """U(n) or SU(n): diagonal matrices of phases."""
    angles = _grid(n - special, (degree + n - 1) * (1 + special) + 1)
    if angles is None:
        return None
    if special:
        angles = np.concatenate([angles, -angles.sum(axis=1, keepdims=True)], axis=1)
    density = np.ones(len(angles))
    for i, j in combinations(range(n), 2):
        density *= _root(angles[:, i] - angles[:, j])
    elements = np.exp(1j * angles)[:, :, None] * np.eye(n)
    return [(elements, density / (factorial(n) * len(angles)))]


def _root(angle: np.ndarray) -> np.ndarray:
    """|1 - e^{iα}|²."""
    return 2 - 2 * np.cos(angle)


def _grid(rank: int, points: int) -> np.ndarray | None:
    """All combinations of equally spaced angles, [points^rank, rank]."""
    if points**rank > LARGEST_GRID:
        return None
    steps = 2 * np.pi * np.arange(points) / points
    return np.stack(np.meshgrid(*[steps] * rank, indexing="ij"), -1).reshape(-1, rank) if rank else np.zeros((1, 0))


def _paired(a: Piece, b: Piece) -> Piece:
    """All pairs of elements of two factors."""
    i, j = np.divmod(np.arange(len(a[1]) * len(b[1])), len(b[1]))
    return (_take(a[0], i), _take(b[0], j)), a[1][i] * b[1][j]


def _take(elements: Any, index: np.ndarray) -> Any:
    return tuple(_take(part, index) for part in elements) if isinstance(elements, tuple) else elements[index]
