"""Representations of a matrix group on the elements of a finite group of matrices inside it."""

import numpy as np

from erlangen.errors import DomainError
from erlangen.symmetry.component import TOLERANCE
from erlangen.symmetry.finite import FiniteGroup
from erlangen.symmetry.matrix import MatrixGroup
from erlangen.symmetry.names import group as group_named
from erlangen.symmetry.representation import Representation
from erlangen.symmetry.rotations import PlaneRotations, SpaceRotations


def restrict_to_finite(rep: Representation, subgroup: "FiniteGroup | str") -> Representation:
    """The same matrices, on the elements of a finite group whose standard matrices lie in this matrix group.

    Args:
        rep: of a matrix group, such as SO(2) or O(3).
        subgroup: H, such as C(8) or the cube's O, or its name.

    Raises:
        DomainError: H is not inside.
    """
    inside = group_named(subgroup) if isinstance(subgroup, str) else subgroup
    outer = rep.group
    if not isinstance(outer, MatrixGroup) or not isinstance(inside, FiniteGroup):
        raise DomainError(f"{inside} is no finite group of matrices inside {outer}")
    elements = inside.standard.matrices()[:, : outer.degree, : outer.degree]
    if not _lie_inside(elements, outer):
        raise DomainError(f"the matrices of {inside} do not lie in {outer}")
    terms = []
    for multiplicity, component in rep.terms:
        matrices = np.stack([component.on(h) for h in elements])
        terms.append((multiplicity, inside.component_of(matrices, f"{component.name}|{inside}")))
    return Representation(inside, tuple(terms))


def _lie_inside(elements: np.ndarray, outer: MatrixGroup) -> bool:
    """Whether they are orthogonal, and proper unless reflections belong to the group."""
    if not isinstance(outer, (PlaneRotations, SpaceRotations)) or elements.shape[1] != outer.degree:
        return False
    proper = outer.reflections or bool((np.linalg.det(elements) > 0).all())
    unit = elements @ elements.transpose(0, 2, 1) - np.eye(outer.degree)
    return proper and float(np.abs(unit).max()) < TOLERANCE
