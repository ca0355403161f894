"""Lie derivatives: against double backward of the whole chain, against formulas by hand, and what they cost."""

from math import cos, pi

import pytest
import torch
from torch import Tensor, nn

from erlangen.audit import audit, lie_derivatives
from erlangen.audit.flow import flows_of, patches_of
from erlangen.audit.lie import lie_derivative
from erlangen.audit.push import METHODS, push
from erlangen.audit.resample import KINDS, Sampler
from erlangen.blueprint import Regress, derive
from erlangen.errors import FieldError, UnknownName
from erlangen.graphs import Graphs
from erlangen.grids import Grid, HexGrid, Strand
from erlangen.point import Point

COLOUR = Grid(2).field("C1", 3)


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3, padding=1), nn.GELU(), nn.Conv2d(4, 4, 3, stride=2, padding=1), nn.Tanh()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)).double().eval()


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(1)
    return torch.rand(3, 3, 9, 9, dtype=torch.float64)


def direct(model: nn.Module, x: Tensor, move) -> Tensor:
    """d/dt f(exp(tA) x) at t = 0, by double backward of motion and network together."""
    t = torch.zeros((), dtype=torch.float64, requires_grad=True)
    y = model(move(x, t, None))
    dummy = torch.zeros_like(y, requires_grad=True)
    (first,) = torch.autograd.grad(y, t, dummy, create_graph=True)
    return torch.autograd.grad(first, dummy)[0]


@pytest.mark.parametrize("sampling", KINDS)
def test_every_way_agrees_with_double_backward_of_the_whole_chain(net, x, sampling):
    flows = flows_of(COLOUR, x, sampling=sampling)
    names = ["shift-x", "shift-y", "rotation", "scale", "shear", "hyperbolic", "hue", "saturation", "exposure"]
    assert [f.name for f in flows] == names
    for flow in flows:
        expected = direct(net, x, flow.move)
        assert expected.norm() > 1e-3
        for method in METHODS:
            found = lie_derivative(net, x, flow, (None, None), method)
            assert (found - expected).norm() <= 1e-6 * expected.norm(), (flow.name, method)


@pytest.mark.parametrize(("space", "shape"), [(Grid(1), (9,)), (Grid(3), (5, 6, 7)), (HexGrid(3), (7, 7))])
def test_tangents_are_derivatives_of_motions(space, shape):
    torch.manual_seed(0)
    x = torch.rand(2, 1, *shape, dtype=torch.float64)
    for kind in KINDS:
        for flow in flows_of(space.field("C1", 1), x, sampling=kind):
            h = 1e-5
            numeric = (flow.move(x, h, None) - flow.move(x, -h, None)) / (2 * h)
            assert torch.allclose(flow.tangent(x, None), numeric, atol=2e-4), (flow.name, kind)


def test_vectors_turn_along():
    field = Grid(2).field("C4", "standard")
    torch.manual_seed(0)
    x = torch.rand(2, 2, 9, 9, dtype=torch.float64)
    (turn,) = flows_of(field, x, ("rotation",))
    assert torch.allclose(turn.move(x, pi / 2, field.rep), Grid(2).act(1, x, field.rep), atol=1e-9)
    numeric = (turn.move(x, 1e-5, field.rep) - turn.move(x, -1e-5, field.rep)) / 2e-5
    assert torch.allclose(turn.tangent(x, field.rep), numeric, atol=1e-6)


def test_rotations_are_round_in_the_units_of_the_spacing():
    """A bell in a volume of 2×1×1 mm: no rotation moves it, a rotation of the voxel numbers would."""
    along = [torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in (9, 17, 17)]
    z, y, x = torch.meshgrid(2 * along[0], along[1], along[2], indexing="ij")
    bell = torch.exp(-(x**2 + y**2 + z**2) / 18)[None, None]
    right, wrong = (
        [f.tangent(bell, None).norm() / bell.norm() for f in flows_of(grid.field("C1", 1), bell) if "rot" in f.name]
        for grid in (Grid(3, spacing=(2, 1, 1)), Grid(3))
    )
    assert len(right) == 3
    assert max(right) < 0.03
    assert max(wrong) > 0.3


def test_a_derivative_by_hand():
    """f(x) = x at one pixel, of a wave of frequency k: L f = −(2πk/n) cos(2πku/n), exact for the Fourier sampling."""

    class Pixel(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :, 4]

    n, k = 11, 2
    x = torch.sin(2 * pi * k * torch.arange(n, dtype=torch.float64) / n).reshape(1, 1, n)
    (found,) = lie_derivatives(
        Pixel(), x, in_field=Grid(1).field("C1", 1), generators=("shift-x",), sampling="fourier", dtype=torch.float64
    )
    expected = 2 * pi * k / n * abs(cos(2 * pi * k * 4 / n)) / abs(x[0, 0, 4].item())
    assert found.error == pytest.approx(expected, rel=1e-6)
    assert found.square == pytest.approx((expected * x[0, 0, 4].item()) ** 2, rel=1e-6)
    assert found.input == pytest.approx(2 * pi * k / n, rel=1e-6)
    assert found.interval is None


