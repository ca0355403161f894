"""Semidirect and wreath products."""

import numpy as np
import pytest
from groups import GROUPS, generator_error
from hypothesis import given
from hypothesis import strategies as st

from erlangen.errors import DomainError
from erlangen.symmetry import (
    C,
    D,
    FiniteGroup,
    Group,
    O,
    Q,
    S,
    cube_faces,
    direct_product,
    group,
    semidirect_product,
    wreath_product,
)


def conjugation(g: FiniteGroup, a: int) -> list[int]:
    return [g.compose(a, g.compose(x, g.inverse(a))) for x in g.elements]


@given(st.sampled_from([g for g in GROUPS.values() if 1 < g.order <= 24]), st.data())
def test_inner_actions(g: FiniteGroup, data: st.DataObject) -> None:
    """N ⋊ N by conjugation is N x N again: same classes, same degrees."""
    product = semidirect_product(g, g, {name: conjugation(g, a) for name, a in g.generators.items()})
    assert product.order == g.order**2
    x, y = data.draw(st.sampled_from(product.elements)), data.draw(st.sampled_from(product.elements))
    (n, h), (m, k) = divmod(x, g.order), divmod(y, g.order)
    expected = g.compose(n, g.compose(h, g.compose(m, g.inverse(h)))), g.compose(h, k)
    assert divmod(product.compose(x, y), g.order) == expected
    if g.order <= 12:
        direct = direct_product(g, g)
        assert sorted(product.character_table.sizes) == sorted(direct.character_table.sizes)
        assert product.character_table.degrees.tolist() == direct.character_table.degrees.tolist()


@pytest.mark.parametrize("n", [3, 4, 5, 6, 8])
def test_dihedral_groups(n: int) -> None:
    built = semidirect_product(C(n), C(2), {"r": {"r": n - 1}})
    assert built.character_table.degrees.tolist() == D(n).character_table.degrees.tolist()
    assert built.character_table.sizes.tolist() == D(n).character_table.sizes.tolist()
    assert sorted(i.size for i in built.irreps) == sorted(i.size for i in D(n).irreps)
    listed = semidirect_product(C(n), C(2), {"r": [-k % n for k in range(n)]}, name="dihedral")
    assert np.array_equal(listed.table, built.table)
    assert listed.name == "dihedral"
    assert set(built.generators) == {"r", "r'"}


def test_trivial_actions_give_direct_products() -> None:
    built = semidirect_product(D(3), C(4), {"r": list(range(6))})
    assert np.array_equal(built.table, direct_product(D(3), C(4)).table)
    assert built.subgroup("C4").is_normal
    assert built.subgroup("D3").elements == tuple(range(0, 24, 4))


def test_what_is_no_action_is_refused() -> None:
    with pytest.raises(DomainError, match=r"do not multiply as C2 does: r180 · r180 = e"):
        semidirect_product(C(5), C(2), {"r": {"r": 2}})
    with pytest.raises(DomainError, match="does not permute the 4 elements"):
        semidirect_product(C(4), C(2), {"r": {"r": 2}})
    with pytest.raises(DomainError, match=r"no automorphism of C5: φ\("):
        semidirect_product(C(5), C(2), {"r": [0, 2, 1, 3, 4]})
    with pytest.raises(DomainError, match="one automorphism of C5 for every generator of D3, r, m; got r"):
        semidirect_product(C(5), D(3), {"r": {"r": 1}})
    with pytest.raises(DomainError, match="where each generator of C5 goes, r; got s"):
        semidirect_product(C(5), C(2), {"r": {"s": 4}})
    with pytest.raises(DomainError, match=r"2500 elements.*GiB"):
        semidirect_product(C(50), C(50), {"r": {"r": 1}})


WREATHS = {
    "C2 wr S3": (wreath_product(C(2), S(3)), 48, 10),
    "C3 wr S2": (wreath_product(C(3), S(2)), 18, 9),
    "S3 wr S2": (wreath_product(S(3), S(2)), 72, 9),
    "D1 wr S4": (wreath_product(D(1), S(4)), 384, 20),
    "cube faces wr S2": (wreath_product(cube_faces(), S(2)), 1152, 20),
}


@pytest.mark.parametrize("name", WREATHS)
def test_wreath_products(name: str) -> None:
    """Classes of B wr S_n: functions from the classes of B to partitions, n in all (10 for C2 wr S3)."""
    built, order, classes = WREATHS[name]
    assert (built.name, built.order, len(built.conjugacy_classes)) == (name, order, classes)
    assert generator_error(built.standard) <= 1e-15
    matrices = built.standard.matrices()
    assert len(np.unique(matrices.round(6), axis=0)) == order, "the defining action is faithful"


def test_wreath_acts_on_blocks() -> None:
    built = wreath_product(D(4), S(2))
    g = built.standard.on(built.generators["t"])
    assert np.array_equal(g, np.kron([[0, 1], [1, 0]], np.eye(2)))
    turn = built.standard.on(built.generators["r0"])
    assert np.array_equal(turn[:2, :2], D(4).standard.on(1))
    assert np.array_equal(turn[2:, 2:], np.eye(2))
    assert wreath_product(S(3), S(2)).standard.is_permutation
    assert "standard" not in wreath_product(direct_product(C(2), C(2)), S(2)).representations


def test_the_hyperoctahedral_group_is_that_of_the_cube() -> None:
    built = wreath_product(C(2), S(3))
    assert built.character_table.degrees.tolist() == [1, 1, 1, 1, 2, 2, 3, 3, 3, 3]
    with pytest.raises(DomainError, match="which points Q8 permutes"):
        wreath_product(C(2), Q(8))
    with pytest.raises(DomainError, match="7962624 elements"):
        wreath_product(S(4), S(4))  # type: ignore[arg-type]


def test_intransitive_tops_need_a_generator_for_every_orbit() -> None:
    top = Group.from_permutations({"p": "(0 1)(2 3)"})
    built = wreath_product(C(2), top)  # type: ignore[arg-type]
    assert built.order == 32
    assert set(built.generators) == {"r0", "r2", "p"}


def test_products_come_back_from_their_descriptions() -> None:
    for built in (WREATHS["S3 wr S2"][0], semidirect_product(C(7), C(3), {"r": {"r": 2}}), direct_product(C(2), O())):
        again = group(built.describe())
        assert again == built
        assert isinstance(again, FiniteGroup)
        assert again.standard == built.standard if "standard" in built.representations else True
