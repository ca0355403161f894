"""Bases of equivariant bilinear maps and invariant quadratic forms, from the solver."""

from collections.abc import Sequence

import numpy as np

from erlangen.blueprint import Field
from erlangen.errors import NoEquivariantMap
from erlangen.point.products import Pair, Products
from erlangen.solve import solve, solve_bilinear
from erlangen.symmetry import Component, Representation


def bilinear_basis(left: Representation, right: Representation, out: Representation) -> np.ndarray:
    """An orthonormal basis of the equivariant bilinear maps, [dim, size_out, size_left, size_right].

    Args:
        left: representation of the first argument.
        right: representation of the second argument.
        out: representation of the output.

    Law: invariant forms are Hom(ρ_left ⊗ ρ_right, 1) = Hom(ρ_right, ρ_left*), a much smaller problem to solve.
    """
    if out.is_trivial and out.size == 1:
        basis = solve(right, left.dual).basis
    elif left.is_trivial and left.size == 1:
        basis = solve(right, out).basis
    else:
        basis = solve_bilinear(left, right, out).basis
    flat = basis.reshape(len(basis), out.size * left.size * right.size)
    if not len(flat):
        return flat.reshape(0, out.size, left.size, right.size)
    largest = np.take_along_axis(flat, np.abs(flat).argmax(axis=1)[:, None], axis=1)
    return (flat * np.sign(largest)).reshape(-1, out.size, left.size, right.size)


def symmetric_maps(basis: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the symmetric maps among equivariant bilinear ones, B(u, v) = B(v, u).

    Args:
        basis: [d, size_out, n, n], orthonormal.

    Returns:
        [d', size_out, n, n].
    """
    if not len(basis):
        return basis
    even = (basis + basis.swapaxes(2, 3)) / 2
    # exchanging the arguments maps the space to itself, so this is a projection of it: singular values are 0 or 1
    _, values, rows = np.linalg.svd(even.reshape(len(even), -1), full_matrices=False)
    return rows[values > 0.5].reshape(-1, *basis.shape[1:])


def pair_maps(a: Component, b: Component, out: Representation, largest: int | None = None) -> dict[int, np.ndarray]:
    """For every term c of the output that can be fed, a basis of Hom(a ⊗ b, c): [d, c.size, a.size, b.size].

    Args:
        a: component of the first argument.
        b: component of the second argument.
        out: the output.
        largest: entries of a map, above which it is left out.
    """
    left, right = (Representation(out.group, ((1, c),)) for c in (a, b))
    found = {}
    for i, (_, c) in enumerate(out.terms):
        if largest is not None and a.size * b.size * c.size > largest:
            continue
        basis = bilinear_basis(left, right, Representation(out.group, ((1, c),)))
        if len(basis):
            found[i] = basis
    return found


def checked_products(pairs: Sequence[Pair], in_field: Field, out_field: Field, partial: bool) -> Products:
    """The products of some pairs; a `NoEquivariantMap` if a term of the output is left unfed and `partial` is false."""
    terms = out_field.rep.terms
    products = Products(pairs, [(m, c.size) for m, c in terms])
    for (_, component), total in zip(terms, products.summands, strict=True):
        if not total and not partial:
            hint = f"leave {component} out, or use EquivariantQuadratic if a linear map can feed it"
            raise NoEquivariantMap(f"products of {in_field}", component, hint)
    return products
