"""The classical linear groups: SO(n), O(n), SO(p,q), O(p,q), U(n), SU(n), Sp(2n), GL(n), SL(n) and scalings.

Each is known by named generators of its Lie algebra and by discrete elements that reach its other components. The
algebra generators are a basis for the compact and the Lorentz-like groups, and a generating set (E_ij and E_ji of
neighbours) for GL, SL and Sp.
"""

from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import torch

from erlangen.errors import DomainError, UnknownName
from erlangen.symmetry.component import Component
from erlangen.symmetry.group import Group
from erlangen.symmetry.haar import SAMPLERS
from erlangen.symmetry.matrix import MatrixGroup
from erlangen.symmetry.representation import Representation


class Classical(MatrixGroup):
    """A classical group, which knows its family: that decides how it is sampled and how its characters integrate.

    Args:
        family: "SO", "O", "U", "SU", "SO(p,q)", "O(p,q)", "Sp", "GL", "SL", "Scaling", "E" or "SE".
        name: the name that prints, such as "SO(3)".
        algebra: name -> [d, d]; exp(tA) lies in the group for every t.
        discrete: name -> [d, d] elements.
    """

    def __init__(
        self, family: str, name: str, algebra: dict[str, np.ndarray], discrete: dict[str, np.ndarray] | None = None
    ) -> None:
        super().__init__(name, algebra, discrete, compact=family in SAMPLERS)
        self.family = family

    def sample(self, n: int, generator: torch.Generator | None = None) -> list[np.ndarray]:
        """Draw n elements: uniformly (Haar measure) if the group is compact, generic ones otherwise."""
        if self.family in SAMPLERS:
            return list(SAMPLERS[self.family](n, self.degree, generator))
        return super().sample(n, generator)

    @property
    def representations(self) -> tuple[str, ...]:
        """Names that `representation` reads."""
        return ("trivial", "standard", "pseudoscalar") if self.has_reflections else ("trivial", "standard")

    @property
    def has_reflections(self) -> bool:
        """Whether the group is orthogonal and has elements of determinant -1."""
        return self.family in ("O", "O(p,q)")

    @property
    def pseudoscalar(self) -> Representation:
        """det g, of O(n) and O(p,q); trivial where every determinant is 1.

        Raises:
            UnknownName: the determinants are not ±1.
        """
        if self.has_reflections:
            return Representation(self, ((1, Determinant(self)),))
        if self.family in ("SO", "SO(p,q)", "SU", "SL", "Sp"):
            return self.trivial
        raise UnknownName(f"representation of {self}", "pseudoscalar", self.representations)

    def irrep(self, *label: int) -> Representation:
        """A real irrep by its label; only rotations of the plane and of space have them listed.

        Raises:
            UnknownName: this group has no list of irreps.
        """
        raise UnknownName(f"representation of {self}", f"irrep({', '.join(map(str, label))})", self.representations)


class Determinant(Component):
    """det g, for groups whose determinants are ±1: +1 or -1 as g keeps or reverses orientation."""

    def __init__(self, group: Classical) -> None:
        super().__init__(group, "pseudoscalar", 1)

    def on(self, g: np.ndarray) -> np.ndarray:
        """[[±1.0]]."""
        return np.sign(np.linalg.det(g))[..., None, None]

    def derivative(self, a: str) -> np.ndarray:
        """[[0.0]]."""
        return np.zeros((1, 1))

    def trace(self, g: np.ndarray) -> Any:
        """±1.0, of one g or of many."""
        return np.sign(np.linalg.det(g))


