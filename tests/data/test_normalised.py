"""Volumes scaled to mean 0 and standard deviation 1, whatever their unit."""

import pytest
import torch

from erlangen.data.volume import normalised

NOISE = torch.randn(1, 6, 7, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("values", [NOISE * 1e-9, NOISE * 1e300, NOISE + 1e6, (100 * NOISE).to(torch.int32) + 2**30])
def test_any_unit_and_any_offset(values: torch.Tensor) -> None:
    found = normalised(values)
    assert found.dtype == torch.float32
    assert abs(float(found.mean())) < 1e-5
    assert float(found.std()) == pytest.approx(1.0, abs=1e-5)
    assert (found - normalised(NOISE)).abs().max() < 0.05


@pytest.mark.parametrize("values", [torch.full((1, 3, 3, 3), 0.1), torch.zeros(1, 3, 3, 3), torch.ones(1, 1, 1, 1)])
def test_what_is_constant_becomes_zero(values: torch.Tensor) -> None:
    assert torch.equal(normalised(values), torch.zeros_like(values))
