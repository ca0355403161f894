"""Scales: lifting, convolution, pooling, and the law of zooming out with its error."""

import numpy as np
import pytest
import torch

from erlangen import Classify, Grid, Segment, audit, derive
from erlangen.blueprint import Field, Sequential, network_from, space_from
from erlangen.errors import DomainError, FieldError, NonlinearityError
from erlangen.grids import (
    BatchNorm,
    Conv,
    DepthwiseConv,
    Nonlinearity,
    PolyphasePool,
    Pool,
    PoolEveryScale,
    ScaleConv,
    ScaleGrid,
    ScaleLift,
    ScalePool,
    SpectralConv,
    Upsample,
    scale_error,
    zoom_out,
    zooming,
)
from erlangen.grids.scale_kernel import between
from erlangen.testing import check


def lifted(d: int = 2, group: str = "D4", scales: int = 3, ratio: float = 2.0, mode: str = "zeros") -> Sequential:
    """Two layers, norm and nonlinearity between, over the given scales."""
    image = Grid(d).field(group, 1)
    field = ScaleGrid(d, scales, ratio).field(group, "1 regular")
    lift = ScaleLift(image, field, padding_mode=mode)
    return Sequential(lift, BatchNorm(field), Nonlinearity(field), ScaleConv(field, field, depth=2, padding_mode=mode))


@pytest.mark.parametrize(("d", "group"), [(1, "D1"), (2, "D4"), (2, "C4")])
@pytest.mark.parametrize(("ratio", "scales"), [(2, 3), (2, 4), (3, 3)])
def test_zooming_out_moves_the_scales_exactly(d, group, ratio, scales):
    """f(D x)(k, u) = f(x)(k+1, a·u) at every point of a periodic signal, through norm and nonlinearity."""
    torch.manual_seed(0)
    n = ratio ** (scales - 1) * ratio * 2
    net = lifted(d, group, scales, ratio, "circular").double().eval()
    x = torch.randn(2, 1, *(n,) * d, dtype=torch.float64)
    with torch.no_grad():
        near, far = net(x), net(zoom_out(x, ratio, "circular"))
    want = near[:, :, 1:][(..., *[slice(None, None, ratio)] * d)]
    assert float((far[:, :, :-1] - want).abs().max() / want.abs().max()) <= 1e-12


@pytest.mark.parametrize("size", [(33, 33), (32, 32), (31, 24)])
def test_the_border_of_an_image_does_not_break_the_law(size):
    """Coarser scales look at every second pixel only, and zooming out keeps those, also beside the border."""
    torch.manual_seed(0)
    net = lifted(group="D2").double().eval()
    x = torch.randn(2, 1, *size, dtype=torch.float64)
    with torch.no_grad():
        near, far = net(x)[:, :, 1, ::2, ::2], net(zoom_out(x))[:, :, 0]
    assert float((far - near).abs().max() / near.abs().max()) <= 1e-12


def test_the_coarsest_scale_enters_and_the_finest_leaves():
    """The border of the axis of scales: what was at scale 0 is nowhere after zooming out."""
    field = ScaleGrid(2, 3).field("C1", 1)
    lift = ScaleLift(Grid(2).field("C1", 1), field, padding_mode="circular", bias=False).double()
    x = torch.randn(1, 1, 16, 16, dtype=torch.float64)
    checkers = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64).repeat(8, 8)  # seen at scale 0 only
    with torch.no_grad():
        moved = lift(zoom_out(x + checkers, 2, "circular")) - lift(zoom_out(x, 2, "circular"))
        still = lift(x + checkers) - lift(x)
    assert float(moved.abs().max()) <= 1e-12 < float(still[:, :, 0].abs().max())


def test_whole_ratios_have_no_error_and_others_a_small_one():
    """The error falls with the frequency of the signal; one layer at the square root of two stays below 3 %."""
    torch.manual_seed(0)
    image = Grid(2).field("C4", 1)

    def error(ratio: float, band: float) -> float:
        return scale_error(ScaleLift(image, ScaleGrid(2, 3, ratio).field("C4", "1 regular")), band, size=41)

    assert error(2, 0.9) <= 1e-12
    low, high = error(2**0.5, 0.25), error(2**0.5, 0.5)
    assert 1e-6 < low < high < 0.03


def test_scale_error_sees_a_broken_law():
    class Crooked(ScaleLift):
        def forward(self, x):
            y = super().forward(x)
            return y * torch.arange(1, 1 + y.shape[2], dtype=y.dtype)[:, None, None]

    layer = Crooked(Grid(2).field("C4", 1), ScaleGrid(2, 3).field("C4", "1 regular"))
    assert scale_error(layer, size=33) > 0.1


