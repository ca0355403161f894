"""Norms, nonlinearities, pooling and heads on grids."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from erlangen.blueprint import Classify, Predict, Regress, Segment, Sequential, derive
from erlangen.errors import DomainError, NoEquivariantMap, NonlinearityError, UnknownName
from erlangen.grids import (
    BatchNorm,
    Conv,
    DenseReadout,
    Flatten,
    Grid,
    InvariantReadout,
    LayerNorm,
    Nonlinearity,
    Pointwise,
    Pool,
    rotate,
)
from erlangen.grids.coarsen import window
from erlangen.grids.readout import InvariantNorm

MIXED = "2 regular + standard + sign + 3 trivial"


def error(module, x) -> float:
    y = module(x)
    return max(
        float((module(module.in_field.act(g, x)) - module.out_field.act(g, y)).norm() / y.norm())
        for g in module.in_field.group.elements
    )


@pytest.mark.parametrize("group", ["C2", "C4", "D1", "D2", "D4"])
@pytest.mark.parametrize("training", [True, False])
def test_norms_and_nonlinearities_commute(group, training):
    f = Grid(2).field(group, MIXED)
    x = torch.randn(3, f.size, 6, 6, dtype=torch.float64) * 2 + 1
    for module in (BatchNorm(f), LayerNorm(f), Nonlinearity(f)):
        module.double().train(training)
        for p in module.parameters():
            nn.init.normal_(p)
        with torch.no_grad():
            assert error(module, x) <= 1e-12


@pytest.mark.parametrize("rep", ["4 regular", MIXED])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_batch_norm_is_the_formula(rep, layout):
    """Outputs, gradients and running statistics equal those of the composite formula by autograd."""
    torch.manual_seed(0)
    f = Grid(2).field("C4", rep)
    norm = BatchNorm(f).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = (torch.randn(3, f.size, 5, 5, dtype=torch.float64) + 0.5).contiguous(memory_format=layout).requires_grad_()

    def formula(x):
        mean = x.mean((0, 2, 3))
        square = x.square().mean((0, 2, 3))
        average = norm.average.double()
        m = (average @ mean) * norm.centred
        v = average @ square - m * m
        gamma, beta = norm.affine_map()
        shape = (1, -1, 1, 1)
        y = (x - m[norm.copy].view(shape)) * (v[norm.copy].view(shape) + norm.eps).rsqrt() * gamma.view(
            shape
        ) + beta.view(shape)
        return y, m

    expected, mean = formula(x)
    weight = torch.randn_like(expected)
    want = torch.autograd.grad((expected * weight).sum(), [x, norm.weight, norm.bias])
    got = norm(x)
    assert torch.allclose(got, expected, atol=1e-12)
    for a, b in zip(torch.autograd.grad((got * weight).sum(), [x, norm.weight, norm.bias]), want, strict=True):
        assert torch.allclose(a, b, atol=1e-10)
    assert torch.allclose(norm.running_mean, 0.1 * mean.detach(), atol=1e-12)


def test_batch_norm_of_trivial_fields_is_torch():
    """On trivial channels it is `nn.BatchNorm2d`, running statistics included."""
    f = Grid(2).field("C1", "5 trivial")
    ours, theirs = BatchNorm(f), nn.BatchNorm2d(5)
    x = torch.randn(4, 5, 6, 6)
    assert torch.allclose(ours(x), theirs(x), atol=1e-5)
    assert torch.allclose(ours.running_var, theirs.running_var, atol=1e-5)
    assert torch.allclose(ours.eval()(x), theirs.eval()(x), atol=1e-5)


def test_pointwise_is_legal_or_refused():
    space = Grid(2)
    with pytest.raises(NonlinearityError, match="standard of D4"):
        Pointwise(space.field("D4", "standard"))
    Pointwise(space.field("D4", "standard"), "tanh")  # odd, and standard is by signed permutations
    with pytest.raises(UnknownName, match="Did you mean 'relu'"):
        Pointwise(space.field("D4", "regular"), "rellu")


def test_zero_vectors_have_finite_gradients():
    f = Grid(2).field("D4", "2 standard")
    x = torch.zeros(1, f.size, 4, 4, requires_grad=True)
    for module in (Nonlinearity(f), InvariantReadout(f, Regress(2))):
        gradient = torch.autograd.grad(module(x).sum(), x)[0]
        assert gradient.isfinite().all()


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 70), stride=st.integers(1, 5))
def test_windows_keep_the_centre(n, stride):
    taps, padding = window(n, stride, 2 * stride - 1)
    assert (n + 2 * padding - taps) % stride == 0
    assert (n + 2 * padding - taps) // stride + 1 == -(-n // stride)


@pytest.mark.parametrize("kind", ["blur", "max", "maxblur"])
@pytest.mark.parametrize("stride", [2, 3, 4])
@pytest.mark.parametrize("n", [7, 8, 9, 10, 28])
def test_pools_are_exact_at_every_size(kind, stride, n):
    f = Grid(2).field("D4", "2 regular")
    pool = Pool(f, stride, kind).double()
    x = torch.randn(1, f.size, n, n, dtype=torch.float64)
    assert error(pool, x) <= 1e-12
    assert pool(x).shape[2:] == pool.out_shape((n, n))


def test_blur_keeps_constants_inside_and_removes_the_highest_frequency():
    f = Grid(2).field("C4", "1 trivial")
    n = 16
    constant = Pool(f)(torch.ones(1, 1, n, n))
    assert torch.allclose(constant[..., 2:-2, 2:-2], torch.ones(4, 4))
    wave = torch.ones(1, 1, n, n)
    wave[..., ::2] = -1
    assert Pool(f)(wave)[..., 2:-2, 2:-2].abs().max() < 1e-6


def test_max_pooling_refuses_vectors():
    with pytest.raises(NonlinearityError, match="blur"):
        Pool(Grid(2).field("D4", "standard"), kind="max")


@pytest.mark.parametrize("task", [Classify(4), Regress(2), Segment(3), Predict("standard"), Predict("2 regular")])
@pytest.mark.parametrize("group", ["C1", "C4", "D4"])
@pytest.mark.parametrize("n", [27, 28])
def test_derived_networks_are_exact(task, group, n):
    """Invariant and equivariant networks, odd and even sizes, in float64 and float32."""
    torch.manual_seed(1)
    net = derive(Grid(2, (n, n)).field(group, "2 trivial"), task, "tiny").double().eval()
    x = torch.randn(1, 2, n, n, dtype=torch.float64)
    with torch.no_grad():
        assert error(net, x) <= 1e-12
        plain = net.export().eval()
        assert torch.allclose(net(x), plain(x), atol=1e-10)
        assert error(net.float(), x.float()) <= 1e-5


@pytest.mark.parametrize("d", [1, 3])
def test_lines_and_volumes(d):
    n = 12
    group = "D1" if d == 1 else "D4"
    for task in (Classify(3), Segment(2)):
        net = derive(Grid(d, (n,) * d).field(group, "1 trivial"), task, "tiny", width=0.5).double().eval()
        with torch.no_grad():
            assert error(net, torch.randn(1, 1, *(n,) * d, dtype=torch.float64)) <= 1e-12


def test_plan_counts_what_is_there():
    net = derive(Grid(2, (28, 28)).field("C4", "1 trivial"), Classify(10))
    plan = net.plan
    assert plan.parameters == sum(p.numel() for p in net.parameters()) <= 200_000
    assert plan.exact
    assert plan.to_dict()["multiplications"] == plan.multiplications
    assert "NOT EXACT" not in str(plan)
    lost = Sequential(Flatten(net.in_field, Classify(10), (28, 28)))
    from erlangen.blueprint import plan_of

    assert not plan_of(lost).exact


def test_flatten_loses_the_symmetry():
    f = Grid(2).field("C4", "1 trivial")
    assert error(Flatten(f, Classify(5), (8, 8)), torch.randn(2, 1, 8, 8)) > 0.1


def test_heads_refuse_what_cannot_be():
    space = Grid(2)
    with pytest.raises(NoEquivariantMap):
        InvariantReadout(space.field("D4", "regular"), Predict("standard"))


def test_space_describes_itself():
    from erlangen.blueprint import space_from

    for space in (Grid(1), Grid(2, (5, 7)), Grid(3, (4, 4, 4))):
        assert space_from(space.describe()) == space
    with pytest.raises(DomainError):
        Grid(4)
    with pytest.raises(DomainError):
        Grid(2, (5,))


def test_actions_are_what_they_say():
    """Exact actions undo exactly; the element r90 is the matrix action; turns by 90° agree with it."""
    space = Grid(2, (9, 9))
    f = space.field("D4", "2 standard")
    x = torch.randn(2, f.size, 9, 9, dtype=torch.float64)
    actions = space.actions(f.group, x, count=3, generator=torch.Generator().manual_seed(0))
    families = {a.family for a in actions}
    assert families == {"D4", "translation", "rotation"}
    for action in actions:
        if action.exact:
            assert torch.equal(action.undo(action.move(x, f.rep), f.rep), x)
    assert sum(a.generator for a in actions if a.family == "D4") == 2
    scalar = torch.randn(1, 1, 9, 9, dtype=torch.float64)
    quarter = space.act(1, scalar, space.field("D4", 1).rep)
    assert torch.allclose(rotate(scalar, 90.0), quarter, atol=1e-10)


def test_images_of_two_lengths_turn_between_their_pixels():
    square = torch.rand(2, 3, 5, 5, dtype=torch.float64)
    tall, wide = functional.pad(square, (0, 0, 4, 4)), functional.pad(square, (4, 4))
    for around, turned in ((tall, (0, 0, 4, 4)), (wide, (4, 4))):
        quarter = functional.pad(torch.rot90(square, -1, (2, 3)), turned)
        assert torch.allclose(rotate(around, 90.0), quarter, atol=1e-10)


def test_homomorphism_of_the_action():
    """(gh)·x = g·(h·x) on fields."""
    f = Grid(2).field("D4", MIXED)
    x = torch.randn(1, f.size, 5, 5, dtype=torch.float64)
    for g in f.group.elements:
        for h in f.group.elements:
            assert torch.equal(f.act(f.group.compose(g, h), x), f.act(g, f.act(h, x)))


def test_empty_batch():
    net = derive(Grid(2, (12, 12)).field("C4", "1 trivial"), Classify(3), "tiny").eval()
    assert net(torch.zeros(0, 1, 12, 12)).shape == (0, 3)


def test_conv_of_odd_layouts():
    """A non-contiguous input gives the same output."""
    f = Grid(2).field("C4", "2 regular")
    conv = Conv(f, f, 3)
    x = torch.randn(2, 10, 10, f.size).permute(0, 3, 1, 2)
    assert torch.allclose(conv(x), conv(x.contiguous()), atol=1e-5)


@pytest.mark.parametrize("examples", [0, 1, 2, 8])
def test_invariants_are_standardised_in_batches_of_any_size(examples):
    """Small batches by the running statistics, which they leave alone; others by their own."""
    norm = InvariantNorm(5).double().train()
    random = torch.Generator().manual_seed(0)
    for _ in range(300):
        x = 7 + 3 * torch.randn(examples, 5, generator=random, dtype=torch.float64)
        y = norm(x)
    if examples < norm.fewest:
        torch.testing.assert_close(y, x / (1 + norm.eps) ** 0.5)
    else:
        assert y.mean(0).abs().max() < 1e-12
        assert (norm.running_mean - 7).abs().max() < 2.5
        assert (norm.running_var - 9).abs().max() < 8.0
    norm.eval()
    x = 7 + 3 * torch.randn(4, 5, generator=random, dtype=torch.float64)
    torch.testing.assert_close(norm(x), (x - norm.running_mean) / (norm.running_var + norm.eps).sqrt())
    torch.testing.assert_close(norm.export().eval()(x), norm(x))


@pytest.mark.parametrize("group", ["C1", "C4", "D4"])
def test_a_new_dense_readout_gives_outputs_of_order_one(group):
    """Whatever the orbit: shared weights would add up the means of features that are not negative."""
    field = Grid(2).field(group, "8 regular")
    torch.manual_seed(0)
    square = [
        DenseReadout(field, Segment(3))(torch.randn(2, field.size, 8, 8).relu()).square().mean() for _ in range(9)
    ]
    assert 0.4 < float(torch.stack(square).mean()) < 2.5
