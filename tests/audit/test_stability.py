"""Stability under small changes, and scale separation."""

import pytest
import torch
from torch import nn

import erlangen as eg
from erlangen.audit import scale_separation, stability_curves
from erlangen.audit.disturb import disturbances_of
from erlangen.audit.warps import warp
from erlangen.errors import DomainError, UnknownName

FIELD = eg.Grid(2).field("C4", 1)


class Mean(nn.Module):
    """Mean over all positions."""

    def forward(self, x):
        return x.flatten(2).mean(2)


def smooth(n: int = 6, size: int = 32) -> torch.Tensor:
    return nn.functional.interpolate(torch.randn(n, 1, 6, 6), size=(size, size), mode="bicubic")


def curve(model, x, kind, **options):
    return stability_curves(model, x, in_field=options.pop("in_field", FIELD), kinds=(kind,), **options)[0]


def test_the_identity_moves_with_a_warp():
    found = curve(nn.Identity(), smooth(), "warp")
    assert found.error == (0.0,) * 4
    assert found.slope == 0
    assert found.floor is not None
    assert found.floor[0] < 0.03


def test_the_error_under_noise_is_its_size():
    found = curve(nn.Identity(), torch.randn(6, 1, 32, 32), "noise", in_field=FIELD)
    assert found.slope == pytest.approx(1, abs=0.05)
    assert found.slope_interval is not None
    assert found.slope_interval[0] <= found.slope <= found.slope_interval[1]
    assert max(found.constant - 1, 0) < 0.2


@pytest.mark.parametrize("space", [eg.Grid(1), eg.Grid(2, spacing=(2, 1)), eg.Grid(3)])
def test_a_warp_has_the_dirichlet_norm_it_says(space):
    """∫|∇τ|² of the displacement that is applied, by differences of coordinates that are warped themselves."""
    n = 24
    ramps = torch.stack(torch.meshgrid(*[torch.arange(n, dtype=torch.float64)] * space.d, indexing="ij"))[None]
    change, _ = warp(space, (n,) * space.d)(0.05, torch.Generator().manual_seed(0))
    moved = change(ramps)[0] - ramps[0]
    inner = (slice(None), *[slice(3, -3)] * space.d)
    slopes = torch.stack([torch.gradient(moved, dim=j + 1)[0] for j in range(space.d)])[(slice(None), *inner)]
    steps = torch.tensor(space.spacing or (1.0,) * space.d, dtype=torch.float64)
    slopes = slopes * (steps[None, :] / steps[:, None]).reshape(space.d, space.d, *[1] * space.d)
    norm = slopes.square().sum((0, 1)).mean().sqrt()
    assert float(norm) == pytest.approx(0.05, rel=0.35)  # the rim is left out


def test_a_warp_is_undone():
    change, back = warp(eg.Grid(2), (48, 48))(0.2, torch.Generator().manual_seed(1))
    x = smooth(1, 48)
    inner = (..., slice(6, -6), slice(6, -6))
    assert float((back(change(x)) - x)[inner].norm() / x[inner].norm()) < 0.02
    assert float((change(x) - x)[inner].norm() / x[inner].norm()) > 0.1


def test_a_mean_is_more_stable_than_a_flattening():
    torch.manual_seed(0)
    x = smooth()
    pooled = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), Mean(), nn.Linear(8, 4))
    flat = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 32 * 32, 4))
    for kind in ("warp", "perspective"):
        assert curve(pooled, x, kind).slope < 0.5 * curve(flat, x, kind).slope


def test_every_domain_has_its_changes():
    names = {}
    for key, field, signal in (
        ("colour", eg.Grid(2).field("C4", 3), torch.randn(2, 3, 8, 8)),
        ("volume", eg.Grid(3).field(None, 1), torch.randn(2, 1, 8, 8, 8)),
        ("letters", eg.Strand(20).field("RC", "letters"), nn.functional.one_hot(torch.randint(4, (2, 20))).mT.float()),
        ("vectors", eg.Point().field("SO(3)", "2 standard"), torch.randn(2, 6)),
        ("graph", eg.Graphs().field(None, 3), eg.Graphs().sample_signal(eg.Graphs().field(None, 3), 2)),
    ):
        names[key] = [d.name for d in disturbances_of(field, signal)]
    assert names == {
        "colour": ["warp", "perspective", "light", "noise", "colour"],
        "volume": ["warp", "light", "noise"],
        "letters": ["mutations"],
        "vectors": ["noise"],
        "graph": ["noise", "edges removed", "edges moved"],
    }


