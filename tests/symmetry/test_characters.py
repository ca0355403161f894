"""Conjugacy classes and character tables, against known ones and on random groups."""

import numpy as np
import pytest
from groups import GROUPS, groups, permutation_groups
from hypothesis import given

from erlangen.symmetry import A, C, D, FiniteGroup, I, Ih, O, Oh, Q, S, direct_product

KNOWN = {
    "S4": (S(4), [1, 1, 2, 3, 3]),
    "S5": (S(5), [1, 1, 4, 4, 5, 5, 6]),
    "S6": (S(6), [1, 1, 5, 5, 5, 5, 9, 9, 10, 10, 16]),
    "A5": (A(5), [1, 3, 3, 4, 5]),
    "A6": (A(6), [1, 5, 5, 8, 8, 9, 10]),
    "I": (I(), [1, 3, 3, 4, 5]),
    "O": (O(), [1, 1, 2, 3, 3]),
    "Oh": (Oh(), [1, 1, 1, 1, 2, 2, 3, 3, 3, 3]),
    "Ih": (Ih(), [1, 1, 3, 3, 3, 3, 4, 4, 5, 5]),
    "Q8": (Q(8), [1, 1, 1, 1, 2]),
    "C7": (C(7), [1] * 7),
}


def check_table(group: FiniteGroup) -> None:
    """Classes partition the group and are closed under conjugation; rows and columns are orthogonal; Σ d² = |G|."""
    table = group.character_table
    assert sorted(g for one in table.classes for g in one.tolist()) == list(group.elements)
    for one in table.classes:
        moved = group.table[group.table[:, one], group.inverses[:, None]]
        assert set(moved.ravel().tolist()) == set(one.tolist())
    gram = (table.values * table.sizes) @ table.values.conj().T / group.order
    assert np.abs(gram - np.eye(len(table.sizes))).max() <= 1e-9
    columns = table.values.conj().T @ table.values
    assert np.abs(columns - np.diag(group.order / table.sizes)).max() <= 1e-9 * group.order
    assert (table.degrees**2).sum() == group.order
    assert all(group.order % d == 0 for d in table.degrees)
    assert (table.values[0] == 1).all(), "the trivial character comes first"


@pytest.mark.parametrize("name", GROUPS)
def test_tables_of_named_groups(name: str) -> None:
    check_table(GROUPS[name])


@given(permutation_groups())
def test_tables_of_random_groups(group: FiniteGroup) -> None:
    check_table(group)


@given(permutation_groups())
def test_characters_are_those_of_representations(group: FiniteGroup) -> None:
    """The permutation character is a sum of irreducible ones, whole numbers times; irreps give real sums of them."""
    table = group.character_table
    first = [int(one[0]) for one in table.classes]
    chi = group.standard.character[first]
    counts = table.multiplicities(chi)
    assert np.abs(counts @ table.values - chi).max() < 1e-9
    assert abs(table.inner(chi, chi) - (counts**2).sum()) < 1e-9
    for irrep in group.irreps:
        parts = table.multiplicities(irrep.character[first])
        assert np.abs(parts @ table.values - irrep.character[first]).max() < 1e-9
        assert (parts**2).sum() in (1, 2, 4)


@pytest.mark.parametrize("name", KNOWN)
def test_known_degrees(name: str) -> None:
    group, degrees = KNOWN[name]
    assert isinstance(group, FiniteGroup)
    assert sorted(group.character_table.degrees.tolist()) == degrees
    check_table(group)


def test_known_values() -> None:
    """A5: the golden ratio on the two classes of order 5; S3 and C3 in full."""
    a5 = A(5).character_table  # type: ignore[union-attr]
    golden = (1 + 5**0.5) / 2
    assert sorted(a5.values[1, 3:].real) == pytest.approx([1 - golden, golden], abs=1e-12)
    assert a5.sizes.tolist() == [1, 15, 20, 12, 12]
    s3 = S(3).character_table  # type: ignore[union-attr]
    assert np.array_equal(s3.values, [[1, 1, 1], [1, -1, 1], [2, 0, -1]])
    c3 = C(3).character_table
    assert np.abs(c3.values[1] - np.exp(2j * np.pi / 3) ** np.array([0, 1, 2])).max() < 1e-12
    assert c3.types == ("real", "complex", "complex")


def test_indicators_are_types() -> None:
    assert Q(8).character_table.types == ("real",) * 4 + ("quaternionic",)
    assert D(4).character_table.types == ("real",) * 5
    assert np.array_equal(Q(8).character_table.values, D(4).character_table.values), "the same table, other types"
    for group in (Q(12), Q(16), C(6), A(4)):
        assert isinstance(group, FiniteGroup)
        table = group.character_table
        squares = group.table[group.elements, group.elements]
        for chi, indicator in zip(table.values, table.indicators, strict=True):
            assert abs(chi[group.class_of][squares].mean() - indicator) < 1e-9
        roots = np.bincount(squares, minlength=group.order)  # the number of square roots of every element
        assert np.abs((table.indicators @ table.values)[group.class_of] - roots).max() < 1e-9


@given(groups)
def test_products_multiply_tables(group: FiniteGroup) -> None:
    if group.order > 24:
        return
    product = direct_product(group, C(3))
    degrees = sorted(np.outer(group.character_table.degrees, [1, 1, 1]).ravel().tolist())
    assert sorted(product.character_table.degrees.tolist()) == degrees


def test_tables_print() -> None:
    assert str(S(3).character_table) == "\n".join(  # type: ignore[union-attr]
        [
            "characters of S3, order 6",
            "class  e  (0 1)  (0 1 2)  type",
            " size  1      3        2",
            "   χ0  1      1        1  real",
            "   χ1  1     -1        1  real",
            "   χ2  2      0       -1  real",
        ]
    )
    assert "-0.5+0.866i" in str(C(3).character_table)
    assert " 1i" in str(C(4).character_table)
