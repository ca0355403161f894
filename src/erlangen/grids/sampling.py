"""Band-limited functions on a group or on the sphere, as sums of irreps, and the points where they are sampled.

A field with m copies of the trivial irrep and m·q copies of each of some others holds m functions f at every point:

    f(s) = Σ_ψ √d_ψ Σ_j (ψ(s) e_j)ᵀ x_ψj,        j < q_ψ,

with one mean each. With as many j as the regular representation has copies of ψ, all functions on the group up to a
frequency are of this form; with e_0 along the axis that a subgroup leaves alone and j < 1, functions on the circle (of
O(2)) or the sphere (of SO(3), O(3)). A turn of the coefficients
moves the function, (ρ(g) x)(s) = f(g⁻¹ s), and so permutes its samples where g maps the set of points to itself.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product
from math import ceil, pi
from typing import Any

import numpy as np
import torch

from erlangen.errors import FieldError
from erlangen.symmetry import Component, FiniteGroup, Group, Representation
from erlangen.symmetry.harmonic import spherical_harmonics
from erlangen.symmetry.irreps import type_dimension
from erlangen.symmetry.rotations import PlaneRotations, SpaceRotations

# orbits of the cube on the sphere (the last two numbers of a direction after signs and permutations), and up to which
# degree a weighted sum over them is the mean: 6 + 8, 6 + 12 + 8, 6 + 12 + 8 + 24 points
ORBITS: dict[int, tuple[tuple[tuple[int, int, int], ...], int]] = {
    14: (((1, 0, 0), (1, 1, 1)), 5),
    26: (((1, 0, 0), (1, 1, 0), (1, 1, 1)), 7),
    50: (((1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 1, 3)), 11),
}
OVERSAMPLING = 2  # samples a coefficient, by default


@dataclass(frozen=True, eq=False)
class Sampling:
    """Where the functions of a field are sampled, and how they are found again.

    Args:
        functions: m, how many functions a point holds.
        sizes: coefficients of one function in every term.
        there: [samples, Σ sizes], from coefficients to samples; coefficients of variance 1 give samples of variance 1.
        back: [Σ sizes, samples], the weighted least-squares inverse.
        turns: n, where the samples are turned into each other by 360°/n; 0 where the group is not of the plane.
    """

    functions: int
    sizes: tuple[int, ...]
    there: np.ndarray
    back: np.ndarray
    turns: int

    def every(self, which: str) -> np.ndarray:
        """The matrix "there" (or "back", transposed) of all functions at once, [functions · samples, channels].

        Channels lie term by term, and in a term function by function.
        """
        one = self.there if which == "there" else self.back.T
        blocks = np.split(one, np.cumsum(self.sizes)[:-1], axis=1)
        return np.concatenate([np.kron(np.eye(self.functions), block) for block in blocks], axis=1)


def sampling(rep: Representation, samples: int | None = None) -> Sampling:
    """How to sample the functions that a sum of irreps holds.

    Args:
        rep: of C(n), D(n), SO(2), O(2), SO(3) or O(3), or any finite group; every term m·q copies of an irrep.
        samples: rotations of SO(2) and O(2), a multiple of 4; points of the sphere for SO(3) and O(3), 14, 26 or 50;
            None takes two a coefficient or more. A finite group is sampled at its elements.

    Raises:
        FieldError: the representation holds no functions, or they cannot be sampled so.
    """
    functions = sum(m for m, c in rep.terms if c.size == 1 and c.is_trivial)
    if not functions or any(m % functions for m, _ in rep.terms):
        raise FieldError(
            f"{rep} of {rep.group} is no sum of functions, each with its mean: other irreps come in multiples of the "
            f"trivial one. Fix: equal numbers of copies, or nonlinearity='gated'."
        )
    columns, taken = [], dict.fromkeys([c for _, c in rep.terms], 0)
    for m, c in rep.terms:
        first = taken[c]
        taken[c] += m // functions
        columns.append(range(first, taken[c]))
    for component, used in taken.items():
        most = _multiplicity(rep.group, component)
        if used > most:
            raise FieldError(
                f"functions on {rep.group} hold {component} {most} times, {rep} has {used} for each mean. "
                f"Fix: fewer copies of it, or nonlinearity='gated'."
            )
    needed = sum(c.size * len(js) for (_, c), js in zip(rep.terms, columns, strict=True))
    chiral = any(used > 1 or (c.size == 1 and not c.is_trivial) for c, used in taken.items())
    points, weights, turns = _points(rep.group, needed, samples, chiral)
    parts = [_column(c, j, points) * c.size**0.5 for (_, c), js in zip(rep.terms, columns, strict=True) for j in js]
    there = np.concatenate(parts, axis=1) / needed**0.5
    root = np.sqrt(weights)[:, None]
    if np.linalg.matrix_rank(there, tol=1e-6) < needed:
        raise FieldError(
            f"{len(there)} samples do not tell the {needed} coefficients of {rep} apart. Fix: more samples, or lower "
            "frequencies."
        )
    back = np.linalg.pinv(root * there) * root.T
    sizes = tuple(c.size * len(js) for (_, c), js in zip(rep.terms, columns, strict=True))
    return Sampling(functions, sizes, there, back, turns)


def holds_functions(rep: Representation) -> bool:
    """Whether `sampling` finds functions in it that are more than constant."""
    if rep.is_trivial:
        return False
    try:
        sampling(rep)
    except FieldError:
        return False
    return True


def _multiplicity(group: Group, component: Component) -> int:
    """How often functions on the group (for SO(3), O(3): on the sphere) hold an irrep; 0 for what is no irrep."""
    if isinstance(group, FiniteGroup):
        found = next((rep for rep in group.irreps if rep.terms[0][1] == component), None)
        return 0 if found is None else component.size // type_dimension(found)
    if not isinstance(group, (PlaneRotations, SpaceRotations)):
        return 0
    names = Representation(group, ((1, component),)).decompose()
    irrep = group.representation(next(iter(names))).terms[0][1]
    if names != {str(irrep): 1} or irrep != component:
        return 0
    if isinstance(group, PlaneRotations):
        return component.size if group.reflections else 1
    degree = (component.size - 1) // 2
    return int(not group.reflections or component == group.irrep(degree, degree % 2).terms[0][1])


def _points(group: Group, needed: int, samples: int | None, chiral: bool) -> tuple[Any, np.ndarray, int]:
    """Elements of the group, or points of the sphere, their weights, and how many of them are turns of the plane.

    Args:
        group: the group.
        needed: coefficients of a function.
        samples: as in `sampling`.
        chiral: whether functions on O(2) differ on rotations and reflections.
    """
    if isinstance(group, FiniteGroup):
        if samples not in (None, group.order):
            raise FieldError(f"functions on {group} are sampled at its {group.order} elements, not at {samples}")
        return list(group.elements), np.full(group.order, 1 / group.order), 0
    if isinstance(group, PlaneRotations):
        both = group.reflections and chiral
        turns = 4 * ceil(OVERSAMPLING * needed / (1 + both) / 4) if samples is None else samples
        if turns < 1 or turns % 4:
            raise FieldError(f"functions on {group} are sampled at a multiple of 4 rotations, got samples={samples}")
        angles = 2 * pi * np.arange(turns) / turns
        cos, sin = np.cos(angles), np.sin(angles)
        rotations = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
        points = np.concatenate([rotations, rotations @ np.diag([-1.0, 1.0])]) if both else rotations
        return list(points), np.full(len(points), 1 / len(points)), turns
    if samples is None:
        samples = next((n for n in ORBITS if n >= OVERSAMPLING * needed), max(ORBITS))
    if samples not in ORBITS:
        raise FieldError(f"functions on the sphere are sampled at {', '.join(map(str, ORBITS))} points, not {samples}")
    return *_sphere(samples), 0


def _column(component: Component, j: int, points: Any) -> np.ndarray:
    """ψ(s) e_j at every point, [points, size]; e_0 is the last channel, which m (or turns about z) leave alone."""
    if isinstance(points, torch.Tensor):
        return spherical_harmonics((component.size - 1) // 2, points, "norm").numpy()
    return np.stack([component.on(s)[:, -1 - j] for s in points])


@lru_cache
def _sphere(count: int) -> tuple[torch.Tensor, np.ndarray]:
    """Orbits of the cube on the sphere, and weights that make sums over them means."""
    orbits, degree = ORBITS[count]
    found = []
    for direction in orbits:
        signed = {
            tuple(s * v for s, v in zip(signs, order, strict=True))
            for order in permutations(direction)
            for signs in product((1, -1), repeat=3)
        }
        found.append(np.array(sorted(signed), float) / np.linalg.norm(direction))
    points = torch.from_numpy(np.concatenate(found))
    harmonics = np.concatenate([spherical_harmonics(n, points).numpy() for n in range(degree + 1)], axis=1)
    starts = np.cumsum([0, *(len(p) for p in found[:-1])])
    sums = np.add.reduceat(harmonics, starts, axis=0)  # over every orbit
    mean = np.zeros(sums.shape[1])
    mean[0] = harmonics[0, 0]
    weights = np.linalg.lstsq(sums.T, mean, rcond=None)[0]
    return points, np.repeat(weights, [len(p) for p in found])
