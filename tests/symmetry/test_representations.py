"""Homomorphism, characters, arithmetic and the string form of representations."""

import copy
import pickle

import numpy as np
import pytest
import torch
from groups import GROUPS, atoms, groups, representations
from hypothesis import given
from hypothesis import strategies as st

from erlangen.errors import FieldError, UnknownName
from erlangen.symmetry import (
    C,
    D,
    FiniteGroup,
    Permutations,
    Representation,
    Tabulated,
    Translations,
    direct_product,
)


def homomorphism_error(rep: Representation) -> float:
    """max |ρ(gh) - ρ(g) ρ(h)|."""
    matrices, table = rep.matrices(), rep.group.table  # type: ignore[attr-defined]
    return float(np.abs(matrices[table] - np.einsum("gij,hjk->ghik", matrices, matrices)).max(initial=0.0))


@pytest.mark.parametrize("name", GROUPS)
def test_named_representations_are_homomorphisms(name: str) -> None:
    group = GROUPS[name]
    for rep in atoms(group):
        assert homomorphism_error(rep) < 1e-12, rep
        assert np.allclose(rep.matrices()[group.identity], np.eye(rep.size), atol=1e-12)
        assert np.allclose(rep.matrices() @ rep.matrices().transpose(0, 2, 1), np.eye(rep.size), atol=1e-12), (
            "orthogonal"
        )


@given(representations())
def test_built_representations_are_homomorphisms(rep: Representation) -> None:
    assert homomorphism_error(rep) < 1e-12


@pytest.mark.parametrize("name", GROUPS)
def test_irreps_are_complete_and_orthogonal(name: str) -> None:
    """⟨χ_i, χ_j⟩ = 0, ⟨χ_i, χ_i⟩ = 1, 2 or 4 by type, Σ d²/type = |G|: over the reals the types weigh in."""
    group = GROUPS[name]
    characters = np.stack([irrep.character for irrep in group.irreps])
    gram = characters @ characters.T / group.order
    types = np.diag(gram)
    assert np.allclose(gram, np.diag(types), atol=1e-12)
    assert set(types.round(9)) <= {1.0, 2.0, 4.0}
    sizes = np.array([irrep.size for irrep in group.irreps])
    assert round(float((sizes**2 / types).sum()), 6) == group.order
    assert group.irreps[0] == group.trivial
    assert group.regular.decompose() == {
        str(irrep.terms[0][1]): round(irrep.size / kind) for irrep, kind in zip(group.irreps, types, strict=True)
    }


@pytest.mark.parametrize("name", GROUPS)
def test_irreps_are_found_without_a_list(name: str) -> None:
    """The numerical search finds the irreps that the closed forms give, up to equivalence."""
    group = GROUPS[name]
    found = FiniteGroup("unnamed", group.table, group.generators).irreps
    assert max(homomorphism_error(irrep) for irrep in found) < 1e-12

    def characters(irreps: tuple[Representation, ...]) -> list[tuple[float, ...]]:
        return sorted(tuple((irrep.character.round(6) + 0.0).tolist()) for irrep in irreps)

    assert characters(found) == characters(group.irreps)


def test_quaternion_group() -> None:
    """The smallest group with an irrep of quaternionic type; it has no closed form here, so the search must find it."""
    i = np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]])
    j = np.array([[0, 0, -1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]])
    elements = [s * m for m in (np.eye(4), i, j, i @ j) for s in (1, -1)]
    table = np.array(
        [[next(k for k, m in enumerate(elements) if (a @ b == m).all()) for b in elements] for a in elements]
    )
    group = FiniteGroup("Q8", table, {"i": 2, "j": 4})
    assert [irrep.size for irrep in group.irreps] == [1, 1, 1, 1, 4]
    last = group.irreps[-1]
    assert round(float(last.character @ last.character) / 8) == 4
    assert group.regular.decompose() == {f"irrep({k})": 1 for k in range(5)}


@given(representations())
def test_decompose_counts_the_irreps(rep: Representation) -> None:
    group = rep.group
    assert isinstance(group, FiniteGroup)
    parts = rep.decompose()
    by_name = {str(irrep.terms[0][1]): irrep for irrep in group.irreps}
    rebuilt = sum((m * by_name[name] for name, m in parts.items()), Representation(group, ()))
    assert np.allclose(rebuilt.character, rep.character, atol=1e-9)


def test_decompose_refuses_an_incomplete_list() -> None:
    group = FiniteGroup("half", C(2).table, {"r": 1}, {"irrep(0)": np.ones((2, 1, 1))})
    with pytest.raises(FieldError, match="incomplete"):
        group.regular.decompose()
    with pytest.raises(FieldError, match="implicit"):
        Permutations(3).trivial.decompose()


