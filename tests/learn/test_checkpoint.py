"""Files are the old or the new one, never half of one; damage is named."""

import resource
import signal

import pytest
import torch
from tiny import dataset, network

from erlangen.errors import DataError, RunError
from erlangen.learn import Run, fit
from erlangen.learn.checkpoint import load_state, read_json, save_state, save_weights, write_bytes

HOW = {"epochs": 2, "batch_size": 16, "progress": False, "precision": "float32"}


@pytest.fixture
def full_disk():
    """No file may grow beyond 4 kB, as the system enforces it."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))

    def free() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    yield fill, free
    free()
    signal.signal(signal.SIGXFSZ, handler)


def test_failed_write_leaves_the_old_file(tmp_path, full_disk):
    fill, free = full_disk
    path = tmp_path / "file"
    write_bytes(path, b"old")
    fill()
    with pytest.raises(DataError, match="the old file, if any, is untouched"):
        write_bytes(path, bytes(10_000))
    free()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    write_bytes(path, bytes(10_000))
    assert len(path.read_bytes()) == 10_000


def test_disk_that_fills_up_while_training_loses_nothing(tmp_path, full_disk, monkeypatch):
    fill, free = full_disk
    reference = fit(network(), dataset(), **HOW)
    from erlangen.learn.session import Session

    original = Session.train_step

    def train_step(self, *batch):
        original(self, *batch)
        if self.step == 8:
            fill()

    monkeypatch.setattr(Session, "train_step", train_step)
    with pytest.raises(DataError, match=r"cannot write .*training_state\.pt.*resumes"):
        fit(network(), dataset(), out=tmp_path, checkpoint_seconds=0.0, **HOW)
    free()
    assert load_state(tmp_path / "training_state.pt")["step"] == 7
    monkeypatch.setattr(Session, "train_step", original)
    run = fit(network(seed=1), dataset(), out=tmp_path, checkpoint_seconds=0.0, **HOW)
    assert torch.equal(run.model[0].weight, reference.model[0].weight)


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot make the run folder"):
        fit(network(), dataset(), out=tmp_path / "file" / "run", **HOW)


def test_damaged_state_names_the_remedy(tmp_path):
    save_state(tmp_path / "state.pt", {"step": 3, "x": torch.zeros(4)})
    content = (tmp_path / "state.pt").read_bytes()
    (tmp_path / "state.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError, match=r"damaged .*--fresh"):
        load_state(tmp_path / "state.pt")


def test_missing_and_damaged_run_folders(tmp_path):
    with pytest.raises(RunError, match="there is no run folder"):
        Run.load(tmp_path / "nowhere")
    with pytest.raises(RunError, match="not a run folder"):
        Run.load(tmp_path)
    run = fit(network(), dataset(), out=tmp_path / "run", **HOW)
    with pytest.raises(RunError, match=r"was not derived.*Run\.load\(folder, model="):
        Run.load(run.folder)
    with pytest.raises(RunError, match="do not fit"):
        Run.load(run.folder, model=torch.nn.Linear(2, 2))
    weights = run.folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(RunError, match="damaged"):
        Run.load(run.folder, model=network())
    (run.folder / "config.json").write_text("{")
    with pytest.raises(RunError, match=r"config\.json is damaged"):
        Run.load(run.folder, model=network())


def test_weights_are_plain_and_readable_elsewhere(tmp_path):
    from safetensors.torch import load_file

    shared = torch.ones(3)
    save_weights(tmp_path / "w.safetensors", {"a": shared, "b": shared[1:], "c": torch.ones(2, 2).t()})
    assert {k: list(v.shape) for k, v in load_file(tmp_path / "w.safetensors").items()} == {
        "a": [3],
        "b": [2],
        "c": [2, 2],
    }


def test_read_json_of_a_missing_file(tmp_path):
    with pytest.raises(RunError, match="is missing"):
        read_json(tmp_path / "config.json")
