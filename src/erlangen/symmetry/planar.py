"""Cyclic and dihedral groups: the rotations and reflections of the plane, with closed-form irreps."""

from functools import lru_cache
from math import cos, pi, sin

import numpy as np

from erlangen.errors import DomainError
from erlangen.symmetry.component import TOLERANCE
from erlangen.symmetry.finite import FiniteGroup


def rotation(angle: float) -> np.ndarray:
    """The 2 x 2 matrix that turns (x, y) by `angle` radians, with exact entries at multiples of 90°."""
    c, s = cos(angle), sin(angle)
    c, s = (float(round(v)) if abs(v - round(v)) < TOLERANCE else v for v in (c, s))
    return np.array([[c, -s], [s, c]])


def _degrees(r: int, n: int) -> str:
    return f"r{360 * r / n:g}"


@lru_cache
def C(n: int) -> FiniteGroup:
    """The cyclic group of rotations by 360°/n.

    Args:
        n: its order, >= 1. Element k turns the plane by 360°·k/n from the x axis towards the y axis.
    """
    _check_order("C", n)
    k = np.arange(n)
    irreps: dict[str, np.ndarray] = {}
    for f in range(n // 2 + 1):
        if f == 0 or 2 * f == n:
            irreps[f"irrep({f})"] = np.cos(2 * pi * f * k / n).round()[:, None, None]
        else:
            irreps[f"irrep({f})"] = np.stack([rotation(2 * pi * f * r / n) for r in k])
    return FiniteGroup(
        f"C{n}",
        (k[:, None] + k[None]) % n,
        {"r": 1} if n > 1 else {},
        irreps,
        np.stack([rotation(2 * pi * r / n) for r in k]),
        sign=f"irrep({n // 2})" if n % 2 == 0 else None,
        labels=("e", *(_degrees(r, n) for r in range(1, n))),
    )


@lru_cache
def D(n: int) -> FiniteGroup:
    """The dihedral group of n rotations and n reflections.

    Args:
        n: half its order, >= 1. Element s·n + r is r rotations by 360°/n after s mirrorings m: (x, y) → (-x, y).

    Law: (r, s)(r', s') = (r + (-1)^s r', s + s').
    """
    _check_order("D", n)
    s, r = np.divmod(np.arange(2 * n), n)
    turn = (r[:, None] + np.where(s[:, None] == 1, -1, 1) * r[None]) % n
    table = ((s[:, None] + s[None]) % 2) * n + turn
    flip = np.where(s == 1, -1.0, 1.0)
    irreps = {"irrep(0,0)": np.ones((2 * n, 1, 1)), "irrep(1,0)": flip[:, None, None]}
    if n % 2 == 0:
        alternate = np.where(r % 2 == 1, -1.0, 1.0)
        irreps[f"irrep(0,{n // 2})"] = alternate[:, None, None]
        irreps[f"irrep(1,{n // 2})"] = (alternate * flip)[:, None, None]
    mirror = np.diag([-1.0, 1.0])
    for f in range(1, (n - 1) // 2 + 1):
        irreps[f"irrep(1,{f})"] = _turn_and_flip(r * f, s, n, mirror)
    generators = {"r": 1, "m": n} if n > 1 else {"m": 1}
    turns = ["e", *(_degrees(k, n) for k in range(1, n))]
    labels = (*turns, "m", *(f"{t}·m" for t in turns[1:]))
    return FiniteGroup(f"D{n}", table, generators, irreps, _turn_and_flip(r, s, n, mirror), "irrep(1,0)", labels)


def _turn_and_flip(r: np.ndarray, s: np.ndarray, n: int, mirror: np.ndarray) -> np.ndarray:
    return np.stack([rotation(2 * pi * a / n) @ (mirror if b else np.eye(2)) for a, b in zip(r, s, strict=True)])


def Z2() -> FiniteGroup:
    """The group of two elements {e, m}, the mirror of a line: D(1)."""
    return D(1)


def _check_order(family: str, n: int) -> None:
    if not isinstance(n, int) or n < 1:
        raise DomainError(f"{family}(n) needs an integer n >= 1, got {n!r}")
