"""The rotations of the plane and of space, with or without reflections, and their real irreps.

SO(2): irrep(k), the rotation by kθ. O(2): irrep(0,0), irrep(1,0) = det, and irrep(1,k), labelled as those of D(n).
SO(3): irrep(l), of size 2l + 1, and irrep(1) is the standard representation (x, y, z). O(3): irrep(l,p), where -1 acts
as (-1)^p: irrep(1,1) is the standard representation, irrep(1,0) pseudovectors, irrep(0,1) the pseudoscalar.
`erlangen.symmetry.ladder` states the channels and phases of the irreps of SO(3).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from erlangen.errors import UnknownName
from erlangen.symmetry.classical import Classical, mirror, rotations
from erlangen.symmetry.component import Component
from erlangen.symmetry.ladder import generators
from erlangen.symmetry.representation import Representation
from erlangen.symmetry.wigner import wigner

if TYPE_CHECKING:
    from erlangen.symmetry.isotypic import Isotypic


class _Rotations(Classical):
    """What the plane and space have in common: a complete list of real irreps.

    Args:
        size: 2 or 3.
        reflections: whether reflections belong to the group.
        discrete: the reflection that generates them.
    """

    def __init__(self, size: int, reflections: bool, discrete: dict[str, np.ndarray]) -> None:
        family = "O" if reflections else "SO"
        super().__init__(family, f"{family}({size})", rotations(size), discrete if reflections else {})
        self.reflections = reflections

    def multiplicities(self, rep: Representation) -> dict[str, int]:
        """How often every irrep occurs in a representation, from its character.

        Returns:
            {name of the irrep: multiplicity}, those that occur, low degrees first.
        """
        from erlangen.symmetry.weights import multiplicities

        return multiplicities(self, rep)

    def isotypic(self, rep: Representation) -> "Isotypic":
        """The orthogonal change of basis after which an orthogonal representation is a direct sum of irreps.

        Raises:
            FieldError: the representation is not orthogonal, or complex.
        """
        from erlangen.symmetry.weights import isotypic

        return isotypic(self, rep)

    def _unknown(self, label: tuple[int, ...]) -> UnknownName:
        return UnknownName(f"representation of {self}", f"irrep({','.join(map(str, label))})", self.representations)


class PlaneRotations(_Rotations):
    """SO(2) or O(2).

    Args:
        reflections: whether it is O(2), with the mirror m: (x, y) → (-x, y).

    Law: an element of O(2) is r_θ mˢ; irrep(1,k) of it is r_kθ mˢ.
    """

    def __init__(self, reflections: bool) -> None:
        super().__init__(2, reflections, {"m": mirror(2)})

    @property
    def representations(self) -> tuple[str, ...]:
        """Names that `representation` reads."""
        return (
            ("trivial", "standard", "pseudoscalar", "irrep(j,k)")
            if self.reflections
            else (
                "trivial",
                "standard",
                "irrep(k)",
            )
        )

    def irrep(self, *label: int) -> Representation:
        """A real irrep.

        Args:
            label: the frequency k >= 0 of SO(2); parity and frequency of O(2): (0, 0), (1, 0) = det, (1, k).

        Raises:
            UnknownName: no irrep has this label.
        """
        if len(label) != 1 + self.reflections or min(label) < 0:
            raise self._unknown(label)
        parity, k = label if self.reflections else (0, label[0])
        if parity > 1 or (self.reflections and k > 0 and parity == 0):
            raise self._unknown(label)
        return Representation(self, ((1, Circular(self, k, parity)),))

    @property
    def pseudoscalar(self) -> Representation:
        """det g, of O(2)."""
        return self.irrep(1, 0) if self.reflections else self.trivial


class SpaceRotations(_Rotations):
    """SO(3) or O(3).

    Args:
        reflections: whether it is O(3), with the inversion -1.
    """

    def __init__(self, reflections: bool) -> None:
        super().__init__(3, reflections, {"inversion": -np.eye(3)})

    @property
    def representations(self) -> tuple[str, ...]:
        """Names that `representation` reads."""
        if self.reflections:
            return "trivial", "standard", "pseudoscalar", "irrep(l,p)"
        return "trivial", "standard", "irrep(l)"

    def irrep(self, *label: int) -> Representation:
        """A real irrep of size 2l + 1.

        Args:
            label: the degree l >= 0 of SO(3); degree and parity p of O(3), where -1 acts as (-1)^p.

        Raises:
            UnknownName: no irrep has this label.
        """
        if len(label) != 1 + self.reflections or min(label) < 0 or (self.reflections and label[1] > 1):
            raise self._unknown(label)
        return Representation(self, ((1, Wigner(self, label[0], label[1] if self.reflections else 0)),))

    @property
    def pseudoscalar(self) -> Representation:
        """det g, of O(3)."""
        return self.irrep(0, 1) if self.reflections else self.trivial


class Wigner(Component):
    """The irrep of degree l of SO(3), or irrep(l,p) of O(3): D^l(det g · g) (det g)^p.

    Args:
        group: SO(3) or O(3).
        degree: l.
        parity: p.
    """

    def __init__(self, group: SpaceRotations, degree: int, parity: int = 0) -> None:
        label = f"{degree},{parity}" if group.reflections else f"{degree}"
        super().__init__(group, f"irrep({label})", 2 * degree + 1)
        self.degree, self.parity = degree, parity

    def on(self, g: np.ndarray) -> np.ndarray:
        """The Wigner matrix of g, or of many, [*, 3, 3] -> [*, 2l + 1, 2l + 1]."""
        det = _determinant(g)[..., None, None]
        return wigner(self.degree, torch.from_numpy(det * g)).numpy() * det**self.parity

    def derivative(self, a: str) -> np.ndarray:
        """The generator about one axis."""
        return generators(self.degree)["xyz".index(a[1])]

    def trace(self, g: np.ndarray) -> Any:
        """1 + 2 Σ cos mθ with the angle θ of the rotation, of one g or of many."""
        det = _determinant(g)
        cos = (det * np.trace(g, axis1=-2, axis2=-1) - 1) / 2
        total = np.polynomial.chebyshev.chebval(cos, [1.0] + [2.0] * self.degree)
        return _number(det**self.parity * total)


class Circular(Component):
    """The rotation by kθ of SO(2), or irrep(j,k) of O(2).

    Args:
        group: SO(2) or O(2).
        frequency: k; size 2 for k > 0, size 1 for k = 0.
        parity: of O(2), 1 for det (k = 0) and for every k > 0.
    """

    def __init__(self, group: PlaneRotations, frequency: int, parity: int = 0) -> None:
        label = f"{parity},{frequency}" if group.reflections else f"{frequency}"
        super().__init__(group, f"irrep({label})", 2 if frequency else 1)
        self.frequency, self.parity = frequency, parity

    def on(self, g: np.ndarray) -> np.ndarray:
        """The matrix of g, or of many, [*, 2, 2] -> [*, size, size]."""
        det = _determinant(g)
        if self.frequency == 0:
            return (det**self.parity)[..., None, None]
        angle = self.frequency * np.arctan2(-g[..., 0, 1], g[..., 1, 1])  # of r in g = r mˢ: m leaves the y axis alone
        cos, sin = np.cos(angle), np.sin(angle)
        return np.stack([np.stack([cos * det, -sin], -1), np.stack([sin * det, cos], -1)], -2)

    def derivative(self, a: str) -> np.ndarray:
        """k J, or 0."""
        return np.array([[0.0, -1.0], [1.0, 0.0]]) * self.frequency if self.frequency else np.zeros((1, 1))

    def trace(self, g: np.ndarray) -> Any:
        """2 cos kθ or 0, of one g or of many."""
        return _number(np.trace(self.on(g), axis1=-2, axis2=-1))


def _determinant(g: np.ndarray) -> np.ndarray:
    return np.sign(np.linalg.det(g))


def _number(value: np.ndarray) -> Any:
    return value.item() if np.ndim(value) == 0 else value
