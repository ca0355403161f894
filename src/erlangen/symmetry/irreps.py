"""Real irreducible representations found numerically, for groups that come without a list of them."""

from typing import TYPE_CHECKING

import numpy as np

from erlangen.symmetry.component import TOLERANCE

if TYPE_CHECKING:
    from erlangen.symmetry.representation import Representation


def split(matrices: np.ndarray) -> list[np.ndarray]:
    """The distinct real irreps inside an orthogonal representation.

    A generic symmetric matrix that commutes with every ρ(g) has one irrep in each eigenspace: on an isotypic part of m
    copies the commutant is the m x m matrices over R, C or H, and generic Hermitian ones have m different eigenvalues.

    Args:
        matrices: [|G|, n, n], ρ(g) orthogonal for every element.

    Returns:
        One [|G|, d, d] array for each class of irreps: small ones first, the trivial one (if any) before all others.

    Source: J. Dixon, Computing irreducible representations of groups, Math. Comp. 24 (1970), 707-712.
    """
    vectors, starts = max((_eigenspaces(matrices, seed) for seed in range(4)), key=lambda found: found[2])[:2]
    found: list[np.ndarray] = []
    for start, stop in zip(starts, [*starts[1:], matrices.shape[1]], strict=True):
        basis = vectors[:, start:stop]
        irrep = basis.T @ matrices @ basis
        irrep = np.where(np.abs(irrep - irrep.round()) < TOLERANCE, irrep.round() + 0.0, irrep)
        if not any(np.allclose(_character(irrep), _character(other), atol=1e-6) for other in found):
            found.append(irrep)
    return sorted(found, key=lambda irrep: (irrep.shape[1], tuple(-_character(irrep).round(6))))


def real_irreps(table: np.ndarray) -> dict[str, np.ndarray]:
    """Every real irrep of the group with this multiplication table, "irrep(0)" the trivial one.

    All of them occur in the regular representation.
    """
    order = len(table)
    regular = np.zeros((order, order, order))
    g, h = np.meshgrid(np.arange(order), np.arange(order), indexing="ij")
    regular[g, table, h] = 1.0
    return {f"irrep({k})": irrep for k, irrep in enumerate(split(regular))}


def type_dimension(irrep: "Representation") -> int:
    """dim of the commutant of a real irrep: 1 for real type, 2 for complex, 4 for quaternionic."""
    return round(float(irrep.character @ irrep.character) / len(irrep.character))


def _eigenspaces(matrices: np.ndarray, seed: int) -> tuple[np.ndarray, list[int], float]:
    """(eigenvectors, first column of every eigenspace, smallest gap) of a random symmetric matrix of the commutant."""
    n = matrices.shape[1]
    random = np.random.default_rng(seed).standard_normal((n, n))
    average = np.zeros((n, n))
    for matrix in matrices:
        average += matrix @ (random + random.T) @ matrix.T
    values, vectors = np.linalg.eigh(average / len(matrices))
    steps = np.diff(values)
    jumps = steps > 1e-8
    return vectors, [0, *(np.flatnonzero(jumps) + 1).tolist()], float(steps[jumps].min(initial=np.inf))


def _character(matrices: np.ndarray) -> np.ndarray:
    return np.trace(matrices, axis1=1, axis2=2)
