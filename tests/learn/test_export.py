"""Exports of networks in another precision than float32."""

import pytest
import torch

import erlangen as eg
from erlangen.learn import export


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_networks_of_any_precision(dtype: torch.dtype, tmp_path) -> None:
    network = eg.derive(eg.Grid(2, (12, 12)).field("D4", 1), eg.Classify(2), size="tiny").to(dtype).eval()
    (written,) = export(network, tmp_path / "model.pt")
    x = torch.randn(3, 1, 12, 12, dtype=dtype)
    with torch.no_grad():
        found = torch.load(written, weights_only=False)(x)
        wanted = network(x)
    assert found.dtype == dtype
    limit = 1e-12 if dtype == torch.float64 else 0.05
    assert (found - wanted).abs().max() <= limit * wanted.abs().max()
