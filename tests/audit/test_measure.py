"""Errors, intervals and verdicts: against values worked out by hand."""

import math

import numpy as np
import pytest
import torch

from erlangen.audit import limits_for
from erlangen.audit.measure import interval, relative
from erlangen.audit.verdict import declared_families, worst_of


def test_relative_error_by_hand():
    size = torch.tensor([1.0, 2.0], dtype=torch.float64)
    error = relative(torch.tensor([0.5, 0.5], dtype=torch.float64), size, size)
    assert error.tolist() == [0.5, 0.25]


def test_cancelled_output_is_divided_by_a_tenth_of_the_typical_size():
    size = torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=torch.float64)
    error = relative(torch.full((4,), 1e-7, dtype=torch.float64), size, size)
    assert error[3].item() == pytest.approx(1e-7 / (0.1 * math.sqrt(3 / 4)))


def test_zero_output_is_exact_and_a_moved_one_is_not():
    zero = torch.zeros(2, dtype=torch.float64)
    assert relative(zero, zero, zero).tolist() == [0.0, 0.0]
    assert relative(torch.ones(2).double(), zero, torch.ones(2).double()).min() > 0.5


def test_undefined_numbers_are_an_infinite_error():
    nan = torch.tensor([float("nan"), 1.0], dtype=torch.float64)
    assert relative(nan, torch.ones(2).double(), torch.ones(2).double())[0] == float("inf")


def test_interval_holds_the_mean_and_is_seeded():
    values = np.random.default_rng(0).exponential(size=200)
    low, high = interval(values, seed=1)
    assert low < values.mean() < high
    assert interval(values, seed=1) == (low, high)
    error = 1.96 * values.std(ddof=1) / 200**0.5
    assert low == pytest.approx(values.mean() - error, rel=0.05)


def test_interval_covers_the_true_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = sum(low < 1.0 < high for low, high in (interval(rng.exponential(size=60), seed=i) for i in range(200)))
    assert 180 <= hits <= 198


def test_interval_of_many_samples_and_of_one():
    assert interval(np.array([1.0]), seed=0) is None
    low, high = interval(np.random.default_rng(0).normal(size=10_000), seed=0)
    assert high - low == pytest.approx(2 * 1.96 / 100, rel=0.05)


@pytest.mark.parametrize(
    ("dtype", "error", "verdict"),
    [
        (torch.float32, 1e-5, "exact"),
        (torch.float32, 1.1e-5, "approximate"),
        (torch.float32, 0.11, "broken"),
        (torch.float64, 1e-11, "approximate"),
        (torch.float64, 1e-12, "exact"),
        (torch.float32, float("inf"), "broken"),
        (torch.float32, float("nan"), "broken"),
    ],
)
def test_verdicts(dtype, error, verdict):
    assert limits_for(dtype).verdict(error) == verdict


def test_worst_verdict():
    assert worst_of(["exact", "broken", "approximate"]) == "broken"
    assert worst_of([]) == "exact"


def test_declared_families():
    assert declared_families(["C4", "translation", "rotation"], "C4", {"C4", "translation"}) == (["C4"], None)
    names, remark = declared_families(["translation", "rotation"], "C1", {"translation"})
    assert names == ["translation"]
    assert "C1" in remark
    assert declared_families(["permutation", "edge order"], "Σn", set())[0] == ["permutation", "edge order"]