@lru_cache
def SO(*numbers: int, connected: bool = False) -> Classical:
    """The special orthogonal group SO(n), or SO(p,q) of the form x₁² + … + x_p² - x_{p+1}² - … (det = 1).

    Args:
        numbers: n >= 1; or p, q >= 1.
        connected: of SO(p,q), which has two components, keep that of the identity: "SO+(1,3)", the proper orthochronous
            Lorentz transformations.

    Returns:
        The group. Of SO(3): Jx turns y towards z, Jy turns z towards x, Jz turns x towards y; SO(2) has J; others have
        Jij, which turns axis i towards axis j. SO(1,3) acts on (t, x, y, z) and also has the boosts Kx, Ky, Kz. The
        other component of SO(p,q) is reached by PT: one positive and one negative axis reversed, and all of them, PT
        = -1, where p and q are odd.

    Raises:
        DomainError: numbers that are no such n or p, q.
    """
    if len(numbers) == 2:
        from erlangen.symmetry.lorentz import indefinite

        return indefinite(*numbers, reflections=False, connected=connected)
    n = dimension("SO", numbers)
    if n in (2, 3):
        from erlangen.symmetry.rotations import PlaneRotations, SpaceRotations

        return PlaneRotations(reflections=False) if n == 2 else SpaceRotations(reflections=False)
    return Classical("SO", f"SO({n})", rotations(n), {} if n > 1 else {"e": np.eye(1)})


@lru_cache
def O(*numbers: int) -> Group:  # noqa: E743
    """The orthogonal group O(n); the Lorentz-like group O(p,q); and, without a number, the octahedral group O().

    Args:
        numbers: n >= 1; or p, q >= 1 for the form x₁² + … + x_p² - …; or nothing for the 24 rotations of the cube.

    Returns:
        The group. Its generators are those of SO(n) and a reflection: the inversion -1 of O(3), the mirror m: x → -x of
        the others. O(p,q) has time reversal T (the first axis) and parity P (all the negative axes if q is odd, else
        the last one).

    Raises:
        DomainError: numbers that are no such n or p, q.
    """
    if not numbers:
        from erlangen.symmetry.polyhedral import octahedral

        return octahedral()
    if len(numbers) == 2:
        from erlangen.symmetry.lorentz import indefinite

        return indefinite(*numbers, reflections=True)
    n = dimension("O", numbers)
    if n in (2, 3):
        from erlangen.symmetry.rotations import PlaneRotations, SpaceRotations

        return PlaneRotations(reflections=True) if n == 2 else SpaceRotations(reflections=True)
    return Classical("O", f"O({n})", rotations(n), {"m": mirror(n)})


@lru_cache
def U(*numbers: int) -> Classical:
    """The unitary group U(n), complex n x n matrices; dimensions of its representations count over C."""
    n = dimension("U", numbers)
    return Classical("U", f"U({n})", {**_special_unitary(n), "phase": 1j * np.eye(n)})


@lru_cache
def SU(*numbers: int) -> Classical:
    """The special unitary group SU(n), complex n x n matrices; SU(2) has Jk = -i σ_k / 2, as SO(3) names them."""
    n = dimension("SU", numbers)
    return Classical("SU", f"SU({n})", _special_unitary(n), {} if n > 1 else {"e": np.eye(1)})


@lru_cache
def Sp(*numbers: int) -> Classical:
    """The real symplectic group of 2n x 2n matrices, gᵀ Ω g = Ω with Ω = [[0, 1], [-1, 0]] in n x n blocks.

    Args:
        numbers: the dimension 2n, even.
    """
    size = dimension("Sp", numbers)
    if size % 2:
        raise DomainError(
            f"Sp({size}): a symplectic form needs an even dimension. Fix: give the dimension 2n, such as "
            f"Sp({size + 1}) for {(size + 1) // 2} positions and as many momenta."
        )
    n = size // 2
    algebra: dict[str, np.ndarray] = {}
    for i in range(n - 1):
        raising = unit(size, i, i + 1) - unit(size, n + i + 1, n + i)
        algebra |= {f"E{i + 1}": raising, f"F{i + 1}": raising.T}
    long = unit(size, n - 1, size - 1)
    return Classical("Sp", f"Sp({size})", {**algebra, f"E{n}": long, f"F{n}": long.T})


@lru_cache
def GL(*numbers: int) -> Classical:
    """The general linear group of all invertible real n x n matrices, with the mirror m for determinants < 0."""
    n = dimension("GL", numbers)
    return Classical("GL", f"GL({n})", {**_special_linear(n), "scale": unit(n, 0, 0)}, {"m": mirror(n)})


