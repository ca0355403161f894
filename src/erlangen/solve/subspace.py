"""The null space of a large operator that is only applied, never written down: Chebyshev-filtered subspace iteration.

A block of vectors is filtered by a Chebyshev polynomial that is huge at 0 and at most 1 on the rest of the spectrum and
then diagonalised within its span, until the null vectors have converged. The block grows until it holds some vectors
that are clearly not null, so that none is missed.

Source: Y. Zhou, Y. Saad, M. Tiago, J. Chelikowsky, Self-consistent-field calculations using Chebyshev-filtered subspace
iteration, J. Comput. Phys. 219 (2006), 172-184.
"""

from collections.abc import Callable

import numpy as np

from erlangen.errors import GapError
from erlangen.solve.memory import check_memory

Operator = Callable[[np.ndarray], np.ndarray]  # [k, size_out, size_in] -> the same shape, symmetric, positive

DEGREE, ROUNDS = 12, 400
NEAR = 1e-8  # relative eigenvalues below are kept for the conditions to judge (they are squares of singular values)
SURE = 1e-4  # relative eigenvalues above are not null


def near_null(
    apply: Operator, shape: tuple[int, int], bound: float, seed: int, block: int = 8
) -> tuple[np.ndarray, float]:
    """Orthonormal matrices that span the null space of an operator, and perhaps a little more.

    Args:
        apply: the operator M on a batch of matrices.
        shape: (size_out, size_in).
        bound: an upper bound of its spectrum.
        seed: of the random start.
        block: how many vectors to start with.

    Returns:
        (matrices [k, size_out, size_in] with eigenvalues below 1e-8 of the bound, converged to rounding; the smallest
        other eigenvalue, relative to the bound).

    Raises:
        TooLarge: the block does not fit in memory.
        GapError: no convergence, since some eigenvalues are neither zero nor clearly not.
    """
    unknowns = shape[0] * shape[1]
    random = np.random.default_rng(seed)
    x = random.standard_normal((min(block, unknowns), unknowns))
    edge, before, first, values = bound / 4, np.inf, np.inf, np.zeros(0)
    for _ in range(ROUNDS):
        check_memory(40 * len(x) * unknowns, f"a block of {len(x)} maps with {unknowns:,} unknowns each")
        x = np.linalg.qr(_filter(apply, x.reshape(-1, *shape), edge, bound).reshape(len(x), -1).T)[0].T
        image = apply(x.reshape(-1, *shape)).reshape(len(x), -1)
        values, rotate = np.linalg.eigh(x @ image.T)
        x, image = rotate.T @ x, rotate.T @ image
        null = values < NEAR * bound
        if (null.all() or values[-1] < SURE * bound) and len(x) < unknowns:  # perhaps there are more
            extra = min(max(8, len(x)), unknowns - len(x))
            x = np.concatenate([x, random.standard_normal((extra, unknowns))])
            continue
        worst = float(np.linalg.norm(image[null], axis=1).max(initial=0.0)) / bound
        stalled, before = worst > 0.5 * before, worst
        rest = float(values[~null].min(initial=np.inf)) / bound
        settled, first = abs(rest - first) < 1e-2 * rest or rest == np.inf, rest
        if rest > SURE and settled and (worst < 1e-12 or (worst < 1e-9 and stalled)):
            return x[null].reshape(-1, *shape), rest
        edge = float(np.clip(values[-1], 1e-3 * bound, bound / 2))
    raise GapError(
        f"the iteration did not separate null from other maps: smallest eigenvalues {values[:6]} of at most "
        f"{bound:.2g}. Fix: solve component by component, or state the generators more precisely."
    )


def _filter(apply: Operator, x: np.ndarray, low: float, high: float) -> np.ndarray:
    """T_m of the operator, with [low, high] mapped to [-1, 1]."""
    centre, radius = (high + low) / 2, (high - low) / 2
    before, now = x, (apply(x) - centre * x) / radius
    for _ in range(DEGREE - 1):
        before, now = now, 2 * (apply(now) - centre * now) / radius - before
    return now
