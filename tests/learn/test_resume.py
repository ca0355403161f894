"""A run that was interrupted and resumed equals one that was not."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny import dataset, network

from erlangen.errors import RunError
from erlangen.learn import Run, fit
from erlangen.learn.folder import RunFolder
from erlangen.learn.session import Session

HOW = {
    "epochs": 4,
    "batch_size": 16,
    "lr": 1e-2,
    "ema": 0.9,
    "seed": 3,
    "progress": False,
    "precision": "float32",
    "checkpoint_seconds": 0.0,
}


class Killed(BaseException):
    """Stands for the end of the process."""


def kill_at(monkeypatch, step):
    """Raise before the given step; returns a function that lets steps pass again."""
    original = Session.train_step

    def train_step(self, *batch):
        if self.step == step:
            raise Killed
        original(self, *batch)

    monkeypatch.setattr(Session, "train_step", train_step)
    return lambda: monkeypatch.setattr(Session, "train_step", original)


def assert_same_run(run: Run, reference: Run) -> None:
    for name, wanted in reference.model.state_dict().items():
        assert torch.equal(run.model.state_dict()[name], wanted), name
    keys = ("epoch", "step", "loss", "accuracy", "lr", "validation_loss", "validation_accuracy")
    assert [{k: row[k] for k in keys} for row in run.history] == [
        {k: row[k] for k in keys} for row in reference.history
    ]
    assert run.metrics["test_loss"] == reference.metrics["test_loss"]
    assert run.metrics["weights"] == reference.metrics["weights"]


@pytest.mark.parametrize("steps", [(9,), (6, 17), (1, 2, 23)])
def test_killed_mid_epoch_then_resumed_equals_uninterrupted(tmp_path, monkeypatch, steps):
    data = dataset(validation=40)
    reference = fit(network(), data, **HOW)
    for step in steps:
        revive = kill_at(monkeypatch, step)
        with pytest.raises(Killed):
            fit(network(seed=8), data, out=tmp_path, **HOW) if step != steps[0] else fit(
                network(), data, out=tmp_path, **HOW
            )
        revive()
    state = torch.load(tmp_path / "training_state.pt", weights_only=True)
    assert state["step"] == steps[-1]
    run = fit(network(seed=9), data, out=tmp_path, **HOW)
    assert_same_run(run, reference)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 5


CHILD = """
import os, signal, sys
sys.path.insert(0, {here!r})
import torch
torch.set_num_threads(1)
from test_resume import HOW, dataset, fit, network
from erlangen.learn.session import Session

step = Session.train_step
def train_step(self, *batch):
    if self.step == 14:
        os.kill(os.getpid(), signal.SIGKILL)
    step(self, *batch)
Session.train_step = train_step
fit(network(), dataset(validation=40), out={out!r}, **HOW)
"""


def test_sigkill_of_the_process(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        reference = fit(network(), dataset(validation=40), **HOW)
        code = CHILD.format(here=str(Path(__file__).parent), out=str(tmp_path / "run"))
        child = subprocess.run([sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=120)
        assert child.returncode == -signal.SIGKILL
        assert not (tmp_path / "run" / "result.json").exists()
        with pytest.raises(RunError, match="not finished"):
            Run.load(tmp_path / "run", model=network())
        assert_same_run(fit(network(seed=9), dataset(validation=40), out=tmp_path / "run", **HOW), reference)
    finally:
        torch.set_num_threads(threads)


def test_minutes_go_on_counting_after_a_resume(tmp_path, monkeypatch):
    how = {**HOW, "epochs": None, "minutes": 0.01}
    revive = kill_at(monkeypatch, 8)  # of hundreds, or of a few dozen on a busy machine
    with pytest.raises(Killed):
        fit(network(), dataset(), out=tmp_path, **how)
    revive()
    spent = torch.load(tmp_path / "training_state.pt", weights_only=True)["seconds"]
    assert 0 < spent < 0.6
    run = fit(network(), dataset(), out=tmp_path, **how)
    assert 0.6 <= run.metrics["seconds"] < 0.7
    assert run.metrics["steps"] > 8


def test_finished_run_is_returned_and_fresh_starts_over(tmp_path):
    first = fit(network(), dataset(), out=tmp_path, **HOW)
    stamp = (tmp_path / "model.safetensors").stat().st_mtime_ns
    second = fit(network(seed=7), dataset(), out=tmp_path, **HOW)
    assert second.metrics == first.metrics
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == stamp
    assert torch.equal(second.model[0].weight, first.model[0].weight)
    third = fit(network(seed=7), dataset(), out=tmp_path, fresh=True, **HOW)
    assert not torch.equal(third.model[0].weight, first.model[0].weight)
    assert len(third.history) == 4


def test_other_settings_are_refused_with_the_difference(tmp_path):
    fit(network(), dataset(), out=tmp_path, **HOW)
    with pytest.raises(RunError, match=r"settings\.lr: 0\.01 there, 0\.02 now.*--fresh"):
        fit(network(), dataset(), out=tmp_path, **{**HOW, "lr": 0.02})
    with pytest.raises(RunError, match="seed: 3 there, 4 now"):
        fit(network(), dataset(), out=tmp_path, **{**HOW, "seed": 4})
    with pytest.raises(RunError, match=r"data\.sizes\.train: 96 there, 80 now"):
        fit(network(), dataset(80), out=tmp_path, **HOW)


def test_two_processes_do_not_share_a_folder(tmp_path):
    code = (
        "import pathlib, erlangen.learn.folder as f\n"
        f"with f.RunFolder(pathlib.Path({str(tmp_path)!r})).lock():\n"
        "    print('locked')\n"
    )
    with RunFolder(tmp_path).lock():
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "another process is training" in child.stderr
    assert "locked" not in child.stdout
    with RunFolder(tmp_path).lock():
        pass
    assert not list(tmp_path.iterdir())
