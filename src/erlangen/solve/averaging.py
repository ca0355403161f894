"""Equivariant maps of a large compact group by averaging: W is equivariant if and only if it is its own average.

The average over a few random elements and their inverses is a symmetric operator with eigenvalue 1 on Hom_G and below 1
elsewhere, so 1 minus it has Hom_G for its null space. It is applied to matrices, and never written down.
"""

import numpy as np
import torch

from erlangen.errors import DomainError
from erlangen.solve.nullspace import Gap, conditions, cut
from erlangen.solve.subspace import near_null
from erlangen.symmetry import Component

ELEMENTS = 6


def average(a: Component, b: Component, seed: int) -> tuple[np.ndarray, Gap]:
    """The maps between two orthogonal components, from random group elements.

    Args:
        a: the input.
        b: the output.
        seed: of the elements.

    Returns:
        (basis [dim, size_out, size_in], orthonormal; the gap).

    Raises:
        DomainError: a representation is not orthogonal, so its averages do not contract.
    """
    for component in (a, b):
        if not component.is_orthogonal or component.is_complex:
            raise DomainError(f"{component} of {a.group} is not orthogonal; averages need it. Fix: method='iteration'")
    elements = a.group.words(ELEMENTS, torch.Generator().manual_seed(seed))
    pairs = [(b.on(g), a.on(g)) for g in elements]

    def apply(w: np.ndarray) -> np.ndarray:
        total = np.zeros_like(w)
        for two, one in pairs:
            total += two @ w @ one.T + two.T @ w @ one
        return w - total / (2 * len(pairs))

    basis, rest = near_null(apply, (b.size, a.size), 2.0, seed)
    return judged(basis, rest, a, b, None)


def judged(
    basis: np.ndarray, rest: float, a: Component, b: Component, tolerance: float | None
) -> tuple[np.ndarray, Gap]:
    """What is left of nearly equivariant maps after every generator has been asked, and the gap.

    Args:
        basis: [k, size_out, size_in], orthonormal.
        rest: the smallest relative eigenvalue of the other maps; a square of singular values.
        a: the input.
        b: the output.
        tolerance: relative singular values up to this are zero.
    """
    gap = Gap(0.0, float(np.sqrt(rest)))
    for name, p, q in conditions(a, b):
        if len(basis):
            basis, here = cut(basis, name, p, q, tolerance)
            gap = gap.join(here)
    return basis, gap
