"""Depthwise convolutions and the blocks that are made of them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from erlangen import Classify, Grid, Segment, derive
from erlangen.blueprint import network_from
from erlangen.blueprint.depthwise import CONV, depthwise_conv
from erlangen.errors import ExactnessError, FieldError, UnknownName
from erlangen.grids import DepthwiseConv, Mixing, Residual, separable_block
from erlangen.grids.blocks import BLOCKS, build_block
from erlangen.testing import check


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-10) -> bool:
    return bool((a - b).abs().max() <= tolerance * max(1.0, float(b.detach().abs().max())))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 3).flatmap(
        lambda d: st.tuples(
            st.lists(st.integers(1, 9), min_size=d, max_size=d),
            st.lists(st.integers(1, 7), min_size=d, max_size=d),
            st.lists(st.integers(0, 4), min_size=d, max_size=d),
        )
    ),
    st.integers(1, 3),
)
def test_depthwise_gradients_are_those_of_torch(case: tuple[list[int], list[int], list[int]], channels: int) -> None:
    """Any size, kernel and padding, even kernels and paddings beyond the kernel included."""
    shape, taps, padding = case
    if any(n + 2 * p < k for n, k, p in zip(shape, taps, padding, strict=True)):
        return
    x = torch.randn(2, channels, *shape, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(channels, 1, *taps, dtype=torch.float64, requires_grad=True)
    mine = depthwise_conv(x, weight, tuple(padding))
    theirs = CONV[len(shape)](x, weight, None, 1, padding, 1, channels)
    assert mine.shape == theirs.shape
    assert close(mine, theirs)
    dy = torch.randn_like(theirs)
    for a, b in zip(*(torch.autograd.grad(y, (x, weight), dy) for y in (mine, theirs)), strict=True):
        assert close(a, b)


@pytest.mark.parametrize("taps", [(3, 5), (3, 3, 4)])
def test_depthwise_gradients_can_be_differentiated(taps: tuple[int, ...]) -> None:
    x = torch.randn(1, 2, *[5] * len(taps), dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 1, *taps, dtype=torch.float64, requires_grad=True)
    padding = (1,) * len(taps)
    torch.autograd.gradgradcheck(lambda a, b: depthwise_conv(a, b, padding), (x, weight), fast_mode=True)


def test_depthwise_only_one_gradient() -> None:
    """Frozen weights and inputs that need no gradient."""
    x, weight = torch.randn(2, 3, 6, 6), torch.randn(3, 1, 5, 5)
    for which in (0, 1):
        leaves = [x.clone(), weight.clone()]
        leaves[which].requires_grad_()
        mine = torch.autograd.grad(depthwise_conv(leaves[0], leaves[1], (2, 2)).square().sum(), leaves[which])[0]
        y = functional.conv2d(leaves[0], leaves[1], None, 1, 2, 1, 3)
        assert close(mine, torch.autograd.grad(y.square().sum(), leaves[which])[0], 1e-5)


@pytest.mark.parametrize(
    ("group", "rep", "free"), [("D4", "2 regular", 2 * 25), ("D4", "standard", 6), ("C4", "sign", 7)]
)
def test_free_parameters_of_depthwise_convolutions(group: str, rep: str, free: int) -> None:
    """A regular copy has every tap free; a turned copy one number for each orbit of taps."""
    assert sum(p.numel() for p in DepthwiseConv(Grid(2).field(group, rep), 5).parameters()) == free


def test_depthwise_channels_do_not_mix() -> None:
    layer = DepthwiseConv(Grid(2).field("D4", "2 regular"), 3)
    x = torch.zeros(1, 16, 9, 9)
    x[:, 5] = torch.randn(9, 9)
    assert layer(x).abs().amax(dim=(0, 2, 3)).nonzero().flatten().tolist() == [5]


def test_even_depthwise_kernels_teach() -> None:
    with pytest.raises(ExactnessError, match="an odd kernel"):
        DepthwiseConv(Grid(2).field("C4", "1 regular"), 4)


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("out", ["2 regular", "3 regular"])
def test_every_kind_of_block_keeps_the_law(kind: str, out: str) -> None:
    before, after = (Grid(2).field("D4", rep) for rep in ("2 regular", out))
    laws = ["equivariance in float64", "equivariance in training", "plain export", "state_dict"]
    check(build_block(before, after, kind), only=laws)


def test_separable_blocks_lift_by_a_convolution() -> None:
    """Pixels cannot be mixed to regular fields, so the first block is dense, as are those that meet new copies."""
    block = build_block(Grid(2).field("D4", 3), Grid(2).field("D4", "2 regular"), "separable", kernel_size=7)
    assert not any(isinstance(part, DepthwiseConv) for part in block.modules())
    block = build_block(Grid(2).field("D4", "2 regular"), Grid(2).field("D4", "4 regular"), "separable", kernel_size=7)
    assert any(isinstance(part, DepthwiseConv) for part in block.modules())
    assert isinstance(block, Residual)
    assert isinstance(block.shortcut, Mixing)


def test_separable_blocks_start_near_the_identity_in_variance() -> None:
    torch.manual_seed(0)
    field = Grid(2).field("D4", "16 regular")
    x = torch.randn(4, field.size, 16, 16)
    for gain in (0.25, 1.0):
        added = separable_block(field, field, 5, gain=gain).train()(x) - x
        assert 0.4 * gain < float(added.detach().square().mean()) < 2.5 * gain


@pytest.mark.parametrize("task", [Classify(3), Segment(2)])
@pytest.mark.parametrize("kind", ["separable", "residual"])
def test_derive_with_a_kind_of_block(task, kind: str) -> None:
    field = Grid(2, (16, 16)).field("C4", 1)
    net = derive(field, task, "tiny", block=kind).eval()
    assert net.plan.exact
    again = network_from(net.declaration).eval()
    again.load_state_dict(net.state_dict())
    x = torch.randn(2, 1, 16, 16)
    assert torch.equal(net(x), again(x))
    turned = net(field.act(1, x))
    if isinstance(task, Classify):
        assert close(turned, net(x), 1e-4)


def test_separable_networks_are_cheaper() -> None:
    """At the same widths less than a third of the multiplications, and less than half of the parameters."""
    field = Grid(2, (28, 28)).field("D4", 1)
    dense, separable = (derive(field, Classify(10), "small", block=kind).plan for kind in ("dense", "separable"))
    assert separable.multiplications < dense.multiplications / 3
    assert separable.parameters < dense.parameters / 2


def test_blocks_with_options() -> None:
    """A convolution of every copy with itself: |G| times the parameters of a depthwise one."""
    field = Grid(2).field("D4", "3 regular")
    channels, fields = (separable_block(field, field, 3, spatial=spatial) for spatial in ("channels", "fields"))
    counts = [sum(p.numel() for p in block.body.steps[0].parameters()) for block in (channels, fields)]
    assert counts == [3 * 9, 3 * 9 * 8]
    check(fields, only=["equivariance in float64", "plain export", "free parameters"])
    image = Grid(2, (16, 16)).field("C4", 1)
    net = derive(image, Classify(3), "tiny", block={"kind": "separable", "spatial": "fields", "expansion": 3})
    assert not any(isinstance(part, DepthwiseConv) for part in net.modules())
    assert network_from(net.declaration).state_dict().keys() == net.state_dict().keys()


def test_unknown_blocks_teach() -> None:
    field = Grid(2).field("C4", "1 regular")
    with pytest.raises(UnknownName, match="separable"):
        derive(field, Classify(2), "tiny", block="seperable")
    with pytest.raises(UnknownName, match="dense"):
        build_block(field, field, "dens")
    with pytest.raises(UnknownName, match="channels"):
        separable_block(field, field, spatial="channel")
    with pytest.raises(UnknownName, match="block"):
        derive(field, Classify(2), "tiny", block={"spatial": "fields"})
    with pytest.raises(FieldError, match="expansion"):
        separable_block(field, field, expansion=0)
    other = Grid(2).field("C4", "2 regular")
    with pytest.raises(FieldError, match="shortcut"):
        Residual(Mixing(field, other))


def test_depthwise_is_a_diagonal_kernel() -> None:
    """A depthwise kernel seen as a dense one."""
    x, weight = torch.randn(1, 2, 8, 8, dtype=torch.float64), torch.randn(2, 1, 3, 3, dtype=torch.float64)
    dense = torch.zeros(2, 2, 3, 3, dtype=torch.float64)
    dense[0, 0], dense[1, 1] = weight[0, 0], weight[1, 0]
    assert close(functional.conv2d(x, dense, padding=1), depthwise_conv(x, weight, (1, 1)))


def test_unknown_padding_teaches() -> None:
    field = Grid(2, (9, 9)).field("D4", "2 regular")
    with pytest.raises(FieldError, match="'zeros' or 'circular', got 'reflect'"):
        DepthwiseConv(field, 3, padding_mode="reflect")
    with pytest.raises(FieldError, match="'circluar'"):
        separable_block(field, field, 3, padding_mode="circluar")


def test_the_statement_of_exactness_is_that_of_the_layers() -> None:
    field = Grid(2, (9, 9)).field("C8", "1 regular")
    assert "C4" in build_block(field, field, "residual", kernel_size=3).exact_when((9, 9))[1]
    assert "C4" in derive(Grid(2, (9, 9)).field("C8", 1), Segment(2), "tiny").exact_when((9, 9))[1]
