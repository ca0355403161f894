"""Generalised quaternion groups: the smallest ones with irreps of quaternionic type."""

from functools import lru_cache
from math import pi

import numpy as np

from erlangen.errors import DomainError
from erlangen.symmetry.finite import FiniteGroup
from erlangen.symmetry.planar import rotation


@lru_cache
def Q(n: int) -> FiniteGroup:
    """The generalised quaternion (dicyclic) group of order n: the quaternions aᵏ and aᵏj with a = exp(4πi/n).

    Q(8) is {±1, ±i, ±j, ±k}. Generators are a (called i in Q(8)) and j, with aⁿᐟ⁴ = j², j² = -1, j a j⁻¹ = a⁻¹.

    Args:
        n: its order, a multiple of 4, >= 8. Element s·n/2 + k is aᵏ jˢ. `standard` is multiplication on the left of
            the quaternions w + xi + yj + zk, four channels.

    Law: (k, s)(k', s') = (k + (-1)^s k' + s s' n/4, s + s').
    """
    if not isinstance(n, int) or n < 8 or n % 4:
        raise DomainError(f"Q(n) needs an order n that is a multiple of 4 and at least 8, got {n!r}")
    half = n // 2
    s, k = np.divmod(np.arange(n), half)
    power = (k[:, None] + np.where(s[:, None] == 1, -1, 1) * k + s[:, None] * s * (n // 4)) % half
    table = (s[:, None] + s) % 2 * half + power
    j = np.array([[0, 0, -1.0, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]])  # left multiplication by j
    turns = [np.kron(np.eye(2), rotation(4 * pi * p / n)) for p in range(half)]
    standard = np.stack([turns[p] @ (j if mirror else np.eye(4)) for p, mirror in zip(k, s, strict=True)]) + 0.0
    labels = tuple(_label(int(p), bool(mirror), n) for p, mirror in zip(k, s, strict=True))
    return FiniteGroup(f"Q{n}", table, {"i" if n == 8 else "a": 1, "j": half}, standard=standard, labels=labels)


def _label(k: int, times_j: bool, n: int) -> str:
    if n == 8:
        return (("e", "i", "-1", "-i"), ("j", "k", "-j", "-k"))[times_j][k]
    power = {0: "", 1: "a"}.get(k, f"a^{k}")
    return (power + ("j" if times_j else "")) or "e"
