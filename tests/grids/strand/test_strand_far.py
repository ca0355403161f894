"""Attention and state space: what they compute, that the strands mix, and errors."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from erlangen import Strand
from erlangen.blueprint import Field
from erlangen.errors import ExactnessError, FieldError
from erlangen.grids.strand import GatedStateSpace, StateSpace, StrandAttention
from erlangen.grids.strand.attention import distance_bias


def dna(rep: str, group: str = "RC") -> Field:
    return Strand().field(group, rep)


def dense_convolution(x: Tensor, kernels: Tensor) -> Tensor:
    """y_f = k * f + m * r, y_r = k(-·) * r + m(-·) * f, by matrices [L, L]."""
    length = x.shape[2]
    t = torch.arange(length)
    distance = t[:, None] - t
    k, m = (
        torch.where(distance >= 0, sides[:, 0][:, distance.clamp(min=0)], sides[:, 1][:, (-distance - 1).clamp(min=0)])
        for sides in (kernels[:, :2], kernels[:, 2:])
    )  # [copies, L, L]
    f, r = x.unflatten(1, (-1, 2)).unbind(2)
    apply = lambda matrix, signal: torch.einsum("cts,bcs->bct", matrix, signal)  # noqa: E731
    there = apply(k, f) + apply(m, r)
    back = apply(k.mT, r) + apply(m.mT, f)
    return torch.stack([there, back], 2).flatten(1, 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 4), st.integers(1, 6))
def test_state_space_is_the_convolution_it_says(length: int, copies: int, states: int) -> None:
    layer = StateSpace(dna(f"{copies} regular"), states).double()
    x = torch.randn(2, 2 * copies, length, dtype=torch.float64)
    with torch.no_grad():
        want = dense_convolution(x, layer.kernels(length))
        got = layer(x)
        moved = layer.out_field.act(1, layer(layer.in_field.act(1, x)))
    assert float((got - want).abs().max() / want.abs().max()) <= 1e-12
    assert float((moved - got).abs().max() / got.abs().max()) <= 1e-12


def test_state_space_is_the_recurrence_it_says() -> None:
    """h ← exp(A) h + (1 - exp(A)) x at every letter, y = 2 Re C h: the kernel forwards on the own strand."""
    layer = StateSpace(dna("1 regular"), 3).double()
    rate, turn = layer.log_rate.detach().exp()[0], layer.frequency.detach()[0]
    step = torch.exp(torch.complex(-rate, turn))
    c = torch.view_as_complex(layer.response.detach()[0, 0].contiguous())
    impulse = torch.zeros(20, dtype=torch.complex128)
    impulse[0] = 1
    h, response = torch.zeros(3, dtype=torch.complex128), []
    for value in impulse:
        h = step * h + (1 - step) * value
        response.append(float(2 * (c * h).sum().real))
    kernel = layer.kernels(20)[0, 0]
    assert torch.allclose(kernel, torch.tensor(response, dtype=torch.float64), atol=1e-12)


@pytest.mark.parametrize("layer", [StateSpace(dna("2 regular")), GatedStateSpace(dna("2 regular"))], ids=str)
def test_the_strands_mix(layer: torch.nn.Module) -> None:
    """What is on one strand reaches the other, at a distance, in both directions."""
    x = torch.randn(1, 4, 31)
    other = x.clone()
    other[:, 1::2, 15] += 1.0  # the other strand of both copies, in the middle
    with torch.no_grad():
        gap = (layer(other) - layer(x)).abs()[0]
    scale = float(gap.max())
    assert float(gap[0::2, :10].max()) > 1e-3 * scale
    assert float(gap[0::2, 20:].max()) > 1e-3 * scale


def test_long_sequences_stay_exact() -> None:
    torch.manual_seed(0)
    for layer in (StateSpace(dna("2 regular")), StrandAttention(dna("2 regular"), heads=1)):
        for length in (999, 1000):
            x = torch.randn(1, 4, length)
            with torch.no_grad():
                y, moved = layer(x), layer(layer.in_field.act(1, x))
            assert float((layer.out_field.act(1, y) - moved).abs().max() / y.abs().max()) <= 1e-5


@given(st.integers(1, 12), st.integers(1, 3))
def test_bias_of_both_strands(length: int, heads: int) -> None:
    """b(t - s) on one strand is b(s - t) on the other, and both parities are there."""
    bias = distance_bias(torch.randn(heads, 8), torch.randn(heads, 8), 2, length)
    assert torch.allclose(bias[0], bias[1].mT, atol=1e-6)
    assert torch.allclose(bias[0], bias[1].flip(1, 2), atol=1e-6)  # it depends on the distance only
    if length > 1:
        assert not torch.allclose(bias[0], bias[0].mT, atol=1e-6)


def test_attention_is_attention() -> None:
    """With one head and no bias: softmax(q·k/√d) v on each strand, from the two maps of the layer."""
    layer = StrandAttention(dna("1 regular"), heads=1, head_size=3).double()
    with torch.no_grad():
        layer.even.zero_()
        layer.odd.zero_()
    x = torch.randn(1, 2, 7, dtype=torch.float64)
    with torch.no_grad():
        q, k, v = layer.project(x).unflatten(1, (3, 3, 2)).unbind(1)  # [1, size, strand, L]
        weights = (torch.einsum("bdnt,bdns->bnts", q, k) / 3**0.5).softmax(-1)
        mixed = torch.einsum("bnts,bdns->bdnt", weights, v).flatten(1, 2)
        assert torch.allclose(layer(x), layer.merge(mixed), atol=1e-12)


def test_mistakes_teach() -> None:
    with pytest.raises(FieldError, match="regular"):
        StateSpace(dna("2 trivial + 2 sign"))
    with pytest.raises(FieldError, match="one state"):
        StateSpace(dna("2 regular"), 0)
    with pytest.raises(FieldError, match="pair of heads"):
        StrandAttention(dna("2 regular"), heads=0)
    from erlangen import Classify, derive

    with pytest.raises(ExactnessError, match="block='residual'"):
        derive(dna("letters"), Classify(2), "tiny", block="attention", shift="exact")


@pytest.mark.parametrize("strands", [1, 2])
def test_biases_are_sums_of_exponentials_of_the_distance(strands: int) -> None:
    even, odd = torch.randn(2, 3, 8, dtype=torch.float64)
    found = distance_bias(even, odd, strands, 7)
    assert found.shape == (strands, 3, 7, 7)
    for t in range(7):
        for s in range(7):
            decay = torch.exp(-abs(t - s) * 2.0 ** -torch.arange(8, dtype=torch.float64))
            sign = (t > s) - (t < s)
            for strand in range(strands):
                expected = even @ decay + (1 - 2 * strand) * sign * (odd @ decay)
                assert torch.allclose(found[strand, :, t, s], expected)