@lru_cache
def SL(*numbers: int) -> Classical:
    """The special linear group of real n x n matrices with determinant 1."""
    n = dimension("SL", numbers)
    return Classical("SL", f"SL({n})", _special_linear(n), {} if n > 1 else {"e": np.eye(1)})


@lru_cache
def Scaling(*numbers: int) -> Classical:
    """The positive scalings x → s x of Rⁿ, s > 0."""
    n = dimension("Scaling", numbers)
    return Classical("Scaling", f"Scaling({n})", {"scale": np.eye(n)})


def rotations(n: int) -> dict[str, np.ndarray]:
    """A basis of so(n): "J" for n = 2, "Jx", "Jy", "Jz" for n = 3, "Jij" otherwise."""
    if n == 3:
        return {name: turn(3, i, j) for name, i, j in (("Jx", 1, 2), ("Jy", 2, 0), ("Jz", 0, 1))}
    if n == 2:
        return {"J": turn(2, 0, 1)}
    return {f"J{pair(n, i, j)}": turn(n, i, j) for i, j in combinations(range(n), 2)}


def mirror(n: int) -> np.ndarray:
    """The reflection x → -x of the first axis, [n, n]."""
    return np.diag([-1.0] + [1.0] * (n - 1))


def _special_unitary(n: int) -> dict[str, np.ndarray]:
    """A basis of su(n)."""
    if n == 2:
        half = -0.5j * np.eye(2)
        return {
            "Jx": half[::-1],
            "Jy": np.array([[0, -0.5], [0.5, 0]], dtype=np.complex128),
            "Jz": half * np.array([1, -1]),
        }
    algebra: dict[str, np.ndarray] = {}
    for i, j in combinations(range(n), 2):
        algebra[f"A{pair(n, i, j)}"] = turn(n, i, j).astype(np.complex128)
        algebra[f"S{pair(n, i, j)}"] = 1j * (unit(n, i, j) + unit(n, j, i))
    return algebra | {f"H{i + 1}": 1j * (unit(n, i, i) - unit(n, i + 1, i + 1)) for i in range(n - 1)}


def _special_linear(n: int) -> dict[str, np.ndarray]:
    """Matrices that generate sl(n)."""
    algebra: dict[str, np.ndarray] = {}
    for i in range(n - 1):
        algebra |= {f"E{pair(n, i, i + 1)}": unit(n, i, i + 1), f"E{pair(n, i + 1, i)}": unit(n, i + 1, i)}
    return algebra


def placed(matrix: np.ndarray, corner: int, first: bool = False) -> np.ndarray:
    """A matrix on one more coordinate, the first or the last, with a number in the new corner."""
    place = np.zeros((len(matrix) + 1, len(matrix) + 1))
    place[(0, 0) if first else (-1, -1)] = corner
    inside = slice(1, None) if first else slice(None, -1)
    place[inside, inside] = matrix
    return place


def turn(n: int, i: int, j: int) -> np.ndarray:
    """The generator that turns axis i towards axis j."""
    return unit(n, j, i) - unit(n, i, j)


def unit(n: int, i: int, j: int) -> np.ndarray:
    """The matrix [n, n] with a single 1, in row i and column j."""
    matrix = np.zeros((n, n))
    matrix[i, j] = 1.0
    return matrix


def pair(n: int, i: int, j: int) -> str:
    """The name of a pair of axes, "12", or "1,12" where there are ten or more."""
    return f"{i + 1}{j + 1}" if n < 10 else f"{i + 1},{j + 1}"


def dimension(family: str, numbers: tuple[int, ...]) -> int:
    """The one number that a family needs.

    Raises:
        DomainError: not one integer >= 1.
    """
    if len(numbers) != 1 or not isinstance(numbers[0], int) or numbers[0] < 1:
        given = ", ".join(map(repr, numbers))
        example = "Sp(4)" if family == "Sp" else f"{family}(3)"
        raise DomainError(f"{family}({given}) needs one integer >= 1, its dimension, such as {example}")
    return numbers[0]
