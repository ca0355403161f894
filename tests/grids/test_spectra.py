"""Convolution by the Fourier transform over space, and layers of Fourier modes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from erlangen import Grid
from erlangen.errors import DomainError, FieldError, UnknownName
from erlangen.grids import Conv, FFTConv, SpectralConv
from erlangen.grids.fft import fast_size, fft_conv
from erlangen.solve import solve
from erlangen.symmetry import Group

CONV = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 6)), min_size=1, max_size=3),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_fft_convolutions_are_convolutions(axes: list[tuple[int, int, int]], c_in: int, c_out: int) -> None:
    """Any size, kernel and padding for which there is an output."""
    shape, taps, padding = (tuple(a[i] for a in axes) for i in range(3))
    if any(n + 2 * p < k for n, k, p in axes):
        return
    x, kernel = torch.randn(2, c_in, *shape).double(), torch.randn(c_out, c_in, *taps).double()
    want = CONV[len(axes)](x, kernel, None, 1, padding)
    found = fft_conv(x, kernel, padding, "zeros")
    assert found.shape == want.shape
    assert (found - want).abs().max() < 1e-11 * max(1.0, float(want.abs().max()))


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("kernel", [3, 4, 7])
def test_both_ways_of_a_layer_agree(mode: str, kernel: int) -> None:
    """Outputs and gradients; the weights are those of `Conv`."""
    fields = [Grid(2).field("D4", rep) for rep in ("1 regular", "2 regular + standard")]
    layers = [FFTConv(*fields, kernel, padding_mode=mode, method=way).double() for way in ("direct", "fft")]
    layers[1].load_state_dict(layers[0].state_dict())
    layers[0].conv.load_state_dict(Conv(*fields, kernel, padding_mode=mode).double().state_dict())
    layers[1].conv.load_state_dict(layers[0].conv.state_dict())
    x = torch.randn(2, 8, 9, 9, dtype=torch.float64, requires_grad=True)
    found = [layer(x) for layer in layers]
    assert (found[0] - found[1]).abs().max() < 1e-12 * found[0].abs().max() * 100
    dy = torch.randn_like(found[0])
    gradients = [torch.autograd.grad(y, [x, *m.parameters()], dy) for y, m in zip(found, layers, strict=True)]
    for a, b in zip(*gradients, strict=True):
        assert (a - b).abs().max() < 1e-10 * max(1.0, float(a.abs().max()))


@given(st.integers(1, 5000))
def test_fast_sizes(n: int) -> None:
    found = fast_size(n)
    assert n <= found <= 2 * n
    for prime in (2, 3, 5):
        while found % prime == 0:
            found //= prime
    assert found == 1


def test_the_estimate_prefers_fft_for_large_kernels() -> None:
    """With a table that is fixed here: direct for 3 taps, by Fourier for 25, and never in between back again."""
    field = Grid(2).field("D4", "4 regular")
    table = {"product": 100.0, "memory": 7.0, "transform": 16.0, "frequencies": 21.0}
    takes = []
    for kernel in range(3, 27, 2):
        layer = FFTConv(field, field, kernel)
        layer.rates = dict.fromkeys((torch.float32, torch.bfloat16), table)
        takes.append(layer.uses_fft((32, 32)))
        assert (layer.multiplications((32, 32)) == layer.conv.multiplications((32, 32))) is not takes[-1]
    assert takes == sorted(takes)
    assert (takes[0], takes[-1]) == (False, True)


def test_mistakes_in_fft_convolutions_teach() -> None:
    field = Grid(2).field("C4", "1 regular")
    with pytest.raises(FieldError, match="Conv for strides"):
        FFTConv(field, field, 5, stride=2)
    with pytest.raises(UnknownName, match="direct"):
        FFTConv(field, field, 5, method="dct")


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
