"""Wide residual networks."""

import time

import pytest
import torch

from erlangen import Classify, Grid, Segment
from erlangen.errors import FieldError
from erlangen.grids import wide_resnet
from erlangen.grids.linear import Conv


@pytest.mark.parametrize("group", ["C1", "C4", "D4"])
def test_exact_at_even_and_odd_sizes(group: str) -> None:
    field = Grid(2).field(group, 3)
    net = wide_resnet(field, Classify(4), 10, 1).eval()
    for n in (16, 17):
        x = torch.randn(2, 3, n, n)
        want = net(x)
        for g in field.group.elements:
            assert (net(field.act(g, x)) - want).abs().max() < 1e-5 * want.abs().max()


def test_depth_counts_convolutions() -> None:
    """6n + 4: a stem, 6n in blocks, and three ways around (mixings, of one tap)."""
    net = wide_resnet(Grid(2).field("C4", 1), Classify(2), 16, 1)
    assert sum(isinstance(m, Conv) for m in net.modules()) == 1 + 2 * 6


def test_built_quickly_and_with_fewer_parameters() -> None:
    """WRN-28-10 with D4 has an eighth of the parameters of the ordinary one, 36.5 million."""
    start = time.perf_counter()
    net = wide_resnet(Grid(2, (32, 32)).field("D4", 3), Classify(10))
    assert time.perf_counter() - start < 3.0
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(36.5e6 / 8, rel=0.01)


def test_mistakes_teach() -> None:
    field = Grid(2).field("C4", 1)
    with pytest.raises(FieldError, match="6n \\+ 4"):
        wide_resnet(field, Classify(2), 20)
    with pytest.raises(FieldError, match="6n \\+ 4"):
        wide_resnet(field, Segment(2), 4)
