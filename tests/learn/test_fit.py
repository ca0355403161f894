"""Training: it learns, it repeats itself, it ends when it should, and it says what is wrong."""

import json
import sys
import time

import pytest
import torch
from tiny import blobs, dataset, network
from torch import nn

from erlangen.blueprint import Regress, Segment
from erlangen.errors import RunError, UnknownName
from erlangen.learn import Run, evaluate, fit
from erlangen.learn.optimise import Average, learning_rate
from erlangen.learn.recipe import Settings, settings_for

FAST = {"batch_size": 16, "lr": 1e-2, "progress": False, "precision": "float32"}


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_it_learns_and_keeps_everything(tmp_path):
    run = fit(network(), dataset(), epochs=20, ema=0.9, out=tmp_path / "run", **FAST)
    assert run.metrics["test_accuracy"] > 0.9
    assert run.metrics["test_error"] == pytest.approx(1 - run.metrics["test_accuracy"])
    assert (run.metrics["epochs"], run.metrics["steps"], run.metrics["parameters"]) == (20, 120, 116)
    assert run.metrics["weights"] == "last, averaged (EMA 0.9)"
    names = {p.name for p in run.folder.iterdir()}
    assert {"config.json", "plan.txt", "metrics.jsonl", "metrics.csv", "model.safetensors", "environment.json"} <= names
    assert "training_state.pt" not in names
    assert not [n for n in names if n.endswith(".tmp")]
    rows = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    table = (run.folder / "metrics.csv").read_text().splitlines()
    assert [row["epoch"] for row in rows] == list(range(1, 21))
    assert (len(table), table[0]) == (21, "epoch,step,loss,accuracy,balanced_accuracy,lr,seconds")
    assert rows[0]["loss"] > rows[-1]["loss"]
    environment = json.loads((run.folder / "environment.json").read_text())
    assert environment["packages"]["torch"] == torch.__version__
    assert environment["data"] == {"source": "generated", "seed": 1}
    again = Run.load(run.folder, model=network(seed=5), data=run.data)
    assert same(again.model, run.model)
    assert again.metrics == run.metrics
    scores = evaluate(again.model, run.data.test, run.task)
    assert scores["accuracy"] == run.metrics["test_accuracy"]


def test_same_seed_same_bits_other_seed_other_bits():
    first, second, other = (fit(network(), dataset(), epochs=3, seed=s, **FAST) for s in (4, 4, 5))
    assert same(first.model, second.model)
    assert [r["loss"] for r in first.history] == [r["loss"] for r in second.history]
    assert not same(first.model, other.model)


def test_global_random_state_and_switches_are_left_alone():
    torch.manual_seed(11)
    before = torch.get_rng_state()
    model = network()
    torch.set_rng_state(before)
    fit(model, dataset(), epochs=1, **FAST)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()


def test_augmentation_depends_on_seed_and_step_alone(monkeypatch):
    drawn: list[float] = []

    def noise(x, generator):
        drawn.append(float(torch.rand(1, generator=generator)))
        return x

    monkeypatch.setattr(sys.modules["erlangen.learn.fit"], "_augmentation", lambda name, data, task: noise)
    fit(network(), dataset(), epochs=2, **FAST)
    first, drawn[:] = list(drawn), []
    torch.rand(7)
    fit(network(), dataset(), epochs=2, **FAST)
    assert drawn == first
    assert len(set(first)) == 12


def test_minutes_end_the_run_and_steer_the_schedule():
    start = time.perf_counter()
    run = fit(network(), dataset(2000), minutes=0.02, **FAST)
    assert 1.2 <= run.metrics["seconds"] < 1.5
    assert time.perf_counter() - start < 30  # the first use in a process imports Lightning
    assert run.history[-1]["lr"] < 1e-4
    assert len(run.history) == 1 or run.history[0]["lr"] > 1e-4  # a busy machine may not come to a second epoch
    assert run.metrics["epochs"] == pytest.approx(run.metrics["steps"] / 125, abs=1e-3)