@given(representations(), st.data())
def test_apply_equals_the_dense_matrix(rep: Representation, data: st.DataObject) -> None:
    g = data.draw(st.sampled_from(rep.group.elements))  # type: ignore[attr-defined]
    dim = data.draw(st.sampled_from([0, 1, -1]))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    x = torch.randn(rep.size, 2, 3, dtype=torch.float64, generator=generator).movedim(0, dim)
    dense = torch.tensordot(rep(g), x, dims=([1], [dim % 3])).movedim(0, dim)
    moved = rep.apply(g, x, dim=dim)
    assert (moved - dense).abs().max() < 1e-12
    assert moved.dtype == x.dtype
    back = rep.apply(rep.group.inverse(g), moved, dim=dim)
    assert (back - x).abs().max() < 1e-12
    if rep.is_monomial:
        assert torch.equal(back, x), "signed permutations are exact"


@given(representations())
def test_flags_say_what_the_matrices_are(rep: Representation) -> None:
    m = rep.matrices()
    whole = np.abs(m - m.round()).max(initial=0.0) < 1e-9
    assert rep.is_monomial == bool(whole and (np.abs(m).sum(axis=1).round() == 1).all())
    assert rep.is_permutation == bool(rep.is_monomial and m.min(initial=0.0) > -1e-9)
    assert rep.is_trivial == bool(np.allclose(m, np.eye(rep.size)))
    assert ("pointwise" in rep.nonlinearities) == rep.is_permutation
    assert ("odd" in rep.nonlinearities) == rep.is_monomial


@given(representations(), st.data())
def test_calling_gives_matrices_of_one_or_many_elements(rep: Representation, data: st.DataObject) -> None:
    g = data.draw(st.sampled_from(rep.group.elements))  # type: ignore[attr-defined]
    assert rep(g).shape == (rep.size, rep.size)
    assert torch.equal(rep([g, g])[1], rep(g))
    assert torch.equal(rep(torch.tensor([[g]]))[0, 0], rep(g))


@given(groups, st.data())
def test_string_form_round_trips(group: FiniteGroup, data: st.DataObject) -> None:
    names = [rep for rep in atoms(group) if "<" not in str(rep)]  # subgroups without a name cannot be read back
    first, second = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    rep = data.draw(st.integers(0, 5)) * first + data.draw(st.integers(0, 5)) * second
    assert group.representation(str(rep)) == rep
    assert group.representation(rep) is rep


def test_string_forms() -> None:
    g = D(4)
    assert g.representation("4 regular + 2 standard") == 4 * g.regular + 2 * g.standard
    assert g.representation("regular") == g.regular
    assert g.representation("2*irrep(1,1)") == 2 * g.standard
    assert g.representation(" quotient(C4) + 3 irrep( 1 , 0 )") == g.quotient("C4") + 3 * g.sign
    assert g.representation(3) == 3 * g.trivial
    assert str(Representation(g, ())) == "0"
    assert g.representation("0").size == 0
    assert str(2 * g.regular + g.trivial + 3 * g.trivial) == "2 regular + 4 trivial"


@pytest.mark.parametrize("spec", ["1 foo", "regula", "irrep(9)", "irrep(x)", "irrep()", "quotient", "regular(2)"])
@pytest.mark.parametrize("name", ["C3", "C4", "C4xZ2"])  # without a sign, with one, without an action on space
def test_unknown_representations_name_the_known(name: str, spec: str) -> None:
    with pytest.raises(UnknownName, match="Known: ") as error:
        GROUPS[name].representation(spec)
    assert spec.split()[-1] in str(error.value)


def test_unknown_representation_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'regular'"):
        C(4).representation("4 reguler")
    with pytest.raises(UnknownName, match=r"of Σn 'regular'\. Known: trivial"):
        Permutations().representation("regular")


@pytest.mark.parametrize("spec", ["", "4", "4 regular +", "4 ! regular", "-1 regular", "1 regular - 1 trivial"])
def test_malformed_strings_are_refused(spec: str) -> None:
    with pytest.raises(FieldError, match="cannot read"):
        C(4).representation(spec)


