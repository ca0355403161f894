"""Do the data have the symmetry? What paired scores of networks with it and without it say."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from erlangen.learn.statistics import CONFIDENCE, paired_interval


@dataclass(frozen=True)
class Judgement:
    """What scores say about a symmetry.

    Args:
        verdict: "wrong" (it costs), "right" (it gains) or "undecided".
        gain: mean of score with minus score without, larger being better.
        low: lower end of its confidence interval.
        high: upper end.
        words: one or two sentences to print.
    """

    verdict: str
    gain: float
    low: float
    high: float
    words: str

    def __str__(self) -> str:
        return self.words


def judge_symmetry(
    with_symmetry: Sequence[float], without: Sequence[float], group: str = "G", data: str = "these data"
) -> Judgement:
    """Whether networks that have a symmetry by construction score better or worse than such that do not.

    An invariant network cannot tell x from g·x. Where the two have different labels it must be wrong for one of them,
    so a symmetry that the data do not have shows as a loss that more training does not cure.

    Args:
        with_symmetry: scores, larger is better, one a seed or fold.
        without: scores of the other networks on the same seeds or folds, in the same order.
        group: name of the symmetry.
        data: what the scores are about, in words.

    Returns:
        The judgement, by a two-sided paired t-interval of 95 %.

    Raises:
        RunError: fewer than two pairs.

    Source: Student 1908, The Probable Error of a Mean (the paired interval).
    """
    found = paired_interval(with_symmetry, without)
    gain, low, high = found.gain, found.low, found.high
    known = f"gain {gain:+.3f}, {CONFIDENCE:.0%} interval {low:+.3f} to {high:+.3f} over {found.pairs} pairs"
    scores = f"{mean(with_symmetry):.3f} with it, {mean(without):.3f} without ({known})"
    if high < 0:
        words = (
            f"{group} is the WRONG symmetry for {data}: {scores}. What {group} moves has another label. "
            "Fix: declare the group C1, or classes that the symmetry exchanges."
        )
        return Judgement("wrong", gain, low, high, words)
    if low > 0:
        return Judgement("right", gain, low, high, f"{group} is a symmetry of {data}: {scores}.")
    return Judgement("undecided", gain, low, high, f"Whether {data} have the symmetry {group} is undecided: {scores}.")
