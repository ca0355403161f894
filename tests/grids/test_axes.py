"""Matrices along axes do what depthwise convolution and interpolation do, in any memory order."""

import pytest
import torch
from torch.nn import functional

from erlangen import Grid
from erlangen.errors import DomainError
from erlangen.grids.axes import along_axes, filter_matrix, linear_matrix
from erlangen.grids.coarsen import binomial, blur, upsample, window

CONV = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


@pytest.mark.parametrize("shape", [(8, 8, 8), (5, 7, 12), (1, 2, 3)])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last_3d])
def test_pooling_of_volumes_is_the_depthwise_convolution(shape, order) -> None:
    x = torch.randn(2, 3, *shape, dtype=torch.float64).contiguous(memory_format=order).requires_grad_()
    windows = [window(n, 2, 3) for n in shape]
    taps = torch.ones((), dtype=torch.float64)
    for count, _ in windows:
        taps = taps[..., None] * torch.tensor(binomial(count), dtype=torch.float64)
    expected = functional.conv3d(x, taps.expand(3, 1, *taps.shape), None, 2, [p for _, p in windows], 1, 3)
    found = blur(x, (2, 2, 2))
    torch.testing.assert_close(found, expected)
    weight = torch.randn_like(found)
    torch.testing.assert_close(*(torch.autograd.grad((y * weight).sum(), x)[0] for y in (found, expected)))
    assert found.is_contiguous(memory_format=order)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("n", [2, 7, 8])
def test_upsampling_is_linear_interpolation(d: int, n: int) -> None:
    m = -(-n // 2)
    x = torch.randn(2, 3, *[m] * d, dtype=torch.float64)
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[d]
    expected = functional.interpolate(x, size=[n] * d, mode=mode, align_corners=n % 2 == 1)
    torch.testing.assert_close(upsample(x, torch.empty(2, 1, *[n] * d), (2,) * d), expected)


def test_axes_without_a_matrix_and_empty_batches() -> None:
    x = torch.randn(0, 2, 4, 5, 6)
    matrix = filter_matrix(torch.ones(2), 5, 1, 0)
    assert along_axes(x, [None, matrix, None]).shape == (0, 2, 4, 4, 6)
    x = torch.randn(2, 2, 4, 5, 6)
    torch.testing.assert_close(along_axes(x, [None, matrix, None]), x[:, :, :, 1:] + x[:, :, :, :-1])


def test_interpolation_ends_with_the_last_sample() -> None:
    matrix = linear_matrix(torch.tensor([-1.0, 0.25, 9.0]), 3)
    assert matrix.tolist() == [[1, 0, 0], [0.75, 0.25, 0], [0, 0, 1]]


@pytest.mark.parametrize("stride", [2, 3, 4])
@pytest.mark.parametrize("n", [26, 27, 28])
def test_what_was_pooled_returns_to_its_place(n: int, stride: int) -> None:
    """A ramp stays the ramp, away from the borders."""
    field = Grid(1).field("D1", 1)
    x = torch.arange(n, dtype=torch.float64).expand(1, 1, n)
    coarse = field.space.coarsen(field, stride=stride)(x)
    back = field.space.refine(field, stride=stride)(coarse, x)
    assert (back - x)[..., 8:-8].abs().max() < 1e-12
    with pytest.raises(DomainError, match="the stride of the Pool"):
        field.space.refine(field, stride=stride + 1)(coarse, x)
