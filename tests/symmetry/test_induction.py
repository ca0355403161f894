"""Induced representations."""

import numpy as np
import pytest
from groups import GROUPS, generator_error
from hypothesis import given
from hypothesis import strategies as st

from erlangen.errors import FieldError
from erlangen.symmetry import C, D, FiniteGroup, O, S, induce


@st.composite
def pairs(draw: st.DrawFn) -> tuple:
    """A subgroup and one of its representations."""
    group = draw(st.sampled_from([g for g in GROUPS.values() if g.order <= 24]))
    inside = draw(st.sampled_from(group.subgroups))
    first, second = draw(st.sampled_from(inside.group.irreps)), draw(st.sampled_from(inside.group.irreps))
    return inside, draw(st.integers(1, 2)) * first + draw(st.integers(0, 1)) * second


@given(pairs())
def test_induced_representations(pair: tuple) -> None:
    """Homomorphism, size, orthogonality, character; Frobenius: ⟨Ind ρ, σ⟩_G = ⟨ρ, Res σ⟩_H."""
    inside, rep = pair
    group = inside.parent
    induced = induce(rep, inside)
    assert induced == rep.induce(inside)
    assert induced.size == inside.index * rep.size
    assert generator_error(induced) < 1e-12
    assert induced.is_orthogonal
    matrices = induced.matrices()
    assert np.allclose(induced.character, np.trace(matrices, axis1=1, axis2=2))
    assert all(abs(induced.trace(g) - np.trace(matrices[g])) < 1e-9 for g in group.elements)
    for sigma in group.irreps:
        up = induced.character @ sigma.character / group.order
        down = rep.character @ sigma.restrict(inside).character / inside.group.order
        assert up == pytest.approx(down, abs=1e-9)


@given(pairs())
def test_induction_of_signed_permutations_is_exact(pair: tuple) -> None:
    inside, rep = pair
    induced = induce(rep, inside)
    assert induced.is_monomial or not rep.is_monomial
    if rep.is_monomial:
        matrices = induced.matrices()
        assert np.array_equal(matrices, matrices.round())


@pytest.mark.parametrize("name", [name for name, g in GROUPS.items() if g.order <= 24])
def test_trivial_induces_to_the_quotient_and_regular_to_regular(name: str) -> None:
    group = GROUPS[name]
    for inside in group.subgroups:
        assert induce(inside.group.trivial, inside) == group.quotient(inside)
        assert induce(inside.group.regular, inside).decompose() == group.regular.decompose()


def test_in_stages() -> None:
    s4 = S(4)
    assert isinstance(s4, FiniteGroup)
    d4 = next(s for s in s4.subgroups if s.group.order == 8)
    c4 = next(s for s in d4.group.subgroups if s.group.order == 4)
    inner = s4.subgroup([d4.elements[g] for g in c4.elements])
    for k in range(len(c4.group.irreps)):
        twice = induce(induce(c4.group.irreps[k], c4), d4)
        assert any(induce(rep, inner).decompose() == twice.decompose() for rep in inner.group.irreps)


def test_known_cases() -> None:
    d4 = D(4)
    assert induce(C(4).irrep(1), d4.subgroup("C4")).decompose() == {"irrep(1,1)": 2}
    cube = O()
    faces = induce(C(1).trivial, cube.subgroup("C1"))  # type: ignore[attr-defined]
    assert faces == cube.regular  # type: ignore[attr-defined]
    assert str(induce(C(4).irrep(1), d4.subgroup("C4"))) == "1 induce(irrep(1), C4)"
    with pytest.raises(FieldError, match="of C2, not of C4"):
        induce(C(2).trivial, d4.subgroup("C4"))
