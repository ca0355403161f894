"""Statistics of paired scores: intervals, tests, a correction for many comparisons, and what a symmetry is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import mean, stdev

from erlangen.errors import RunError

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Paired:
    """The mean of paired differences.

    Args:
        gain: mean difference.
        low: lower end of its confidence interval.
        high: upper end.
        p: two-sided p-value of the mean being zero.
        pairs: how many differences.
    """

    gain: float
    low: float
    high: float
    p: float
    pairs: int


def paired_interval(
    first: Sequence[float], second: Sequence[float], confidence: float = CONFIDENCE, step: float = 0.0
) -> Paired:
    """Student's interval and test of the mean of first minus second.

    Args:
        first: one number a seed or fold.
        second: those of the same seeds or folds, in the same order.
        confidence: of the interval, between 0 and 1.
        step: the numbers are known to this step only, as shares of N examples are to 1/N. Two differences that agree
            by chance would otherwise seem certain.

    Raises:
        RunError: fewer than two pairs.

    Law: d̄ ± t(n-1) s / √n for differences d with mean d̄ and standard deviation s, which is at least step / √6, that
        of a difference of two numbers rounded to the step.

    Source: Student 1908, The Probable Error of a Mean.
    """
    if len(first) != len(second) or len(first) < 2:
        raise RunError(f"{len(first)} and {len(second)} scores: need two or more pairs. Fix: run more seeds or folds.")
    from scipy.stats import t

    gaps = [a - b for a, b in zip(first, second, strict=True)]
    gain, error = mean(gaps), max(stdev(gaps), step / sqrt(6)) / sqrt(len(gaps))
    half = float(t.ppf(0.5 + confidence / 2, len(gaps) - 1)) * error
    if error > 0:
        p = 2 * float(t.sf(abs(gain) / error, len(gaps) - 1))
    else:  # every pair has the same difference
        p = float(gain == 0)
    return Paired(gain, gain - half, gain + half, p, len(gaps))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of many tests, corrected so that a false one appears among all of them no more often than stated.

    Law: with p(1) ≤ … ≤ p(m): p'(i) = max over j ≤ i of min(1, (m - j + 1) p(j)).

    Source: Holm 1979, Scandinavian Journal of Statistics 6(2).
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, largest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[i]))
        corrected[i] = largest
    return corrected


def examples_for(sizes: Sequence[int], scores: Sequence[float], wanted: float) -> float | None:
    """How many examples a learning curve needs for a score, interpolated in the logarithm of the number.

    Args:
        sizes: numbers of training examples, ascending.
        scores: the scores there; larger is better.
        wanted: the score to reach.

    Returns:
        The number of examples; None where the curve does not reach the score, or begins above it.
    """
    if not sizes or scores[0] >= wanted:
        return None
    for i in range(1, len(sizes)):
        if scores[i] >= wanted:
            share = (wanted - scores[i - 1]) / (scores[i] - scores[i - 1])
            return exp(log(sizes[i - 1]) + share * (log(sizes[i]) - log(sizes[i - 1])))
    return None
