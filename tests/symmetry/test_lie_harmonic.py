"""Fourier transforms on SO(2) and SO(3), and spherical harmonics."""

from math import pi

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from erlangen.errors import DomainError, FieldError
from erlangen.symmetry import SO, O, spherical_harmonics, wigner
from erlangen.symmetry.haar import special_orthogonal
from erlangen.symmetry.harmonic import energy, fourier, inverse_fourier, nodes


def coefficients(name: str, degree: int, seed: int) -> list[torch.Tensor]:
    """Random coefficients of a real function of this degree; those of SO(2) have the form [[c, -s], [s, c]]."""
    generator = torch.Generator().manual_seed(seed)
    if name == "SO(3)":
        sizes = [2 * k + 1 for k in range(degree + 1)]
        return [torch.randn(2, n, n, generator=generator, dtype=torch.float64) for n in sizes]
    waves = torch.randn(degree + 1, 2, 2, generator=generator, dtype=torch.float64)
    rows = [torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2) for c, s in waves[1:]]
    return [waves[0, 0][:, None, None], *rows]


GROUPS = {"SO(2)": SO(2), "SO(3)": SO(3)}


@given(st.sampled_from(sorted(GROUPS)), st.integers(0, 5), st.integers(0, 2**31))
def test_transform_inverse_and_plancherel(name: str, degree: int, seed: int) -> None:
    found = GROUPS[name]
    given_, (elements, weights) = coefficients(name, degree, seed), nodes(found, degree)
    f = inverse_fourier(given_, elements)
    again = fourier(f, found, degree)
    assert all((a - b).abs().max() < 1e-12 for a, b in zip(given_, again, strict=True))
    assert torch.allclose((f.square() * weights).sum(-1), energy(given_, found), atol=1e-10)
    assert weights.sum() == pytest.approx(1)
    fresh = torch.from_numpy(np.stack(found.sample(5, torch.Generator().manual_seed(seed))))
    assert torch.allclose(inverse_fourier(again, fresh), inverse_fourier(given_, fresh), atol=1e-10)


def test_translation_multiplies_coefficients() -> None:
    """f(h⁻¹ g) has the coefficients ρ(h) f̂."""
    elements, _ = nodes(SO(3), 3)
    given_ = coefficients("SO(3)", 3, 0)
    h = torch.from_numpy(SO(3).sample(1)[0])
    moved = fourier(inverse_fourier(given_, h.T @ elements), SO(3), 3)
    for degree, (a, b) in enumerate(zip(given_, moved, strict=True)):
        assert (wigner(degree, h) @ a - b).abs().max() < 1e-11


def test_bad_samples_are_refused() -> None:
    with pytest.raises(FieldError, match="18 nodes"):
        fourier(torch.zeros(7), SO(3), 1)
    with pytest.raises(DomainError, match=r"O\(3\)"):
        nodes(O(3), 2)
    with pytest.raises(DomainError, match=">= 0"):
        nodes(SO(3), -1)


# spherical harmonics


@given(st.integers(0, 12), st.integers(0, 2**31))
def test_harmonics_turn_with_wigner_matrices(degree: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    r = torch.from_numpy(special_orthogonal(1, 3, generator)[0])
    y = spherical_harmonics(degree, x, "component")
    assert (spherical_harmonics(degree, x @ r.T, "component") - y @ wigner(degree, r).T).abs().max() < 1e-11
    assert torch.allclose(y.square().sum(-1), torch.full((6,), 2.0 * degree + 1, dtype=torch.float64))
    assert torch.allclose(spherical_harmonics(degree, 3 * x, "component"), y), "of the direction only"
    parity = spherical_harmonics(degree, -x, "component")
    assert torch.allclose(parity, (-1) ** degree * y, atol=1e-12)


def test_harmonics_are_the_textbook_ones() -> None:
    """Real spherical harmonics without Condon-Shortley phase, against scipy's complex ones with it."""
    from scipy.special import factorial, lpmv

    x = torch.randn(50, 3, dtype=torch.float64)
    z, phi = (x[:, 2] / x.norm(dim=-1)).numpy(), torch.atan2(x[:, 1], x[:, 0]).numpy()
    for degree in range(7):
        ours = spherical_harmonics(degree, x).numpy()
        for m in range(degree + 1):
            size = (
                (2 * degree + 1) / (4 * pi) * factorial(degree - m) / factorial(degree + m) * (2 if m else 1)
            ) ** 0.5
            legendre = size * (-1) ** m * lpmv(m, degree, z)  # lpmv carries the phase (-1)^m
            assert np.allclose(ours[:, 2 * (degree - m)], legendre * np.cos(m * phi), atol=1e-12)
            if m:
                assert np.allclose(ours[:, 2 * (degree - m) + 1], legendre * np.sin(m * phi), atol=1e-12)


def test_degree_one_is_the_vector() -> None:
    x = torch.nn.functional.normalize(torch.randn(8, 3, dtype=torch.float64), dim=-1)
    assert torch.allclose(spherical_harmonics(1, x, "norm"), x)


def test_harmonics_are_smooth_away_from_zero_and_finite_at_it() -> None:
    x = torch.randn(3, 3, dtype=torch.float64)
    x[0] = torch.tensor([0.0, 0.0, 2.0])  # a pole of angles
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: spherical_harmonics(4, v), (x,))
    zero = torch.zeros(1, 3, requires_grad=True)
    y = spherical_harmonics(2, zero)
    assert (y == 0).all()
    y.sum().backward()
    assert zero.grad is not None
    assert torch.isfinite(zero.grad).all()


def test_bad_harmonics_are_refused() -> None:
    with pytest.raises(DomainError, match="normalization"):
        spherical_harmonics(1, torch.ones(3), "unit")  # type: ignore[arg-type]
    with pytest.raises(FieldError, match="3"):
        spherical_harmonics(1, torch.ones(2))
    with pytest.raises(DomainError, match=">= 0"):
        spherical_harmonics(-2, torch.ones(3))
