"""Isotypic decomposition: the change of basis after which every ρ(g) is a direct sum of irreps, literally.

The maps from an irrep σ into ρ are averages of arbitrary matrices over the group. The sum over the group is a product
of short sums along a chain of subgroups, so that no table of all ρ(g) is ever made.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from erlangen.errors import FieldError

if TYPE_CHECKING:
    from erlangen.symmetry.finite import FiniteGroup
    from erlangen.symmetry.representation import Representation


@dataclass(frozen=True)
class Isotypic:
    """A representation written as a direct sum of irreps.

    Args:
        change: Q, [n, n] float64; its columns are the new basis. Orthogonal if ρ is.
        parts: (irrep, multiplicity m, slice of m·d columns of Q) for every irrep that occurs; within a part the columns
            lie copy by copy, d of them each.
        inverse: Q⁻¹, [n, n] float64; Qᵀ if ρ is orthogonal.

    Law: Q⁻¹ ρ(g) Q = ⊕ ρ_i(g) ⊕ … ⊕ ρ_i(g), m_i times, with exactly the irreps' matrices.
    """

    change: np.ndarray
    parts: "tuple[tuple[Representation, int, slice], ...]"
    inverse: np.ndarray


def isotypic(rep: "Representation") -> Isotypic:
    """Decompose a real representation of a finite group with a multiplication table into irreps.

    If ρ is not orthogonal, an invariant inner product S = 1/|G| Σ ρ(g)ᵀ ρ(g) takes the place of the dot product:
    Qᵀ S Q = 1, so that Q⁻¹ = Qᵀ S.

    Args:
        rep: ρ, of size n.

    Returns:
        The change of basis and the irreps, in the order of `group.irreps`.

    Raises:
        FieldError: the group is not listed, ρ is complex, or no list of irreps covers it.

    Source: J.-P. Serre, Linear Representations of Finite Groups, sections 2.6 and 2.7; over the real numbers the copies
        of an irrep are orthogonalised with coefficients in its commutant (R, C or H).
    """
    group = _group(rep)
    metric = None if rep.is_orthogonal else _invariant_metric(rep, group)
    columns, parts, start = [], [], 0
    for irrep, multiplicity in _multiplicities(rep, group):
        copies = _copies(rep, irrep, multiplicity, group, metric)
        columns.append(copies)
        parts.append((irrep, multiplicity, slice(start, start + copies.shape[1])))
        start += copies.shape[1]
    change = np.concatenate(columns, axis=1) if columns else np.zeros((0, 0))
    inverse = change.T if metric is None else change.T @ metric
    return Isotypic(change, tuple(parts), inverse)


def average(rep: "Representation", sigma: "Representation", x: np.ndarray) -> np.ndarray:
    """1/|G| Σ_g ρ(g) X σ(g)ᵀ for many X at once: equivariant maps σ → ρ if σ is orthogonal.

    Args:
        rep: ρ, of a listed group.
        sigma: σ, of the same group.
        x: [size of ρ, *, size of σ].

    Returns:
        An array of the same shape.
    """
    for elements in _group(rep).transversals:
        total = np.zeros_like(x)
        for g in elements.tolist():
            total += _move(rep, g, x) @ sigma.on(g).T
        x = total / len(elements)
    return x


def _copies(
    rep: "Representation", irrep: "Representation", multiplicity: int, group: "FiniteGroup", metric: np.ndarray | None
) -> np.ndarray:
    """[n, m·d]: the images of m orthonormal equivariant maps σ → ρ, side by side."""
    random = np.random.default_rng(0).standard_normal((rep.size, multiplicity + 1, irrep.size))
    maps = average(rep, irrep, random).transpose(1, 0, 2)
    found: list[np.ndarray] = []
    for _ in range(multiplicity):
        lengths = [float((e * _lower(metric, e)).sum()) for e in maps]
        k = int(np.argmax(lengths))
        best = maps[k]
        for _ in range(2):  # Eᵀ S E' commutes with σ: Gram-Schmidt with coefficients in R, C or H
            for other in found:
                best = best - other @ (other.T @ _lower(metric, best))
        best = best / np.sqrt((best * _lower(metric, best)).sum() / irrep.size)
        found.append(best)
        maps = maps - best @ (best.T @ _lower(metric, maps))
    return np.concatenate(found, axis=1)


def _lower(metric: np.ndarray | None, x: np.ndarray) -> np.ndarray:
    return x if metric is None else metric @ x


def _move(rep: "Representation", g: int, x: np.ndarray) -> np.ndarray:
    """ρ(g) on the first axis of an array, by index and sign where ρ is a signed permutation."""
    pair = rep.signed(g) if rep.is_monomial else None
    if pair is not None:
        image, sign = pair
        moved = np.empty_like(x)
        moved[image] = x * sign.reshape(-1, *(1,) * (x.ndim - 1))
        return moved
    moved = np.empty_like(x)
    for channels, multiplicity, component in rep.slices():
        part = x[channels].reshape(multiplicity, component.size, -1)
        moved[channels] = (component.on(g) @ part).reshape(x[channels].shape)
    return moved


def _invariant_metric(rep: "Representation", group: "FiniteGroup") -> np.ndarray:
    """1/|G| Σ ρ(g)ᵀ ρ(g), [n, n]."""
    metric = np.eye(rep.size)
    for elements in reversed(group.transversals):
        matrices = [rep.on(g) for g in elements.tolist()]
        metric = sum((m.T @ metric @ m for m in matrices), np.zeros_like(metric)) / len(elements)
    return (metric + metric.T) / 2


def _multiplicities(rep: "Representation", group: "FiniteGroup") -> "list[tuple[Representation, int]]":
    """(irrep, m) for every irrep that occurs, from characters on one element of every conjugacy class."""
    first = [int(one[0]) for one in group.conjugacy_classes]
    sizes = np.array([len(one) for one in group.conjugacy_classes])
    chi = np.array([rep.trace(g) for g in first]).real
    found = []
    for irrep in group.irreps:
        psi = irrep.character[first]
        multiplicity = float(sizes @ (chi * psi) / (sizes @ psi**2))
        if abs(multiplicity - round(multiplicity)) > 1e-6:
            raise FieldError(
                f"{irrep} of {group} occurs {multiplicity:.6g} times in {rep}, which is no whole number: "
                f"the matrices of {rep} do not multiply as the elements of {group} do"
            )
        if round(multiplicity):
            found.append((irrep, round(multiplicity)))
    covered = sum(irrep.size * m for irrep, m in found)
    if covered != rep.size:
        raise FieldError(
            f"the irreps listed for {group} cover {covered} of the {rep.size} channels of {rep}: the list is "
            f"incomplete. Fix: build the group with irreps=None, which finds them all."
        )
    return found


def _group(rep: "Representation") -> "FiniteGroup":
    from erlangen.symmetry.finite import FiniteGroup

    if not isinstance(rep.group, FiniteGroup):
        raise FieldError(
            f"{rep} of {rep.group}: the isotypic decomposition needs a finite group that is listed. Fix: "
            f"use erlangen.solve, which needs generators only."
        )
    if rep.is_complex:
        raise FieldError(f"{rep} is complex; the isotypic decomposition is over the real irreps of {rep.group}")
    return rep.group
