"""Volumes of different sizes: padding, labels outside, the hippocampus, the phantoms."""

import pytest
import torch

import erlangen as eg
from erlangen.data import RaggedSplit, load
from erlangen.data.hippocampus import HIPPOCAMPUS_FILES
from erlangen.data.ragged import centred
from erlangen.errors import DataError


def split() -> RaggedSplit:
    shapes = [(3, 4, 5), (5, 4, 2), (4, 4, 4)]
    return RaggedSplit([torch.ones(1, *s) for s in shapes], [torch.ones(s, dtype=torch.uint8) for s in shapes])


def test_a_batch_is_padded_about_the_centre_and_labels_outside_do_not_count() -> None:
    x, y = split().batch([0, 1])
    assert (x.shape, y.shape) == ((2, 1, 5, 4, 5), (2, 5, 4, 5))
    assert x.sum(dim=(1, 2, 3, 4)).tolist() == [60.0, 40.0]
    assert torch.equal(x[:, 0] == 1, y == 1)
    assert ((x[:, 0] == 0) == (y == -1)).all()
    cubes = split().cubes()
    assert [cubes.batch([i])[0].shape for i in range(3)] == [(1, 1, 5, 5, 5)] * 3
    assert [len(t) for _, t in split().batches(2)] == [2, 1]
    assert split().take([2]).batch([0])[0].shape == (1, 1, 4, 4, 4)


def test_centred_pads_and_crops() -> None:
    x = torch.arange(5.0)[None]
    assert centred(x, (7,), -1.0).tolist() == [[-1, 0, 1, 2, 3, 4, -1]]
    assert centred(x, (3,)).tolist() == [[1, 2, 3]]


def test_mistakes_are_explained() -> None:
    with pytest.raises(DataError, match="example 0: a signal on"):
        RaggedSplit([torch.ones(1, 2, 3)], [torch.ones(3, 2)])
    with pytest.raises(DataError, match="1 signals but 0 targets"):
        RaggedSplit([torch.ones(1, 2, 3)], [])
    with pytest.raises(DataError, match="at least one"):
        split().batch([])
    with pytest.raises(DataError, match="validation"):
        load("phantom-tubes", validation=60)


def test_hippocampus(real) -> None:
    real(*HIPPOCAMPUS_FILES)
    data = load("hippocampus")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [180, 20, 60]
    labels = [t for part in (data.train, data.validation, data.test) for t in part.labels]
    counts = sum(torch.bincount(t.flatten().long(), minlength=3) for t in labels)
    assert counts.tolist() == [15469502, 445938, 410816]
    assert abs(float(data.train.signals[0].mean())) < 1e-4
    assert data.field().group.name == "Oh"
    # the posterior-to-anterior axis is y, and a little downwards
    axis = torch.stack([_middle(t == 1) - _middle(t == 2) for t in labels]).mean(0)
    axis /= axis.norm()
    assert axis[1] > 0.85
    assert axis[0] < -0.25


def _middle(inside: torch.Tensor) -> torch.Tensor:
    return inside.nonzero().float().mean(0)


@pytest.mark.slow
def test_a_derived_network_learns_the_phantoms_and_reports_dice() -> None:
    data = load("phantom-tubes")
    assert torch.equal(load("phantom-tubes").train.signals[3], data.train.signals[3])
    torch.manual_seed(0)
    hidden = "regular + 8 trivial"  # a head after one regular field alone would see one number a voxel
    net = eg.derive(data.field("O"), data.task, "tiny", widths=(32, 32), coarsen_after=(0,), hidden=hidden)
    run = eg.fit(net, data, epochs=3, batch_size=4, lr=5e-3, ema=0.0, progress=False)
    assert run.metrics["test_dice"] > 0.2
    assert {"test_dice_1", "test_dice_2", "validation_dice"} <= set(run.metrics)
    kept = max(run.history, key=lambda row: row["validation_dice"])
    assert run.metrics["validation_dice"] == kept["validation_dice"]
    audit = eg.audit(run.model, data.test.cubes().take(range(2)), in_field=net.in_field, out_field=net.out_field)
    assert audit.verdict == "exact"


def test_an_audit_pads_to_cubes_and_says_so() -> None:
    shapes = [(5, 6, 7), (7, 6, 6), (6, 6, 6)]
    data = RaggedSplit([torch.randn(1, *s) for s in shapes], [torch.zeros(s, dtype=torch.long) for s in shapes])
    torch.manual_seed(0)
    net = eg.derive(eg.Grid(3).field("O"), eg.Segment(2), "tiny", widths=(24,))
    audit = eg.audit(net, data, in_field=net.in_field, out_field=net.out_field)
    assert audit.verdict == "exact"
    assert "padded to 7×7×7" in str(audit)