def test_interpolation_of_taps():
    """Sum 1 for every tap, exact on straight lines, the identity for taps a whole number of pixels apart."""
    for taps, step in ((3, 2**0.5), (5, 1.3), (3, 2.5)):
        matrix = between(taps, step)
        u = np.arange(len(matrix)) - len(matrix) // 2
        assert np.allclose(matrix.sum(0), 1)
        assert np.allclose(u @ matrix, step * (np.arange(taps) - taps // 2))
    matrix = between(3, 2.0)
    assert set(np.round(matrix, 12).ravel()) == {0.0, 1.0}


@pytest.mark.parametrize("ratio", [2, 2**0.5])
@pytest.mark.parametrize("mode", ["zeros", "circular"])
def test_layers_keep_every_law(ratio, mode):
    image = Grid(2).field("C4", 1)
    one = ScaleGrid(2, 3, ratio, (9, 9)).field("C4", "1 regular")
    check(ScaleLift(image, ScaleGrid(2, 3, ratio).field("C4", "1 regular"), padding_mode=mode), skip=("compile",))
    check(ScaleConv(one, one, depth=2, padding_mode=mode), skip=("compile", "torch.export"))


def test_pooling_over_scales_forgets_the_zoom():
    """The maximum over those scales that neither left nor entered is the same after zooming out."""
    torch.manual_seed(0)
    field, inner = (ScaleGrid(2, scales).field("C1", 4) for scales in (4, 3))
    lift = ScaleLift(Grid(2).field("C1", 1), field, padding_mode="circular").double()
    x = torch.randn(1, 1, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        near, far = lift(x), lift(zoom_out(x, 2, "circular"))
        for kind in ("max", "mean"):
            pool = ScalePool(inner, kind)
            assert torch.allclose(pool(near[:, :, 1:])[..., ::2, ::2], pool(far[:, :, :-1]), atol=1e-12)


def test_derived_networks():
    torch.manual_seed(0)
    net = derive(Grid(2).field("D4", 1), Classify(3), "tiny", scales=3).eval()
    x = torch.rand(4, 1, 33, 33)
    assert audit(net, x).verdict == "exact"
    result = audit(net, x, actions=[zooming(2)])
    assert [f.name for f in result.families] == ["scale"]
    again = network_from(net.declaration)
    again.load_state_dict(net.state_dict())
    with torch.no_grad():
        assert torch.equal(again.eval()(x), net(x))
        assert torch.allclose(net.export()(x), net(x), atol=1e-5)
    assert derive(Grid(2).field("C4", 1), Classify(2), "tiny", scales={"scales": 2, "ratio": 1.5})


def test_spaces_describe_themselves():
    space = ScaleGrid(2, 4, 1.5, (9, 9))
    assert space_from(space.describe()) == space != ScaleGrid(2, 4, 2, (9, 9))
    assert space.grid == Grid(2, (9, 9))
    assert repr(space) == "4 scales of ratio 1.5 on Grid(9×9)"


def test_mistakes():
    image, field = Grid(2).field("C4", 1), ScaleGrid(2, 3).field("C4", "1 regular")
    with pytest.raises(DomainError, match="1 or 2 axes"):
        ScaleGrid(3)
    with pytest.raises(DomainError, match="ratio above 1"):
        ScaleGrid(2, 3, 1.0)
    with pytest.raises(FieldError, match=r"Fix: ScaleGrid\(2"):
        ScaleLift(image, image)
    with pytest.raises(FieldError, match="odd number"):
        ScaleLift(image, field, 4)
    with pytest.raises(FieldError, match="at least depth=4"):
        ScaleConv(field, field, depth=4)
    with pytest.raises(FieldError, match="leaves 2 of 3"):
        ScaleConv(field, ScaleGrid(2, 1).field("C4", "1 regular"), depth=2)
    with pytest.raises(DomainError, match="at 3 scales"):
        ScaleConv(field, field)(torch.zeros(1, 4, 2, 9, 9))
    with pytest.raises(DomainError, match="or fewer scales"):
        ScaleLift(image, field, 5, padding_mode="circular")(torch.zeros(1, 1, 4, 4))
    with pytest.raises(NonlinearityError, match="kind='mean'"):
        ScalePool(Field(field.space, field.group.standard))
    with pytest.raises(FieldError, match="ScalePool needs"):
        ScalePool(image)
    with pytest.raises(FieldError, match="PoolEveryScale needs"):
        PoolEveryScale(image)
    with pytest.raises(DomainError, match="whole number"):
        zoom_out(torch.zeros(1, 1, 9, 9), 1)
    with pytest.raises(FieldError, match="scales takes a number"):
        derive(image, Classify(2), "tiny", scales={"number": 3})
    with pytest.raises(DomainError, match="no refinement"):
        derive(image, Segment(2), "tiny", scales=3)


def test_casts_of_an_exported_layer_leave_the_original():
    field = Grid(2, (12, 12)).field("C4", 1)
    layer = ScaleLift(field, ScaleGrid(2, 3, 1.5, (12, 12)).field("C4", "regular"))
    x = torch.randn(1, 1, 12, 12)
    before = layer(x)
    layer.export().bfloat16()
    assert torch.equal(layer(x), before)


@pytest.mark.parametrize("kind", ["norm", "gated", "fourier", "pointwise"])
def test_nonlinearities_at_several_scales(kind):
    network = derive(Grid(2, (12, 12)).field("C4", 1), Classify(2), "tiny", scales=2, nonlinearity=kind).double().eval()
    x = torch.randn(2, 1, 12, 12, dtype=torch.float64)
    assert (network(x.rot90(1, (2, 3))) - network(x)).abs().max() < 1e-12


def test_layers_of_one_scale_refuse_several():
    field = ScaleGrid(2, 4, 2, (12, 12)).field("C4", "1 regular")
    for layer in (Pool, PolyphasePool, Upsample, DepthwiseConv, lambda f: Conv(f, f), lambda f: SpectralConv(f, f, 2)):
        with pytest.raises(FieldError, match="at one scale"):
            layer(field)
    with pytest.raises(DomainError, match="ratio above 1"):
        ScaleGrid(2, 3, float("inf"))
