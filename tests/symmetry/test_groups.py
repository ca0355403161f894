"""Group axioms, for every kind of group."""

import copy
import pickle

import numpy as np
import pytest
import torch
from groups import GROUPS, groups
from hypothesis import given
from hypothesis import strategies as st

from erlangen.errors import DomainError, UnknownName
from erlangen.symmetry import Z2, C, D, FiniteGroup, Permutations, Translations, direct_product, group


@pytest.mark.parametrize("name", GROUPS)
def test_axioms_of_finite_groups(name: str) -> None:
    g = GROUPS[name]
    every = np.arange(g.order)
    t = g.table
    assert (t[t] == t[:, t]).all()  # t[t][a, b, c] = (ab)c and t[:, t][a, b, c] = a(bc)
    assert (t[g.identity] == every).all()
    assert (t[:, g.identity] == every).all()
    assert (t[every, g.inverses] == g.identity).all()
    assert (t[g.inverses, every] == g.identity).all()


@given(groups, st.data())
def test_methods_agree_with_the_table(g: FiniteGroup, data: st.DataObject) -> None:
    a, b = data.draw(st.sampled_from(g.elements)), data.draw(st.sampled_from(g.elements))
    assert g.compose(a, b) == g.table[a, b]
    assert g.inverse(g.compose(a, b)) == g.compose(g.inverse(b), g.inverse(a))
    assert isinstance(g.compose(a, b), int)


@pytest.mark.parametrize("name", GROUPS)
def test_generators_generate(name: str) -> None:
    g = GROUPS[name]
    found = {g.identity}
    while True:
        more = found | {g.compose(a, b) for a in found for b in g.generators.values()}
        if more == found:
            break
        found = more
    assert found == set(g.elements)
    assert len({g.label(a) for a in g.elements}) == g.order, "labels must tell elements apart"


@pytest.mark.parametrize("name", GROUPS)
def test_sampling_covers_the_group_and_repeats_with_its_seed(name: str) -> None:
    g = GROUPS[name]
    drawn = g.sample(60 * g.order, torch.Generator().manual_seed(0))
    counts = np.bincount(drawn, minlength=g.order)
    assert counts.min() > 0.4 * 60
    assert counts.max() < 1.8 * 60
    assert drawn == g.sample(60 * g.order, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", GROUPS)
def test_subgroups_are_subgroups(name: str) -> None:
    g = GROUPS[name]
    for element in g.elements:
        inside = g.subgroup([element])
        place = np.asarray(inside.elements)
        assert element in inside.elements
        assert g.order % inside.group.order == 0, "Lagrange"
        assert (g.table[place[:, None], place[None]] == place[inside.group.table]).all(), (
            "the inclusion is a homomorphism"
        )


def test_known_subgroups_get_their_names() -> None:
    assert D(4).subgroup([1]).group == C(4)
    assert D(4).subgroup([4]).group == D(1)
    assert D(4).subgroup([2, 4]).group == D(2)
    assert D(6).subgroup("D3").group == D(3)
    assert C(8).subgroup("C2").elements == (0, 4)
    product = direct_product(C(4), Z2())
    assert product.subgroup("C4").elements == (0, 2, 4, 6)
    assert product.subgroup("Z2").elements == (0, 1)
    assert product.subgroup("C1").elements == (0,)
    assert product.subgroup(product).elements == tuple(range(8))


def test_order_of_elements_and_direction_of_turning() -> None:
    g = D(4)
    assert g.compose(g.compose(4, 1), 4) == 3  # m r m = r⁻¹
    assert np.allclose(C(4).standard(1).numpy() @ [1, 0], [0, 1])  # from the x axis towards the y axis
    assert np.allclose(D(4).standard(4).numpy() @ [1, 2], [-1, 2])  # m: (x, y) → (-x, y)


@pytest.mark.parametrize(
    ("name", "order"), [("C4", 4), ("d8", 16), ("C(3)", 3), ("Z2", 2), ("C4 x Z2", 8), ("C2xC2xC2", 8), ("C2 × D3", 12)]
)
def test_groups_by_name(name: str, order: int) -> None:
    g = group(name)
    assert g.order == order
    assert group(g) is g
    assert group(g.name) == g
    assert hash(group(g.name)) == hash(g)


@pytest.mark.parametrize("bad", ["DD4", "C0", "C-1", "", "SO(0)", "C4 x", "C4.5"])
def test_unknown_groups_are_refused(bad: str) -> None:
    with pytest.raises(UnknownName, match="unknown group"):
        group(bad)


def test_unknown_group_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"'DD4'.*Did you mean 'D4'"):
        group("DD4")


