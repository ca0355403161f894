"""Reports before and after, run folders of symmetrised networks, and the verb."""

import json

import pytest
import torch
from torch import nn

import erlangen as eg
from erlangen.adapt import Symmetrized
from erlangen.cli import main
from erlangen.errors import FieldError, RunError
from erlangen.learn import symmetrized_report
from erlangen.learn.symmetrized import keep_symmetrized

MODULE = """
from torch import nn

def make():
    return nn.Sequential(nn.Conv1d(4, 4, 5), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(4, 2))
"""


@pytest.fixture(scope="module")
def data() -> eg.data.Dataset:
    return eg.data.load("motifs", train=64, test=96, length=24)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory) -> eg.Run:
    torch.manual_seed(0)
    net = eg.derive(data.field("C1"), data.task, "tiny")
    folder = tmp_path_factory.mktemp("symmetrized") / "plain"
    return eg.fit(net, data, epochs=2, batch_size=16, out=folder, progress=False)


def test_a_report_shows_what_changed(run, data) -> None:
    made = eg.symmetrize(run.model, "RC", data=data)
    found = symmetrized_report(made, data, samples=32)
    before, after = found
    assert (before.verdict, after.verdict) == ("broken", "exact")
    assert after.max_error <= 1e-5
    own, own_after = found.scores["before"], found.scores["after"]
    assert own_after["upright"]["accuracy"] == own_after["moved"]["accuracy"]
    assert own_after["moved"]["flips"] == 0
    assert own_after["moved"]["error"] <= 1e-5 < 1e-2 < own["moved"]["error"]
    with torch.no_grad():
        wanted = (made(data.test.signals).argmax(1) == data.test.targets).float().mean()
    assert own_after["upright"]["accuracy"] == pytest.approx(float(wanted))
    assert found.describe()["cost"] == 2
    assert "cost     ×2 passes of the network" in str(found)
    assert "exact" in str(found).splitlines()[3]
    without = symmetrized_report(made, data.test.signals, samples=8)
    assert without.scores == {}
    assert "accuracy" not in str(without)
    with pytest.raises(FieldError, match="no network inside"):
        symmetrized_report(run.model, data)


def test_equivariant_answers_are_scored_too() -> None:
    data = eg.data.load("profiles", train=16, test=24, length=32)
    outputs = data.task.out_rep(data.field("RC").group).size
    net = nn.Sequential(nn.Conv1d(4, 8, 5, padding=2), nn.ReLU(), nn.Conv1d(8, outputs, 1)).eval()
    found = symmetrized_report(eg.symmetrize(net, data=data), data, samples=16)
    assert found.after.verdict == "exact"
    assert found.before.verdict == "broken"
    same = found.scores["after"]
    assert same["upright"]["mse"] == pytest.approx(same["moved"]["mse"])


def test_run_folders_keep_symmetrised_networks(run, data, tmp_path) -> None:
    x = data.test.signals
    for method in ("average", "canonical", "weighted"):
        made = eg.symmetrize(run.model, "RC", method, data=data)
        report = symmetrized_report(made, data, samples=8)
        folder = keep_symmetrized(made, tmp_path / method, data, report, "a test")
        again = eg.Run.load(folder, data=data)
        assert isinstance(again.model, Symmetrized)
        assert torch.equal(again.model(x), made(x))
        assert again.metrics["test_accuracy"] == report.scores["after"]["upright"]["accuracy"]
        assert again.config["symmetrized_from"] == "a test"
        (written,) = again.export(tmp_path / f"{method}.pt")
        assert torch.allclose(torch.load(written, weights_only=False)(x), made(x), atol=1e-5)
        if method == "canonical":
            with pytest.raises(FieldError, match="chooses what to read by the input"):
                again.export(tmp_path / "model.pt2")
        if method == "average":
            (program,) = again.export(tmp_path / "model.pt2")
            assert torch.allclose(torch.export.load(program).module()(x), made(x), atol=1e-5)
    with pytest.raises(RunError, match="holds another run"):
        keep_symmetrized(made, tmp_path / "average", data, report, "a test")
    scored = eg.symmetrize(run.model, "RC", "weighted", data=data, score=nn.Sequential(nn.Flatten(), nn.LazyLinear(1)))
    with pytest.raises(RunError, match="cannot be kept in words"):
        keep_symmetrized(scored, tmp_path / "scored", data, report, "a test")


def test_modules_that_were_not_derived_are_given_back(data, tmp_path) -> None:
    plain = nn.Sequential(nn.Conv1d(4, 4, 5), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(4, 2)).eval()
    made = eg.symmetrize(plain, data=data)
    folder = keep_symmetrized(made, tmp_path / "run", data, symmetrized_report(made, data, samples=8), "a test")
    with pytest.raises(RunError, match="was not derived"):
        eg.Run.load(folder)
    fresh = nn.Sequential(nn.Conv1d(4, 4, 5), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(4, 2))
    again = eg.Run.load(folder, model=fresh, data=data).model
    assert torch.equal(again(data.test.signals), made(data.test.signals))


def test_networks_trained_inside_are_runs(data, tmp_path) -> None:
    torch.manual_seed(0)
    made = eg.symmetrize(eg.derive(data.field("C1"), data.task, "tiny"), "RC", data=data)
    run = eg.fit(made, data, epochs=1, out=tmp_path / "run", progress=False)
    again = eg.Run.load(tmp_path / "run", data=data)
    assert torch.equal(again.model(data.test.signals), run.model(data.test.signals))


def test_the_verb(run, capsys, tmp_path) -> None:
    words = ["symmetrize", str(run.folder), "--group", "RC", "--samples", "16"]
    written = [tmp_path / name for name in ("numbers.json", "page.html")]
    out = ["--out", str(tmp_path / "made"), "--json", str(written[0]), "--html", str(written[1])]
    assert main([*words, "--method", "canonical", *out]) == 0
    text = capsys.readouterr().out
    for line in ("method   canonical", "cost     ×1 passes", "before", "after", "ties", "saved"):
        assert line in text
    assert json.loads(written[0].read_text())["audit"]["after"]["verdict"] == "exact"
    assert "Before" in written[1].read_text()
    assert main(["audit", str(tmp_path / "made"), "--max-error", "1e-5", "--samples", "8"]) == 0
    capsys.readouterr()
    assert main([*words, "--method", "averages"]) == 2
    assert "Did you mean 'average'" in capsys.readouterr().err


def test_the_verb_on_a_module_in_a_file(capsys, tmp_path) -> None:
    path = tmp_path / "networks.py"
    path.write_text(MODULE)
    small = ["--data_options.train=16", "--data_options.test=32", "--data_options.length=24", "--samples", "8"]
    assert main(["symmetrize", f"{path}:make", "--data", "motifs", *small]) == 0
    assert "average over RC" in capsys.readouterr().out
    assert main(["symmetrize", f"{path}:make"]) == 2
    assert "has no data" in capsys.readouterr().err
    assert main(["symmetrize", str(path)]) == 2
    assert "name the module in it" in capsys.readouterr().err
