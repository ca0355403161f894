"""Isotypic decomposition: the change of basis after which every ρ(g) is a direct sum of irreps, literally."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from erlangen.symmetry.representation import Representation


@dataclass(frozen=True)
class Isotypic:
    """A representation written as a direct sum of irreps.

    Args:
        change: Q, [n, n] float64 orthogonal; its columns are the new basis.
        parts: (irrep, multiplicity m, slice of m·d columns of Q) for every irrep that occurs; within a part the columns
            lie copy by copy, d of them each.

    Law: Qᵀ ρ(g) Q = ⊕ ρ_i(g) ⊕ … ⊕ ρ_i(g), m_i times, with exactly the irreps' matrices.
    """

    change: np.ndarray
    parts: "tuple[tuple[Representation, int, slice], ...]"
