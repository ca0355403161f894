"""Statistics of paired scores, against scipy and against worked examples."""

import pytest
from scipy.stats import ttest_rel

from erlangen.errors import RunError
from erlangen.learn.statistics import examples_for, holm, paired_interval

FIRST, SECOND = [0.91, 0.84, 0.86, 0.9, 0.83], [0.82, 0.8, 0.85, 0.84, 0.84]


def test_the_interval_and_p_are_those_of_the_paired_t_test() -> None:
    found, wanted = paired_interval(FIRST, SECOND), ttest_rel(FIRST, SECOND)
    ends = wanted.confidence_interval(0.95)
    assert (found.low, found.high, found.p) == pytest.approx((ends.low, ends.high, wanted.pvalue))
    assert found.pairs == 5


def test_coarse_scores_are_not_certain() -> None:
    exact = paired_interval([0.5, 0.6], [0.4, 0.5])
    assert exact.p < 1e-12
    assert exact.low == pytest.approx(exact.high)
    coarse = paired_interval([0.5, 0.6], [0.4, 0.5], step=0.1)
    assert coarse.low < 0 < coarse.high  # two wins by one example in ten are no proof
    assert coarse.p > 0.1
    assert paired_interval(FIRST, SECOND, step=1e-6) == paired_interval(FIRST, SECOND)


def test_no_difference_at_all() -> None:
    assert paired_interval([0.5, 0.6], [0.5, 0.6]).p == 1.0


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_examples_for_a_score() -> None:
    sizes, scores = [100, 1000, 10000], [0.5, 0.7, 0.8]
    assert examples_for(sizes, scores, 0.6) == pytest.approx(10**2.5)
    assert examples_for(sizes, scores, 0.8) == pytest.approx(10000)
    assert examples_for(sizes, scores, 0.5) is None  # reached from the start
    assert examples_for(sizes, scores, 0.9) is None  # never reached


def test_one_pair_decides_nothing() -> None:
    with pytest.raises(RunError, match="more seeds or folds"):
        paired_interval([1.0], [2.0])
