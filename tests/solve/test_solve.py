"""The solver: certificates, routes that agree, gaps, caches, constraints, errors."""

import numpy as np
import pytest
import torch
from groups import representations
from hypothesis import given
from hypothesis import strategies as st

import erlangen
from erlangen.errors import DomainError, ExactnessError, FieldError, GapError, TooLarge, UnknownName
from erlangen.solve import invariants, solve, solve_bilinear, solve_kernel
from erlangen.solve.cache import CACHE, fingerprint
from erlangen.symmetry import C, D, Group, Representation, group

ROTATIONS = {
    "Jx": [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
    "Jy": [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
    "Jz": [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
}


def noisy(level: float) -> Representation:
    random = np.random.default_rng(1)
    algebra = {n: np.array(a) + level * random.standard_normal((3, 3)) for n, a in ROTATIONS.items()}
    return Group.from_lie_algebra(algebra).standard


def same_span(one: np.ndarray, two: np.ndarray) -> bool:
    a, b = one.reshape(len(one), -1), two.reshape(len(two), -1)
    return len(a) == len(b) and np.allclose(np.linalg.svd(a.conj() @ b.T)[1], 1, atol=1e-9)


@given(representations(most=12), st.data())
def test_dimension_is_that_of_the_characters(first: Representation, data: st.DataObject) -> None:
    g = first.group
    second = data.draw(st.sampled_from([g.regular, *g.irreps, g.trivial, first]))
    found = solve(first, second)
    assert found.dim == found.oracle
    assert found.residual <= 1e-10
    for h in g.generators.values():
        moved = second.on(h) @ found.basis @ np.linalg.inv(first.on(h))
        assert np.allclose(moved, found.basis, atol=1e-9)


@given(representations(most=8))
def test_routes_agree_on_finite_groups(rep: Representation) -> None:
    want = solve(rep, rep).basis
    for method in ("null space", "isotypic"):
        assert same_span(want, solve(rep, rep, method=method).basis), method
    if rep.is_orthogonal:
        assert same_span(want, solve(rep, rep, method="averaging").basis)
    assert same_span(want, solve(rep, rep, method="iteration").basis)


@pytest.mark.parametrize("method", ["null space", "isotypic", "averaging", "iteration"])
@pytest.mark.parametrize("name", ["SO(3)", "O(3)"])
def test_routes_agree_on_rotations(name: str, method: str) -> None:
    vector = group(name).standard
    found = solve(vector**2, vector**2 + vector, method=method)
    assert found.method == method
    assert found.dim == {"SO(3)": 4, "O(3)": 3}[name]
    assert found.residual <= 1e-10
    assert same_span(found.basis, solve(vector**2, vector**2 + vector).basis)


def test_a_group_that_is_not_compact_goes_by_its_generators() -> None:
    vector = group("SO(1,3)").standard
    found = solve(vector**2, vector**2, method="iteration")
    assert found.dim == 4
    assert found.residual <= 1e-9
    with pytest.raises(DomainError, match="not orthogonal"):
        solve(vector, vector, method="averaging")
    shear = Group.from_lie_algebra({"shear": [[0, 1], [0, 0]]}).standard
    assert solve(shear, shear).dim == 2  # 1 and the shear itself
    assert solve(shear, shear.dual).dim == 2


def test_the_module_can_be_called() -> None:
    assert erlangen.solve(D(4).standard, D(4).regular).dim == 2


def test_noise_is_refused_until_its_size_is_stated() -> None:
    vector = noisy(1e-5)
    with pytest.raises(GapError, match=r"do not separate zero from non-zero.*tolerance="):
        solve(vector**2, vector**2)
    found = solve(vector**2, vector**2, tolerance=1e-3)
    assert found.dim == 3
    assert found.gap is not None
    assert found.gap.zero > 1e-7
    assert found.gap.rest > 0.1


def test_groups_of_one_shape_never_share_an_answer() -> None:
    CACHE.clear()
    swap = Group.from_matrices({"a": [[0, 1], [1, 0]]}, name="Z").standard
    flip = Group.from_matrices({"a": [[1, 0], [0, -1]]}, name="Z").standard
    one, two = solve(swap, swap), solve(flip, flip)
    assert len(CACHE) == 2
    assert not same_span(one.basis, two.basis)
    assert two.residual <= 1e-10
    component = swap.terms[0][1]
    assert fingerprint(component, component) != fingerprint(flip.terms[0][1], flip.terms[0][1])
    assert solve(swap, swap).blocks[0].pair is one.blocks[0].pair


@given(st.integers(0, 100))
def test_projection(seed: int) -> None:
    rep = 2 * D(3).standard + D(3).regular
    found = solve(rep, rep)
    matrix = np.random.default_rng(seed).standard_normal((rep.size, rep.size))
    nearest = found.project(matrix)
    assert np.allclose(found.project(nearest), nearest)
    assert np.allclose(sum(rep.on(g) @ matrix @ rep.on(g).T for g in range(6)) / 6, nearest)


def test_expand_is_the_basis_and_has_derivatives() -> None:
    found = solve(2 * D(4).standard + D(4).trivial, 3 * D(4).regular)
    weights = torch.randn(found.dim, dtype=torch.float64, requires_grad=True)
    matrix = found.expand(weights)
    assert torch.allclose(matrix, torch.einsum("d,dab->ab", weights, torch.from_numpy(found.basis)))
    assert torch.autograd.gradcheck(found.expand, (weights,))
    assert np.allclose(found.coordinates(matrix.detach().numpy()), weights.detach().numpy())


def test_invariants_and_bilinear_maps() -> None:
    vector = group("SO(3)").standard
    assert invariants(vector).dim == 0
    metric = invariants(vector**2).basis[0, :, 0].reshape(3, 3)
    assert np.allclose(metric, metric[0, 0] * np.eye(3))
    cross = solve_bilinear(vector, vector, vector).basis[0].reshape(3, 3, 3)
    x, y = np.random.default_rng(0).standard_normal((2, 3))
    product = np.einsum("kij,i,j->k", cross, x, y)
    assert np.allclose(np.cross(product, np.cross(x, y)), 0)
    lorentz = invariants(group("O(1,3)").standard ** 2).basis[0, :, 0].reshape(4, 4)
    assert np.allclose(np.abs(lorentz), np.abs(lorentz[0, 0]) * np.eye(4))
    assert lorentz[0, 0] * lorentz[1, 1] < 0


def test_a_mask_keeps_maps_local() -> None:
    ring = C(8).regular
    near = np.abs((np.arange(8)[:, None] - np.arange(8) + 4) % 8 - 4) <= 1
    found = solve(ring, ring, mask=near)
    assert found.dim == 3
    assert (found.basis[:, ~near] == 0).all() or np.abs(found.basis[:, ~near]).max() < 1e-12
    swapped = np.zeros((64, 8, 8))
    for k, (i, j) in enumerate(np.ndindex(8, 8)):
        swapped[k, i, j] += 1
        swapped[k, j, i] -= 1
    symmetric = solve(ring, ring, mask=near, constraint=swapped)
    assert symmetric.dim == 2
    assert np.allclose(symmetric.basis, symmetric.basis.transpose(0, 2, 1), atol=1e-12)
    with pytest.raises(FieldError, match="8 x 8"):
        solve(ring, ring, mask=near[:4])


def test_kernels_obey_their_law() -> None:
    angle = np.arange(6) * np.pi / 3
    hexagon = np.concatenate([[[0.0, 0.0]], np.stack([np.cos(angle), np.sin(angle)], axis=1)])
    d6 = D(6)
    found = solve_kernel(hexagon, d6, "standard", "regular")
    assert found.dim == found.certificate.oracle
    for g in d6.generators.values():
        moved = hexagon @ d6.standard.on(g).T
        place = [int(np.abs(hexagon - p).sum(axis=1).argmin()) for p in moved]
        want = np.einsum("ab,dbct,ce->daet", d6.regular.on(g), found.basis, d6.standard.on(g).T)
        assert np.allclose(found.basis[..., place], want, atol=1e-9)
    with pytest.raises(ExactnessError, match="does not map these 6 taps"):
        solve_kernel(hexagon[:6], d6, 1, 1)
    with pytest.raises(DomainError, match="2 dimensions"):
        solve_kernel((3, 3, 3), d6, 1, 1)


def test_fifteen_generators_are_printed_as_sums() -> None:
    s5 = group("S(5)").standard
    text = solve(s5**2, s5**2).explain()
    assert text.count("y[") == 15
    assert "y[i,j] += x[j,i]   (i ≠ j)" in text
    assert "y[i,i] += Σ_j,k x[j,k]" in text
    cross = solve(group("SO(3)").standard, group("SO(3)").standard ** 2).explain()
    assert "y[0,1] += " in cross
    assert "x[2]" in cross


def test_bad_input_is_named() -> None:
    with pytest.raises(FieldError, match="one group"):
        solve(D(4).standard, D(6).standard)
    with pytest.raises(UnknownName, match="Did you mean 'orbits'"):
        solve(D(4).regular, D(4).regular, method="orbit")
    with pytest.raises(FieldError, match="not a signed permutation"):
        solve(D(3).standard, D(3).standard, method="orbits")
    vector = group("SO(3)").standard
    with pytest.raises(TooLarge, match="GiB"):
        solve(vector**10, vector**10)
    points = group("S(100)").standard
    with pytest.raises(TooLarge, match="GiB"):
        solve(points**3, points**3)


def test_the_printed_certificate() -> None:
    text = str(solve(group("SO(3)").standard, group("SO(3)").standard ** 2))
    assert "dimension        1  (1 from characters)" in text
    assert "residual" in text
    assert "null space" in text
