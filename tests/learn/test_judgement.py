"""Paired scores say whether a symmetry is right, wrong or undecided."""

import pytest

from erlangen.errors import RunError
from erlangen.learn import judge_symmetry


def test_the_interval_is_that_of_student() -> None:
    found = judge_symmetry([0.9, 0.8, 0.85, 0.88], [0.8, 0.76, 0.8, 0.79])
    assert found.gain == pytest.approx(0.07)
    assert found.high - found.gain == pytest.approx(3.182446 * 0.0294392 / 2, rel=1e-4)
    assert found.low == pytest.approx(2 * found.gain - found.high)


def test_verdicts() -> None:
    better, worse = [0.95, 0.96, 0.94], [0.61, 0.63, 0.62]
    wrong = judge_symmetry(worse, better, "RC", "splice junctions")
    assert wrong.verdict == "wrong"
    assert str(wrong).startswith("RC is the WRONG symmetry for splice junctions: 0.620 with it, 0.950 without")
    assert "Fix: declare the group C1" in str(wrong)
    assert judge_symmetry(better, worse, "RC").verdict == "right"
    even = judge_symmetry([0.9, 0.8, 0.7], [0.8, 0.7, 0.9])
    assert even.verdict == "undecided"
    assert even.low < 0 < even.high


def test_one_pair_decides_nothing() -> None:
    for scores in (([0.5], [0.6]), ([0.5, 0.6], [0.4])):
        with pytest.raises(RunError, match="run more seeds or folds"):
            judge_symmetry(*scores)