def test_what_is_not_inside_is_refused() -> None:
    with pytest.raises(DomainError, match="D4 is not found inside C4"):
        C(4).subgroup("D4")
    with pytest.raises(DomainError, match="C3"):
        D(4).subgroup("C3")
    with pytest.raises(DomainError, match="0 … 3"):
        C(4).subgroup([7])
    with pytest.raises(DomainError, match="0 … 3"):
        C(4).subgroup([-1])
    with pytest.raises(DomainError, match="2 factors"):
        direct_product(C(2), C(2)).subgroup("C2")
    with pytest.raises(DomainError, match="of D4, not of D8"):
        D(8).subgroup(D(4).subgroup("C2"))
    for family in (C, D):
        with pytest.raises(DomainError, match="n >= 1"):
            family(0)


def test_tables_that_are_no_groups_are_refused() -> None:
    good = C(3).table
    with pytest.raises(ValueError, match="permutations"):
        FiniteGroup("bad", np.zeros((3, 3), int), {"r": 1})
    with pytest.raises(ValueError, match="identity"):
        FiniteGroup("bad", np.roll(good, 1, axis=0), {"r": 1})
    with pytest.raises(ValueError, match="do not generate"):
        FiniteGroup("bad", C(4).table, {"r": 2})
    loop = np.array([[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 4, 0, 1, 3], [3, 2, 4, 0, 1], [4, 3, 1, 2, 0]])
    with pytest.raises(ValueError, match="associative"):  # a Latin square with identity, but every square is 0
        FiniteGroup("bad", loop, {"a": 1, "b": 2})


@pytest.mark.parametrize("name", GROUPS)
def test_groups_survive_pickle_and_copy(name: str) -> None:
    g = GROUPS[name]
    for other in (pickle.loads(pickle.dumps(g)), copy.deepcopy(g)):
        assert other == g
        assert hash(other) == hash(g)
        assert other.regular == g.regular


@given(st.integers(1, 9), st.integers(0, 2**31))
def test_axioms_of_permutations(n: int, seed: int) -> None:
    g = Permutations(n)
    a, b, c = g.sample(3, torch.Generator().manual_seed(seed))
    assert torch.equal(g.compose(g.compose(a, b), c), g.compose(a, g.compose(b, c)))
    assert torch.equal(g.compose(a, g.identity), a)
    assert torch.equal(g.compose(g.inverse(a), a), g.identity)
    assert torch.equal(g.compose(a, g.inverse(a)), g.identity)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_generators_of_permutations_generate(n: int) -> None:
    g = Permutations(n)
    found = {tuple(g.identity.tolist())}
    while True:
        more = found | {tuple(a[i] for i in b.tolist()) for a in found for b in g.generators.values()}
        if more == found:
            break
        found = more
    assert len(found) == g.order


def test_permutations_without_a_number_of_points() -> None:
    g = Permutations()
    assert g.order is None
    swap = torch.tensor([1, 0, 2])
    assert torch.equal(g.compose(swap, g.inverse(swap)), torch.arange(3))
    with pytest.raises(DomainError, match="Permutations\\(n\\)"):
        g.sample(1)
    with pytest.raises(DomainError):
        Permutations(-1)
    assert Permutations(3) == Permutations(3) != Permutations(4)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=3), st.integers(0, 2**31))
def test_axioms_of_translations(shape: list[int], seed: int) -> None:
    g = Translations(shape)
    a, b, c = g.sample(3, torch.Generator().manual_seed(seed))
    assert g.compose(g.compose(a, b), c) == g.compose(a, g.compose(b, c))
    assert g.compose(a, g.identity) == a
    assert g.compose(g.inverse(a), a) == g.identity
    assert all(0 <= s < n for s, n in zip(g.compose(a, b), reversed(shape), strict=True))
    total = g.identity
    for step, size in zip(g.generators.values(), reversed(shape), strict=True):
        for _ in range(size):
            total = g.compose(total, step)
    assert total == g.identity, "n steps along an axis of n pixels are none"


def test_translations_need_a_shape() -> None:
    with pytest.raises(DomainError, match="positive sizes"):
        Translations(())
    with pytest.raises(DomainError, match="positive sizes"):
        Translations((3, 0))