def test_early_stop_keeps_the_best_weights():
    data = dataset(48, validation=64)
    run = fit(network(), data, epochs=200, patience=5, schedule="constant", ema=0.0, **FAST)
    assert run.metrics["stopped_early"]
    best = max(run.history, key=lambda row: (row["validation_accuracy"], -row["validation_loss"]))
    assert run.history[-1]["epoch"] == best["epoch"] + 5 < 200
    assert run.metrics["weights"] == f"best on validation (epoch {best['epoch']})"
    scores = evaluate(run.model, data.validation, run.task)
    assert scores["accuracy"] == best["validation_accuracy"] == run.metrics["validation_accuracy"]
    assert scores["loss"] == pytest.approx(best["validation_loss"], rel=1e-5)


def test_patience_without_validation_is_refused():
    with pytest.raises(RunError, match="patience needs a validation split"):
        fit(network(), dataset(), epochs=2, patience=2, **FAST)


def test_values_and_dense_labels_are_scored():
    data = dataset(64, task=Regress(1))
    for part in ("train", "test"):
        getattr(data, part).targets = getattr(data, part).targets.float()
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    run = fit(model, data, epochs=2, **FAST)
    with torch.no_grad():
        gap = model(data.test.signals)[:, 0] - data.test.targets
    assert run.metrics["test_mse"] == pytest.approx(float(gap.square().mean()), rel=1e-5)
    assert run.metrics["test_mae"] == pytest.approx(float(gap.abs().mean()), rel=1e-5)

    dense = dataset(32, task=Segment(2))
    for part in ("train", "test"):
        split = getattr(dense, part)
        split.targets = (split.signals[:, 0] > 0.5).long()
        split.targets[:, :4] = -1
    model = nn.Conv2d(1, 2, 1)
    run = fit(model, dense, epochs=2, **FAST)
    with torch.no_grad():
        hit = model(dense.test.signals).argmax(1)[:, 4:] == dense.test.targets[:, 4:]
    assert run.metrics["test_accuracy"] == pytest.approx(float(hit.float().mean()))


def test_divergence_is_an_error_that_teaches():
    with pytest.raises(RunError, match="Fix: lower lr"):
        fit(
            network(), dataset(), epochs=3, batch_size=16, lr=1e30, optimizer="sgd", progress=False, precision="float32"
        )


def test_nothing_to_train_is_refused():
    with pytest.raises(RunError, match="no parameter"):
        fit(nn.Flatten(), dataset(), epochs=1, **FAST)
    empty = dataset()
    empty.train = blobs(0, 0)
    with pytest.raises(RunError, match="empty"):
        fit(network(), empty, epochs=1, **FAST)


def test_settings_check_words_and_ranges():
    with pytest.raises(UnknownName, match="Did you mean 'weight_decay'"):
        settings_for("grid", "classify", weight_decy=1.0)
    with pytest.raises(UnknownName, match="adamw"):
        settings_for("grid", "classify", optimizer="adamw2")
    with pytest.raises(RunError, match="epochs must be at least 1"):
        settings_for("grid", "classify", epochs=0)
    for wrong in ({"lr": float("inf")}, {"weight_decay": float("nan")}, {"epochs": None, "minutes": float("inf")}):
        with pytest.raises(RunError, match="must be"):
            settings_for("grid", "classify", **wrong)
    with pytest.raises(RunError, match="not both"):
        settings_for("grid", "classify", epochs=1, minutes=1.0)
    assert settings_for("grid", "classify", minutes=1.0).epochs is None
    assert settings_for("graph", "segment").optimizer == "adam"
    assert settings_for("grid", "classify", "mnist-rot").augment == "rotation"
    assert settings_for("grid", "classify", "mnist-rot", augment=None).augment is None


def test_learning_rate_rises_then_falls_to_zero():
    settings = Settings(lr=2.0, warmup=0.1)
    assert learning_rate(settings, 0.05) == pytest.approx(1.0)
    assert learning_rate(settings, 0.1) == pytest.approx(2.0)
    assert learning_rate(settings, 0.55) == pytest.approx(1.0)
    assert learning_rate(settings, 1.0) == pytest.approx(0.0)


def test_average_is_the_recursion_it_states():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = Average(model, decay=0.5)
    wanted = model[0].weight.detach().clone()
    for t in range(8):
        with torch.no_grad():
            model[0].weight += 1.0
        keep = min(0.5, (1 + t) / (10 + t))
        wanted = keep * wanted + (1 - keep) * model[0].weight.detach()
        average.update()
    live = model[0].weight.detach().clone()
    with average.applied():
        assert torch.allclose(model[0].weight, wanted, atol=1e-5)
    assert torch.equal(model[0].weight, live)