def test_arithmetic_refuses_nonsense() -> None:
    with pytest.raises(FieldError, match="C4 and D4"):
        _ = C(4).regular + D(4).regular
    with pytest.raises(FieldError, match="one group"):
        _ = C(4).regular * D(4).regular
    with pytest.raises(FieldError, match="-1 copies"):
        _ = -1 * C(4).regular
    with pytest.raises(FieldError, match="-1 copies"):
        C(4).representation(-1)
    with pytest.raises(FieldError, match="restrict it first"):
        C(4).representation(D(4).regular)
    with pytest.raises(TypeError):
        _ = 1.5 * C(4).regular
    with pytest.raises(TypeError):
        _ = C(4).regular + 1
    with pytest.raises(FieldError, match="4 channels, got a tensor with 3"):
        C(4).regular.apply(1, torch.zeros(1, 3))
    with pytest.raises(UnknownName, match="sign"):
        _ = C(3).sign


def test_equality_is_by_matrices() -> None:
    g = D(4)
    assert g.standard == g.irrep(1, 1)
    assert hash(g.standard) == hash(g.irrep(1, 1))
    assert 4 * g.regular == 2 * g.regular + 2 * g.regular == 2 * (2 * g.regular)
    assert g.regular + g.trivial != g.trivial + g.regular
    assert g.regular != C(8).regular
    assert C(2).standard == 2 * C(2).sign
    assert D(1).standard == D(1).sign + D(1).trivial
    assert C(1).regular == C(1).trivial
    assert D(4).regular.restrict("C1") == 8 * C(1).trivial
    assert hash(D(4).regular.restrict("C1")) == hash(8 * C(1).trivial)
    assert 2 * C(2).standard + C(2).trivial == 4 * C(2).sign + C(2).trivial
    assert g.regular * g.trivial == g.regular
    assert Permutations(3).trivial == Permutations(3).trivial != Permutations(4).trivial


@given(representations())
def test_representations_survive_pickle_and_copy(rep: Representation) -> None:
    for other in (pickle.loads(pickle.dumps(rep)), copy.deepcopy(rep)):
        assert other == rep
        assert hash(other) == hash(rep)
        assert repr(other) == repr(rep)


def test_restriction_and_names() -> None:
    g = D(4)
    assert str(g.standard.restrict("C4")) == "1 standard"
    assert g.sign.restrict("C4") == C(4).trivial
    assert g.regular.restrict("C4").decompose() == (2 * C(4).regular).decompose()
    assert g.standard.restrict(g.subgroup([5])).decompose() == {"irrep(0)": 1, "irrep(1)": 1}
    product = direct_product(C(4), C(3))
    assert product.irrep(1, 0).restrict("C4") == C(4).irrep(1)
    assert product.quotient("C4").restrict("C3") == C(3).regular


def test_quotients() -> None:
    g = D(4)
    assert g.quotient("C1").character.tolist() == g.regular.character.tolist()
    assert g.quotient(g) == g.trivial
    assert g.quotient("C4").decompose() == {"irrep(0,0)": 1, "irrep(1,0)": 1}
    assert g.quotient([4]).size == 4
    product = direct_product(C(4), D(1))
    assert product.quotient("D1").size == 4
    assert product.representation("2 quotient(C4)").size == 4
    with pytest.raises(UnknownName):
        g.representation("quotient(C4x)")


def test_products_duals_and_characters() -> None:
    g = D(3)
    squared = g.irrep(1, 1) * g.irrep(1, 1)
    assert squared.decompose() == {"irrep(0,0)": 1, "irrep(1,0)": 1, "irrep(1,1)": 1}
    assert (g.regular * 2) == 2 * g.regular
    assert g.standard.dual is g.standard
    shear = np.array([[1.0, 1.0], [0.0, 1.0]])
    skew = Representation(g, ((1, Tabulated(g, "skew", np.linalg.inv(shear) @ g.standard.matrices() @ shear)),))
    assert homomorphism_error(skew) < 1e-12
    assert homomorphism_error(skew.dual) < 1e-12
    assert skew.dual != skew
    assert np.allclose(skew.dual.matrices() @ skew.matrices().transpose(0, 2, 1), np.eye(2)), "ρ*(g) ρ(g)ᵀ = 1"
    assert np.allclose(skew.dual.dual.matrices(), skew.matrices())


def test_implicit_groups_carry_trivial_channels() -> None:
    for group in (Permutations(4), Translations((3, 3))):
        rep = group.representation("5 trivial")
        x = torch.randn(2, 5)
        assert rep.size == 5
        assert torch.equal(rep.apply(group.identity, x), x)
        assert torch.equal(rep(group.identity), torch.eye(5, dtype=torch.float64))
        assert rep.is_trivial
        assert rep.is_permutation
        with pytest.raises(FieldError, match="implicit"):
            rep.matrices()
        with pytest.raises(FieldError, match="implicit"):
            _ = rep.terms[0][1].character
