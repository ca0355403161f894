"""The cases of `solver.py`, declared once: groups in emlp's words, in erlangen's, and as matrices of this file's own.

T(p,q) is the space of tensors V^p ⊗ V*^q on the defining representation V of the group.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from itertools import permutations, product

import numpy as np

Matrix = np.ndarray


def matrices(moves: list[list[int]]) -> list[Matrix]:
    """Permutations of points as matrices."""
    return [np.eye(len(m))[m] for m in moves]


def cycle(n: int) -> list[int]:
    """i -> i + 1 modulo n."""
    return [(i + 1) % n for i in range(n)]


def units(n: int, metric: list[int]) -> list[Matrix]:
    """Generators of so(metric): E_ij η_j − E_ji η_i for i < j."""
    found = []
    for i, j in product(range(n), repeat=2):
        if i < j:
            a = np.zeros((n, n))
            a[i, j], a[j, i] = metric[j], -metric[i]
            found.append(a)
    return found


def elementary(n: int, traceless: bool) -> list[Matrix]:
    """A basis of gl(n), or of sl(n)."""
    every = [np.outer(np.eye(n)[i], np.eye(n)[j]) for i, j in product(range(n), repeat=2)]
    return [a - np.eye(n) * np.trace(a) / n for a in every] if traceless else every


def turn(n: int) -> Matrix:
    """Rotation of the plane by 2π/n."""
    c, s = np.cos(2 * np.pi / n), np.sin(2 * np.pi / n)
    return np.array([[c, -s], [s, c]])


def regular_dihedral(n: int) -> list[list[int]]:
    """Left multiplication by rotation and reflection on the 2n elements r^k s^e of D(n), numbered k + n e."""
    rotation = [(k + 1) % n + n * e for e in range(2) for k in range(n)]
    reflection = [-k % n + n * (1 - e) for e in range(2) for k in range(n)]
    return [rotation, reflection]


def quarter(axis: int, point: tuple[int, ...]) -> tuple[int, ...]:
    """Rotation of space by a quarter turn about an axis."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    moved = list(point)
    moved[i], moved[j] = -point[j], point[i]
    return tuple(moved)


def cube_faces() -> list[list[int]]:
    """Quarter turns of a cube, as permutations of its six faces."""
    faces = sorted(set(permutations((0, 0, 1))) | set(permutations((0, 0, -1))))
    return [[faces.index(quarter(axis, f)) for f in faces] for axis in range(3)]


def rubik() -> list[list[int]]:
    """The six face turns of Rubik's cube, as permutations of its 48 stickers that move.

    A sticker is a small cube's place in {−1, 0, 1}³ and the outward normal of one of its faces.
    """
    normals = sorted(set(permutations((0, 0, 1))) | set(permutations((0, 0, -1))))
    stickers = [
        (place, normal)
        for place in product((-1, 0, 1), repeat=3)
        for normal in normals
        if np.dot(place, normal) == 1 and np.abs(place).sum() > 1
    ]
    turns = []
    for axis, side in product(range(3), (-1, 1)):
        moved = [(quarter(axis, p), quarter(axis, n)) if p[axis] == side else (p, n) for p, n in stickers]
        turns.append([stickers.index(m) for m in moved])
    return turns


def plane_p4(n: int) -> list[list[int]]:
    """Shifts and quarter turn of an n x n torus, as permutations of its pixels."""
    pixels = np.arange(n * n).reshape(n, n)
    return [
        np.roll(pixels, 1, 0).ravel().tolist(),
        np.roll(pixels, 1, 1).ravel().tolist(),
        np.rot90(pixels).ravel().tolist(),
    ]


@dataclass(frozen=True)
class GroupWords:
    """A group in three languages.

    Args:
        peer: emlp's words, or permutations.
        ours: erlangen's words, or permutations.
        discrete: () -> discrete generators as matrices, for the residual.
        algebra: () -> generators of the Lie algebra as matrices, for the residual.
    """

    peer: str | list[list[int]]
    ours: str | list[list[int]]
    discrete: Callable[[], list[Matrix]] = list
    algebra: Callable[[], list[Matrix]] = list

    def elements(self, count: int, seed: int = 7) -> list[Matrix]:
        """Random elements: words of exponentials, discrete generators and their inverses."""
        from scipy.linalg import expm

        rng = np.random.default_rng(seed)
        flow, jumps = self.algebra(), self.discrete()
        letters = [m for g in jumps for m in (g, np.linalg.inv(g))]
        found = []
        for _ in range(count):
            parts = [letters[k] for k in rng.integers(len(letters), size=20)] if letters else []
            if flow:
                parts.append(expm(sum(0.5 * z * a for z, a in zip(rng.standard_normal(len(flow)), flow, strict=True))))
            found.append(reduce(np.matmul, parts))
        return found


