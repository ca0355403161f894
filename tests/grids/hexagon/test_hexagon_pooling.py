"""Pooling and refining keep every rotation by 60° and every mirror, at every radius."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from erlangen.errors import DomainError, FieldError, NonlinearityError, UnknownName
from erlangen.grids.hexagon import HexGrid, HexPool, HexUpsample
from erlangen.grids.hexagon.coarsen import box_spline, largest_around
from erlangen.grids.hexagon.lattice import cells, hexagon, live


def noise(field, radius: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(radius)
    return HexGrid(radius).sample_signal(field, 2, generator).double()


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(("C6", "D6", "D3", "C2")),
    st.integers(1, 10),
    st.integers(1, 4),
    st.sampled_from(("blur", "max", "maxblur")),
)
def test_pooling_is_exact_at_every_radius(name, radius, stride, kind):
    field = HexGrid().field(name, "1 regular" if kind != "blur" else "1 regular + 1 standard")
    x = noise(field, radius)
    pool = HexPool(field, stride, kind)
    y = pool(x)
    assert tuple(y.shape[2:]) == pool.out_shape(tuple(x.shape[2:])) == (2 * (radius // stride) + 1,) * 2
    assert torch.equal(pool.export()(x), y)
    for g in field.group.generators.values():
        assert (pool(field.act(g, x)) - field.act(g, y)).abs().max() < 1e-13


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(("C6", "D6", "D3")), st.integers(2, 10))
def test_refining_is_exact_and_keeps_constants(name, radius):
    field = HexGrid().field(name, "1 regular")
    fine = noise(field, radius)
    coarse = HexPool(field)(fine)
    up = HexUpsample(field)
    y = up(coarse, fine)
    assert y.shape == fine.shape
    for g in field.group.generators.values():
        assert (up(field.act(g, coarse), fine) - field.act(g, y)).abs().max() < 1e-13
    alive = hexagon(2 * radius + 1).double()
    ones = hexagon(2 * (radius // 2) + 1).double().expand(1, field.size, -1, -1)
    assert torch.allclose(up(ones, fine[:1]), alive.expand(1, field.size, -1, -1))


def test_refining_is_linear_along_every_axis():
    field = HexGrid().field("C6", 1)
    q = torch.from_numpy(cells(2)[:, 0].reshape(5, 5)).double()
    want = torch.from_numpy(cells(4)[:, 0].reshape(9, 9)).double() / 2
    got = HexUpsample(field)((q * hexagon(5))[None, None], torch.zeros(1, 1, 9, 9))
    assert torch.allclose(got[0, 0], want * hexagon(9))


def test_the_filter_of_stride_two_and_its_zeros():
    assert box_spline(2) == [[0, 0.125, 0.125], [0.125, 0.25, 0.125], [0.125, 0.125, 0]]
    for stride in (2, 3):
        taps = torch.tensor(box_spline(stride), dtype=torch.float64)
        assert abs(float(taps.sum()) - 1) < 1e-12
        reach = torch.arange(2 * stride - 1, dtype=torch.float64) - (stride - 1)
        for a in range(stride):
            for b in range(stride):
                wave = torch.exp(2j * torch.pi * (a * reach[:, None] + b * reach) / stride)
                response = abs(complex((taps * wave).sum()))
                assert response == pytest.approx(1.0 if a == b == 0 else 0.0, abs=1e-12)


@pytest.mark.parametrize("reach", [1, 2])
def test_the_maximum_is_over_the_hexagon(reach):
    radius = 5
    x = noise(HexGrid(radius).field("C1", 1), radius)
    got = largest_around(x, reach)
    where = cells(radius)[live(radius)]
    for q, r in where[:: 3 if reach == 1 else 5]:
        gap = where - [q, r]
        near = (abs(gap).max(axis=1) <= reach) & (abs(gap.sum(axis=1)) <= reach)
        want = max(float(x[0, 0, b + radius, a + radius]) for a, b in where[near])
        assert float(got[0, 0, r + radius, q + radius]) == want


def test_mistakes_are_answered():
    field = HexGrid(5).field("C6", "1 standard")
    with pytest.raises(UnknownName, match="kind of pooling"):
        HexPool(field, 2, "blurr")
    with pytest.raises(NonlinearityError, match="kind='blur'"):
        HexPool(field, 2, "max")
    for wrong in (0, (2, 3), 1.5):
        with pytest.raises(DomainError, match="one whole number"):
            HexPool(field, wrong)
    with pytest.raises(FieldError, match="HexPool expects"):
        HexPool(field)(torch.zeros(1, 3, 11, 11))
    with pytest.raises(DomainError, match="radius 2 refines to radius 4 or 5, not 6"):
        HexUpsample(field)(torch.zeros(1, 2, 5, 5), torch.zeros(1, 2, 13, 13))
