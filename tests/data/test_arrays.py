"""Arrays of one's own as data sets."""

import re

import numpy as np
import pytest
import torch

import erlangen as eg
from erlangen.data import from_arrays
from erlangen.errors import DataError, DomainError, FieldError
from erlangen.grids import Grid


def vectors(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).standard_normal((n, 6))
    return x, (x[:, :3] * x[:, 3:]).sum(axis=1, keepdims=True)  # the inner product of two vectors


def test_vectors_are_learnt_and_audited(tmp_path: object) -> None:
    field = eg.Point().field("O(3)", "2 standard")
    data = from_arrays(*vectors(), field, eg.Regress(1))
    assert (len(data.train), len(data.validation), len(data.test)) == (210, 30, 60)
    assert data.field() == field
    torch.manual_seed(0)
    net = eg.derive(data.field(), data.task, size="tiny")
    run = eg.fit(net, data, epochs=40, out=tmp_path, progress=False)
    assert run.metrics["test_mse"] < 0.1 * float(data.test.targets.var())
    assert eg.audit(run.model, data, dtype=torch.float64).verdict == "exact"


def test_splits_are_disjoint_and_repeatable() -> None:
    x, y = vectors(50)
    field = eg.Point().field("C1", 6)
    one, two = (from_arrays(x, y, field, eg.Regress(1), seed=3) for _ in range(2))
    assert torch.equal(one.train.signals, two.train.signals)
    rows = torch.cat([one.train.signals, one.validation.signals, one.test.signals])
    assert len(torch.unique(rows, dim=0)) == 50
    own = from_arrays(x, y, field, eg.Regress(1), test=(x[:7], y[:7]), validation=0.0)
    assert (len(own.train), len(own.validation), len(own.test)) == (50, 0, 7)


def test_images_and_restricted_groups() -> None:
    images, labels = np.zeros((20, 2, 8, 8)), np.arange(20) % 3
    data = from_arrays(images, labels, Grid(2).field("D4", "1 standard"), eg.Classify(3))
    assert data.field("C4").group.name == "C4"
    assert data.field("C4").rep.size == 2
    with pytest.raises(DomainError):
        from_arrays(*vectors(), eg.Point().field("D6", "3 standard"), eg.Regress(1)).field("SO(3)")


def test_bad_arrays_are_named() -> None:
    x, y = vectors(20)
    field = eg.Point().field("O(3)", "2 standard")
    with pytest.raises(DataError, match="20 signals but 19 targets"):
        from_arrays(x, y[1:], field, eg.Regress(1))
    with pytest.raises(FieldError, match="6 channels"):
        from_arrays(x[:, :3], y, field, eg.Regress(1))
    with pytest.raises(DataError, match="1 numbers of the signals are NaN"):
        from_arrays(np.where(np.arange(120).reshape(20, 6) == 5, np.nan, x), y, field, eg.Regress(1))
    with pytest.raises(DataError, match="labels 0 … 3, but the task has classes 0 … 2"):
        from_arrays(x, np.arange(20) % 4, field, eg.Classify(3))
    with pytest.raises(DataError, match=r"0\.7, 1\.7, … are numbers that are no classes"):
        from_arrays(x, np.arange(20) % 2 + 0.7, field, eg.Classify(2))
    with pytest.raises(DataError, match=r"one column a class.*argmax"):
        from_arrays(x, np.eye(2)[np.arange(20) % 2], field, eg.Classify(2))
    with pytest.raises(DataError, match="signals are complex"):
        from_arrays(x + 1j, y, field, eg.Regress(1))
    with pytest.raises(DataError, match="array of numbers"):
        from_arrays(x, ["a"] * 20, field, eg.Classify(2))
    with pytest.raises(DataError, match="nothing is left"):
        from_arrays(x[:1], y[:1], field, eg.Regress(1), test=0.9)
    with pytest.raises(DataError, match="add the channel dimension"):
        from_arrays(x[:, 0], y, field, eg.Regress(1))


@pytest.mark.parametrize(
    ("task", "shape", "wanted"),
    [
        (eg.Segment(2), (9, 8), "N, 8, 8"),
        (eg.Segment(2), (2, 8, 8), "N, 8, 8"),
        (eg.Profile("regular"), (8, 8), "N, 4, 8, 8"),
        (eg.Predict("2 trivial"), (4, 8, 8), "N, 2, 8, 8"),
        (eg.Count("regular"), (), "N, 4"),
        (eg.Regress(2), (3,), "N, 2"),
        (eg.Classify(3), (1,), "N"),
    ],
)
def test_targets_of_another_shape_are_refused_before_training(task, shape: tuple, wanted: str) -> None:
    field = Grid(2, (8, 8)).field("C4", 1)
    with pytest.raises(
        DataError, match=re.escape(f"targets are {[10, *shape]}, but {task.name.title()} needs [{wanted}]")
    ):
        from_arrays(torch.zeros(10, 1, 8, 8), torch.zeros(10, *shape), field, task)


def test_points_may_be_left_without_a_label() -> None:
    field, x = Grid(2, (8, 8)).field("C4", 1), torch.zeros(10, 1, 8, 8)
    y = torch.ones(10, 8, 8)
    y[0] = -1
    assert from_arrays(x, y, field, eg.Segment(2)).train.targets.dtype == torch.int64
    for label in (-2, 2):
        y[0] = label
        with pytest.raises(DataError, match=r"labels .* classes 0 … 1, and -1 where there is none"):
            from_arrays(x, y, field, eg.Segment(2))


def test_any_kind_of_number_is_taken() -> None:
    field = eg.Point().field("O(3)", "2 standard")
    x, y = vectors(20)
    wanted = from_arrays(x, y, field, eg.Regress(1))
    own = torch.tensor(x, requires_grad=True)
    for values in (own, x.astype(">f8"), x[::-1][::-1], x.tolist()):
        assert torch.equal(from_arrays(values, y[:, 0], field, eg.Regress(1)).train.signals, wanted.train.signals)
    assert torch.equal(from_arrays(own, y[:, 0], field, eg.Regress(1)).train.targets, wanted.train.targets)
    assert not from_arrays(own, own[:, :1], field, eg.Regress(1)).train.targets.requires_grad
