"""Periodic signals continued: equal to torch's own padding, derivatives too, in the memory order of the input."""

import pytest
import torch
from torch.nn import functional

from erlangen import Grid
from erlangen.errors import DomainError
from erlangen.grids import Conv
from erlangen.grids.wrap import wrap


@pytest.mark.parametrize("sides", [(1, 2), (0, 3), (5, 4), (0, 0)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equals_circular_padding(sides, layout):
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64).contiguous(memory_format=layout).requires_grad_()
    weight = torch.randn(2, 3, 5 + 2 * sides[0], 4 + 2 * sides[1], dtype=torch.float64)
    mine, theirs = wrap(x, sides), functional.pad(x, (sides[1],) * 2 + (sides[0],) * 2, mode="circular")
    assert torch.equal(mine, theirs)
    assert mine.is_contiguous(memory_format=layout)
    (ours,), (want,) = (torch.autograd.grad((y * weight).sum(), x) for y in (mine, theirs))
    assert torch.allclose(ours, want)


def test_second_derivatives():
    x = torch.randn(1, 1, 3, 4, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradgradcheck(lambda x: wrap(x, (2, 1)).pow(3), (x,))


def test_too_far():
    with pytest.raises(DomainError, match="Fix: a smaller kernel"):
        wrap(torch.zeros(1, 1, 3, 3), (4, 1))
    field = Grid(2).field("C4", 1)
    with pytest.raises(DomainError, match="3×3 samples"):
        Conv(field, field, 9, padding_mode="circular")(torch.zeros(1, 1, 3, 3))


@pytest.mark.parametrize("method", ["direct", "spectra", "auto"])
def test_every_way_of_a_layer_refuses_more_than_a_period(method: str) -> None:
    layer = Conv(Grid(2).field("C4", 1), Grid(2).field("C4", 1), 9, padding_mode="circular", method=method)
    with pytest.raises(DomainError, match="cannot be continued by 4×4"):
        layer(torch.randn(2, 1, 3, 3))