def test_mutations_change_the_share_of_letters_they_say():
    letters = nn.functional.one_hot(torch.randint(4, (8, 500)), 4).mT.float()
    field = eg.Strand(500).field("RC", "letters")
    (kind,) = disturbances_of(field, letters)
    moved = kind.draw(0.1, torch.Generator().manual_seed(0))[0](letters)
    assert torch.equal(moved.sum(1), torch.ones(8, 500))
    assert float((moved != letters).any(1).float().mean()) == pytest.approx(0.1, abs=0.02)


def test_edges_of_undirected_graphs_go_in_pairs_and_stay_in_their_graph():
    field = eg.Graphs().field(None, 3)
    signal = field.space.sample_signal(field, 4)
    for kind in disturbances_of(field, signal)[1:]:
        moved = kind.draw(0.3, torch.Generator().manual_seed(0))[0](signal)
        assert moved.on.symmetric == signal.on.symmetric
        assert torch.equal(moved.on.graph_ptr, signal.on.graph_ptr)
        ends = torch.searchsorted(moved.on.graph_ptr[1:].long(), moved.on.edge_index(), right=True)
        assert torch.equal(ends[0], ends[1])
        assert not torch.equal(moved.on.col, signal.on.col)
    removed = disturbances_of(field, signal)[1].draw(0.3, torch.Generator().manual_seed(0))[0](signal)
    assert 0.5 < removed.on.num_edges / signal.on.num_edges < 0.9


def test_what_survives_of_an_output_at_coarser_scales():
    x = torch.randn(16, 1, 32, 32)
    cells = scale_separation(nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(64, 3)), x, in_field=FIELD)
    assert cells.x == (2, 4, 8)
    assert cells.survives[:2] == pytest.approx((1, 1), abs=1e-5)
    assert cells.survives[2] < 0.9
    edges = nn.Conv2d(1, 1, (1, 2), bias=False)
    with torch.no_grad():
        edges.weight.copy_(torch.tensor([1.0, -1.0]))
    assert scale_separation(nn.Sequential(edges, Mean()), x.abs(), in_field=FIELD).unit == "pixels"
    fine = scale_separation(nn.Sequential(edges, nn.Flatten(), nn.Linear(992, 3)), x, in_field=FIELD)
    assert fine.survives[0] < 0.5 > fine.survives[1]
    assert cells.input[0] == pytest.approx(1 / 4, abs=0.02)


def test_graphs_have_hops_and_points_have_no_scales():
    field = eg.Graphs().field(None, 3)
    signal = field.space.sample_signal(field, 6)
    found = scale_separation(eg.derive(field, eg.Classify(2), "tiny"), signal)
    assert found.unit == "hops"
    assert len(found.survives) == 3
    with pytest.raises(DomainError, match="no coarser scales"):
        scale_separation(nn.Linear(6, 2), torch.randn(4, 6), in_field=eg.Point().field("SO(3)", "2 standard"))


def test_audits_carry_both_as_plain_data():
    torch.manual_seed(0)
    net = eg.derive(FIELD, eg.Classify(3), "tiny")
    found = eg.audit(net, torch.rand(6, 1, 16, 16), layers=False, continuous=False)
    plain = found.to_dict()
    assert [c["family"] for c in plain["stability"]] == ["warp", "perspective", "light", "noise"]
    for c in plain["stability"]:
        assert len(c["x"]) == len(c["error"]) == len(c["low"]) == len(c["high"])
    assert plain["scales"]["x"] == [2.0, 4.0, 8.0]
    assert "small change" in str(found)
    assert eg.audit(net, torch.rand(6, 1, 16, 16), layers=False, continuous=False, stability=False).stability == ()


def test_unknown_kinds_are_told():
    with pytest.raises(UnknownName, match=r"mutations.*warp"):
        curve(nn.Identity(), torch.randn(2, 1, 8, 8), "mutations")
