"""Bad input: a clear error that teaches, or a note; never a silent verdict."""

import json

import pytest
import torch
from torch import Tensor, nn

from erlangen.audit import audit
from erlangen.blueprint import Signal
from erlangen.errors import DataError, FieldError
from erlangen.graphs import Graph, Graphs
from erlangen.grids import Grid
from erlangen.point import Point

FIELD = Grid(2).field("C4", "1 trivial")
QUICK = {"continuous": False, "stability": False}


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(0)
    return torch.rand(12, 1, 8, 8)


def mean(x: Tensor) -> Tensor:
    return x.mean((2, 3))


def test_what_cannot_be_called(x):
    with pytest.raises(FieldError, match=r"a str cannot be audited.*Fix: give the network itself"):
        audit("resnet18", x, in_field=FIELD)


def test_a_model_that_no_hook_sees(x):
    class Bypass(nn.Module):
        """Calls the forward of its layer, past the hooks."""

        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.conv = nn.Conv2d(1, 3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv.forward(x).mean((2, 3))

    found = audit(Bypass(), x, in_field=FIELD, **QUICK)
    assert found.verdict != "exact"
    assert "no table of layers: no layer was called in a way that hooks see" in found.notes


# wrong declarations


def test_fields_that_do_not_fit_the_output(x):
    with pytest.raises(FieldError, match=r"out_field declares 2 regular of C4 \(8 channels\), but mean gives 1"):
        audit(mean, x, in_field=FIELD, out_field=FIELD.with_rep("2 regular"))
    with pytest.raises(FieldError, match="the input is declared for C4, the output for S3"):
        audit(lambda x: x[:, 0, 0, :3], x, in_field=FIELD, out_field=Point().field("S3", "1 standard"))
    with pytest.raises(FieldError, match="2 axes, so samples are"):
        audit(mean, x[:, :, 0], in_field=FIELD)
    with pytest.raises(FieldError, match="whose signals are a Signal"):
        audit(mean, x, in_field=Graphs().field(None, 1))
    with pytest.raises(FieldError, match="whose signals are tensors"):
        audit(mean, Signal(torch.rand(4, 1), Graph.set(4)), in_field=FIELD)


def test_another_size_than_declared_is_said(x):
    found = audit(mean, x, in_field=Grid(2, (16, 16)).field("C4", 1), **QUICK)
    assert "the field is declared for 16×16, the samples are 8×8" in found.assumed


# numbers that are none


def test_undefined_inputs_are_refused_by_number(x):
    x[3, 0, 2, 2], x[7, 0, 0, 0] = float("nan"), float("inf")
    with pytest.raises(DataError, match="2 of 12 samples hold infinite or undefined numbers: 3, 7"):
        audit(mean, x, in_field=FIELD)
    with pytest.raises(DataError, match="1 of 4 rows of the signal"):
        audit(lambda s: s, Signal(torch.tensor([[1.0], [2.0], [float("nan")], [3.0]]), Graph.set(4)))


def test_undefined_outputs_are_broken_and_named(x):
    x[5] = -x[5]

    def root(x: Tensor) -> Tensor:
        return mean(x).sqrt()

    found = audit(root, x, in_field=FIELD, **QUICK)
    assert found.verdict == "broken"
    assert any("undefined outputs on samples 5" in note for note in found.notes)
    assert found.witness["sample"] == 5
    fine = [a for a in found.actions if a.family == "C4"]
    assert all(a.worst_sample == 5 for a in fine)  # the others are not drawn into it
    assert json.loads(found.to_json())["max_error"] is None


def test_outputs_that_only_motion_makes_undefined(x):
    x[:, :, 0, 0] = 1.0
    x[4, :, -1, -1] = 0.0

    found = audit(lambda x: 1 / x[:, :, 0, 0], x, in_field=FIELD, **QUICK)
    assert found.verdict == "broken"
    assert any("moved by r180, the network gives infinite or undefined outputs on samples 4" in n for n in found.notes)


def test_a_network_that_is_zero_says_that_nothing_was_tested(x):
    found = audit(lambda x: 0 * mean(x), x, in_field=FIELD, **QUICK)
    assert found.max_error == 0
    assert any("0/0 counts as no error, and nothing was tested" in note for note in found.notes)


def test_random_networks_are_broken(x):
    found = audit(lambda x: mean(x) + torch.rand(len(x), 1), x, in_field=FIELD, **QUICK)
    assert found.verdict == "broken"
    assert any("random in evaluation mode" in note for note in found.notes)


# samples, shapes, types


def test_no_samples_at_all(x):
    with pytest.raises(DataError, match="no points"):
        audit(lambda s: s, Signal(torch.zeros(0, 1), Graph.set(0)))
    with pytest.raises(DataError, match="empty"):
        audit(lambda x, y: x, (x[:0], x[:0]), in_field=(FIELD, FIELD))


@pytest.mark.parametrize("make", [lambda x: x.mean(), lambda x: x.mean((0, 2, 3)), lambda x: x.sum((0, 1))])
def test_outputs_without_a_batch_dimension(x, make):
    with pytest.raises(FieldError, match=r"for 12 samples: it has no batch dimension. Fix: return \[B, …\]"):
        audit(make, x, in_field=FIELD)


def test_outputs_on_graphs_that_fit_neither_nodes_nor_graphs():
    signal = Signal(torch.rand(5, 2), Graph.set(5))
    with pytest.raises(FieldError, match="for 5 nodes and 0 edges in 1 graph"):
        audit(lambda s: s.x.mean(0), signal)


def test_errors_inside_the_model(x):
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.embed(x).mean((1, 2, 3))

    with pytest.raises(FieldError, match=r"(?s)Tokens failed.*Fix: the model wants whole numbers"):
        audit(Tokens(), x, in_field=FIELD)

    class Halves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(1, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(mean(x).to(torch.float16))

    with pytest.raises(FieldError, match=r"(?s)Halves failed.*Fix: the model works in a type of its own"):
        audit(Halves(), x, in_field=FIELD)
    with pytest.raises(FieldError, match="errors are measured in real numbers"):
        audit(mean, x, in_field=FIELD, dtype=torch.int64)


def test_a_model_in_half_precision_is_measured_in_single_and_left_alone(x):
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 2)).half()
    assert audit(model, x, in_field=FIELD, **QUICK).verdict == "exact"
    assert model[2].weight.dtype == torch.float16


@pytest.mark.parametrize("suffix", ["json", "html"])
def test_a_report_that_cannot_be_written_leaves_the_old_one(x, tmp_path, monkeypatch, suffix):
    found = audit(mean, x, in_field=FIELD, layers=False, **QUICK)
    old = tmp_path / f"audit.{suffix}"
    old.write_text("kept")

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(DataError, match="cannot write"):
        found.save(old)
    assert old.read_text() == "kept"
    assert [p.name for p in tmp_path.iterdir()] == [old.name]
    with pytest.raises(DataError, match="cannot write"):
        found.save(old / f"below.{suffix}")
