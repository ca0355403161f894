"""Polyphase pooling, its way back, and networks that no circular shift changes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from erlangen import Classify, Grid, Predict, Regress, Segment, audit, derive
from erlangen.blueprint import network_from
from erlangen.errors import DomainError, FieldError, NonlinearityError, UnknownName
from erlangen.grids import Conv, PolyphasePool, PolyphaseUpsample, Pool
from erlangen.grids.hexagon import HexGrid
from erlangen.testing import check

KINDS = ("plain", "blur", "max", "maxblur")


def distance(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max())


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 3),
    st.sampled_from(KINDS),
    st.integers(1, 4),
    st.lists(st.integers(1, 13), min_size=3, max_size=3),
    st.lists(st.integers(-15, 15), min_size=3, max_size=3),
    st.integers(0, 1000),
)
def test_every_circular_shift_is_kept(d, kind, stride, sizes, shift, seed):
    """f(t·x) is f(x) shifted by t/s rounded up or down, at every size; the way back is shifted by t itself."""
    sizes, shift = sizes[:d], shift[:d]
    axes = tuple(range(2, 2 + d))
    field = Grid(d).field("C1", 2)
    pool, back = PolyphasePool(field, stride, kind), PolyphaseUpsample(field, None, stride, kind)
    x = torch.randn(2, 2, *sizes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    y, moved = pool(x), pool(x.roll(shift, axes))
    assert y.shape[2:] == pool.out_shape(tuple(sizes))
    steps = [n // m for n, m in zip(sizes, y.shape[2:], strict=True)]
    for i in range(2):  # every example chooses its own component, so it rounds by itself
        near = [sorted({t // s, -(-t // s)}) for t, s in zip(shift, steps, strict=True)]
        candidates = [[]]
        for options in near:
            candidates = [[*c, o] for c in candidates for o in options]
        axes_of_one = tuple(range(1, 1 + d))
        assert min(float((y[i].roll(c, axes_of_one) - moved[i]).abs().max()) for c in candidates) <= 1e-12
    up, up_moved = back(y, x), back(moved, x.roll(shift, axes))
    assert up.shape == x.shape
    assert float((up.roll(shift, axes) - up_moved).abs().max()) <= 1e-12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [8, 9, 12])
@pytest.mark.parametrize("stride", [2, 3])
def test_point_group_about_the_centre(kind, size, stride):
    field = Grid(2).field("D4", "1 regular + 1 quotient(D1)")
    pool, back = PolyphasePool(field, stride, kind).double(), PolyphaseUpsample(field, None, stride, kind).double()
    x = torch.randn(3, field.size, size, size, dtype=torch.float64)
    y = pool(x)
    for g in field.group.elements:
        assert distance(pool(field.act(g, x)), field.act(g, y)) <= 1e-12
        assert distance(back(field.act(g, y), field.act(g, x)), field.act(g, back(y, x))) <= 1e-12


def test_the_strongest_component_is_kept():
    x = torch.zeros(2, 1, 6)
    x[0, 0, 3], x[1, 0, 2] = 2.0, -5.0
    assert PolyphasePool(Grid(1).field("C1", 1), kind="plain")(x).tolist() == [[[0, 2, 0]], [[0, -5, 0]]]


def test_way_back_interpolates_between_the_samples_it_puts_back():
    field = Grid(1).field("C1", 1)
    x = torch.tensor([[[0.0, 4.0, 0.0, 8.0]]])
    y = PolyphasePool(field, kind="plain")(x)
    assert y.tolist() == [[[4.0, 8.0]]]
    assert PolyphaseUpsample(field, kind="plain")(y, x).tolist() == [[[6.0, 4.0, 6.0, 8.0]]]


@pytest.mark.parametrize("task", [Classify(5), Regress(1), Segment(3), Predict("1 standard")])
@pytest.mark.parametrize("size", [(28, 28), (16, 24)])
def test_networks_are_exact_under_every_shift(task, size):
    torch.manual_seed(0)
    group = "D4" if size[0] == size[1] else "D2"
    net = derive(Grid(2).field(group, 1), task, "tiny", shift="exact").eval()
    x = torch.rand(4, 1, *size)
    with torch.no_grad():
        y = net(x)
        for shift in ((1, 0), (0, 1), (1, 1), (3, 2), (5, 7), (8, 8), (13, 11)):
            moved = net(x.roll(shift, (2, 3)))
            assert distance(moved, y.roll(shift, (2, 3)) if task.dense else y) <= 1e-5


def test_volumes_and_lines():
    for d, size in ((1, (24,)), (3, (8, 8, 8))):
        net = derive(Grid(d).field(None, 1), Regress(2), "tiny", shift="exact").eval()
        x = torch.rand(2, 1, *size)
        with torch.no_grad():
            assert distance(net(x.roll((1,) * d, tuple(range(2, 2 + d)))), net(x)) <= 1e-5


def test_audit_sees_the_difference():
    """The audit calls the shifts of a network exact with shift="exact", and only then."""
    torch.manual_seed(0)
    field, x = Grid(2, (28, 28)).field("D4", 1), torch.rand(16, 1, 28, 28)
    found = {}
    for shift in ("approximate", "exact"):
        result = audit(derive(field, Classify(10), "tiny", shift=shift), x)
        found[shift] = next(f for f in result.families if f.name == "translation")
    assert found["exact"].worst <= 1e-5
    assert found["exact"].flips == 0
    assert found["approximate"].worst > 1e-3


def test_declaration_is_derived_again():
    net = derive(Grid(2).field("C4", 1), Segment(2), "tiny", shift="exact")
    again = network_from(net.declaration)
    again.load_state_dict(net.state_dict())
    x = torch.rand(2, 1, 12, 12)
    with torch.no_grad():
        assert torch.equal(net.eval()(x), again.eval()(x))


def test_exported_networks_choose_alike():
    net = derive(Grid(2).field("C4", 1), Segment(2), "tiny", shift="exact").eval()
    x = torch.rand(2, 1, 12, 12)
    with torch.no_grad():
        assert distance(net.export()(x), net(x)) <= 1e-5


def test_pool_keeps_only_even_shifts():
    """The negative control: ordinary pooling, even anti-aliased and of a periodic signal, loses odd shifts."""
    field = Grid(2).field("C1", 1)
    x = torch.randn(2, 1, 16, 16)

    def strongest(pool: torch.nn.Module, x: Tensor) -> Tensor:
        return pool(x)[:, :, 2:-2, 2:-2].square().sum()

    still, moved = (strongest(Pool(field), v) for v in (x, x.roll(1, 3)))
    assert abs(still - moved) > 1e-3 * still


def test_taps_widen_the_filter():
    x = torch.zeros(1, 1, 16)
    x[..., 8] = 1.0
    field = Grid(1).field("C1", 1)
    assert int((PolyphasePool(field)(x) != 0).sum()) == 1
    assert int((PolyphasePool(field, taps=7)(x) != 0).sum()) == 3
    check(PolyphasePool(Grid(2).field("D4", "1 regular"), taps=5), only=["equivariance in float64", "plain export"])


def test_mistakes():
    plane = Grid(2)
    with pytest.raises(UnknownName, match="blur"):
        PolyphasePool(plane.field("C4", 1), kind="blurr")
    with pytest.raises(NonlinearityError, match="Fix: kind='blur'"):
        PolyphasePool(plane.field("C4", "1 standard"), kind="max")
    with pytest.raises(FieldError, match="odd number of taps"):
        PolyphasePool(plane.field("C4", 1), taps=4)
    with pytest.raises(FieldError, match="what PolyphasePool"):
        PolyphaseUpsample(plane.field("C4", 1))(torch.zeros(1, 1, 5, 5), torch.zeros(1, 1, 8, 8))
    with pytest.raises(UnknownName, match="exact"):
        derive(plane.field("C4", 1), Classify(2), "tiny", shift="exactly")
    shear = plane.field("C2", 1).group.representation({"r": [[1.0, 1.0], [0.0, -1.0]]})
    with pytest.raises(NonlinearityError, match="norm"):
        PolyphasePool(plane.field("C2", 1).with_rep(shear))


def test_a_hexagon_has_no_circular_shifts():
    for options in ({"shift": "exact"}, {"scales": 3}):
        with pytest.raises(DomainError, match="no box"):
            derive(HexGrid(6).field("C2", 1), Classify(2), "tiny", **options)


def test_the_kind_of_a_derived_network_follows_its_channels():
    """The maximum where channels are permuted, else the filter alone; and whatever is asked for by name."""
    image = Grid(2).field("D4", 1)
    kinds = []
    for options in ({}, {"hidden": "1 standard + 1 trivial"}, {"coarsen": {"kind": "plain"}}):
        net = derive(image, Segment(2), "tiny", shift="exact", **options)
        kinds.append(
            {part.phases.kind for part in net.modules() if isinstance(part, PolyphasePool | PolyphaseUpsample)}
        )
    assert kinds == [{"maxblur"}, {"blur"}, {"plain"}]


def test_blocks_that_change_the_period_are_refused():
    for wrong in ({"kernel_size": 4}, {"padding_mode": "zeros"}):
        with pytest.raises(FieldError, match="changes the period"):
            derive(Grid(2, (16, 16)).field("C4", 1), Classify(3), "tiny", shift="exact", local=wrong)
    with pytest.raises(FieldError, match="leave them out"):
        derive(Grid(2, (16, 16)).field("C4", 1), Classify(3), "tiny", shift="exact", local={"padding": 0})
    with pytest.raises(UnknownName, match="exakt"):
        derive(Grid(2, (16, 16)).field("C4", 1), Classify(3), "tiny", coarsen={"shift": "exakt"})
    even = Conv(Grid(2).field("C4", 1), Grid(2).field("C4", "regular"), 4, padding_mode="circular")
    assert even.exact_when((8, 8)) == (True, "always, but for circular shifts (the period changes)")
