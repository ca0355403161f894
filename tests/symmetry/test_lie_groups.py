"""The classical groups: their forms, names, uniform elements, products, and what they refuse."""

import copy
import pickle

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from erlangen.errors import DomainError, FieldError, UnknownName
from erlangen.symmetry import (
    GL,
    SE,
    SL,
    SO,
    SU,
    C,
    Classical,
    D,
    DirectProduct,
    E,
    FiniteGroup,
    Group,
    MatrixGroup,
    O,
    Scaling,
    Sp,
    U,
    direct_product,
    group,
)

NAMES = (
    *("SO(1)", "SO(2)", "SO(3)", "SO(5)", "O(1)", "O(2)", "O(3)", "O(4)", "U(1)", "U(2)", "SU(2)", "SU(3)"),
    *("SO(1,3)", "SO+(1,3)", "O(1,3)", "SO(2,1)", "O(2,2)", "Sp(2)", "Sp(4)", "GL(2)", "SL(3)"),
    *("E(1)", "E(3)", "SE(2)", "Scaling(1)", "Scaling(3)"),
)


def form(name: str, n: int) -> np.ndarray | None:
    """The matrix F of the form that the group keeps, g* F g = F."""
    if name.startswith(("SO(1,", "SO+(1,", "O(1,")):
        return np.diag([1.0, *[-1.0] * (n - 1)])
    if name.startswith(("SO(2,", "O(2,")):
        return np.diag([1.0, 1.0, *[-1.0] * (n - 2)])
    if name.startswith("Sp"):
        half = np.eye(n // 2)
        return np.block([[0 * half, half], [-half, 0 * half]])
    return np.eye(n) if name.startswith(("SO(", "O(", "U(", "SU(")) else None


@pytest.mark.parametrize("name", NAMES)
def test_elements_and_generators_keep_the_form(name: str) -> None:
    found = group(name)
    assert isinstance(found, Classical)
    f = form(name, found.degree)
    elements = [*found.sample(5), *found.words(5), *found.generators.values(), found.compose(*found.sample(2))]
    elements += [expm(0.3 * a) for a in found.algebra.values()]
    for g in elements:
        if f is not None:
            keep = g.T if name.startswith("Sp") else g.conj().T
            scale = max(1.0, np.abs(g).max() ** 2)
            assert np.abs(keep @ f @ g - f).max() < 1e-11 * scale
        if name.startswith("S") and not name.startswith("Scaling"):
            assert abs(np.linalg.det(g) - 1) < 1e-8 * max(1.0, np.abs(g).max() ** found.degree)
        assert np.allclose(found.compose(g, found.inverse(g)), found.identity, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_names_make_equal_groups_that_pickle(name: str) -> None:
    found = group(name)
    assert str(found) == name
    assert group(found.describe()) == found
    for twin in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert twin == found
        assert hash(twin) == hash(found)
        assert twin.standard == found.standard


def test_different_groups_differ() -> None:
    found = [group(name) for name in NAMES]
    assert all((a == b) == (i == j) for i, a in enumerate(found) for j, b in enumerate(found))
    assert MatrixGroup("SO(2)", SO(2).algebra) == SO(2), "equality is by generators"


def test_what_is_compact() -> None:
    compact = {name for name in NAMES if group(name).is_compact}
    assert compact == {name for name in NAMES if name.startswith(("SO(", "O(", "U(", "SU(")) and "," not in name}


def test_generators_of_space_turn_the_right_way() -> None:
    """Jz turns x towards y, Jx turns y towards z, Jy turns z towards x; SU(2) obeys the same commutators."""
    x, y, z = np.eye(3)
    for name, a, b in (("Jz", x, y), ("Jx", y, z), ("Jy", z, x)):
        assert np.array_equal(SO(3).algebra[name] @ a, b)
        assert np.array_equal(SO(3).algebra[name] @ b, -a)
    for found in (SO(3), SU(2)):
        jx, jy, jz = (found.algebra[n] for n in ("Jx", "Jy", "Jz"))
        for a, b, c in ((jx, jy, jz), (jy, jz, jx), (jz, jx, jy)):
            assert np.allclose(a @ b - b @ a, c, atol=1e-15)
    jz, k = SO(1, 3).algebra["Jz"], SO(1, 3).algebra["Kx"]
    assert np.array_equal(jz @ k - k @ jz, SO(1, 3).algebra["Ky"]), "boosts are vectors under rotations"


@pytest.mark.parametrize(("name", "dimension"), [("Sp(4)", 10), ("Sp(6)", 21), ("SL(3)", 8), ("GL(3)", 9), ("U(3)", 9)])
def test_generators_span_the_algebra_with_their_commutators(name: str, dimension: int) -> None:
    spanning = list(group(name).algebra.values())
    flat = np.stack([np.concatenate([a.real.ravel(), a.imag.ravel()]) for a in spanning])
    for _ in range(6):
        more = [a @ b - b @ a for a in spanning for b in spanning]
        flat = np.stack([np.concatenate([a.real.ravel(), a.imag.ravel()]) for a in [*spanning, *more]])
        basis = np.linalg.svd(flat, full_matrices=False)[2][: np.linalg.matrix_rank(flat)]
        n = group(name).degree
        spanning = [(row[: n * n] + 1j * row[n * n :]).reshape(n, n) for row in basis]
    assert len(spanning) == dimension


def test_components() -> None:
    """SO(1,3) has two, O(1,3) four: signs of g_tt and of the determinant."""

    def kinds(found: Group) -> set[tuple[float, float]]:
        return {(float(np.sign(g[0, 0])), float(np.sign(np.linalg.det(g)))) for g in found.sample(60)}

    assert kinds(SO(1, 3, connected=True)) == {(1.0, 1.0)}
    assert kinds(SO(1, 3)) == {(1.0, 1.0), (-1.0, 1.0)}
    assert len(kinds(O(1, 3))) == 4
    assert np.array_equal(SO(1, 3).generators["PT"], -np.eye(4))
    assert np.array_equal(O(1, 3).generators["P"], np.diag([1.0, -1, -1, -1]))
    assert {float(np.sign(np.linalg.det(g))) for g in O(3).sample(40)} == {1.0, -1.0}


@pytest.mark.parametrize("name", ["SO(2)", "SO(3)", "SO(4)", "O(2)", "O(3)", "U(1)", "U(2)", "SU(2)", "SU(3)"])
def test_sampling_is_uniform(name: str) -> None:
    """∫ |χ|² = ∫ |tr g|² dg = number of irreps in the standard representation, and ∫ g = 0; it is seeded."""
    found = group(name)
    g = np.stack(found.sample(20_000, torch.Generator().manual_seed(1)))
    assert np.array_equal(g, np.stack(found.sample(20_000, torch.Generator().manual_seed(1))))
    squares = np.abs(np.trace(g, axis1=1, axis2=2)) ** 2
    expected = 2.0 if name == "SO(2)" else 1.0
    assert abs(squares.mean() - expected) < 5 * squares.std() / 20_000**0.5 + 1e-12
    assert np.abs(g.mean(axis=0)).max() < 5 / 20_000**0.5
    shifted = found.sample(1, torch.Generator().manual_seed(2))[0] @ g  # invariance, in a moment that is no character
    fourth, moved = np.abs(g[:, 0, 0]) ** 4, np.abs(shifted[:, 0, 0]) ** 4
    assert abs(fourth.mean() - moved.mean()) < 5 * (fourth.std() + moved.std()) / 20_000**0.5 + 1e-12


@pytest.mark.parametrize("call", [lambda: SO(0), lambda: O(-1), lambda: SU(1.5), lambda: GL(), lambda: SL("3")])
def test_bad_dimensions_are_refused(call) -> None:
    with pytest.raises(DomainError, match="integer >= 1"):
        call()


def test_other_bad_input_is_refused() -> None:
    with pytest.raises(DomainError, match=r"even dimension.*such as Sp\(4\)"):
        Sp(3)
    with pytest.raises(DomainError, match="p, q >= 1"):
        SO(0, 3)
    with pytest.raises(DomainError, match="one integer"):
        E(1, 2)
    with pytest.raises(UnknownName, match="standard"):
        SO(5).irrep(2)
    with pytest.raises(UnknownName, match="trivial, standard"):
        GL(2).representation("regular")
    with pytest.raises(UnknownName, match="pseudoscalar"):
        _ = GL(2).pseudoscalar


@pytest.mark.parametrize("found", [O(2), O(3), O(5), O(1, 3)], ids=str)
def test_pseudoscalars_are_determinants(found: Group) -> None:
    rep = found.representation("pseudoscalar")
    for g in [*found.sample(6), *found.generators.values()]:
        assert np.allclose(rep.on(g), np.sign(np.linalg.det(g)))
    assert not rep.is_trivial


@pytest.mark.parametrize("found", [E(1), E(2), SE(3), E(4)], ids=str)
def test_linear_parts_of_motions(found: Group) -> None:
    rep = found.representation("standard + 2 linear(standard) + linear(standard^2)")
    g, h = found.sample(2)
    assert np.allclose(rep.on(g @ h), rep.on(g) @ rep.on(h), atol=1e-12)
    for name, a in found.algebra.items():
        assert np.allclose(rep.on(expm(0.4 * a)), expm(0.4 * rep.derivative(name)), atol=1e-12)
    assert found.representation("linear(standard)").is_orthogonal
    assert not found.standard.is_orthogonal


# products

PRODUCTS = [direct_product(SO(3), C(4)), direct_product(D(3), U(1)), direct_product(SO(2), direct_product(SO(3), C(2)))]


@pytest.mark.parametrize("found", PRODUCTS, ids=str)
def test_products_multiply_and_represent(found: DirectProduct) -> None:
    rep = found.representation("first(standard)*second(trivial) + 2 first(standard) + 3 trivial")
    g, h = found.sample(2)
    assert np.allclose(rep.on(found.compose(g, h)), rep.on(g) @ rep.on(h), atol=1e-12)
    assert np.allclose(rep.on(found.compose(g, found.inverse(g))), np.eye(rep.size), atol=1e-12)
    assert group(found.describe()) == found
    assert pickle.loads(pickle.dumps(found)) == found
    assert set(rep.terms[0][1].derivatives) == set(found.algebra)
    assert len(found.algebra) == sum(len(factor.algebra) for factor in found.factors)
    assert found.words(2)
    assert found.label(found.identity).startswith("(")


def test_outer_products_and_primes() -> None:
    found = direct_product(SO(3), SO(3))
    rep = found.representation("first(irrep(2))*second(standard)")
    assert rep.size == 15
    assert set(found.algebra) == {"Jx", "Jy", "Jz", "Jx'", "Jy'", "Jz'"}
    assert np.allclose(rep.derivative("Jz'"), np.kron(np.eye(5), SO(3).algebra["Jz"]))
    assert np.allclose(rep.derivative("Jz"), np.kron(SO(3).irrep(2).derivative("Jz"), np.eye(3)))


def test_products_of_listed_groups_stay_listed() -> None:
    assert isinstance(direct_product(C(2), D(3)), FiniteGroup)
    assert isinstance(group("SO(3) x D4"), DirectProduct)
    assert direct_product(SO(3), GL(2)).is_compact is False
    assert direct_product(SO(3), C(2)).is_compact is True


def test_products_list_what_they_know() -> None:
    found = direct_product(SO(3), D(3))
    with pytest.raises(UnknownName, match=r"first\(standard\)"):
        found.representation("standard")
    with pytest.raises(UnknownName, match=r"irrep\(l\)"):
        found.representation("first(regular)")
    with pytest.raises(FieldError, match="cannot read"):
        found.representation("first(standard")


def test_scalings_scale() -> None:
    assert all(np.allclose(g, g[0, 0] * np.eye(2)) and g[0, 0] > 0 for g in Scaling(2).sample(5))
    assert {float(np.sign(np.linalg.det(g))) for g in GL(2).sample(40)} == {1.0, -1.0}
    assert U(1).is_compact
