"""Equivariant maps of any group from its generators alone, compact or not, without writing down the conditions.

The operator Σ_h L_h* L_h with L_h(W) = ρ_out(h) W - W ρ_in(h) (and dρ for the Lie algebra) is positive, and its null
space is Hom_G.
"""

import numpy as np

from erlangen.solve.averaging import judged
from erlangen.solve.nullspace import Gap, conditions
from erlangen.solve.subspace import near_null
from erlangen.symmetry import Component


def iterate(a: Component, b: Component, tolerance: float | None, seed: int) -> tuple[np.ndarray, Gap]:
    """The maps between two components, from generators.

    Args:
        a: the input.
        b: the output.
        tolerance: relative singular values up to this are zero.
        seed: of the random start.

    Returns:
        (basis [dim, size_out, size_in], orthonormal; the gap).
    """
    scaled = []
    for _, p, q in conditions(a, b):
        scale = max(np.linalg.norm(p, 2), np.linalg.norm(q, 2), 1e-300)
        scaled.append((p / scale, q / scale))

    def apply(w: np.ndarray) -> np.ndarray:
        total = np.zeros_like(w)
        for p, q in scaled:
            error = p @ w - w @ q
            total += p.T @ error - error @ q.T
        return total

    basis, rest = near_null(apply, (b.size, a.size), 4.0 * max(len(scaled), 1), seed)
    return judged(basis, rest, a, b, tolerance)
