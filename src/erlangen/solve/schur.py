"""Equivariant maps by Schur's lemma: between copies of the same irrep only, and there an element of its commutant.

With ρ_in = P (⊕ copies of irreps) P⁻¹ and ρ_out = Q (⊕ copies of irreps) Q⁻¹, the maps are Q_n E P⁻¹_m for every copy n
in the output and m in the input of one irrep, and E in the commutant of that irrep: R, C or H.
"""

import numpy as np

from erlangen.errors import FieldError
from erlangen.solve.nullspace import null_space
from erlangen.symmetry import Component, Representation
from erlangen.symmetry.isotypic import Isotypic, isotypic


def decomposes(component: Component) -> bool:
    """Whether the isotypic decomposition of a component is at hand: real, of a group whose irreps are known."""
    group = component.group
    return (group.is_listed or hasattr(group, "isotypic")) and not component.is_complex


def schur(a: Component, b: Component) -> np.ndarray:
    """The maps between two components of a group whose irreps are known.

    Args:
        a: the input.
        b: the output.

    Returns:
        [dim, size_out, size_in], orthonormal.

    Raises:
        FieldError: the irreps are not known.

    Law: dim = Σ_i m_i n_i dim End(irrep_i).
    """
    for component in (a, b):
        if not decomposes(component):
            raise FieldError(
                f"{component} of {a.group} has no isotypic decomposition here: it is complex, or the irreps of the "
                f"group are not known. Fix: method='auto'."
            )
    before, after = _decompose(a), _decompose(b)
    found = []
    for irrep, copies, columns in after.parts:
        for other, more, rows in before.parts:
            if other != irrep:
                continue
            q = after.change[:, columns].reshape(b.size, copies, irrep.size)
            p = before.inverse[rows].reshape(more, irrep.size, a.size)
            commutant, _ = null_space(irrep.terms[0][1], irrep.terms[0][1], None, 0)
            found.append(np.einsum("anr,krs,msb->knmab", q, commutant, p, optimize=True).reshape(-1, b.size, a.size))
    if not found:
        return np.zeros((0, b.size, a.size))
    basis = np.concatenate(found)
    if a.is_orthogonal and b.is_orthogonal:
        return basis
    return np.linalg.qr(basis.reshape(len(basis), -1).T)[0].T.reshape(basis.shape)


def _decompose(component: Component) -> Isotypic:
    rep = Representation(component.group, ((1, component),))
    own = getattr(component.group, "isotypic", None)
    return isotypic(rep) if own is None else own(rep)