def of_points(moves: list[list[int]]) -> GroupWords:
    """A permutation group that neither library has by name."""
    return GroupWords(moves, moves, lambda: matrices(moves))


def symmetric(n: int) -> GroupWords:
    """S(n) on n points."""
    return GroupWords(f"S({n})", f"S({n})", lambda: matrices([cycle(n), [1, 0, *range(2, n)]]))


def cyclic(n: int) -> GroupWords:
    """Z(n) on its n elements."""
    return GroupWords(f"Z({n})", [cycle(n)], lambda: matrices([cycle(n)]))


def planar(n: int, reflections: bool) -> GroupWords:
    """C(n) or D(n) on the plane."""
    name = f"{'D' if reflections else 'C'}({n})"
    return GroupWords(name, name, lambda: [turn(n), np.diag([-1.0, 1.0])][: 1 + reflections])


def rotations(n: int, reflections: bool) -> GroupWords:
    """SO(n) or O(n)."""
    name = f"{'O' if reflections else 'SO'}({n})"
    mirror = [np.diag([-1.0] + [1.0] * (n - 1))]
    return GroupWords(name, name, lambda: mirror * reflections, lambda: units(n, [1] * n))


LORENTZ = [1, -1, -1, -1]
PAULI = [np.array(m) / 2j for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])]
GROUPS = {
    **{f"S{n}": symmetric(n) for n in range(3, 9)},
    **{f"Z{n}": cyclic(n) for n in (8, 16)},
    "C3": planar(3, False),
    **{f"D{n}": planar(n, True) for n in (3, 4, 6)},
    "D6regular": of_points(regular_dihedral(6)),
    "SU2": GroupWords("SU(2)", "SU(2)", algebra=lambda: PAULI),
    "O3": rotations(3, True),
    "SO3": rotations(3, False),
    # emlp's SO13 is the connected component and −1, which is what SO(1,3) means as a group of determinant 1
    "SO13": GroupWords("SO13", "SO(1,3)", lambda: [-np.eye(4)], lambda: units(4, LORENTZ)),
    "O13": GroupWords("O13", "O(1,3)", lambda: [-np.eye(4), np.diag(LORENTZ)], lambda: units(4, LORENTZ)),
    "cube": of_points(cube_faces()),
    "rubik": of_points(rubik()),
    "p4grid8": of_points(plane_p4(8)),
    "SL3": GroupWords("SL(3)", "SL(3)", algebra=lambda: elementary(3, True)),
    "GL2": GroupWords("GL(2)", "GL(2)", algebra=lambda: elementary(2, False)),
}


@dataclass(frozen=True)
class Case:
    """One space of equivariant maps.

    Args:
        group: key of `GROUPS`.
        input: (p, q) of the input, V^p ⊗ V*^q.
        output: (p, q) of the output.
        dim: the dimension that theory (characters, orbit counts) gives; a solver that finds another one is marked.
    """

    group: str
    input: tuple[int, int]
    output: tuple[int, int]
    dim: int

    @property
    def name(self) -> str:
        """Such as S5-T2-T1."""
        short = ["T" + str(p) + (f".{q}" if q else "") for p, q in (self.input, self.output)]
        return "-".join([self.group, *short])


def cases() -> dict[str, Case]:
    """Every case by name: group, ranks and dimension are declared here and nowhere else."""
    table = """
        S5 1 1 2|S5 2 1 5|S3 2 2 14|S4 2 2 15|S5 2 2 15|S6 2 2 15|S7 2 2 15|S8 2 2 15|S4 3 2 51|Z8 1 1 8|Z16 1 1 16
        C3 1 1 2|C3 2 2 6|D3 1 1 1|D4 1 1 1|D4 2 2 4|D6 2 2 3|D6regular 1 1 12|SU2 1 1 1|SU2 2 2 2
        O3 1 1 1|O3 1 2 0|O3 2 2 3|O3 3 3 15|SO3 1 2 1|SO3 2 3 6|SO13 1 1 1|SO13 2 2 4|O13 2 2 3|O13 1 3 3
        cube 1 1 3|cube 2 2 60|rubik 1 1 9|p4grid8 1 1 18|SL3 3 0 1|GL2 1.1 1.1 2
    """
    found = []
    for words in (w.split() for line in table.split("\n") for w in line.split("|") if w.strip()):
        ranks = [(int(p), int(q or 0)) for p, _, q in (w.partition(".") for w in words[1:3])]
        found.append(Case(words[0], ranks[0], ranks[1], int(words[3])))
    return {c.name: c for c in found}
