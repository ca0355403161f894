"""Reasons and remedies: each that the catalogue of defects does not reach by itself, and that remedies cure."""

import pytest
import torch
from torch import nn

from erlangen.audit import audit
from erlangen.audit.shifts import smooth_reason
from erlangen.blueprint import Signal
from erlangen.graphs import Graph, Graphs
from erlangen.grids import Grid, PolyphasePool

SHIFTS = Grid(2).field("C1", "1 trivial")
QUICK = {"continuous": False, "stability": False}


class Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def torus(c: int, d: int) -> nn.Conv2d:
    return nn.Conv2d(c, d, 3, padding=1, padding_mode="circular")


def test_the_layer_that_aliases_is_named_with_its_remedy():
    """On a torus nothing but the nonlinearity sees shifts by parts of a pixel."""
    net = nn.Sequential(torus(1, 4), nn.ReLU(), Mean())
    result = audit(net, torch.rand(4, 1, 12, 12), in_field=SHIFTS, stability=False)
    assert result.verdict == "exact"
    shifts = [c for c in result.contributions if c.generator.startswith("shift") or "translation" in c.generator]
    assert max(shifts, key=lambda c: c.contribution).kind == "ReLU"
    cause, remedy = smooth_reason("ReLU", "x")
    assert "alias" in cause
    assert "upsampled" in remedy


def test_the_note_names_what_adds_most_to_a_derivative():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 3))
    result = audit(net, torch.rand(4, 1, 12, 12), in_field=Grid(2).field("C4", "1 trivial"), stability=False)
    most = max(result.contributions, key=lambda c: c.contribution)
    note = next(n for n in result.notes if "adds most" in n)
    assert f"{most.layer} ({most.kind})" in note
    assert "Fix: " in note
    assert len({smooth_reason(k, "x") for k in ("GELU", "MaxPool2d", "code")}) == 3


@pytest.mark.parametrize(
    ("wrong", "right", "cause"),
    [
        (nn.Conv2d(4, 4, 3, padding=1), torus(4, 4), "zero padding"),
        (nn.ReflectionPad2d(1), nn.Identity(), "padding: what is computed at the border"),
        (nn.CircularPad2d(1), torus(4, 4), "larger than the domain"),
        (nn.MaxPool2d(2), PolyphasePool(SHIFTS.with_rep(4)), "stride 2 keeps one position in 2"),
        (nn.Upsample((20, 20)), nn.Identity(), "interpolation from 16×16 to 20×20"),
        (nn.AdaptiveAvgPool2d(3), nn.AdaptiveAvgPool2d(1), "windows stay where they are"),
    ],
    ids=["zeros", "reflection", "circular", "stride", "interpolation", "windows"],
)
def test_remedies_for_shifts_cure(wrong, right, cause):
    x = torch.rand(4, 1, 16, 16)
    found = audit(nn.Sequential(torus(1, 4), nn.ReLU(), wrong, nn.ReLU(), Mean()), x, in_field=SHIFTS, **QUICK)
    assert found.verdict != "exact"
    assert [row.name for row in found.culprits] == ["2"]
    assert cause in found.culprits[0].cause
    cured = audit(nn.Sequential(torus(1, 4), nn.ReLU(), right, nn.ReLU(), Mean()), x, in_field=SHIFTS, **QUICK)
    assert cured.verdict == "exact", str(cured)


class Sorted(nn.Module):
    """The first of the nodes that score highest, by number where they tie."""

    def __init__(self) -> None:
        super().__init__()
        self.score = nn.Linear(2, 1)

    def forward(self, signal: Signal):
        x = signal.x
        return x * torch.zeros_like(x[:, :1]).index_fill(0, self.score(x).argmax(0), 1.0)


def test_ties_are_told_from_order():
    """All nodes alike: a tie. All nodes different and yet the order counts: no tie."""
    field = Graphs().field(None, 2)
    alike = Signal(torch.ones(6, 2), Graph.set(6))
    found = audit(Sorted(), alike, in_field=field, **QUICK)
    assert "breaks ties by index" in found.culprits[0].cause
    different = Signal(torch.rand(6, 2), Graph.set(6))
    assert audit(Sorted(), different, in_field=field, **QUICK).verdict == "exact"

    class First(nn.Module):
        def forward(self, signal):
            return signal.x - signal.x[:1]

    found = audit(First(), different, in_field=field, **QUICK)
    assert found.verdict != "exact"
    assert not any("ties" in row.cause for row in found.culprits)
