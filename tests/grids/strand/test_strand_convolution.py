"""Convolutions under the reverse complement: exact or refused, complete, at half the parameters."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from erlangen import Strand
from erlangen.blueprint import Sequential
from erlangen.errors import ExactnessError, NoEquivariantMap, NonlinearityError
from erlangen.grids import Conv, Pool, line
from erlangen.grids.line import as_image, convolve_line
from erlangen.solve import solve_kernel
from erlangen.testing import check

REPS = ("letters", "regular", "2 regular + sign", "3 trivial + 1 sign", "kmers(2)", "frames", "involution(1,0,2)")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(REPS),
    st.sampled_from(REPS),
    st.integers(1, 8),
    st.integers(1, 5),
    st.integers(0, 9),
    st.integers(1, 3),
    st.integers(20, 27),
    st.sampled_from(["zeros", "circular"]),
)
def test_exact_or_refused(
    a: str, b: str, kernel: int, stride: int, padding: int, dilation: int, length: int, mode: str
) -> None:
    """(L + 2p - d(k - 1) - 1) mod s decides: exact to rounding in both precisions, or an error with the remedy."""
    fields = [Strand().field("RC", rep) for rep in (a, b)]
    conv = Conv(*fields, kernel, stride=stride, padding=padding, dilation=dilation, padding_mode=mode)
    if conv.out_shape((length,))[0] < 1:
        return
    x = torch.randn(2, fields[0].size, length, dtype=torch.float64)
    rest = (length + 2 * padding - dilation * (kernel - 1) - 1) % stride
    assert conv.exact_when((length,))[0] == (rest == 0)
    if rest:
        with pytest.raises(ExactnessError, match="Fix"):
            conv.double()(x)
        return
    for dtype, limit in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        conv = conv.to(dtype)
        with torch.no_grad():
            y, other = conv(x.to(dtype)), conv(fields[0].act(1, x.to(dtype)))
        assert y.shape[2:] == conv.out_shape((length,))
        if float(y.abs().max()) > 0:
            assert float((fields[1].act(1, y) - other).abs().max() / y.abs().max()) <= limit


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 15])
@pytest.mark.parametrize("a", REPS)
@pytest.mark.parametrize("b", ["regular", "letters", "trivial + sign"])
def test_complete(a: str, b: str, kernel: int) -> None:
    """As many parameters as the solver finds kernels; between regular fields half of those of a plain convolution."""
    one, two = (Strand().field("RC", rep) for rep in (a, b))
    try:
        conv = Conv(one, two, kernel, bias=False)
    except NoEquivariantMap:
        pytest.skip("refused")
    count = sum(p.numel() for p in conv.parameters())
    assert count == solve_kernel((kernel,), one.group, one.rep, two.rep).dim
    if {a, b} <= {"regular", "letters", "frames", "2 regular + sign"} and "sign" not in a:
        assert 2 * count == nn.Conv1d(one.size, two.size, kernel, bias=False).weight.numel()


@pytest.mark.parametrize("length", [64, 65, 66, 67])
def test_deep_stacks_of_strides_and_pools(length: int) -> None:
    """Seven layers: wide, even and dilated kernels, an exact stride, two poolings."""
    letters, hidden = Strand().field("RC", "letters"), Strand().field("RC", "4 regular")
    stride_kernel = 4 if length % 2 == 0 else 3  # the kernel whose parity the length wants
    network = Sequential(
        Conv(letters, hidden, 15),
        Conv(hidden, hidden, 9, dilation=2),
        Conv(hidden, hidden, stride_kernel, stride=2, padding=1),
        Pool(hidden),
        Conv(hidden, hidden, 2, padding=1),
        Pool(hidden, 2, "max"),
        Conv(hidden, hidden, 3),
    ).double()
    x = torch.randn(2, 4, length, dtype=torch.float64)
    with torch.no_grad():
        y, other = network(x), network(letters.act(1, x))
    assert float((hidden.act(1, y) - other).abs().max() / y.abs().max()) <= 1e-12


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(REPS), st.sampled_from(["blur", "max", "maxblur"]), st.integers(1, 5), st.integers(5, 40))
def test_pooling_is_exact_at_every_length(rep: str, kind: str, stride: int, length: int) -> None:
    """Or refused, where channels change their sign and maxima do not commute."""
    field = Strand().field("RC", rep)
    if kind != "blur" and not field.rep.is_permutation:
        with pytest.raises(NonlinearityError, match="blur"):
            Pool(field, stride, kind)
        return
    layer = Pool(field, stride, kind)
    x = torch.randn(2, field.size, length, dtype=torch.float64)
    y, other = layer(x), layer(field.act(1, x))
    assert y.shape[2:] == layer.out_shape((length,)) == (-(-length // stride),)
    assert float((field.act(1, y) - other).abs().max() / y.abs().max()) <= 1e-12


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 3), st.integers(1, 5), st.integers(1, 20), st.integers(1, 4), st.integers(0, 3), st.integers(1, 2)
)
def test_lines_as_images(batch: int, channels: int, length: int, kernel: int, padding: int, stride: int) -> None:
    """`convolve_line` is torch's conv1d, and its output is in channels_last order."""
    x = torch.randn(batch, channels, length, dtype=torch.float64)
    weight = torch.randn(6, channels, kernel, dtype=torch.float64)
    if length + 2 * padding < kernel:
        return
    y = convolve_line(x, weight, None, (stride,), (padding,))
    want = nn.functional.conv1d(x, weight, None, stride, padding)
    assert torch.allclose(y, want, atol=1e-12)
    assert torch.equal(as_image(x).squeeze(2), x)
    line = as_image(x).squeeze(2)
    assert as_image(line).data_ptr() == line.data_ptr()  # no copy where the channels lie together already


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 4), st.integers(9, 20), st.integers(1, 4), st.integers(0, 3), st.integers(1, 2)
)
def test_gradients_of_long_lines(b: int, c: int, length: int, taps: int, padding: int, dilation: int) -> None:
    """One product a tap gives the gradients of conv1d, and gradients of those."""
    x = torch.randn(b, c, length, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, c, taps, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(3, dtype=torch.float64, requires_grad=True)
    results = []
    for long in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(line, "LONG", 1 if long else 10**9)
            patch.setattr(line, "WIDE", 1)
            y = convolve_line(x, weight, bias, (1,), (padding,), (dilation,))
            first = torch.autograd.grad(y.square().sum(), (x, weight, bias), create_graph=True)
            second = torch.autograd.grad(sum(g.square().sum() for g in first), (x, weight, bias))
        assert ("LongLine" in str(y.grad_fn.next_functions)) == long
        results.append([y, *first, *second])
    for one, two in zip(*results, strict=True):
        assert torch.allclose(one, two, rtol=1e-10, atol=1e-10)


@pytest.mark.filterwarnings("ignore")
def test_long_lines_keep_every_law() -> None:
    field = Strand(520).field("RC", "8 regular")
    check(Conv(field, field, 3, dilation=2), shape=(520,), skip=("complete",))
