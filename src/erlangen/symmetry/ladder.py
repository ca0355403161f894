"""The ladder of weights: irreps of the rotations of space, found inside any orthogonal representation.

Every irrep of SO(3) holds exactly one direction that rotations about z leave alone. Those directions are the kernel of
J_z; on it the Casimir operator -(J_x² + J_y² + J_z²) = l(l+1) tells the degrees l apart; and from it J_x and J_y climb
to the other weights. This one construction makes the irreps (degree l inside degree l-1 ⊗ standard), the
Clebsch-Gordan coefficients (degree l3 inside l1 ⊗ l2) and isotypic decompositions.

Phase convention: degree l has the channels (cos l, sin l, …, cos 1, sin 1, 0), named by their weight about the z axis:

    J_z cos_m = m sin_m,    J_z sin_m = -m cos_m,
    c cos_{m+1} = J_y cos_m + J_x sin_m,    c sin_{m+1} = J_y sin_m - J_x cos_m,    c = √(l(l+1) - m(m+1)) > 0

so degree 1 is (x, y, z), and in general the channels are real spherical harmonics without Condon-Shortley phase.

Source: E. Wigner, Group Theory (1959), ch. 15, for the ladder, here in real form.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

Act = Callable[[int, np.ndarray], np.ndarray]  # act(0, 1 or 2, v): J_x, J_y or J_z applied to an array of vectors


def climb(bottom: np.ndarray, degree: int, act: Act) -> np.ndarray:
    """The other channels of irreps whose vectors of weight 0 are given.

    Args:
        bottom: vectors of weight 0, any shape that `act` takes.
        degree: l.
        act: the generators J_x, J_y, J_z on such an array.

    Returns:
        [2l + 1, *shape], in the order (cos l, sin l, …, cos 1, sin 1, 0).
    """
    channels = [bottom]
    cos, sin = bottom, np.zeros_like(bottom)
    for m in range(degree):
        length = np.sqrt(degree * (degree + 1) - m * (m + 1)) / (np.sqrt(2) if m == 0 else 1)
        up = act(1, cos) + act(0, sin), act(1, sin) - act(0, cos)
        cos, sin = up[0] / length, up[1] / length
        channels += [sin, cos]
    return np.stack(channels[::-1])


@cache
def generators(degree: int) -> np.ndarray:
    """dρ(J_x), dρ(J_y), dρ(J_z) of the irrep of degree l, [3, 2l + 1, 2l + 1] float64, antisymmetric.

    Degree 1 is the standard representation; degree l is found inside degree l-1 ⊗ standard. The entries are halves of
    square roots of integers, and are rounded to those, so that errors do not add up from degree to degree.
    """
    if degree == 0:
        found = np.zeros((3, 1, 1))
    elif degree == 1:
        found = np.zeros((3, 3, 3))
        for a, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
            found[a, j, i], found[a, i, j] = 1.0, -1.0
    else:
        inside = couple(degree - 1, 1)[degree].reshape(2 * degree + 1, -1)
        before, step = generators(degree - 1), generators(1)
        both = [np.kron(j, np.eye(3)) + np.kron(np.eye(2 * degree - 1), k) for j, k in zip(before, step, strict=True)]
        found = inside @ np.stack(both) @ inside.T
        found = np.sign(found) * np.sqrt((4 * found**2).round()) / 2 + 0.0
    found.flags.writeable = False
    return found


@cache
def couple(left: int, right: int) -> dict[int, np.ndarray]:
    """The irreps inside degree `left` ⊗ degree `right`.

    Returns:
        {l: [2l + 1, 2·left + 1, 2·right + 1]} for |left - right| <= l <= left + right, isometries: the rows are
        orthonormal over the last two dimensions. The first non-zero entry (in row-major order) is positive.
    """
    one, two = generators(left), generators(right)

    def act(a: int, v: np.ndarray) -> np.ndarray:
        return one[a] @ v - v @ two[a]  # v ↦ J v + v Jᵀ, with J antisymmetric

    bottom = _weightless(left, right)
    moved = [act(a, bottom).reshape(len(bottom), -1) for a in range(3)]
    casimir = sum(m @ m.T for m in moved)
    vectors = np.linalg.eigh(casimir)[1]  # eigenvalues l(l+1), one each, ascending
    found = {}
    for i, degree in enumerate(range(abs(left - right), left + right + 1)):
        table = climb(np.tensordot(vectors[:, i], bottom, axes=1), degree, act)
        table = np.where(np.abs(table) < 1e-13, 0.0, table)
        table = table * np.sign(table.ravel()[np.flatnonzero(table)[0]])
        table.flags.writeable = False
        found[degree] = table
    return found


def _weightless(left: int, right: int) -> np.ndarray:
    """An orthonormal basis of the kernel of J_z in degree `left` ⊗ degree `right`, [count, 2·left+1, 2·right+1]."""
    basis = np.zeros((2 * min(left, right) + 1, 2 * left + 1, 2 * right + 1))
    basis[0, -1, -1] = 1.0
    for m in range(1, min(left, right) + 1):
        i, j = 2 * (left - m), 2 * (right - m)
        basis[2 * m - 1, i, j] = basis[2 * m - 1, i + 1, j + 1] = basis[2 * m, i, j + 1] = np.sqrt(0.5)
        basis[2 * m, i + 1, j] = -np.sqrt(0.5)
    return basis
