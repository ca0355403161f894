"""Whether one combination of generators is a symmetry, on samples that had no part in finding it."""

from dataclasses import dataclass

import numpy as np

from erlangen.audit.algebra import Combination

LEVEL = 0.05  # of intervals and shares
SHOWN = 0.01  # largest p-value of a symmetry
SHARE = 0.5  # of inputs on which it has to be shown
RESAMPLES = 400
TINY = np.finfo(float).tiny


@dataclass(frozen=True)
class Responses:
    """How a network answers to generators, sample by sample.

    Args:
        factors: [n, r, p] with ‖factors v‖ = ‖Σ v_i D_i‖, D_i = df(x)·A_i x − A_i f(x).
        motions: [n, p, p] ⟨A_i x, A_j x⟩.
        terms: [n, p, p] ⟨df(x)·A_i x, df(x)·A_j x⟩ + ⟨A_i f(x), A_j f(x)⟩, the same before the difference; None where
            A_i f(x) = 0 for all i. Then numbers that come out are measured in units of their own response to random
            directions, so that a large one hides no small one.
        reference: [n] ‖df(x)·w‖² / ‖w‖² for a random direction w.
        floor: squared response that rounding alone can give.
    """

    factors: np.ndarray
    motions: np.ndarray
    terms: np.ndarray | None
    reference: np.ndarray
    floor: float

    def __getitem__(self, rows: slice) -> "Responses":
        """Those of some samples."""
        terms = None if self.terms is None else self.terms[rows]
        return Responses(self.factors[rows], self.motions[rows], terms, self.reference[rows], self.floor)


def scale_of(responses: Responses, directions: np.ndarray) -> np.ndarray:
    """The larger of the squared responses to random directions of the input and to a typical combination of generators.

    Args:
        responses: of the network.
        directions: [p, q] combinations that move the input.

    Returns:
        [n] what every sample adds to the mean, which is the scale.
    """
    moved = np.einsum("iq,nij,jq->nq", directions, responses.motions, directions)
    answers = np.square(responses.factors @ directions).sum(1)
    whole, size = answers.mean(0), np.clip(moved.mean(0), TINY, None)
    typical = ((answers - whole / size * (moved - size)) / size).mean(1) if directions.size else np.zeros(len(moved))
    larger = max((responses.reference, typical), key=np.mean)
    return larger if larger.mean() > responses.floor else np.full(len(larger), max(responses.floor, TINY))


def judge(
    v: np.ndarray, responses: Responses, scale: np.ndarray, tolerance: float, tests: int, seed: int
) -> Combination:
    """A combination of generators on samples that had no part in finding it.

    Args:
        v: [p] the combination.
        responses: of the network on those samples.
        scale: [n] of `scale_of`.
        tolerance: largest relative response of a symmetry.
        tests: how many combinations are judged in all.
        seed: of the bootstrap.
    """
    answer = np.square(responses.factors @ v).sum(1)
    moved = np.einsum("i,nij,j->n", v, responses.motions, v)
    beside = [scale, moved]  # the product of their means is what a random change of this size would do
    if responses.terms is not None:
        terms = np.einsum("i,nij,j->n", v, responses.terms, v)
        if terms.mean() < scale.mean() * moved.mean():
            rounding = np.full(len(terms), responses.floor)
            beside = [terms] if terms.mean() > responses.floor * moved.mean() else [rounding, moved]
    limit = np.prod([b.mean() for b in beside])
    draws = np.random.default_rng(seed).integers(0, len(answer), size=(RESAMPLES, len(answer)))
    limits = np.prod([np.clip(b[draws].mean(1), TINY, None) for b in beside], axis=0)
    low, high = np.quantile(np.sqrt(answer[draws].mean(1) / limits), [LEVEL / (2 * tests), 1 - LEVEL / (2 * tests)])
    p = min(1.0, tests * _below(answer, beside, tolerance**2))
    each = moved * (limit / moved.mean()) if moved.mean() > 0 else moved
    share = _at_least(int((answer <= tolerance**2 * each).sum()), len(answer), LEVEL / tests)
    return Combination(
        coefficients=tuple(float(a) for a in v / np.linalg.norm(v)),
        response=float(np.sqrt(answer.mean() / max(limit, TINY))),
        interval=(float(low), float(high)),
        p_value=p,
        share=share,
        symmetry=p <= SHOWN and share >= SHARE,
    )


def _below(answer: np.ndarray, beside: list[np.ndarray], limit: float) -> float:
    """p-value of Student's test that mean(answer) / Π mean(beside) is the limit or more, on the logarithm."""
    from scipy.special import stdtr

    n, mean = len(answer), answer.mean()
    ratio = mean / max(np.prod([b.mean() for b in beside]) * limit, TINY)
    if n < 2 or ratio >= 1:
        return 1.0
    if mean <= TINY:
        return 0.0
    error = (answer / mean - sum(b / b.mean() for b in beside)).std(ddof=1) / n**0.5
    return float(stdtr(n - 1, np.log(ratio) / error)) if error > 0 else 0.0


def _at_least(hits: int, n: int, level: float) -> float:
    """Lower confidence bound (Clopper–Pearson) of a share of which `hits` of n were seen."""
    from scipy.special import betaincinv

    return float(betaincinv(hits, n - hits + 1, level)) if hits else 0.0
