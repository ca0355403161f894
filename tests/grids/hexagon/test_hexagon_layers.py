"""Layers and networks on hexagons: every law, complete kernel spaces, exactness of deep networks with pooling."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import erlangen as eg
from erlangen.blueprint import EquivariantModule, Field
from erlangen.errors import ExactnessError, FieldError, NoEquivariantMap
from erlangen.grids import Conv, LayerNorm, Pool, Upsample
from erlangen.grids.hexagon import HexBatchNorm, HexConv, HexGrid, HexPool, HexUpsample
from erlangen.grids.hexagon.lattice import BASIS, cells, hexagon, live
from erlangen.solve import invariants, solve_kernel
from erlangen.testing import check

REPRESENTATIONS = ("1 trivial", "1 regular", "1 standard", "standard + regular", "2 trivial + standard")


def field(group: str, rep: str) -> Field:
    return HexGrid().field(group, rep)


def largest_error(f: EquivariantModule, x: torch.Tensor) -> float:
    """max_g |f(g·x) - g·f(x)| / |f(x)| over every element."""
    with torch.no_grad():
        y, worst = f(x), 0.0
        for g in f.in_field.group.elements:
            want = f.out_field.act(g, y)
            worst = max(worst, float((f(f.in_field.act(g, x)) - want).abs().max() / y.abs().max()))
    return worst


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(("C1", "C2", "C3", "C6", "D1", "D2", "D3", "D6")),
    st.sampled_from(REPRESENTATIONS),
    st.sampled_from(REPRESENTATIONS[1:]),
    st.sampled_from((3, 5)),
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(5, 9),
)
def test_convolutions_are_exact_at_every_radius_stride_and_dilation(group, a, b, kernel, stride, dilation, radius):
    torch.manual_seed(0)
    conv = HexConv(field(group, a), field(group, b), kernel, stride=stride, dilation=dilation).double()
    x = HexGrid(radius).sample_signal(conv.in_field, 2).double()
    y = conv(x)
    assert tuple(y.shape[2:]) == conv.out_shape(tuple(x.shape[2:])) == (2 * (radius // stride) + 1,) * 2
    assert (y[..., ~hexagon(y.shape[-1])] == 0).all()
    assert largest_error(conv, x) < 1e-12
    assert torch.allclose(conv.export()(x), y, atol=1e-12)


@pytest.mark.parametrize("group", ["C3", "C6", "D3", "D6"])
@pytest.mark.parametrize(("a", "b"), [("regular", "regular"), ("standard", "regular"), ("standard", "standard")])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_kernels_are_all_that_the_solver_finds(group, a, b, kernel):
    conv = HexConv(field(group, a), field(group, b), kernel)
    radius = kernel // 2
    points = cells(radius)[live(radius)] @ BASIS.T
    found = solve_kernel(points, conv.in_field.group, a, b)
    assert conv.hom_dimension() == found.dim + invariants(conv.out_field.rep).dim
    mine = []
    for weight in conv.weights:
        for i in range(weight.shape[0]):
            chosen = [torch.zeros_like(w).double() for w in conv.weights]
            next(c for c, w in zip(chosen, conv.weights, strict=True) if w is weight)[i] = 1.0
            mine.append(conv.double().expand(chosen).flatten(2)[..., torch.from_numpy(live(radius))].flatten())
    mine = torch.stack(mine)
    basis = torch.from_numpy(found.basis).flatten(1)
    assert torch.linalg.matrix_rank(mine) == found.dim
    assert (mine - mine @ basis.T @ basis).abs().max() < 1e-9


@pytest.mark.parametrize(("group", "taps", "per_pair"), [("C6", 5, 114), ("D6", 5, 228), ("C6", 7, 222), ("D6", 3, 84)])
def test_regular_pairs_have_group_order_times_taps_weights(group, taps, per_pair):
    assert HexConv(field(group, "regular"), field(group, "regular"), taps, bias=False).hom_dimension() == per_pair


@pytest.mark.parametrize("group", ["C6", "D6"])
@pytest.mark.parametrize("radius", [11, 12, 15])
@pytest.mark.parametrize("task", [eg.Classify(3), eg.Segment(2), eg.Predict("1 standard")], ids=lambda t: t.name)
def test_deep_networks_with_pooling_are_exact(group, radius, task):
    torch.manual_seed(1)
    net = eg.derive(HexGrid(radius).field(group, "1 trivial"), task, "small").double()
    assert sum(isinstance(m, HexConv) for m in net.modules()) >= 6
    assert any(isinstance(m, HexPool) for m in net.modules())
    x = net.in_field.space.sample_signal(net.in_field, 3).double()
    with torch.no_grad():
        net.train()(x)
    assert largest_error(net.eval(), x) < 1e-12


def test_float32_is_exact_to_rounding():
    net = eg.derive(HexGrid(15).field("C6", "1 trivial"), eg.Classify(10), "small").eval()
    assert largest_error(net, net.in_field.space.sample_signal(net.in_field, 4)) < 1e-5


def test_without_dead_corners_kept_zero_the_symmetry_is_lost():
    """The negative control: the same two kernels by plain conv2d, not masked between."""
    torch.manual_seed(0)
    lift, conv = HexConv(field("C6", 1), field("C6", "regular"), 5), HexConv(*[field("C6", "regular")] * 2, 5)
    x = HexGrid(6).sample_signal(lift.in_field, 2)

    def careless(x: torch.Tensor) -> torch.Tensor:
        y = torch.nn.functional.conv2d(x, lift.kernel(), padding=2)
        return torch.nn.functional.conv2d(y, conv.kernel(), padding=2) * hexagon(13)

    moved = conv.out_field.act(1, careless(x))
    assert (careless(lift.in_field.act(1, x)) - moved).norm() > 0.01 * moved.norm()


def test_norm_ignores_the_dead_corners():
    norm = HexBatchNorm(field("C6", "2 regular")).train()
    x = 3 + 2 * torch.randn(8, 12, 13, 13)
    y = norm(x * hexagon(13))
    alive = y[..., hexagon(13)].unflatten(1, (2, 6))
    assert torch.allclose(alive.mean(dim=(0, 2, 3)), torch.zeros(2), atol=1e-5)
    assert torch.allclose(alive.square().mean(dim=(0, 2, 3)), torch.ones(2), atol=1e-4)
    assert torch.allclose(norm.batch.running_mean, torch.full((2,), 0.3), atol=0.02)
    assert (y[..., ~hexagon(13)] == 0).all()


LAYERS = {
    "lift": lambda: HexConv(field("D6", "2 trivial"), field("D6", "1 regular"), 5),
    "conv mixed": lambda: HexConv(field("D6", "1 standard + 1 trivial"), field("D6", "1 regular + 1 standard")),
    "conv strided": lambda: HexConv(field("C6", "1 regular"), field("C6", "1 regular"), 3, stride=2),
    "conv dilated": lambda: HexConv(field("C3", "2 regular"), field("C3", "2 regular"), 3, dilation=2, groups=2),
    "blur pool": lambda: HexPool(field("C6", "1 regular + 1 standard")),
    "max blur pool": lambda: HexPool(field("C6", "1 regular"), 3, "maxblur"),
    "norm": lambda: HexBatchNorm(field("D3", "2 regular + 1 standard")),
    "network": lambda: eg.derive(field("C6", "1 trivial"), eg.Classify(3), "tiny"),
    "network segment": lambda: eg.derive(field("D3", "1 trivial"), eg.Segment(2), "tiny"),
}


LONG = ("network", "network segment")  # their layers are all looked at by themselves


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in LAYERS])
def test_every_layer_keeps_every_law(name):
    torch.manual_seed(0)
    module = LAYERS[name]()
    check(module)
    parts = {type(part) for build in LAYERS.values() for part in build().modules()}
    assert {HexConv, HexPool, HexUpsample, HexBatchNorm} <= parts


def test_an_audit_finds_the_symmetry_exact_and_draws_it(tmp_path):
    net = eg.derive(HexGrid(6).field("C6", "1 trivial"), eg.Classify(3), "tiny")
    audit = eg.audit(net, net.in_field.space.sample_signal(net.in_field, 16), in_field=net.in_field)
    audit.require(max_error=1e-4)
    assert any(f.name == "rotation" and not f.exact for f in audit.families)
    assert audit.picture is not None
    shown = {panel["name"]: torch.tensor(panel["values"]) for panel in audit.picture["panels"]}
    assert shown["x"].shape == (96, 96)
    assert (shown["x"][:5, :5] == 0).all()
    assert {"g·x", "difference"} <= set(shown)
    assert audit.save(tmp_path / "audit.html").stat().st_size > 10_000


def test_mistakes_are_answered():
    one, two = field("C6", "1 trivial"), field("C6", "1 standard")
    for layer in (lambda: Conv(one, one), lambda: Pool(one), lambda: Upsample(one), lambda: LayerNorm(one)):
        with pytest.raises(FieldError, match=r"is for square pixels, HexGrid.* has hexagonal cells. Fix: Hex"):
            layer()
    with pytest.raises(FieldError, match="DepthwiseConv is for square pixels"):
        eg.derive(field("C2", 1), eg.Classify(2), "tiny", block="separable")
    with pytest.raises(FieldError, match="one HexGrid and one group"):
        HexConv(one, eg.Grid(2).field("C4", 1))
    with pytest.raises(ExactnessError, match=r"holds no hexagon"):
        HexConv(one, one, 4)
    with pytest.raises(ExactnessError, match="exchange the axes"):
        HexConv(one, one, stride=(1, 2))
    with pytest.raises(NoEquivariantMap):
        HexConv(one, two, 1)
    with pytest.raises(FieldError, match="groups=2"):
        HexConv(field("C6", "3 regular"), field("C6", "2 regular"), groups=2)
    with pytest.raises(ExactnessError, match="got 8×8"):
        HexConv(one, one)(torch.zeros(1, 1, 8, 8))
