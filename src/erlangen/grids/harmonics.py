"""The regular representation in the basis of matrix entries of its irreps, where equivariant maps are blocks."""

from dataclasses import dataclass

import numpy as np

from erlangen.symmetry import FiniteGroup
from erlangen.symmetry.irreps import type_dimension

ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Harmonics:
    """Where maps between copies of the regular representation are blocks.

    A function on G has coefficients in blocks of s·r numbers, one block an irrep; an equivariant map multiplies the s
    of every row by one and the same [s, s] matrix, for each of the r rows. An irrep of real type and size d has
    s = r = d, so that all blocks together cost Σ d³ multiplications instead of |G|²; one of complex or quaternionic
    type is a single block of d²/t coefficients with t = 2, 4.

    Args:
        basis: [|G|, |G|] orthogonal; columns in the order (irrep, row, position in the block).
        blocks: (s, r) of every irrep.
        maps: for every irrep [s, s, dim Hom], the block that each basis element of Hom_G has there.
    """

    basis: np.ndarray
    blocks: tuple[tuple[int, int], ...]
    maps: tuple[np.ndarray, ...]

    @property
    def multiplications(self) -> int:
        """Of one map between two copies: Σ s²·r."""
        return sum(s * s * r for s, r in self.blocks)


def harmonics(group: FiniteGroup, units: np.ndarray) -> Harmonics | None:
    """The harmonics of the regular representation of a finite group.

    Args:
        group: G.
        units: [dim Hom, |G|, |G|] a basis of the equivariant maps between two copies of it.

    Returns:
        None if the units are no maps of the regular representation, so that they have other blocks.

    Source: Diaconis 1988, Group Representations in Probability and Statistics, section 2C (matrix entries).
    """
    if units.shape != (group.order,) * 3:
        return None
    columns, blocks = [], []
    for irrep in group.irreps:
        d, kind = irrep.size, type_dimension(irrep)
        entries = irrep.matrices() * np.sqrt(d / group.order)  # [|G|, row, multiplicity]
        if kind == 1:
            columns.append(entries.reshape(group.order, d * d))
            blocks.append((d, d))
        else:  # the entries span only d²/t dimensions
            span = np.linalg.svd(entries.reshape(group.order, d * d), full_matrices=False)[0][:, : d * d // kind]
            columns.append(span)
            blocks.append((span.shape[1], 1))
    basis = np.concatenate(columns, axis=1)
    turned = np.einsum("ga,kgh,hb->abk", basis, units, basis, optimize=True)
    maps, start = [], 0
    left = turned.copy()
    for s, r in blocks:
        here = slice(start, start + s * r)
        maps.append(turned[here, here][:s, :s])
        left[here, here] -= np.einsum("pq,abk->paqbk", np.eye(r), maps[-1]).reshape(s * r, s * r, -1)
        start += s * r
    return Harmonics(basis, tuple(blocks), tuple(maps)) if np.abs(left).max() < ROUNDING else None
