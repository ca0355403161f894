"""The isotypic decomposition and its change of basis."""

import time

import numpy as np
import pytest
from groups import GROUPS, permutation_groups, representations
from hypothesis import given, settings
from hypothesis import strategies as st

from erlangen.errors import FieldError
from erlangen.symmetry import (
    SO,
    C,
    D,
    FiniteGroup,
    O,
    Permutations,
    Q,
    Representation,
    S,
    Tabulated,
    induce,
    isotypic,
    wreath_product,
)
from erlangen.symmetry.isotypic import average


def residual(rep: Representation) -> float:
    """max |Q⁻¹ ρ(a) Q - ⊕ irreps(a)| over the generators, and |Q⁻¹ Q - 1|."""
    found = isotypic(rep)
    parts = Representation(rep.group, tuple((m, irrep.terms[0][1]) for irrep, m, _ in found.parts))
    errors = [np.abs(found.inverse @ found.change - np.eye(rep.size)).max(initial=0.0)]
    for a in rep.group.generators.values():
        errors.append(np.abs(found.inverse @ rep.on(a) @ found.change - parts.on(a)).max(initial=0.0))
    assert [channels for _, _, channels in found.parts] == [channels for channels, _, _ in parts.slices()]
    if rep.is_orthogonal:
        assert np.array_equal(found.inverse, found.change.T)
    assert {str(irrep.terms[0][1]): m for irrep, m, _ in found.parts} == rep.decompose()
    return float(max(errors))


@given(representations())
def test_blocks_are_the_irreps(rep: Representation) -> None:
    assert residual(rep) <= 1e-10


@pytest.mark.parametrize("name", GROUPS)
def test_regular_representations(name: str) -> None:
    assert residual(GROUPS[name].regular) <= 1e-10


@settings(max_examples=15)
@given(permutation_groups())
def test_random_groups(group: FiniteGroup) -> None:
    assert residual(group.standard * group.standard) <= 1e-10
    assert residual(group.standard + 2 * group.irreps[-1]) <= 1e-10


def test_every_type() -> None:
    for group in (C(5), Q(8), Q(12), Q(16)):
        for irrep in group.irreps:
            assert residual(3 * irrep) <= 1e-10
            assert residual(irrep * irrep) <= 1e-10


@given(st.sampled_from([C(4), D(4), Q(8), O(), S(4)]), st.integers(0, 99))
def test_representations_that_are_not_orthogonal(group: FiniteGroup, seed: int) -> None:
    """In any basis: Q⁻¹ = Qᵀ S with an invariant inner product S."""
    rng = np.random.default_rng(seed)
    rep = group.irreps[-1] + group.irreps[1] + group.irreps[-1]
    basis = np.eye(rep.size) + 0.3 * rng.standard_normal((rep.size, rep.size))
    skew = Representation(group, ((1, Tabulated(group, "skew", np.linalg.inv(basis) @ rep.matrices() @ basis)),))
    assert not skew.is_orthogonal
    assert residual(skew) <= 1e-10 * np.linalg.cond(basis) ** 2


def test_large_representations_need_no_table() -> None:
    """1,296 channels of S6, 720 elements: a table of all ρ(g) would hold 10 GB."""
    group = S(6)
    assert isinstance(group, FiniteGroup)
    rep = group.standard**4
    start = time.perf_counter()
    assert residual(rep) <= 1e-10
    assert time.perf_counter() - start < 60  # far above the time measured on one core
    assert "matrices" not in rep.terms[0][1].__dict__


def test_induced_and_wreath() -> None:
    built = wreath_product(C(3), S(2))
    assert residual(built.standard * built.standard) <= 1e-10
    inside = O().subgroup("T")  # type: ignore[attr-defined]
    assert residual(induce(inside.group.irreps[1], inside)) <= 1e-10


@given(st.sampled_from(list(GROUPS.values())), st.integers(0, 99))
def test_average_is_the_mean_over_the_group(group: FiniteGroup, seed: int) -> None:
    rep, sigma = group.regular, group.irreps[-1]
    if group.order > 36:
        return
    x = np.random.default_rng(seed).standard_normal((rep.size, 2, sigma.size))
    expected = np.einsum("gij,jck,glk->icl", rep.matrices(), x, sigma.matrices()) / group.order
    assert np.abs(average(rep, sigma, x) - expected).max() < 1e-12
    sizes = [len(t) for t in group.transversals]
    assert np.prod(sizes, dtype=int) == group.order
    products = np.zeros(1, np.int64)
    for t in group.transversals:
        products = group.table[t[:, None], products].ravel()
    assert sorted(products.tolist()) == list(group.elements)


def test_empty_and_wrong() -> None:
    empty = isotypic(Representation(C(4), ()))
    assert empty.change.shape == (0, 0)
    assert empty.parts == ()
    with pytest.raises(FieldError, match="needs a finite group that is listed"):
        isotypic(Permutations(3).trivial)
    with pytest.raises(FieldError, match="needs a finite group that is listed"):
        isotypic(SO(3).standard)
    half = FiniteGroup("half", C(2).table, {"r": 1}, {"irrep(0)": np.ones((2, 1, 1))})
    with pytest.raises(FieldError, match="incomplete"):
        isotypic(half.regular)
    wrong = Tabulated(C(3), "wrong", np.stack([np.eye(2), np.diag([1.0, -1.0]), np.eye(2)]))
    with pytest.raises(FieldError, match="no whole number"):
        isotypic(Representation(C(3), ((1, wrong),)))
