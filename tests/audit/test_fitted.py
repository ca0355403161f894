"""Actions on channels of plain layers, fitted: exported group convolutions are recognised, broken layers are not."""

import pytest
import torch
from torch import nn

from erlangen.audit import audit
from erlangen.audit.fitted import fit_action, rows_of
from erlangen.blueprint import Classify, derive
from erlangen.grids import Grid
from erlangen.grids.strand import Strand
from erlangen.point import EquivariantLinear, Point
from erlangen.symmetry import D

FIELD = Grid(2).field("C4", "1 trivial")
QUICK = {"in_field": FIELD, "continuous": False, "stability": False}


@pytest.fixture
def x():
    return torch.rand(8, 1, 12, 12)


def layers(result):
    return {row.name: row for row in result.layers}


class Lost(nn.Module):
    """A position code, then a mean: breaks the rotation of whatever comes before."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.randn(channels, size, size))

    def forward(self, x):
        return x * self.place


def exported(group="C4", regular="4 regular"):
    """A plain convolution that maps images to a regular field."""
    field = Grid(2).field(group, "1 trivial")
    return field.space.linear(field, field.with_rep(regular), kernel_size=3).export()


@pytest.mark.parametrize(("group", "regular"), [("C4", "4 regular"), ("D4", "3 regular")])
def test_an_exported_group_convolution_is_recognised_inside_a_broken_network(x, group, regular):
    conv = exported(group, regular)
    channels = conv.out_channels
    net = nn.Sequential(conv, nn.ReLU(), nn.BatchNorm2d(channels), Lost(channels, 12), nn.AdaptiveAvgPool2d(1))
    net = nn.Sequential(*net, nn.Flatten(), nn.Linear(channels, 3)).eval()
    result = audit(net, x, **{**QUICK, "in_field": Grid(2).field(group, "1 trivial")})
    assert result.verdict != "exact"
    rows = layers(result)
    assert rows["0"].note == "fitted: permutation of channels, held-out R² 1.000"
    assert all(rows[name].intrinsic < 1e-5 for name in ("0", "1", "2"))
    assert not any(rows[name].culprit for name in ("0", "1", "2"))
    assert rows["3"].culprit
    assert "own value at every position" in rows["3"].cause


def test_a_linear_layer_behind_it_is_guilty_because_its_input_moves(x):
    net = nn.Sequential(exported(), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 3))
    result = audit(net, x, **QUICK)
    assert [row.name for row in result.culprits] == ["4"]
    assert "fed channels that the group moves (fitted: permutation)" in result.culprits[0].cause


def test_exact_networks_say_what_was_fitted(x):
    net = derive(FIELD, Classify(3), "tiny").eval().export()
    result = audit(net, x, **QUICK)
    assert result.verdict == "exact"
    assert sum(row.note.startswith("fitted: permutation") for row in result.layers) >= 3
    assert max(row.intrinsic for row in result.layers) < 1e-5


def test_steerable_features_are_fitted_by_an_orthogonal_map(x):
    """Vector fields, two channels each, are turned by the group, not exchanged."""
    field = Grid(2).field("C4", "1 trivial")
    conv = field.space.linear(field, field.with_rep("5 irrep(1)"), kernel_size=5).export()
    result = audit(nn.Sequential(conv, Lost(10, 12), nn.AdaptiveAvgPool2d(1)), x, **QUICK)
    row = layers(result)["0"]
    assert not row.culprit
    assert row.note.startswith("fitted: ")
    assert row.intrinsic < 1e-5


@pytest.mark.parametrize("channels", [4, 16, 64])
def test_an_ordinary_convolution_is_not_acquitted_by_a_flexible_fit(x, channels):
    """With more channels than taps a linear map explains it exactly, which is no symmetry."""
    net = nn.Sequential(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    result = audit(net, x, **QUICK)
    row = layers(result)["0"]
    assert row.culprit
    assert row.intrinsic > 0.01
    assert "no action on its channels fits (permutation R²" in row.note
    assert [r.name for r in result.culprits] == ["0"]
    if channels == 64:
        assert "linear map R² 1.000" in row.note


@pytest.mark.parametrize("norm", [False, True])
def test_orthogonal_weights_are_no_symmetry(x, norm):
    """Their features are turned by an orthogonal map, which the nonlinearity behind them does not keep."""
    conv = nn.Conv2d(1, 16, 3, padding=1, bias=False)
    nn.init.orthogonal_(conv.weight)
    rest = [nn.BatchNorm2d(16), nn.ReLU()] if norm else [nn.ReLU()]
    net = nn.Sequential(conv, *rest, nn.Conv2d(16, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)).eval()
    result = audit(net, x, **QUICK)
    assert [row.name for row in result.culprits] == ["0"]
    assert "an orthogonal map of its channels fits (held-out R² 1.000)" in layers(result)["0"].note


def test_a_slightly_damaged_group_convolution_stays_guilty_with_its_own_small_error(x):
    conv = exported()
    with torch.no_grad():
        conv.weight += 0.02 * conv.weight.std() * torch.randn_like(conv.weight)
    net = nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    row = layers(audit(net, x, **QUICK))["0"]
    assert row.culprit
    assert 1e-4 < row.intrinsic < 0.1
    assert "held-out R² 1.000" not in row.note  # never rounded up to perfect


@pytest.mark.parametrize("layer", ["even stride", "uneven padding", "place", "shuffled positions"])
def test_what_channels_cannot_mend_is_not_acquitted(x, layer):
    conv = exported()
    broken = {
        "even stride": lambda: nn.Conv2d(16, 16, 3, stride=2, padding=1),
        "uneven padding": lambda: nn.ZeroPad2d((2, 0, 0, 2)),
        "place": lambda: Lost(16, 12),
        "shuffled positions": Shuffled,
    }[layer]()
    result = audit(nn.Sequential(conv, nn.ReLU(), broken, nn.AdaptiveAvgPool2d(1)), x, **QUICK)
    rows = layers(result)
    assert not rows["0"].culprit
    assert rows["2"].culprit


class Shuffled(nn.Module):
    """The positions in another order, the same for all samples."""

    def forward(self, x):
        return x.flatten(2)[:, :, torch.randperm(144, generator=torch.Generator().manual_seed(0))].reshape(x.shape)


def test_one_group_of_several_is_said(x):
    """A convolution of C4 has the turns of D4 and not its mirrors."""
    net = nn.Sequential(exported(), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    result = audit(net, x, **{**QUICK, "in_field": Grid(2).field("D4", "1 trivial")})
    row = layers(result)["0"]
    assert row.culprit
    assert "m" in row.element


def test_strands():
    """A convolution that keeps the reverse complement, exported."""
    space = Strand(30)
    field = space.field("RC", "letters")
    conv = space.linear(field, field.with_rep("4 regular"), kernel_size=7).export()
    letters = torch.nn.functional.one_hot(torch.randint(4, (8, 30)), 4).float().transpose(1, 2)

    class Place(nn.Module):
        def forward(self, x):
            return x * torch.linspace(0, 1, x.shape[2])

    result = audit(
        nn.Sequential(conv, nn.ReLU(), Place(), nn.AdaptiveAvgPool1d(1)), letters, **{**QUICK, "in_field": field}
    )
    rows = layers(result)
    assert rows["0"].note.startswith("fitted: permutation")
    assert [row.name for row in result.culprits] == ["2"]


def test_vectors_are_fitted_on_further_samples():
    """Eight samples would not tell 24 channels apart."""
    space = Point()
    field = space.field(D(3), "2 regular")
    hidden = field.with_rep("4 regular")
    first, second = (EquivariantLinear(a, hidden).eval().export() for a in (field, hidden))
    net = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Linear(24, 3))
    result = audit(net, torch.randn(8, 12), **{**QUICK, "in_field": field})
    plain = [row for row in result.layers if row.kind == "Linear" and row.name != "4"]
    assert len(plain) == 2
    assert all(row.note.startswith("fitted: permutation") and row.intrinsic < 1e-4 for row in plain)
    assert [row.name for row in result.culprits] == ["4"]


def test_fits_are_judged_on_rows_they_have_not_seen():
    torch.manual_seed(0)
    b, order = torch.randn(400, 6), torch.randperm(6)
    found = fit_action(b[:, order], b)
    assert [f.kind for f in found] == ["permutation"]
    assert found[0].stands
    assert torch.equal(found[0].apply(b), b[:, order])
    q = torch.linalg.qr(torch.randn(6, 6)).Q
    found = fit_action(b @ q, b)
    assert found[-1].kind == "orthogonal map"
    assert found[-1].stands
    assert torch.allclose(found[-1].apply(b), b @ q, atol=1e-5)
    noise = fit_action(torch.randn(400, 6), b)
    assert [f.kind for f in noise] == ["permutation", "orthogonal map", "linear map"]
    assert not any(f.stands for f in noise)
    assert all(f.r2 < 0.1 for f in noise)
    few = fit_action(torch.randn(16, 12), torch.randn(16, 12))  # a linear map of 12 channels fits 8 rows perfectly
    assert all(f.r2 < 0.5 for f in few)


def test_rows_keep_the_halves_apart():
    a = torch.arange(4.0)[:, None, None, None].expand(4, 2, 3, 3)
    rows, _ = rows_of(a, a)
    assert set(rows[: len(rows) // 2, 0].tolist()) == {0.0, 1.0}
    assert set(rows[len(rows) // 2 :, 0].tolist()) == {2.0, 3.0}
    single, _ = rows_of(a[:1], a[:1])
    assert len(single) == 8


def test_fits_cost_no_more_than_the_layers_themselves(x):
    """Counted: one pass an element for the fits, and two more to measure with them."""
    calls = [0]
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    net[0].register_forward_hook(lambda *_: calls.__setitem__(0, calls[0] + 1))
    audit(net, x, **QUICK, layers=False)
    without = calls[0]
    calls[0] = 0
    audit(net, x, **QUICK)
    assert calls[0] - without < 40