def test_fourier_shifts_are_a_group():
    x = torch.rand(2, 1, 9, 7, dtype=torch.float64)
    (shift,) = flows_of(Grid(2).field("C1", 1), x, ("shift-x",), "fourier")
    assert torch.allclose(shift.move(shift.move(x, 0.3, None), 0.7, None), x.roll(1, 3), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_samplers_keep_pixels_and_lines(kind):
    sampler = Sampler(kind, circular=kind == "fourier")
    x = torch.rand(2, 5, 6, dtype=torch.float64)
    at = torch.stack(torch.meshgrid(torch.arange(5.0), torch.arange(6.0), indexing="ij"), -1).double()
    assert torch.allclose(sampler.at(x, at), x, atol=1e-12)
    assert torch.allclose(sampler.along(x, (at[:, 0, 0], at[0, :, 1])), x, atol=1e-12)
    between = (torch.tensor([1.25, 2.5]).double(), torch.tensor([2.75, 3.0]).double())
    places = torch.stack(torch.meshgrid(*between, indexing="ij"), -1)
    assert torch.allclose(sampler.at(x, places), sampler.along(x, between), atol=1e-12)


def test_shift_invariant_linear_layers_are_exact_and_a_border_is_not():
    torch.manual_seed(0)
    x = torch.rand(4, 3, 9, 9)

    def error(mode: str) -> float:
        net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode=mode), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        found = lie_derivatives(net, x, in_field=COLOUR, generators=("shift-x",), dtype=torch.float64)
        return found[0].error

    assert error("circular") < 1e-9
    assert error("zeros") > 1e-4


@pytest.mark.parametrize(("group", "count"), [("SO(3)", 3), ("O(2)", 1), ("SO(1,3)", 6)])
def test_lie_algebras_of_vectors(group, count):
    torch.manual_seed(0)
    field = Point().field(group, "2 standard")
    x = torch.randn(6, field.size)
    exact = lie_derivatives(derive(field, Regress(1), "tiny"), x, dtype=torch.float64)
    assert len(exact) == count
    assert all(d.error < 1e-8 < 0.1 < d.input for d in exact)
    plain = nn.Sequential(nn.Linear(field.size, 4), nn.Tanh(), nn.Linear(4, 1))
    assert all(d.error > 0.1 for d in lie_derivatives(plain, x, in_field=field))


def test_colours():
    class Grey(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((1, 2, 3))[:, None]

    found = {d.generator: d for d in lie_derivatives(Grey(), torch.rand(4, 3, 8, 8), in_field=COLOUR)}
    assert found["hue"].error < 1e-4
    assert found["saturation"].error < 1e-4
    assert found["exposure"].error == pytest.approx(1.0, abs=1e-3)


def test_differences_cost_two_passes(net, x):
    passes = []
    net.register_forward_hook(lambda *_: passes.append(1))
    before = len(lie_derivatives(net, x, in_field=COLOUR, generators=("hue",), dtype=torch.float64)), len(passes)
    passes.clear()
    lie_derivatives(net, x, in_field=COLOUR, generators=("hue", "rotation"), dtype=torch.float64)
    assert before[0] == 1
    assert len(passes) - before[1] == 2


def test_discrete_symmetries_have_no_derivative():
    graphs = Graphs().field("Σn", 1)
    assert flows_of(graphs, graphs.space.sample_signal(graphs)) == []
    strand = Strand().field("RC", "letters")
    assert flows_of(strand, strand.space.sample_signal(strand)) == []


def test_unknown_words(net, x):
    with pytest.raises(UnknownName, match="rotation"):
        lie_derivatives(net, x, in_field=COLOUR, generators=("rotate",))
    with pytest.raises(UnknownName, match="differences"):
        push(net, x, x, "difference")
    with pytest.raises(UnknownName, match="spline"):
        lie_derivatives(net, x, in_field=COLOUR, sampling="splines")


def test_tokens_are_maps_of_patches():
    x = torch.rand(2, 1, 12, 8)
    assert patches_of(x, torch.rand(2, 6, 5)) == (3, 2)
    assert patches_of(x, torch.rand(2, 25, 5)) == (6, 4)
    assert patches_of(x, torch.rand(2, 11, 5)) is None
    tokens = torch.rand(2, 25, 5)
    (shift,) = flows_of(Grid(2).field("C1", 1), x, ("shift-y",), "fourier")
    moved = shift.carry(x, tokens, 2.0, None)  # two pixels are one patch
    assert torch.equal(moved[:, 0], tokens[:, 0])
    expected = tokens[:, 1:].unflatten(1, (6, 4)).roll(1, 1).flatten(1, 2)
    assert torch.allclose(moved[:, 1:], expected, atol=1e-6)


def test_an_audit_holds_them(net, x):
    found = audit(net, x, in_field=COLOUR)
    assert len(found.derivatives) == 9
    assert {c.generator for c in found.contributions} == {"shift-x", "shift-y", "rotation", "scale"}
    assert {c.generator for c in found.curves} >= {"shift-x", "rotation", "scale", "hue"}
    told = found.to_dict()
    assert told["derivatives"][0]["generator"] == "shift-x"
    assert "mostly from" in str(found)
    assert audit(net, x, in_field=COLOUR, continuous=False).derivatives == ()


def test_outputs_on_which_nothing_is_known():
    field = Grid(2).field("C4", 1)
    net, x = nn.Conv2d(1, 4, 3, padding=1), torch.rand(2, 1, 8, 8)
    regular = field.with_rep("regular")
    found = lie_derivatives(net, x, in_field=field, out_field=regular)
    assert [d.generator for d in found] == ["shift-x", "shift-y", "scale"]
    with pytest.raises(FieldError, match="along rotation: regular of C4 has no derivative"):
        lie_derivatives(net, x, in_field=field, out_field=regular, generators=("rotation",))
    notes = audit(net, x, in_field=field, out_field=regular).notes
    assert any("no derivative along rotation" in note for note in notes)
