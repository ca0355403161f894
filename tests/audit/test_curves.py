"""Error curves and what stands beside them, against values by hand; ordinary classifiers as others found them."""

import sys
from functools import partial

import pytest
import torch
from ordinary import ARMS, ResNet, ViT, convnext
from torch import Tensor, nn

from erlangen.audit import audit, contributions, error_curves, lie_derivatives
from erlangen.audit.contribution import affordable
from erlangen.audit.measure import Trace, score_change
from erlangen.audit.progress import showing, watch
from erlangen.audit.summary import consistency
from erlangen.blueprint import Action
from erlangen.grids import Grid

FIELD = Grid(2).field("C1", 3)


class Corner(nn.Module):
    """The pixel in the corner and its opposite, as class scores."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x[:, 0, 0, 0], 1 - x[:, 0, 0, 0]], 1)


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(0)
    return nn.functional.interpolate(torch.rand(8, 3, 7, 7), (16, 16), mode="bicubic")


def test_a_curve_by_hand(x):
    (curve,) = error_curves(Corner(), x, in_field=FIELD, generators=("shift-x",), times=(1.0, 3.0))
    before = Corner()(x)
    for i, step in enumerate((1, 3)):
        after = Corner()(x.roll(step, 3))
        error = (after - before).norm(dim=1) / before.norm(dim=1)
        assert curve.error[i] == pytest.approx(error.mean().item(), rel=1e-4)
        assert curve.worst[i] == pytest.approx(error.max().item(), rel=1e-4)
        assert curve.low[i] < curve.error[i] < curve.high[i]
        assert curve.flips[i] == (after.argmax(1) != before.argmax(1)).double().mean().item()
        assert curve.score[i] == pytest.approx(score_change(after, before).mean().item(), rel=1e-3)
        assert curve.floor[i] < 1e-5  # whole pixels cost no interpolation
    assert (curve.x, curve.unit, curve.family) == ((1.0, 3.0), "pixels", "translation")


def test_the_floor_is_the_error_of_the_identity(x):
    (curve,) = error_curves(nn.Identity(), x, in_field=FIELD, generators=("rotation",), times=(0.3,))
    assert curve.error[0] < 1e-6
    assert curve.floor[0] > 0.05
    assert curve.flips is not None
    assert curve.score is None


def test_consistency_by_hand():
    """Classes 0 0 1 and 0 1 1 of two samples under two motions and none: 1 of 3 pairs agree in each."""
    still = Action("", "", True, lambda s, rep: s)
    traces = [Trace(still, predicted=[torch.tensor(p)]) for p in ([0, 1], [1, 1])]
    assert consistency(traces, torch.tensor([0, 0])) == pytest.approx(1 / 3)
    assert consistency(traces, None) is None


def test_change_of_score_by_hand():
    before, after = torch.tensor([[0.0, 0.0], [0.0, 9.0]]), torch.tensor([[0.0, 0.0], [0.0, 9.0]])
    assert score_change(after, before).tolist() == [0.0, 0.0]
    after[0, 0] = torch.tensor(3.0).log()
    assert score_change(after, before)[0].item() == pytest.approx(0.25)


def shift_errors(make, x: Tensor) -> tuple[float, float]:
    """(error, consistency) under circular shifts by whole pixels."""
    torch.manual_seed(1)
    found = audit(make(), x, in_field=FIELD, layers=False, continuous=False)
    family = next(f for f in found.families if f.name == "translation")
    return family.error, family.consistency


def test_blur_before_the_stride_and_polyphase(x):
    """Zhang 2019: less change under shifts; Chaman & Dokmanić 2021: none at all."""
    arms = [partial(ResNet, 10, (4, 8), 3, down, "circular") for down in ("stride", "blur", "polyphase")]
    (stride, _), (blur, _), (phases, same) = (shift_errors(make, x) for make in arms)
    assert blur < 0.7 * stride
    assert phases < 1e-5
    assert same == 1.0


def test_border_and_nonlinearities_are_where_shifts_are_lost(x):
    """Gruver et al. 2023: zero padding, strides, and pointwise nonlinearities between the pixels."""

    def kinds(padding: str, sampling: str) -> dict[str, float]:
        torch.manual_seed(1)
        net = ResNet(10, (4, 8), 3, "stride", padding)
        found = contributions(net, x, in_field=FIELD, generators=("shift-x",), sampling=sampling, samples=4)
        total: dict[str, float] = {}
        for c in found:
            total[f"{c.kind} {c.layer}"] = c.contribution
        return total

    zeros, circular = kinds("zeros", "fourier"), kinds("circular", "fourier")
    assert zeros["Conv2d stem"] > 1e-3
    assert circular.get("Conv2d stem", 0.0) < 1e-6
    assert circular["ReLU act"] > 1e-3
    assert circular["Conv2d blocks.2.first"] > 1e-4
    assert not [name for name in circular if name.startswith("BatchNorm")]


@pytest.mark.parametrize("make", [partial(convnext, 5, (4, 8)), partial(ViT, 5, 16, 4, 8, 1)])
def test_other_architectures_are_followed_into_their_layers(make, x):
    torch.manual_seed(1)
    net = make()
    found = lie_derivatives(net, x, in_field=FIELD)
    assert len(found) == 9
    assert all(d.error > 0 for d in found)
    parts = contributions(net, x, in_field=FIELD, generators=("shift-x",), samples=4)
    assert sum(c.share for c in parts) == pytest.approx(1.0)
    if isinstance(net, ViT):
        assert any(c.layer == "after patches, before layers.0" and "4×4 patches" in c.assumed for c in parts)


def test_the_arms_of_the_benchmark_run():
    x = torch.rand(1, 3, 32, 32)
    for make in ARMS.values():
        assert make((4, 8), 3, 10).eval()(x).shape == (1, 10)


def test_memory_of_the_layers_is_bounded(x, monkeypatch):
    from erlangen.audit import contribution
    from erlangen.audit.carry import Carrier

    net = ResNet(10, (4, 8)).eval()
    carry = Carrier(FIELD.group, x)
    assert affordable(net, x, carry, 8) == 8
    monkeypatch.setattr(contribution, "KEPT", 1)
    assert affordable(net, x, carry, 8) == 1


def test_progress_is_drawn_only_when_asked_and_on_a_terminal(capsys, monkeypatch):
    for show in (False, True):
        with showing(show):
            assert list(watch([1, 2], "work")) == [1, 2]
        assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with showing(True):
        assert list(watch([1, 2], "work")) == [1, 2]
    assert "work" in capsys.readouterr().err
