"""Irreps of rotations, Wigner matrices, Clebsch-Gordan coefficients and isotypic decompositions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from erlangen.errors import DomainError, FieldError, UnknownName
from erlangen.symmetry import SO, C, D, O, Representation, clebsch_gordan, spherical_harmonics, wigner
from erlangen.symmetry.haar import special_orthogonal
from erlangen.symmetry.ladder import generators
from erlangen.symmetry.wigner import wigner_up_to

DEGREES = range(13)
seeds = st.integers(0, 2**31)


def rotations(count: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(special_orthogonal(count, 3, torch.Generator().manual_seed(seed)))


# irreps of space


@pytest.mark.parametrize("degree", DEGREES)
def test_generators_obey_the_commutators_and_the_phase_convention(degree: int) -> None:
    jx, jy, jz = generators(degree)
    for a, b, c in ((jx, jy, jz), (jy, jz, jx), (jz, jx, jy)):
        assert np.abs(a @ b - b @ a - c).max() < 1e-13 * (1 + degree)
        assert np.array_equal(a, -a.T)
    casimir = -(jx @ jx + jy @ jy + jz @ jz)
    assert np.abs(casimir - degree * (degree + 1) * np.eye(2 * degree + 1)).max() < 1e-12
    blocks = np.zeros_like(jz)  # rotations about z: irrep(l) ⊕ … ⊕ irrep(1) ⊕ trivial of SO(2), to the last bit
    for i, m in enumerate(range(degree, 0, -1)):
        blocks[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = [[0, -m], [m, 0]]
    assert np.array_equal(jz, blocks)
    for m in range(degree):
        cos, up = 2 * (degree - m), 2 * (degree - m - 1)
        assert jy[up, cos] > 0, "the ladder climbs with positive coefficients"
        length = (degree * (degree + 1) - m * (m + 1)) ** 0.5
        assert abs(jy[up, cos] - length / (2 if m else 2**0.5)) < 1e-13
        if m:
            assert abs(jx[up, cos + 1] - length / 2) < 1e-13


def test_degree_one_is_the_standard_representation() -> None:
    assert SO(3).irrep(1) == SO(3).standard
    assert O(3).irrep(1, 1) == O(3).standard
    assert O(3).irrep(1, 0) != O(3).standard
    assert SO(2).irrep(1) == SO(2).standard
    assert O(2).irrep(1, 1) == O(2).standard
    assert SO(3).irrep(0) == SO(3).trivial
    assert O(3).irrep(0, 1) == O(3).pseudoscalar
    assert SO(3).irrep(2) != SO(3).irrep(1) + SO(3).irrep(0) + SO(3).irrep(0)


@pytest.mark.parametrize("degree", DEGREES)
def test_wigner_matrices_multiply(degree: int) -> None:
    r, s = rotations(20), rotations(20, 1)
    eye = torch.eye(2 * degree + 1, dtype=torch.float64)
    assert (wigner(degree, r @ s) - wigner(degree, r) @ wigner(degree, s)).abs().max() < 1e-12
    assert (wigner(degree, r) @ wigner(degree, r).mT - eye).abs().max() < 1e-12
    single = wigner(degree, r.float())
    assert single.dtype == torch.float32
    assert (single - wigner(degree, r)).abs().max() < 1e-5
    assert torch.equal(wigner(degree, torch.eye(3, dtype=torch.float64)).round(decimals=12), eye)


@given(seeds, st.integers(0, 12))
def test_wigner_matrices_are_exponentials(seed: int, degree: int) -> None:
    axis = np.random.default_rng(seed).standard_normal(3)
    r = torch.from_numpy(expm(np.tensordot(axis, generators(1), axes=1)))
    expected = expm(np.tensordot(axis, generators(degree), axes=1))
    assert np.abs(wigner(degree, r).numpy() - expected).max() < 1e-11


def test_wigner_matrices_and_harmonics_compile_and_vectorise() -> None:
    r = rotations(4).float()
    for f in (lambda x: wigner(3, x), lambda x: spherical_harmonics(3, x[..., 0])):
        expected = f(r)  # also finds the constants
        assert torch.allclose(torch.compile(f, fullgraph=True, backend="eager")(r), expected)
        assert torch.allclose(torch.vmap(f)(r), expected, atol=1e-6)


def test_wigner_matrices_are_smooth_everywhere() -> None:
    """No poles: at the identity, at half turns and along z, where Euler angles break down."""
    poles = [torch.eye(3), torch.diag(torch.tensor([1.0, -1, -1])), torch.diag(torch.tensor([-1.0, -1, 1]))]
    r = torch.cat([torch.stack(poles).double(), rotations(2)]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: wigner(3, x), (r,))
    assert [d.shape[-1] for d in wigner_up_to(4, r)] == [1, 3, 5, 7, 9]
    assert wigner(5, rotations(6).reshape(2, 3, 3, 3)).shape == (2, 3, 11, 11)
    assert wigner(2, torch.zeros(0, 3, 3)).shape == (0, 5, 5)


@given(seeds, st.sampled_from(["SO(2)", "O(2)", "SO(3)", "O(3)"]), st.integers(0, 12), st.integers(0, 1))
def test_irreps_are_orthogonal_homomorphisms(seed: int, name: str, degree: int, parity: int) -> None:
    labels = {
        "SO(2)": (degree,),
        "O(2)": (1 if degree else parity, degree),
        "SO(3)": (degree,),
        "O(3)": (degree, parity),
    }
    found = {"SO(2)": SO(2), "O(2)": O(2), "SO(3)": SO(3), "O(3)": O(3)}[name]
    rep = found.irrep(*labels[name])
    assert rep == found.representation(str(rep))
    g, h = found.sample(2, torch.Generator().manual_seed(seed))
    assert np.abs(rep.on(g @ h) - rep.on(g) @ rep.on(h)).max() < 1e-11
    assert np.abs(rep.on(g) @ rep.on(g).T - np.eye(rep.size)).max() < 1e-12
    assert abs(rep.trace(g) - np.trace(rep.on(g))) < 1e-11
    for a, matrix in found.algebra.items():
        assert np.abs(rep.on(expm(0.7 * matrix)) - expm(0.7 * rep.derivative(a))).max() < 1e-11
    component = rep.terms[0][1]
    assert np.allclose(component.on(np.stack([g, h]))[1], component.on(h), atol=1e-13), "batched"


def test_planar_irreps_agree_with_the_dihedral_ones() -> None:
    """irrep(j,k) of O(2) on the elements of D(n) is irrep(j,k) of D(n)."""

    for k in (1, 2, 3):
        assert np.allclose(
            np.stack([O(2).irrep(1, k).on(g) for g in D(7).standard.matrices()]), D(7).irrep(1, k).matrices()
        )
        assert np.allclose(np.stack([SO(2).irrep(k).on(g) for g in C(7).standard.matrices()]), C(7).irrep(k).matrices())
    assert np.allclose(
        np.stack([O(2).irrep(1, 0).on(g) for g in D(7).standard.matrices()]), D(7).irrep(1, 0).matrices()
    )


@pytest.mark.parametrize(
    "call", [lambda: SO(3).irrep(-1), lambda: SO(3).irrep(1, 1), lambda: O(3).irrep(2), lambda: O(3).irrep(2, 2)]
)
def test_unknown_irreps_are_refused(call) -> None:
    with pytest.raises(UnknownName, match=r"irrep\(l"):
        call()


def test_other_unknown_irreps_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"irrep\(j,k\)"):
        O(2).irrep(0, 1)
    with pytest.raises(DomainError, match="integer >= 0"):
        wigner(-1, torch.eye(3))
    with pytest.raises(FieldError, match="3, 3"):
        wigner(1, torch.eye(2))


# Clebsch-Gordan


@pytest.mark.parametrize("left", range(9))
def test_clebsch_gordan_is_an_equivariant_isometry(left: int) -> None:
    """All triples to degree 8, against the generators: equivariant under each of them, hence under every rotation."""
    for right in range(9):
        tables = [clebsch_gordan(left, right, out) for out in range(abs(left - right), left + right + 1)]
        rows = np.concatenate([t.reshape(len(t), -1) for t in tables])
        assert np.abs(rows @ rows.T - np.eye(len(rows))).max() < 1e-12
        one, two = generators(left), generators(right)
        both = [np.kron(a, np.eye(len(b))) + np.kron(np.eye(len(a)), b) for a, b in zip(one, two, strict=True)]
        for table in tables:
            flat = table.reshape(len(table), -1)
            for axis, j in enumerate(generators(len(table) // 2)):
                assert np.abs(flat @ both[axis] - j @ flat).max() < 1e-12
            first = table.ravel()[np.abs(table.ravel()) > 1e-9][0]
            assert first > 0


@given(seeds, st.integers(0, 8), st.integers(0, 8), st.data())
def test_clebsch_gordan_commutes_with_rotations(seed: int, left: int, right: int, data: st.DataObject) -> None:
    out = data.draw(st.integers(abs(left - right), left + right))
    r = rotations(1, seed)[0]
    table = clebsch_gordan(left, right, out)
    moved = np.einsum("kij,ia,jb->kab", table, wigner(left, r).numpy(), wigner(right, r).numpy())
    assert np.abs(moved - np.einsum("kn,nab->kab", wigner(out, r).numpy(), table)).max() < 1e-12


def test_clebsch_gordan_of_vectors() -> None:
    """1 ⊗ 1 -> 0 is the dot product, 1 ⊗ 1 -> 1 the cross product, up to length."""
    assert np.allclose(clebsch_gordan(1, 1, 0)[0], np.eye(3) / 3**0.5)
    cross = np.stack([np.cross(np.eye(3)[i], np.eye(3)[j]) for i in range(3) for j in range(3)]).reshape(3, 3, 3)
    assert np.allclose(clebsch_gordan(1, 1, 1), np.moveaxis(cross, -1, 0) / 2**0.5)
    with pytest.raises(DomainError, match="from 1 to 3"):
        clebsch_gordan(1, 2, 4)
    with pytest.raises(ValueError, match="read-only"):
        clebsch_gordan(1, 1, 0)[0, 0, 0] = 7.0


def test_clebsch_gordan_agrees_with_e3nn() -> None:
    """Up to one change of basis a degree, found from the generators of both, and one sign a triple."""
    o3 = pytest.importorskip("e3nn.o3")
    change = []
    for degree in range(7):
        n = 2 * degree + 1  # theirs Q = Q ours
        pairs = zip(o3.so3_generators(degree).double().numpy(), generators(degree), strict=True)
        system = np.concatenate([np.kron(t, np.eye(n)) + np.kron(np.eye(n), j) for t, j in pairs])
        singular, rows = np.linalg.svd(system)[1:]
        assert singular[-1] < 1e-6 < (singular[-2] if n > 1 else 1)
        change.append(rows[-1].reshape(n, n) * n**0.5)
    assert np.allclose(np.abs(change[1]), np.eye(3), atol=1e-6), "both have (x, y, z) in degree 1"
    for a, b, c in [(1, 1, 0), (1, 1, 1), (1, 1, 2), (2, 1, 2), (2, 2, 3), (3, 2, 4), (4, 3, 5), (6, 6, 6), (5, 6, 4)]:
        theirs = o3.wigner_3j(a, b, c, dtype=torch.float64).numpy() * (2 * c + 1) ** 0.5
        ours = np.einsum("kij,ai,bj,ck->abc", clebsch_gordan(a, b, c), change[a], change[b], change[c])
        assert min(np.abs(ours - theirs).max(), np.abs(ours + theirs).max()) < 1e-8, (a, b, c)


# decomposition

TERMS = {
    "SO(2)": ("trivial", "standard", "irrep(2)", "irrep(3)"),
    "O(2)": ("trivial", "standard", "pseudoscalar", "irrep(1,2)"),
    "SO(3)": ("trivial", "standard", "irrep(2)", "irrep(3)"),
    "O(3)": ("trivial", "standard", "pseudoscalar", "irrep(2,0)", "irrep(2,1)"),
}
GROUPS = {"SO(2)": SO(2), "O(2)": O(2), "SO(3)": SO(3), "O(3)": O(3)}


@st.composite
def built(draw: st.DrawFn) -> Representation:
    """Sums and tensor products of named representations."""
    name = draw(st.sampled_from(sorted(TERMS)))
    atom = st.sampled_from(TERMS[name])
    a, b, c, d, e, f = (draw(atom) for _ in range(6))
    return GROUPS[name].representation(f"{draw(st.integers(0, 3))} {a} + {b}*{c} + ({d} + {e})*{f}")


@given(built(), seeds)
def test_isotypic_decomposition_is_exact(rep: Representation, seed: int) -> None:
    found = rep.group.isotypic(rep)  # type: ignore[attr-defined]
    total = sum((m * irrep for irrep, m, _ in found.parts), Representation(rep.group, ()))
    q = found.change
    assert np.abs(q.T @ q - np.eye(rep.size)).max() < 1e-10
    for a in rep.group.algebra:
        assert np.abs(q.T @ rep.derivative(a) @ q - total.derivative(a)).max() < 1e-10
    for g in [*rep.group.sample(2, torch.Generator().manual_seed(seed)), *rep.group.generators.values()]:
        assert np.abs(q.T @ rep.on(g) @ q - total.on(g)).max() < 1e-10
    assert {str(irrep.terms[0][1]): m for irrep, m, _ in found.parts} == rep.decompose()
    assert [part[2].stop - part[2].start for part in found.parts] == [irrep.size * m for irrep, m, _ in found.parts]


def test_tensor_powers_decompose() -> None:
    assert (SO(3).standard ** 2).decompose() == {"irrep(0)": 1, "irrep(1)": 1, "irrep(2)": 1}
    assert (O(3).standard ** 2).decompose() == {"irrep(0,0)": 1, "irrep(1,0)": 1, "irrep(2,0)": 1}
    assert (SO(3).irrep(3) * SO(3).irrep(2)).decompose() == {f"irrep({k})": 1 for k in range(1, 6)}
    assert (SO(2).standard ** 3).decompose() == {"irrep(1)": 3, "irrep(3)": 1}
    assert (O(2).standard * O(2).standard).decompose() == {"irrep(0,0)": 1, "irrep(1,0)": 1, "irrep(1,2)": 1}


def test_a_sum_of_irreps_is_its_own_decomposition() -> None:
    for name in ("trivial + 2 standard + irrep(2)", "2 standard", "irrep(4)"):
        found = SO(3).isotypic(SO(3).representation(name))  # type: ignore[attr-defined]
        assert np.allclose(found.change, np.eye(len(found.change)), atol=1e-12), name


def test_what_is_not_orthogonal_is_refused() -> None:
    shear = np.eye(3) + np.diag([0.5, 0.0], 1)
    images = {a: np.linalg.inv(shear) @ m @ shear for a, m in SO(3).algebra.items()}
    skewed = SO(3).representation(images)
    assert not skewed.is_orthogonal
    with pytest.raises(FieldError, match="not orthogonal"):
        SO(3).isotypic(skewed)  # type: ignore[attr-defined]
