"""Characters of many elements at once, and the highest weight that occurs in them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from erlangen.symmetry.atoms import Trivial
from erlangen.symmetry.classical import Determinant
from erlangen.symmetry.component import Block, Component
from erlangen.symmetry.constructions import Dual, Restricted, Tensor
from erlangen.symmetry.finite import FiniteGroup
from erlangen.symmetry.matrix import Defining
from erlangen.symmetry.representation import Representation
from erlangen.symmetry.rotations import Circular, Wigner


def characters(rep: Representation, elements: Any) -> np.ndarray:
    """χ(g) of many elements of finite order or of a compact group.

    Args:
        rep: ρ.
        elements: matrices [n, d, d]; indices [n] of a finite group; a pair of such arrays for a direct product.

    Returns:
        [n] complex128.
    """
    first = elements
    while isinstance(first, tuple):
        first = first[0]
    total = np.zeros(len(first), np.complex128)
    if isinstance(rep.group, FiniteGroup):
        return total + rep.character[elements]
    for multiplicity, component in rep.terms:
        total += multiplicity * _character(component, elements, len(first))
    return total


def highest_weight(rep: Representation) -> int:
    """The largest frequency that rotation by an angle of the maximal torus has in ρ, or an upper bound of it."""
    return max((_weight(component) for _, component in rep.terms), default=0)


def extends_to_torus(rep: Representation) -> bool:
    """Whether the character of ρ is known on the torus that `erlangen.symmetry.weyl` integrates over.

    For a compact group that lies in the group. Otherwise it lies in the complex group, to which sums, tensor products
    and duals of the defining representation extend.
    """
    return bool(rep.group.is_compact) or all(_extends(component) for _, component in rep.terms)


def _extends(component: Component) -> bool:
    if isinstance(component, (Trivial, Defining, Determinant)):
        return True
    if isinstance(component, Tensor):
        return extends_to_torus(component.left) and extends_to_torus(component.right)
    return isinstance(component, (Dual, Restricted)) and extends_to_torus(component.rep)


def _character(component: Component, elements: Any, count: int) -> Any:
    if isinstance(component, Trivial):
        return np.ones(count)
    if isinstance(component, Defining):
        return np.trace(elements, axis1=-2, axis2=-1)
    if isinstance(component, (Wigner, Circular, Determinant)):
        return component.trace(elements)
    if isinstance(component, Tensor):
        return characters(component.left, elements) * characters(component.right, elements)
    if isinstance(component, Dual):
        return characters(component.rep, elements).conj()  # the elements are unitary in a fitting basis
    if isinstance(component, Restricted):
        return characters(component.rep, component.place.element(elements))
    return np.array([component.trace(g) for g in _each(elements)])


def _weight(component: Component) -> int:
    if isinstance(component, (Trivial, Determinant)):
        return 0
    if isinstance(component, Defining):
        return 1
    if isinstance(component, Wigner):
        return component.degree
    if isinstance(component, Circular):
        return component.frequency
    if isinstance(component, Tensor):
        return highest_weight(component.left) + highest_weight(component.right)
    if isinstance(component, (Dual, Restricted)):
        return highest_weight(component.rep)
    if isinstance(component, Block):
        return _weight(component.whole)
    spectra = [np.abs(np.linalg.eigvals(d)).max(initial=0.0) for d in component.derivatives.values()]
    return int(np.ceil(2 * max(spectra, default=0.0) - 1e-6))  # twice: half turns of SU(2) have weights 1/2


def _each(elements: Any) -> Iterator[Any]:
    """One element after the other."""
    return zip(*(_each(part) for part in elements), strict=True) if isinstance(elements, tuple) else iter(elements)
