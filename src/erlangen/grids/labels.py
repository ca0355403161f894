"""Short names for the elements of infinite groups on grids, for tables and figures."""

from typing import Any

import numpy as np

from erlangen.symmetry import Group
from erlangen.symmetry.infinite_products import DirectProduct
from erlangen.symmetry.rotations import PlaneRotations, SpaceRotations


def label_of(group: Group, g: Any) -> str:
    """The name of an element.

    Args:
        group: the group.
        g: its element.

    Returns:
        "r33.4" or "r33.4·m" in the plane, as in C(n) and D(n); angle and axis in space, after "-1" if it is improper;
        the names of both elements of a product; else the label that the group has for it.
    """
    if isinstance(group, DirectProduct):
        first, second = (label_of(factor, h) for factor, h in zip(group.factors, g, strict=True))
        return f"({first},{second})"
    if isinstance(group, PlaneRotations):
        return _in_the_plane(np.asarray(g))
    if isinstance(group, SpaceRotations):
        return _in_space(np.asarray(g))
    return group.label(g)


def _in_the_plane(g: np.ndarray) -> str:
    proper = float(np.linalg.det(g)) > 0
    turn = g if proper else g @ np.diag([-1.0, 1.0])
    angle = round(float(np.degrees(np.arctan2(turn[1, 0], turn[0, 0]))) % 360, 1) % 360
    return "·".join([f"r{angle:g}"] * (angle > 0) + ["m"] * (not proper)) or "e"


def _in_space(g: np.ndarray) -> str:
    sign = 1.0 if float(np.linalg.det(g)) > 0 else -1.0
    turn = sign * g
    angle = round(float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))), 1)
    values, vectors = np.linalg.eigh(turn + turn.T)
    axis = vectors[:, int(values.argmax())]
    towards = axis @ [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
    axis = (axis if towards >= 0 else -axis).round(6) + 0.0
    words = [f"r{angle:g} about ({', '.join(f'{v:.2g}' for v in axis)})"] * (angle > 0)
    return " ".join(["-1"] * (sign < 0) + words) or "e"
