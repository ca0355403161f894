"""Metrics against torchmetrics and by hand: balanced accuracy, area under the curve, Dice; and the losses for them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from erlangen import Classify, Segment
from erlangen.blueprint.task import soft_dice_loss, task_from
from erlangen.data import TensorSplit
from erlangen.errors import FieldError
from erlangen.learn import Score, area_under_curve, dice_coefficients, evaluate
from erlangen.learn.metrics import LARGEST_BATCH, evaluation_batch

functional = pytest.importorskip("torchmetrics").functional


@given(st.integers(2, 60), st.integers(1, 30), st.integers(0, 1000))
def test_area_under_curve_with_ties(count: int, levels: int, seed: int) -> None:
    stream = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, levels + 1, (count,), generator=stream)
    labels = torch.randint(0, 2, (count,), generator=stream)
    labels[:2] = torch.tensor([0, 1])
    expected = functional.auroc(scores / levels, labels, "binary")
    assert area_under_curve(scores, labels) == pytest.approx(float(expected), abs=1e-5)
    assert area_under_curve(-scores, labels) == pytest.approx(1 - float(expected), abs=1e-5)


def test_area_needs_both_classes() -> None:
    assert area_under_curve(torch.rand(3), torch.ones(3)) != area_under_curve(torch.rand(3), torch.ones(3))  # NaN


def test_balanced_accuracy_over_batches() -> None:
    torch.manual_seed(0)
    output, target = torch.randn(90, 4), torch.randint(0, 4, (90,)) % 3
    score = Score(Classify(4))
    for part in (slice(0, 40), slice(40, 90)):
        score.add(output[part], target[part], torch.tensor(1.0))
        score.totals = score.totals  # as a checkpoint does
    hits = (output.argmax(1) == target).double()
    expected = sum(float(hits[target == c].mean()) for c in range(3)) / 3
    assert score.result()["balanced_accuracy"] == pytest.approx(expected)


def test_dice_is_that_of_torchmetrics_and_leaves_out_what_has_no_label() -> None:
    torch.manual_seed(0)
    found, target = torch.randint(0, 4, (5, 6, 7)), torch.randint(0, 4, (5, 6, 7))
    ours = dice_coefficients(found, target, 4)
    segmentation = pytest.importorskip("torchmetrics.functional.segmentation")
    theirs = segmentation.dice_score(
        found, target, 4, include_background=False, average="none", input_format="index", aggregation_level="samplewise"
    )
    torch.testing.assert_close(ours.float(), theirs.float(), rtol=1e-4, atol=1e-4)
    hidden = target.clone()
    hidden[:, :3] = -1
    torch.testing.assert_close(dice_coefficients(found, hidden, 4), dice_coefficients(found[:, 3:], target[:, 3:], 4))
    assert dice_coefficients(torch.zeros(1, 3), torch.zeros(1, 3), 2).isnan().all()


def test_dice_of_a_split_is_the_mean_over_examples() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(7, 3, 8, 8), torch.randint(-1, 3, (7, 8, 8))
    task = Segment(3, dice=1.0)
    found = evaluate(nn.Identity(), TensorSplit(x, y), task, batch_size=3)
    by_hand = dice_coefficients(x.argmax(1), y, 3)
    assert found["dice"] == pytest.approx(float(by_hand.mean()))
    assert found["dice_2"] == pytest.approx(float(by_hand[:, 1].mean()))
    assert "dice" not in evaluate(nn.Identity(), TensorSplit(x, y), Segment(3))


def test_two_classes_get_an_area() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(50, 2), torch.arange(50) % 2
    assert evaluate(nn.Identity(), TensorSplit(x, y), Classify(2))["auc"] == pytest.approx(
        area_under_curve(x[:, 1] - x[:, 0], y)
    )
    assert "auc" not in evaluate(nn.Identity(), TensorSplit(x, 0 * y), Classify(2))


def test_soft_dice() -> None:
    target = torch.randint(0, 3, (2, 6, 6), generator=torch.Generator().manual_seed(0))
    right = 50.0 * torch.nn.functional.one_hot(target, 3).movedim(-1, 1).float()
    assert float(soft_dice_loss(right, target)) == pytest.approx(0.0, abs=1e-5)
    assert float(soft_dice_loss(right.roll(1, dims=1), target)) > 0.9
    target[0] = -1
    noisy = right.clone()
    noisy[0] = torch.randn(3, 6, 6)
    assert float(soft_dice_loss(noisy, target)) == pytest.approx(0.0, abs=1e-5)
    logits = torch.randn(2, 3, 6, 6, requires_grad=True)
    soft_dice_loss(logits, target).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert (logits.grad[0] == 0).all()


def test_class_weights() -> None:
    output, target = torch.randn(6, 2), torch.tensor([0, 0, 0, 0, 1, 1])
    task = Classify(2, weights=(1.0, 2.0))
    losses = -output.log_softmax(1)[torch.arange(6), target]
    weights = torch.tensor([1.0, 1, 1, 1, 2, 2])
    torch.testing.assert_close(task.loss(output, target), (weights * losses).sum() / weights.sum())
    assert task_from({"task": "classify", "classes": 2, "weights": [1, 2]}) == task
    with pytest.raises(FieldError, match="needs 3 weights"):
        Classify(3, weights=(1.0, 2.0))


def test_large_examples_are_evaluated_few_at_a_time() -> None:
    volumes = TensorSplit(torch.zeros(3, 1, 64, 64, 64), torch.zeros(3))
    assert evaluation_batch(volumes) == 4
    assert evaluation_batch(TensorSplit(torch.zeros(3, 1, 28, 28), torch.zeros(3))) == LARGEST_BATCH
    assert evaluation_batch(volumes.take([])) == 1
