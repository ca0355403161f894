"""The rigid motions of Rⁿ: E(n) with reflections, SE(n) without, as (n+1) x (n+1) matrices on (x, 1).

Points are `standard`, (x, 1) → (R x + t, 1). Differences of points, velocities and forces do not feel translations:
they carry "linear(standard)", the representation of O(n) or SO(n) on the rotation part. Any other representation of
that group may stand in the brackets, such as "linear(irrep(2))" of SE(3).
"""

from functools import cached_property, lru_cache

import numpy as np
import torch

from erlangen.symmetry.classical import SO, Classical, O, dimension, placed, rotations, unit
from erlangen.symmetry.constructions import Homomorphism, Restricted
from erlangen.symmetry.haar import SAMPLERS
from erlangen.symmetry.matrix import MatrixGroup
from erlangen.symmetry.representation import Representation


class Euclidean(Classical):
    """E(n) or SE(n).

    Args:
        n: dimension of space.
        reflections: whether it is E(n).

    Law: (R, t)(R', t') = (R R', R t' + t).
    """

    def __init__(self, n: int, reflections: bool) -> None:
        names = "xyz" if n <= 3 else [str(i + 1) for i in range(n)]
        turns = {name: placed(a, 0) for name, a in rotations(n).items()}
        shifts = {f"T{names[i]}": unit(n + 1, i, n) for i in range(n)}
        family = "E" if reflections else "SE"
        discrete = {name: placed(h, 1) for name, h in O(n).generators.items()} if reflections else {}
        super().__init__(family, f"{family}({n})", {**turns, **shifts}, discrete)
        self.n, self.reflections = n, reflections

    @cached_property
    def rotations(self) -> MatrixGroup:
        """O(n) or SO(n), the quotient by the translations."""
        return O(self.n) if self.reflections else SO(self.n)  # type: ignore[return-value]

    @property
    def representations(self) -> tuple[str, ...]:
        """Names that `representation` reads; in the brackets stands any representation of O(n) or SO(n)."""
        return "trivial", "standard", "linear(standard)", "linear(…)"

    def linear(self, spec: str | int | Representation) -> Representation:
        """ρ(R), for a representation ρ of O(n) or SO(n) or its string form: translations do nothing."""
        rep = self.rotations.representation(spec)
        onto = LinearPart(frozenset(self.rotations.algebra))
        parts = ((m, Representation(rep.group, ((1, c),)), f"linear({c})") for m, c in rep.terms)
        return Representation(self, tuple((m, Restricted(self, name, one, onto)) for m, one, name in parts))

    def sample(self, n: int, generator: torch.Generator | None = None) -> list[np.ndarray]:
        """Draw n motions: uniform rotations, standard normal translations (there is no uniform one)."""
        turns = SAMPLERS["O" if self.reflections else "SO"](n, self.n, generator)
        shifts = torch.randn(n, self.n, generator=generator, dtype=torch.float64).numpy()
        moves = np.tile(np.eye(self.n + 1), (n, 1, 1))
        moves[:, :-1, :-1], moves[:, :-1, -1] = turns, shifts
        return list(moves)


class LinearPart(Homomorphism):
    """The homomorphism (R, t) → R.

    Args:
        kept: names of the generators of the Lie algebra that are rotations.
    """

    def __init__(self, kept: frozenset[str]) -> None:
        self.kept = kept

    def element(self, h: np.ndarray) -> np.ndarray:
        """R."""
        return h[..., :-1, :-1]

    def algebra(self, a: str) -> dict[str, float]:
        """The rotation of this name; nothing for a translation."""
        return {a: 1.0} if a in self.kept else {}


@lru_cache
def E(*numbers: int) -> Euclidean:
    """The Euclidean group of rotations, reflections and translations of Rⁿ, as (n+1) x (n+1) matrices on (x, 1)."""
    return Euclidean(dimension("E", numbers), reflections=True)


@lru_cache
def SE(*numbers: int) -> Euclidean:
    """The special Euclidean group of rotations and translations of Rⁿ, as (n+1) x (n+1) matrices on (x, 1)."""
    return Euclidean(dimension("SE", numbers), reflections=False)
