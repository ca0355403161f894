"""Rubik's cube, built from its geometry."""

from functools import lru_cache
from itertools import product

import numpy as np

from erlangen.symmetry.permutation import PermutationGroup

Vector = tuple[int, int, int]
_AXES: dict[str, Vector] = {
    "U": (0, 0, 1),
    "D": (0, 0, -1),
    "F": (0, -1, 0),
    "B": (0, 1, 0),
    "R": (1, 0, 0),
    "L": (-1, 0, 0),
}


@lru_cache
def rubiks_cube() -> PermutationGroup:
    """The group of Rubik's cube: six quarter turns U, D, F, B, R, L of the faces, clockwise seen from outside.

    `standard` permutes the 48 stickers that move (the six in the middles of the faces stay), eight a face, the faces in
    the order U, D, F, B, R, L. Right is +x, back +y, up +z. The order is 43,252,003,274,489,856,000; it is found
    when it is first asked for.
    """
    stickers = [
        ((x, y, z), axis)
        for axis in _AXES.values()
        for x, y, z in product((-1, 0, 1), repeat=3)
        if np.dot((x, y, z), axis) == 1 and (x, y, z) != axis
    ]
    number = {sticker: i for i, sticker in enumerate(stickers)}
    return PermutationGroup(
        "rubik", {name: np.array([number[_turned(s, axis)] for s in stickers]) for name, axis in _AXES.items()}
    )


def _turned(sticker: tuple[Vector, Vector], axis: Vector) -> tuple[Vector, Vector]:
    """Where a quarter turn of a face takes the sticker (place, direction)."""
    place, direction = sticker
    return (_rotated(place, axis), _rotated(direction, axis)) if np.dot(place, axis) == 1 else sticker


def _rotated(v: Vector, axis: Vector) -> Vector:
    """90° about the axis, clockwise seen from its tip: v → axis (axis·v) - axis × v."""
    x, y, z = (np.dot(axis, v) * np.array(axis) - np.cross(axis, v)).tolist()
    return x, y, z
