"""Real irreps of any finite group: complete, orthogonal, irreducible, of the right type."""

import time

import numpy as np
import pytest
from groups import generator_error, permutation_groups
from hypothesis import given

from erlangen.errors import UnknownName
from erlangen.symmetry import C, D, FiniteGroup, Group, I, Ih, O, Oh, Q, S, T, semidirect_product, wreath_product
from erlangen.symmetry.irreps import type_dimension

LARGE = {
    "Oh": Oh(),
    "I": I(),
    "Ih": Ih(),
    "S5": S(5),
    "Q24": Q(24),
    "C2 wr S4": wreath_product(C(2), S(4)),
    "D3 wr S2": wreath_product(D(3), S(2)),
    "(C7:C3)": semidirect_product(C(7), C(3), {"r": {"r": 2}}),
}


def check_irreps(group: FiniteGroup) -> None:
    irreps = group.irreps
    for irrep in irreps:
        matrices = irrep.matrices()
        assert generator_error(irrep) <= 1e-12
        assert np.abs(matrices @ matrices.transpose(0, 2, 1) - np.eye(irrep.size)).max() <= 1e-12
    characters = np.stack([irrep.character for irrep in irreps])
    gram = characters @ characters.T / group.order
    kinds = [type_dimension(irrep) for irrep in irreps]
    assert np.abs(gram - np.diag(kinds)).max() <= 1e-9
    assert sum(irrep.size**2 // kind for irrep, kind in zip(irreps, kinds, strict=True)) == group.order
    assert irreps[0] == group.trivial
    assert [irrep.size for irrep in irreps] == sorted(irrep.size for irrep in irreps) or group.name.startswith("S")


@given(permutation_groups())
def test_random_groups(group: FiniteGroup) -> None:
    check_irreps(group)


@pytest.mark.parametrize("name", LARGE)
def test_large_groups(name: str) -> None:
    group = LARGE[name]
    assert isinstance(group, FiniteGroup)
    check_irreps(group)


def test_s6_without_its_name() -> None:
    """The search alone finds the irreps of S6, quickly: no table of 720³ numbers is made."""
    start = time.perf_counter()
    group = Group.from_permutations({"t": "(0 1)", "c": "(0 1 2 3 4 5)"})
    assert isinstance(group, FiniteGroup)
    sizes = [irrep.size for irrep in group.irreps]
    assert sizes == [1, 1, 5, 5, 5, 5, 9, 9, 10, 10, 16]
    assert group.character_table.degrees.tolist() == sizes
    assert time.perf_counter() - start < 10  # far above the time measured on one core, for busy machines
    check_irreps(group)


def test_types() -> None:
    assert [Q(8).irrep_type(k) for k in range(5)] == ["real"] * 4 + ["quaternionic"]
    assert [C(3).irrep_type(k) for k in range(2)] == ["real", "complex"]
    assert D(3).irrep_type(1, 1) == "real"
    assert T().irrep_type(1) == "complex"
    assert {Q(12).irrep_type(k) for k in range(5)} == {"real", "complex", "quaternionic"}
    with pytest.raises(UnknownName, match="irrep"):
        C(3).irrep_type(7)


def test_commutants_have_the_dimension_of_their_type() -> None:
    """The matrices that commute with all ρ(g), counted by a null space that knows nothing of characters."""
    for group in (Q(8), Q(12), T(), O(), C(5), D(5)):
        for irrep in group.irreps:
            eye = np.eye(irrep.size)
            rows = [np.kron(m, eye) - np.kron(eye, m.T) for m in irrep.terms[0][1].generators.values()]
            values = np.linalg.svd(np.concatenate(rows), compute_uv=False)
            assert (values < 1e-9).sum() == type_dimension(irrep), irrep


@pytest.mark.parametrize("group", [T(), O(), Oh(), I(), Ih(), Q(8), Q(20)], ids=str)
def test_an_irreducible_defining_action_is_its_irrep(group: FiniteGroup) -> None:
    parts = group.standard.decompose()
    assert list(parts.values()) == [1]
    assert group.representation(next(iter(parts))) == group.standard


def test_a_defining_action_that_is_not_orthogonal_keeps_orthogonal_irreps() -> None:
    shear = np.array([[1.0, 1.0], [0.0, 1.0]])
    turn = np.linalg.inv(shear) @ C(3).standard(1).numpy() @ shear
    group = Group.from_matrices({"r": turn})
    assert isinstance(group, FiniteGroup)
    assert not group.standard.is_orthogonal
    assert all(irrep.is_orthogonal for irrep in group.irreps)
    assert group.standard.decompose() == {"irrep(1)": 1}


def test_monomial_irreps_are_exact() -> None:
    """Irreps of the cube of size 3 are signed permutations, and stay so as the search finds them."""
    for group in (O(), Oh()):
        assert all(irrep.is_monomial for irrep in group.irreps if irrep.size != 2)
    unnamed = FiniteGroup("unnamed", O().table, O().generators)
    assert [irrep.is_monomial for irrep in unnamed.irreps] == [True, True, False, True, True]


def test_the_search_repeats_itself() -> None:
    one = FiniteGroup("one", S(5).table, S(5).generators)  # type: ignore[union-attr]
    two = FiniteGroup("two", S(5).table, S(5).generators)  # type: ignore[union-attr]
    for a, b in zip(one.irreps, two.irreps, strict=True):
        assert np.array_equal(a.matrices(), b.matrices())
