"""Direct products of groups."""

from functools import partial
from typing import overload

import numpy as np

from erlangen.symmetry.finite import FiniteGroup
from erlangen.symmetry.group import Group
from erlangen.symmetry.infinite_products import DirectProduct
from erlangen.symmetry.irreps import split, type_dimension


@overload
def direct_product(first: FiniteGroup, second: FiniteGroup) -> FiniteGroup:
    """Of two listed groups: a listed group."""


@overload
def direct_product(first: Group, second: Group) -> FiniteGroup | DirectProduct:
    """Of other groups: pairs that are never enumerated."""


def direct_product(first: Group, second: Group) -> FiniteGroup | DirectProduct:
    """The direct product: pairs (g, h) with (g, h)(g', h') = (gg', hh').

    Args:
        first: G.
        second: H.

    Returns:
        If both are finite and listed, a `FiniteGroup` whose real irreps are the outer tensor products; else a
        `DirectProduct`, whose elements are tuples and whose representations are pulled back from the factors.
    """
    if isinstance(first, FiniteGroup) and isinstance(second, FiniteGroup):
        return _listed_product(first, second)
    return DirectProduct(first, second)


def _listed_product(first: FiniteGroup, second: FiniteGroup) -> FiniteGroup:
    """The direct product: pairs (g, h) with (g, h)(g', h') = (gg', hh'); pair (g, h) is element g·|H| + h.

    Its real irreps are the outer tensor products ρ_i ⊗ σ_j, named irrep(i,j) by position in the two lists. Where both
    are of complex type the product falls apart into two irreps, irrep(i,j,0) and irrep(i,j,1).
    """
    n, m = len(first.table), len(second.table)
    table = (first.table[:, None, :, None] * m + second.table[None, :, None, :]).reshape(n * m, n * m)
    generators = {name: g * m for name, g in first.generators.items()}
    for name, h in second.generators.items():
        while name in generators:
            name += "'"
        generators[name] = h
    labels = tuple("e" if a == b == "e" else f"({a},{b})" for a in first.labels for b in second.labels)
    factors = ((first, tuple(g * m for g in range(n))), (second, tuple(range(m))))
    irreps = partial(_outer_products, first, second)
    return FiniteGroup(f"{first}x{second}", table, generators, irreps, labels=labels, factors=factors)


def _outer_products(first: FiniteGroup, second: FiniteGroup) -> dict[str, np.ndarray]:
    irreps: dict[str, np.ndarray] = {}
    order = first.order * second.order
    for i, a in enumerate(first.irreps):
        for j, b in enumerate(second.irreps):
            outer = np.einsum("gij,hkl->ghikjl", a.matrices(), b.matrices()).reshape(order, a.size * b.size, -1)
            if type_dimension(a) > 1 and type_dimension(b) > 1:
                irreps |= {f"irrep({i},{j},{k})": part for k, part in enumerate(split(outer))}
            else:
                irreps[f"irrep({i},{j})"] = outer
    return irreps
