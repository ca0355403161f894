"""Arrays of one's own as data sets."""

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
    with pytest.raises(DataError, match="nothing is left"):
        from_arrays(x[:1], y[:1], field, eg.Regress(1), test=0.9)
    with pytest.raises(DataError, match="add the channel dimension"):
        from_arrays(x[:, 0], y, field, eg.Regress(1))
