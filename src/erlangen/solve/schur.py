"""Equivariant maps by Schur's lemma, between isotypic parts."""

import numpy as np

from erlangen.errors import FieldError
from erlangen.solve.nullspace import Gap
from erlangen.symmetry import Component


def has_irreps(component: Component) -> bool:
    """Whether the isotypic decomposition of this component is at hand."""
    return False


def schur(a: Component, b: Component) -> tuple[np.ndarray, Gap]:
    """The maps between two components of a group whose irreps are known."""
    raise FieldError(f"the irreps of {a.group} are not known. Fix: method='auto'")
