"""Symmetric, alternating, polyhedral and quaternion groups, the faces of the cube, Rubik's cube."""

import pickle
from math import factorial

import numpy as np
import pytest
import torch
from groups import generator_error

from erlangen.errors import DomainError, UnknownName
from erlangen.symmetry import (
    A,
    FiniteGroup,
    I,
    Ih,
    O,
    Oh,
    PermutationGroup,
    Q,
    S,
    T,
    cube_faces,
    group,
    rubiks_cube,
)
from erlangen.symmetry.polyhedral import icosahedral, octahedral, tetrahedral
from erlangen.symmetry.symmetric import partitions


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("S4", 24), ("S(4)", 24), ("s(6)", 720), ("A5", 60), ("A(3)", 3), ("Q8", 8), ("Q(12)", 12), ("T", 12),
        ("O", 24), ("Oh", 48), ("I", 60), ("Ih", 120), ("cube faces", 24), ("S8", factorial(8)),
        ("A7", factorial(7) // 2), ("S3 x C2", 12), ("rubik", 43_252_003_274_489_856_000),
    ],
)  # fmt: skip
def test_by_name(name: str, order: int) -> None:
    found = group(name)
    assert found.order == order
    assert group(found.describe()) == found
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_symmetric_and_alternating_groups(n: int) -> None:
    for g, order in ((S(n), factorial(n)), (A(n), max(factorial(n) // 2, 1))):
        assert isinstance(g, FiniteGroup)
        assert g.order == order
        assert generator_error(g.standard) == 0
        assert g.standard.is_permutation
        assert np.array_equal(np.unique(g.standard.terms[0][1].monomial[0], axis=0).shape, (order, n))  # type: ignore[index]
    assert (np.linalg.det(A(n).standard.matrices()) > 0).all()  # type: ignore[union-attr]


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_young_orthogonal_form(n: int) -> None:
    """Labels are partitions; χ_λ(swap) = d_λ · Σ contents / (n choose 2) (Frobenius); what n points fall into."""
    g = S(n)
    assert isinstance(g, FiniteGroup)
    shapes = list(partitions(n))
    assert [str(irrep) for irrep in g.irreps] == [f"1 irrep({','.join(map(str, shape))})" for shape in shapes]
    for shape in shapes:
        irrep = g.irrep(*shape)
        assert generator_error(irrep) <= 1e-12
        assert irrep.is_orthogonal
        content = sum(column - row for row, length in enumerate(shape) for column in range(length))
        expected = irrep.size * content / (n * (n - 1) / 2)
        assert irrep.character[g.generators["t"]] == pytest.approx(expected, abs=1e-9)
        assert g.irrep_type(*shape) == "real"
    assert g.irrep(n) == g.trivial
    assert g.sign == g.irrep(*[1] * n)
    assert np.allclose(g.sign.character, np.linalg.det(g.standard.matrices()))
    assert g.standard.decompose() == {f"irrep({n})": 1, f"irrep({n - 1},1)": 1}


def test_symmetric_labels() -> None:
    g = S(4)
    assert isinstance(g, FiniteGroup)
    assert g.irrep(3, 1).size == 3
    assert g.representation("2 irrep(3,1) + irrep(2,2)").size == 8
    assert (g.irrep(2, 2) * g.sign).decompose() == {"irrep(2,2)": 1}
    with pytest.raises(UnknownName, match="irrep"):
        g.irrep(4, 1)
    with pytest.raises(UnknownName, match="Did you mean"):
        g.representation("irrep(3,2)")


def test_large_ones_are_known_by_generators() -> None:
    g = S(8)
    assert isinstance(g, PermutationGroup)
    assert g.standard.size == 8
    assert (A(7).standard.signed(A(7).generators["a1"])[0] == [1, 2, 0, 3, 4, 5, 6]).all()  # type: ignore[index]


@pytest.mark.parametrize("family", [S, A, Q])
@pytest.mark.parametrize("bad", [0, -1, 2.5, "3"])
def test_bad_sizes_are_refused(family: type, bad: object) -> None:
    with pytest.raises(DomainError):
        family(bad)


def test_quaternion_sizes() -> None:
    with pytest.raises(DomainError, match="multiple of 4"):
        Q(10)
    with pytest.raises(DomainError, match="multiple of 4"):
        Q(4)


@pytest.mark.parametrize("n", [8, 12, 16, 20])
def test_quaternions(n: int) -> None:
    g = Q(n)
    assert generator_error(g.standard) <= 1e-12
    a, j = g.generators.values()
    assert g.compose(j, g.compose(a, g.inverse(j))) == g.inverse(a)
    assert g.compose(j, j) == n // 4  # a^(n/4) = -1
    assert np.allclose(g.standard.matrices()[n // 4], -np.eye(4))
    minus = (np.linalg.matrix_power(g.standard.matrices()[1], n // 4) + np.eye(4)).round(9)
    assert not minus.any()
    if n == 8:
        place = {label: k for k, label in enumerate(g.labels)}
        assert g.compose(place["i"], place["j"]) == place["k"]
        assert g.compose(place["j"], place["i"]) == place["-k"]


SOLIDS = {"T": (T(), 12, 4), "O": (O(), 24, 5), "Oh": (Oh(), 48, 10), "I": (I(), 60, 5), "Ih": (Ih(), 120, 10)}


@pytest.mark.parametrize("name", SOLIDS)
def test_solids(name: str) -> None:
    g, order, classes = SOLIDS[name]
    assert isinstance(g, FiniteGroup)
    assert (g.order, len(g.conjugacy_classes), g.name) == (order, classes, name)
    assert generator_error(g.standard) <= 1e-15
    determinants = np.linalg.det(g.standard.matrices()).round(12)
    assert set(determinants.tolist()) == ({1.0, -1.0} if name.endswith("h") else {1.0})
    assert len(set(g.labels)) == order
    if name.endswith("h"):
        assert np.array_equal(g.sign.character, determinants)
        assert g.compose(g.generators["i"], g.generators["i"]) == 0


def test_solids_map_their_solid_to_itself() -> None:
    golden = (1 + 5**0.5) / 2
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    cube = np.array([[x, y, z] for x in (1, -1) for y in (1, -1) for z in (1, -1)])
    icosahedron = np.array([np.roll([0, a, b * golden], k) for a in (1, -1) for b in (1, -1) for k in range(3)])
    for g, vertices in ((T(), tetrahedron), (O(), cube), (Oh(), cube), (I(), icosahedron), (Ih(), icosahedron)):
        moved = np.einsum("gij,vj->gvi", g.standard.matrices(), vertices)  # type: ignore[attr-defined]
        distance = np.abs(moved[:, :, None] - vertices).max(axis=3)
        assert distance.min(axis=2).max() < 1e-12, g
        assert (distance.min(axis=1) < 1e-12).all(), "every vertex is hit"


def test_the_cube_is_exact() -> None:
    for g in (T(), O(), Oh()):
        matrices = g.standard.matrices()  # type: ignore[attr-defined]
        assert np.array_equal(matrices, matrices.round())
        assert g.standard.is_monomial  # type: ignore[attr-defined]
    assert O().sign.decompose() == {"irrep(1)": 1}  # type: ignore[attr-defined]
    diagonals = np.linalg.det(O().quotient([O().generators["d"]]).matrices().round())  # type: ignore[attr-defined]
    assert set(diagonals.round()) <= {1.0, -1.0}


def test_builders_and_short_names_agree() -> None:
    assert tetrahedral() == T()
    assert octahedral() == O()
    assert octahedral(full=True) == Oh()
    assert icosahedral() == I()
    assert icosahedral(full=True) == Ih()
    assert Oh().subgroup("O").group == O()
    assert O().subgroup("T").index == 2
    assert O().subgroup("T").is_normal


def test_isomorphic_groups_share_characters() -> None:
    """O and S4, T and A4, I and A5 are isomorphic."""
    for a, b in ((O(), S(4)), (T(), A(4)), (I(), A(5))):
        assert sorted(a.character_table.degrees) == sorted(b.character_table.degrees)  # type: ignore[union-attr]
        assert a.character_table.sizes.tolist() == b.character_table.sizes.tolist()  # type: ignore[union-attr]


def test_cube_faces() -> None:
    faces, cube = cube_faces(), octahedral()
    assert np.array_equal(faces.table, cube.table)
    assert faces.standard.is_permutation
    assert faces.standard.size == 6
    still = [g for g in cube.elements if (cube.standard.matrices()[g] @ [1, 0, 0] == [1, 0, 0]).all()]
    assert len(still) == 4
    assert cube.quotient(still).decompose() == faces.standard.decompose()
    normals = [sign * axis for axis in np.eye(3) for sign in (1, -1)]
    images = faces.standard.terms[0][1].monomial[0]  # type: ignore[index]
    for g in faces.elements:
        for i, normal in enumerate(normals):
            assert np.array_equal(cube.standard.matrices()[g] @ normal, normals[images[g, i]])


def test_rubiks_cube() -> None:
    """Order 8! 3⁷ 12! 2¹⁰; every turn has order 4 and moves 20 stickers, 8 of them on its own face."""
    rubiks_cube.cache_clear()
    cube = rubiks_cube()
    assert "order" not in cube.__dict__, "not computed when it is built"
    for k, move in enumerate(cube.generators.values()):
        assert (move != np.arange(48)).sum() == 20
        own = slice(8 * k, 8 * k + 8)
        assert (move[own] != np.arange(48)[own]).all()
        assert set(move[own]) == set(range(8 * k, 8 * k + 8))
        assert (move[move][move][move] == np.arange(48)).all()
    u, d, r = (cube.generators[name] for name in "UDR")
    assert (u[d] == d[u]).all()
    assert (u[r] != r[u]).any()
    assert cube.order == factorial(8) * 3**7 * factorial(12) * 2**10 == 43_252_003_274_489_856_000
    commutator, power, n = u[r][np.argsort(u)][np.argsort(r)], np.arange(48), 0
    while n == 0 or (power != np.arange(48)).any():
        power, n = commutator[power], n + 1
    assert n == 6, "the commutator of two neighbouring turns has order 6"
    swap = np.arange(48)
    swap[:2] = [1, 0]
    assert swap not in cube, "two stickers cannot change places alone"
    drawn = cube.sample(3, torch.Generator().manual_seed(0))
    assert all(g in cube for g in drawn)
