"""The Fourier transform on finite groups."""

import pytest
import torch
from groups import GROUPS, groups
from hypothesis import given
from hypothesis import strategies as st

from erlangen.errors import FieldError
from erlangen.symmetry import C, D, FiniteGroup, GroupFourier, Q


def functions(group: FiniteGroup, seed: int, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, group.order, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@given(groups, st.integers(0, 99))
def test_the_inverse_undoes_the_transform(group: FiniteGroup, seed: int) -> None:
    fourier, f = GroupFourier(group), functions(group, seed)
    assert (fourier.inverse(fourier.transform(f)) - f).abs().max() < 1e-12


@given(groups, st.integers(0, 99))
def test_plancherel(group: FiniteGroup, seed: int) -> None:
    fourier = GroupFourier(group)
    f, k = functions(group, seed)
    a, b = fourier.transform(f), fourier.transform(k)
    total = sum(weight * (a[name] * b[name]).sum() for name, weight in fourier.weights.items())
    assert abs(total - f @ k) < 1e-11


@given(groups, st.integers(0, 99))
def test_convolutions_become_products(group: FiniteGroup, seed: int) -> None:
    fourier = GroupFourier(group)
    f, k = functions(group, seed)
    quotient = torch.from_numpy(group.table[group.inverses])  # h⁻¹ g
    convolved = f @ k[quotient]
    a, b, c = fourier.transform(f), fourier.transform(k), fourier.transform(convolved)
    for name in c:
        assert (c[name] - a[name] @ b[name]).abs().max() < 1e-11


@given(groups, st.data())
def test_shifts_multiply_the_coefficients(group: FiniteGroup, data: st.DataObject) -> None:
    """(L_h f)(g) = f(h⁻¹ g) has the coefficients σ(h) f̂(σ)."""
    fourier, f = GroupFourier(group), functions(group, 0)
    h = data.draw(st.sampled_from(group.elements))
    shifted = f[:, torch.from_numpy(group.table[group.inverse(h)])]
    before, after = fourier.transform(f), fourier.transform(shifted)
    for irrep in group.irreps:
        name = str(irrep.terms[0][1])
        assert (after[name] - irrep(h) @ before[name]).abs().max() < 1e-11


def test_on_cyclic_groups_it_is_the_discrete_fourier_transform() -> None:
    f = functions(C(8), 3, batch=1)[0]
    ours, theirs = GroupFourier(C(8)).transform(f), torch.fft.fft(f)
    for k in (1, 2, 3):
        matrix = ours[f"irrep({k})"]
        assert abs(matrix[0, 0] - theirs[k].real) < 1e-12
        assert abs(matrix[1, 0] + theirs[k].imag) < 1e-12
    assert abs(ours["irrep(0)"][0, 0] - f.sum()) < 1e-12


def test_gradients_batches_and_dtypes() -> None:
    fourier = GroupFourier(Q(8))
    f = torch.randn(2, 3, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: tuple(fourier.transform(x).values()), f)
    assert torch.autograd.gradcheck(lambda x: fourier.inverse(fourier.transform(x)), f)
    assert fourier.transform(f)["irrep(4)"].shape == (2, 3, 4, 4)
    single = fourier.transform(f.detach().float())
    assert single["irrep(4)"].dtype == torch.float32
    assert fourier.inverse(single).dtype == torch.float32
    z = torch.randn(8, dtype=torch.complex128)
    assert (fourier.inverse(fourier.transform(z)) - z).abs().max() < 1e-12
    assert fourier.inverse(fourier.transform(torch.zeros(0, 8))).shape == (0, 8)


def test_coefficients_left_out_are_zero() -> None:
    fourier = GroupFourier(D(3))
    f = functions(D(3), 0)
    mean = fourier.inverse({"irrep(0,0)": fourier.transform(f)["irrep(0,0)"]})
    assert (mean - f.mean(dim=-1, keepdim=True)).abs().max() < 1e-12


@pytest.mark.parametrize("name", ["C4", "Q8"])
def test_wrong_sizes_are_refused(name: str) -> None:
    fourier = GroupFourier(GROUPS[name])
    with pytest.raises(FieldError, match=r"has \d values in its last dimension, got \(2, 9\)"):
        fourier.transform(torch.zeros(2, 9))
    with pytest.raises(FieldError, match=r"got foo: \(1, 1\)"):
        fourier.inverse({"foo": torch.zeros(1, 1)})
    with pytest.raises(FieldError, match=r"got irrep\(0\): \(2, 2\)"):
        fourier.inverse({"irrep(0)": torch.zeros(2, 2)})
    with pytest.raises(FieldError, match="got none"):
        fourier.inverse({})
