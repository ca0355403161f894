"""The point groups that map a box of voxels to itself, by their Schoenflies names: 3 x 3 signed permutation matrices.

Rotations are about z unless stated; the second axis of D2 and D4 is x; vertical mirrors turn x into -x.
"""

from functools import lru_cache

import numpy as np

from erlangen.errors import UnknownName
from erlangen.symmetry.finite import FiniteGroup
from erlangen.symmetry.polyhedral import solid

_QUARTER = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # 90° about z, from x towards y
_THIRD = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # x → y → z → x
_HALF = np.diag([-1.0, -1.0, 1.0])
_FLIP = np.diag([1.0, -1.0, -1.0])  # 180° about x
_MIRROR = np.diag([-1.0, 1.0, 1.0])  # x → -x
_LEVEL = np.diag([1.0, 1.0, -1.0])  # z → -z
_SWAP = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # x ↔ y
_INVERSION = -np.eye(3)

MOVES: dict[str, tuple[int, dict[str, np.ndarray]]] = {
    "C1": (1, {}),
    "Cs": (2, {"m": _MIRROR}),
    "Ci": (2, {"i": _INVERSION}),
    "C2": (2, {"r": _HALF}),
    "C2v": (4, {"r": _HALF, "m": _MIRROR}),
    "C2h": (4, {"r": _HALF, "h": _LEVEL}),
    "D2": (4, {"r": _HALF, "f": _FLIP}),
    "D2h": (8, {"r": _HALF, "f": _FLIP, "i": _INVERSION}),
    "C4": (4, {"r": _QUARTER}),
    "C4v": (8, {"r": _QUARTER, "m": _MIRROR}),
    "C4h": (8, {"r": _QUARTER, "h": _LEVEL}),
    "D4": (8, {"r": _QUARTER, "f": _FLIP}),
    "D4h": (16, {"r": _QUARTER, "f": _FLIP, "i": _INVERSION}),
    "T": (12, {"d": _THIRD, "r": _HALF}),
    "Th": (24, {"d": _THIRD, "r": _HALF, "i": _INVERSION}),
    "Td": (24, {"d": _THIRD, "r": _HALF, "m": _SWAP}),
    "O": (24, {"d": _THIRD, "q": _QUARTER}),
    "Oh": (48, {"d": _THIRD, "q": _QUARTER, "i": _INVERSION}),
}
"""Order and generators of every group, smaller ones first within a family."""


@lru_cache
def point_group(name: str) -> FiniteGroup:
    """A point group of the cube, acting on vectors (x, y, z).

    Args:
        name: its Schoenflies symbol: "C4", "D4" (with 180° turns about x), "C4v" (with mirrors), "D4h", "O", "Oh", …

    Returns:
        The group; `standard` is its 3 x 3 matrices, and `sign` the determinant where it is not 1.

    Raises:
        UnknownName: no group of this name maps the cube to itself.
    """
    if name not in MOVES:
        raise UnknownName("point group", name, MOVES)
    order, moves = MOVES[name]
    proper = all(np.linalg.det(m) > 0 for m in moves.values())
    return solid(name, moves, order, None if proper else np.linalg.det)
