"""Convolution through products of spectra, and layers of Fourier modes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from erlangen import Grid, HexGrid
from erlangen.errors import DomainError, FieldError, UnknownName
from erlangen.grids import Conv, SpectralConv, convolve
from erlangen.grids.convolve import find_tiles
from erlangen.grids.hexagon.lattice import masked
from erlangen.grids.hexagon.linear import HexConv
from erlangen.grids.spectra import Tiles, tiled_conv
from erlangen.grids.wrap import wrap
from erlangen.solve import solve
from erlangen.symmetry import Group

CONV = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(1, 7), st.integers(0, 8), st.integers(1, 4), st.booleans()),
        min_size=1,
        max_size=3,
    ),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_products_of_spectra_are_convolutions(
    axes: list[tuple[int, int, int, int, bool]], c_in: int, c_out: int
) -> None:
    """Any size, kernel, padding and number of pieces for which there is an output."""
    tiles = tuple(Tiles(*axis) for axis in axes)
    if any(t.outputs < 1 or (t.circular and t.padding > t.size) for t in tiles):
        return
    x = torch.randn(2, c_in, *[t.size for t in tiles]).double()
    kernel = torch.randn(c_out, c_in, *[t.taps for t in tiles]).double()
    around = wrap(x, [t.padding * t.circular for t in tiles])
    want = CONV[len(axes)](around, kernel, None, 1, [t.padding * (not t.circular) for t in tiles])
    found = tiled_conv(x, kernel, tiles)
    assert found.shape == want.shape
    assert (found - want).abs().max() < 1e-11 * max(1.0, float(want.abs().max()))


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("kernel", [3, 4, 7])
def test_both_ways_of_a_layer_agree(mode: str, kernel: int) -> None:
    """Outputs, gradients and gradients of gradients."""
    fields = [Grid(2).field("D4", rep) for rep in ("1 regular", "2 regular + standard")]
    layers = [Conv(*fields, kernel, padding_mode=mode, method=way).double() for way in ("direct", "spectra")]
    layers[1].load_state_dict(layers[0].state_dict())
    x = torch.randn(2, 8, 9, 9, dtype=torch.float64, requires_grad=True)
    found = [layer(x) for layer in layers]
    assert (found[0] - found[1]).abs().max() < 1e-10 * found[0].abs().max()
    dy = torch.randn_like(found[0])
    gradients = []
    for layer, y in zip(layers, found, strict=True):
        first = torch.autograd.grad(y.square(), [x, *layer.parameters()], dy, create_graph=True)
        second = torch.autograd.grad(first[0].square().sum(), [x, layer.weights[0]])
        gradients.append((*first, *second))
    for a, b in zip(*gradients, strict=True):
        assert (a - b).abs().max() < 1e-9 * max(1.0, float(a.detach().abs().max()))


def test_hexagons_go_by_spectra_too(monkeypatch) -> None:
    field = HexGrid(6).field("C6", "6 regular")
    layer, x = HexConv(field, field, 5), masked(torch.randn(3, 36, 13, 13))
    direct = layer(x)
    monkeypatch.setattr(convolve, "LEAST", 0.0)
    monkeypatch.setattr(convolve, "rates", lambda dtype: FAST)
    convolve.find_tiles.cache_clear()
    through = layer(x)
    convolve.find_tiles.cache_clear()
    assert not torch.equal(through, direct)
    assert (through - direct).norm() < 1e-6 * direct.norm()


def test_the_error_of_rounding_is_not_larger() -> None:
    """Float32 against float64, beside the direct way."""
    x, kernel = torch.randn(4, 32, 14, 14), torch.randn(32, 32, 5, 5)
    exact = functional.conv2d(x.double(), kernel.double(), padding=2)
    errors = [
        float((y - exact).norm() / exact.norm())
        for y in (tiled_conv(x, kernel, (Tiles(14, 5, 2),) * 2), functional.conv2d(x, kernel, padding=2))
    ]
    assert errors[0] < 6e-7
    assert errors[0] < 2 * errors[1]


FAST = {"convolution": 0.1, "frequencies": 100.0, "product": 100.0, "memory": 100.0}
USUAL = {"convolution": 38.0, "frequencies": 26.0, "product": 40.0, "memory": 6.0}


def test_the_estimate_prefers_spectra_for_large_kernels_and_many_channels(monkeypatch) -> None:
    """With a table that is fixed here: direct for few taps or channels, by spectra for many, and never back again."""
    monkeypatch.setattr(convolve, "rates", lambda dtype: USUAL)
    convolve.find_tiles.cache_clear()
    by_kernel = [find_tiles((28, 28), (k, k), (k // 2,) * 2, False, 16, 32, 32) is not None for k in range(3, 19, 2)]
    by_width = [find_tiles((14, 14), (5, 5), (2, 2), False, 64, c, c) is not None for c in (2, 8, 32, 64, 128)]
    convolve.find_tiles.cache_clear()
    for takes in (by_kernel, by_width):
        assert takes == sorted(takes)
        assert (takes[0], takes[-1]) == (False, True)


def test_auto_is_direct_where_it_must_be(monkeypatch) -> None:
    """Lower precision, strides, empty batches; nobody asks the table for small layers."""
    monkeypatch.setattr(convolve, "rates", lambda dtype: pytest.fail("asked"))
    convolve.find_tiles.cache_clear()
    field = Grid(2).field("C4", "8 regular")
    x = torch.randn(2, 32, 8, 8)
    assert Conv(field, field, 5)(x).shape == x.shape
    wide = Grid(2).field("C4", "32 regular")
    x = torch.randn(8, 128, 32, 32)
    assert Conv(wide, wide, 4, stride=2, padding=1)(x).shape == (8, 128, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        assert Conv(wide, wide, 3)(x[:1]).dtype == torch.bfloat16
    assert Conv(wide, wide, 5, method="spectra")(x[:0]).shape == (0, 128, 32, 32)
    convolve.find_tiles.cache_clear()


def test_mistakes_in_the_method_teach() -> None:
    field = Grid(2).field("C4", "1 regular")
    with pytest.raises(FieldError, match="method='auto' for strides"):
        Conv(field, field, 5, stride=2, method="spectra")
    with pytest.raises(UnknownName, match="direct"):
        Conv(field, field, 5, method="dct")


# spectral


def bandlimited(coefficients: Tensor, n: int) -> Tensor:
    """Samples on n × n points of one period: Σ_ξ c(ξ) cos(2π ξ·u + φ(ξ)); coefficients [C, 2M+1, 2M+1, 2]."""
    top = coefficients.shape[1] // 2
    t = torch.arange(n, dtype=torch.float64) / n
    y = torch.zeros(len(coefficients), n, n, dtype=torch.float64)
    for i in range(-top, top + 1):
        for j in range(-top, top + 1):
            size, phase = coefficients[:, i, j, 0, None, None], 6.0 * coefficients[:, i, j, 1, None, None]
            y += size * torch.cos(2 * torch.pi * (i * t[:, None] + j * t) + phase)
    return y[None]


def test_spectral_layers_do_not_depend_on_the_grid() -> None:
    """One map between periodic functions: on twice and three times as many samples the outputs are the same."""
    torch.manual_seed(0)
    layer = SpectralConv(*(Grid(2).field("D4", rep) for rep in ("2 trivial", "1 regular + 1 standard")), 2).double()
    coefficients = torch.randn(2, 7, 7, 2, dtype=torch.float64)  # also modes that the layer drops
    coarse = layer(bandlimited(coefficients, 9))
    for times in (2, 3):
        fine = layer(bandlimited(coefficients, 9 * times))
        assert (fine[..., ::times, ::times] - coarse).abs().max() < 1e-12 * coarse.abs().max() * 10


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2), st.integers(5, 10), st.integers(5, 10), st.integers(-9, 9), st.integers(-9, 9))
def test_spectral_layers_commute_with_shifts(modes: int, height: int, width: int, dy: int, dx: int) -> None:
    layer = SpectralConv(*(Grid(2).field("D2", rep) for rep in ("1 regular", "2 trivial")), modes).double()
    x = torch.randn(1, 4, height, width, dtype=torch.float64)
    moved = layer(x.roll((dy, dx), (2, 3)))
    assert (moved - layer(x).roll((dy, dx), (2, 3))).abs().max() < 1e-12 * max(1.0, float(moved.detach().abs().max()))


@pytest.mark.parametrize(
    ("group", "a", "b"), [("D1", "1 trivial", "1 regular"), ("D1", "1 regular", "1 sign + 1 trivial")]
)
def test_spectral_layers_are_complete(group: str, a: str, b: str) -> None:
    """All maps on a ring of 2M+1 samples, where no mode is dropped, that commute with shifts and the point group."""
    modes, n = 2, 5
    fields = [Grid(1).field("D1", rep) for rep in (a, b)]
    layer = SpectralConv(*fields, modes, bias=False).double()
    ring = Group.from_permutations({"shift": "(0 1 2 3 4)", "mirror": "(0 4)(1 3)"})
    images = []
    for field in fields:
        c = field.size
        rho = field.rep.matrices()[1]
        shift, mirror = np.roll(np.eye(n), 1, axis=0), np.eye(n)[::-1]
        images.append(ring.representation({"shift": np.kron(np.eye(c), shift), "mirror": np.kron(rho, mirror)}))
    hom = solve(*images)
    x = torch.eye(fields[0].size * n, dtype=torch.float64).view(-1, fields[0].size, n)
    rows = []
    for weight in layer.weights:
        for i in range(weight.numel()):
            with torch.no_grad():
                for other in layer.weights:
                    other.zero_()
                weight.view(-1)[i] = 1.0
                rows.append(layer(x).flatten(1).T.flatten().numpy())
    mine = np.linalg.qr(np.stack(rows).T)[0]
    theirs = np.linalg.qr(hom.basis.reshape(hom.dim, -1).T)[0]
    assert len(rows) == hom.dim
    assert np.linalg.norm(theirs - mine @ (mine.T @ theirs)) < 1e-9


def test_too_few_samples_teach() -> None:
    layer = SpectralConv(*(Grid(2).field("C4", 1) for _ in range(2)), 4)
    with pytest.raises(DomainError, match="modes=3 or less"):
        layer(torch.randn(1, 1, 8, 8))
    assert layer(torch.randn(1, 1, 9, 9)).shape == (1, 1, 9, 9)
