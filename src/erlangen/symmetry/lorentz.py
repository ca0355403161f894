"""The groups of an indefinite form x₁² + … + x_p² - x_{p+1}² - …, among them the Lorentz group on (t, x, y, z)."""

from itertools import combinations

import numpy as np

from erlangen.errors import DomainError
from erlangen.symmetry.classical import Classical, mirror, pair, placed, rotations, turn, unit


def indefinite(p: int, q: int, reflections: bool, connected: bool = False) -> Classical:
    """SO(p,q) or O(p,q) (see `erlangen.symmetry.SO` and `erlangen.symmetry.O`).

    Args:
        p: number of positive axes.
        q: number of negative axes.
        reflections: O(p,q), with time reversal and parity.
        connected: only the component of the identity.
    """
    family = "O" if reflections else "SO+" if connected else "SO"
    if min(p, q) < 1:
        raise DomainError(f"{family}({p},{q}) needs p, q >= 1; the definite form of {p + q} axes is {family}({p + q})")
    n = p + q
    if (p, q) == (1, 3):
        turns = {name: placed(a, 0, first=True) for name, a in rotations(3).items()}
        boosts = {f"K{axis}": unit(4, 0, i) + unit(4, i, 0) for i, axis in enumerate("xyz", start=1)}
    else:
        pairs = list(combinations(range(n), 2))
        turns = {f"J{pair(n, i, j)}": turn(n, i, j) for i, j in pairs if (i < p) == (j < p)}
        boosts = {f"K{pair(n, i, j)}": unit(n, i, j) + unit(n, j, i) for i, j in pairs if i < p <= j}
    discrete: dict[str, np.ndarray] = {}
    if reflections:
        space = np.eye(n)
        last = range(p, n) if q % 2 else [n - 1]
        space[last, last] = -1.0
        discrete = {"T": mirror(n), "P": space}
    elif not connected:
        both = np.eye(n) if p % 2 == 0 or q % 2 == 0 else -np.eye(n)
        both[0, 0] = both[-1, -1] = -1.0
        discrete = {"PT": both}
    return Classical("O(p,q)" if reflections else "SO(p,q)", f"{family}({p},{q})", {**turns, **boosts}, discrete)
