"""`solve`: all equivariant maps between two representations, by the cheapest method that fits.

| both representations                                | method      |
|-----------------------------------------------------|-------------|
| signed permutations                                 | orbits      |
| small, or unitary on a compact subgroup             | null space  |
| of a group with known irreps, and large             | isotypic    |
| large, compact                                      | averaging   |
| large, not compact                                  | iteration   |
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from time import perf_counter

import numpy as np
import torch

from erlangen.errors import FieldError, UnknownName
from erlangen.solve.averaging import average
from erlangen.solve.cache import CACHE, fingerprint
from erlangen.solve.certificate import Basis, Certificate, lay_out
from erlangen.solve.constraints import restrict
from erlangen.solve.iteration import iterate
from erlangen.solve.memory import check_memory
from erlangen.solve.nullspace import Gap, candidate_count, null_space
from erlangen.solve.oracle import character_dimension
from erlangen.solve.orbits import orbits, pair_moves
from erlangen.solve.schur import decomposes, schur
from erlangen.symmetry import Component, Representation

METHODS = ("auto", "orbits", "null space", "isotypic", "averaging", "iteration")
SMALL = 4096  # unknowns up to which the null space is always quick
WORK = 3e10  # unknowns · candidates², the arithmetic up to which the null space is quicker than other methods


def solve(
    rho_in: Representation,
    rho_out: Representation,
    *,
    method: str = "auto",
    tolerance: float | None = None,
    mask: np.ndarray | None = None,
    constraint: np.ndarray | None = None,
    seed: int = 0,
) -> Certificate:
    """A basis of Hom_G(ρ_in, ρ_out), all matrices W with ρ_out(g) W = W ρ_in(g).

    Args:
        rho_in: representation of the input.
        rho_out: representation of the output, of the same group.
        method: "auto", "orbits", "null space", "isotypic", "averaging" or "iteration".
        tolerance: relative singular values up to this count as zero (for generators that carry an error); None demands
            a clear gap.
        mask: [size_out, size_in] bool, entries that may be non-zero: a locality constraint.
        constraint: [k, size_out, size_in], more conditions Σ_ab C[k, a, b] W[a, b] = 0.
        seed: of everything random.

    Returns:
        A `Certificate`: the basis, its dimension, and the evidence.

    Raises:
        FieldError: the representations are of different groups, or mask or constraint have other shapes.
        GapError: the generators do not decide; the message holds the spectrum.
        TooLarge: the basis does not fit in memory.
        UnknownName: no method has this name.

    Law: for compact G, dim = ∫ χ̄_in(g) χ_out(g) dg.

    Source: M. Finzi, M. Welling, A. G. Wilson 2021, arXiv 2104.09459 (conditions on generators are enough).
    """
    start = perf_counter()
    _check(rho_in, rho_out, method)
    found = {
        (i, j): _pair(a, b, method, tolerance, seed)
        for i, (_, b) in enumerate(rho_out.terms)
        for j, (_, a) in enumerate(rho_in.terms)
    }
    pairs = {place: basis for place, (basis, _) in found.items()}
    blocks = tuple(lay_out(rho_in, rho_out, pairs))
    methods = " and ".join(dict.fromkeys(pair.method for pair in pairs.values())) or "nothing to solve"
    residual = max((error for _, error in found.values()), default=0.0)
    oracle = character_dimension(rho_in, rho_out)
    gap = _joined([pair.gap for pair in pairs.values()])
    dim = sum(block.count for block in blocks)
    whole = Certificate(rho_in, rho_out, blocks, dim, oracle, residual, gap, methods, perf_counter() - start)
    if mask is None and constraint is None:
        return whole
    blocks, narrowed = restrict(whole, mask, constraint, tolerance)
    dim = sum(block.count for block in blocks)
    gap = _joined([gap, narrowed])
    return replace(whole, blocks=blocks, dim=dim, oracle=None, gap=gap, seconds=perf_counter() - start)


def _check(rho_in: Representation, rho_out: Representation, method: str) -> None:
    if method not in METHODS:
        raise UnknownName("method", method, METHODS)
    if rho_in.group != rho_out.group:
        raise FieldError(
            f"equivariant maps need one group; the input is {rho_in} of {rho_in.group}, the output {rho_out} of "
            f"{rho_out.group}. Fix: restrict the larger group's representation."
        )


def _joined(gaps: Sequence[Gap | None]) -> Gap | None:
    """The least clear of some gaps; None if whole numbers decided everywhere."""
    known = [gap for gap in gaps if gap is not None]
    return reduce(Gap.join, known) if known else None


def invariants(rho: Representation, **options: object) -> Certificate:
    """All vectors that the group leaves alone: Hom_G(trivial, ρ), the biases of equivariant affine maps.

    Args:
        rho: the representation.
        options: as for `solve`.

    Returns:
        A certificate with basis [dim, size, 1].

    Law: ρ(g) b = b.
    """
    return solve(rho.group.trivial, rho, **options)  # type: ignore[arg-type]


def solve_bilinear(
    left: Representation, right: Representation, rho_out: Representation, **options: object
) -> Certificate:
    """All equivariant bilinear maps: Hom_G(ρ_left ⊗ ρ_right, ρ_out).

    Args:
        left: representation of the first argument.
        right: representation of the second argument.
        rho_out: representation of the output.
        options: as for `solve`.

    Returns:
        A certificate with basis [dim, size_out, size_left · size_right]; pair (i, j) is column i·size_right + j.

    Law: B(ρ_left(g) x, ρ_right(g) y) = ρ_out(g) B(x, y).
    """
    return solve(left * right, rho_out, **options)  # type: ignore[arg-type]


def _pair(a: Component, b: Component, method: str, tolerance: float | None, seed: int) -> tuple[Basis, float]:
    """The maps from one component to another, with the residual on fresh elements; from the cache if they are there."""
    if a.signed_generators is None or b.signed_generators is None:
        count = len(a.group.generators) + len(a.group.algebra) + 2
        check_memory(24 * count * (a.size**2 + b.size**2), f"{count} matrices of {a.size} and {b.size} channels")
    key = fingerprint(a, b, method, tolerance, seed)
    found = CACHE.get(key)
    if found is None:
        basis = _solve_pair(a, b, method, tolerance, seed)
        found = basis, _residual(a, b, basis, seed)
        CACHE.put(key, found)
    return found


def _solve_pair(a: Component, b: Component, method: str, tolerance: float | None, seed: int) -> Basis:
    chosen = _choose(a, b, seed) if method == "auto" else method
    if chosen == "orbits":
        if a.signed_generators is None or b.signed_generators is None:
            culprit = a if a.signed_generators is None else b
            raise FieldError(
                f"{culprit} of {a.group} is not a signed permutation, so it has no orbits. Fix: method='auto'"
            )
        n = a.size * b.size
        check_memory(64 * n * max(1, len(a.group.generators)), f"the orbits of {n:,} entries")
        dim, index, sign = orbits(pair_moves(b.signed_generators, a.signed_generators, b.size, a.size), n)
        shape = (b.size, a.size)
        return Basis(*shape, dim, chosen, index=index.reshape(shape), sign=sign.reshape(shape))
    if chosen == "isotypic":
        dense, gap = schur(a, b), None
    elif chosen == "averaging":
        dense, gap = average(a, b, seed)
    elif chosen == "iteration":
        dense, gap = iterate(a, b, tolerance, seed)
    else:
        dense, gap = null_space(a, b, tolerance, seed)
    return Basis(b.size, a.size, len(dense), chosen, dense=dense, gap=gap)


def _choose(a: Component, b: Component, seed: int) -> str:
    if a.signed_generators is not None and b.signed_generators is not None:
        return "orbits"
    unknowns = a.size * b.size
    if unknowns <= SMALL:
        return "null space"
    if decomposes(a) and decomposes(b):
        return "isotypic"
    count = candidate_count(a, b, seed)
    if count is not None and unknowns * count**2 <= WORK:
        return "null space"
    return "averaging" if a.group.is_compact and a.is_orthogonal and b.is_orthogonal else "iteration"


def _residual(a: Component, b: Component, basis: Basis, seed: int, elements: int = 4) -> float:
    """max ‖ρ_out(g) W - W ρ_in(g)‖ / (‖W‖ max(‖ρ_out(g)‖, ‖ρ_in(g)‖)) over the basis and some fresh elements."""
    if not basis.dim or not (a.group.algebra or a.group.generators):
        return 0.0
    worst = 0.0
    for g in a.group.words(elements, torch.Generator().manual_seed(seed + 1)):
        if basis.index is not None and basis.sign is not None:
            worst = max(worst, _moved_entries(a, b, basis, g))
            continue
        one, two = a.on(g), b.on(g)
        scale = max(np.linalg.norm(one, 2), np.linalg.norm(two, 2))
        for w in basis.matrices:
            worst = max(worst, float(np.linalg.norm(two @ w - w @ one)) / scale)
    return worst


def _moved_entries(a: Component, b: Component, basis: Basis, g: object) -> float:
    """0.0 if the orbits are mapped to themselves with their signs, else 1.0: there is nothing to round."""
    one, two = a.signed(g), b.signed(g)
    if one is None or two is None or basis.index is None or basis.sign is None:
        return 1.0
    rows, columns = np.ix_(two[0], one[0])
    sign = basis.sign[rows, columns] * two[1][:, None] * one[1]
    same = (basis.index[rows, columns] == basis.index) | (basis.sign == 0)
    return 0.0 if same.all() and np.array_equal(sign, basis.sign) else 1.0
