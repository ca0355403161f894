"""Which continuous symmetries a network has: the null space of its Jacobian times the generators.

For generators A_1 … A_p that move the input, the response to a combination Σ v_i A_i is

    r(v)² = mean over x of ‖Σ v_i (df(x)·A_i x − A_i f(x))‖²  /  mean over x of ‖Σ v_i A_i x‖²

A combination with r(v) = 0 generates a symmetry. The combinations are found on one half of the samples and judged on
the other, beside random directions of the input that move it as far; where outputs move, beside their motion too. Only what is shown to respond by less than the
tolerance is a symmetry: the null hypothesis of every test is that there is none.

Source: Moskalev, Sepliarskaia, Sosnovik & Smeulders 2022, LieGG: Studying learned Lie group generators, arXiv
2210.04345.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.algebra import Algebra, Combination, Generator, readable
from erlangen.audit.algebra_names import name_algebra, outside
from erlangen.audit.progress import watch
from erlangen.audit.push import push

LEVEL = 0.05
RESAMPLES = 400
UNMOVED = 1e-9  # share of the largest motion below which a generator does not move these data
ROUNDING = 1e3  # times the resolution of the floating type, of the output beside the input: no response at all
PART = 0.05  # of a generator may lie outside the symmetries that are said to contain it


@dataclass(frozen=True)
class Responses:
    """How a network answers to generators, sample by sample.

    Args:
        factors: [n, r, p] with ‖factors v‖ = ‖Σ v_i D_i‖, D_i = df(x)·A_i x − A_i f(x).
        motions: [n, p, p] ⟨A_i x, A_j x⟩.
        terms: [n, p, p] ⟨df(x)·A_i x, df(x)·A_j x⟩ + ⟨A_i f(x), A_j f(x)⟩, the same before the difference; None where
            A_i f(x) = 0 for all i.
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


def find_algebra(
    f: Callable[[Tensor], Tensor],
    x: Tensor,
    generators: list[Generator],
    seed: int,
    tolerance: float,
    hypotheses: int = 1,
) -> Algebra:
    """The null space of the responses, with its significance.

    Args:
        f: the network on a batch.
        x: [n, …] samples; half of them find, the other half judges.
        generators: A_1 … A_p.
        seed: of the split, of random directions and of the bootstrap.
        tolerance: largest relative response of a symmetry.
        hypotheses: how many such searches are made, by which p-values are multiplied.
    """
    x = x[torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))]
    responses = responses_of(f, x, generators, seed)
    half = len(x) // 2
    directions, unmoved = directions_of(responses[:half])
    judging = responses[half:]
    scale = _scale(judging, directions)
    tests = max(1, directions.shape[1]) * hypotheses
    found = sorted((_judge(v, judging, scale, tolerance, tests, seed) for v in directions.T), key=lambda c: c.response)
    kept = np.array([c.coefficients for c in found if c.symmetry])
    basis = readable(kept) if len(kept) else ()
    names, named, closed = _known(basis, generators)
    labels = tuple(g.name for g in generators)
    return Algebra(labels, tuple(found), len(kept), basis, names, named, closed, unmoved, tolerance)


def responses_of(f: Callable[[Tensor], Tensor], x: Tensor, generators: list[Generator], seed: int) -> Responses:
    """The responses of a network to every generator, by exact derivatives where torch has them.

    Args:
        f: the network on a batch.
        x: [n, …] samples.
        generators: A_1 … A_p.
        seed: of the random directions.
    """
    y = f(x)
    motions = torch.stack([g.move(x) for g in generators], 1)  # [n, p, …]
    pushed = torch.stack([_push(f, x, motions[:, i]) for i in watch(range(len(generators)), "generators")], 1)
    carried = torch.stack([g.carry(x, y) for g in generators], 1)
    motions, pushed, carried = (t.double().flatten(2).cpu() for t in (motions, pushed, carried))
    factors = torch.linalg.qr((pushed - carried).mT, mode="r").R  # exact to rounding, as inner products are not
    terms = (pushed @ pushed.mT + carried @ carried.mT).numpy() if bool(carried.any()) else None
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed + 1), dtype=x.dtype).to(x.device)
    answer = _squares(_push(f, x, noise)) / _squares(noise)
    small = ROUNDING * torch.finfo(x.dtype).eps
    floor = small**2 * _squares(y).mean() / _squares(x).mean().clamp_min(torch.finfo(torch.float64).tiny)
    return Responses(factors.numpy(), (motions @ motions.mT).numpy(), terms, answer.numpy(), float(floor))


def _squares(x: Tensor) -> Tensor:
    return x.double().flatten(1).square().sum(1).cpu()


def _push(f: Callable[[Tensor], Tensor], x: Tensor, v: Tensor) -> Tensor:
    """df(x)·v, exact where torch has the derivative."""
    try:
        return push(f, x, v, "forward")
    except (NotImplementedError, RuntimeError):
        return push(f, x, v, "extrapolated")


def directions_of(responses: Responses) -> tuple[np.ndarray, int]:
    """Combinations of the generators that move the data, [p, q], best kept first and orthonormal as motions; and p − q.

    They are the right singular vectors of the stacked responses, for motions of unit size.
    """
    sizes, axes = np.linalg.eigh(responses.motions.mean(0))
    moved = sizes > UNMOVED * max(sizes.max(), np.finfo(float).tiny)
    root = axes[:, moved] / np.sqrt(sizes[moved])
    stacked = responses.factors.reshape(-1, len(sizes)) @ root
    return root @ np.linalg.svd(stacked, full_matrices=stacked.shape[0] < stacked.shape[1])[2][::-1].T, int(
        (~moved).sum()
    )


def _scale(responses: Responses, directions: np.ndarray) -> float:
    """The larger of the responses to random directions of the input and to a typical combination of generators."""
    moved = np.einsum("iq,ij,jq->q", directions, responses.motions.mean(0), directions)
    answers = np.square(responses.factors @ directions).sum(1).mean(0)
    parts = answers / np.clip(moved, np.finfo(float).tiny, None)
    typical = max(float(parts.mean()) if len(parts) else 0.0, float(responses.reference.mean()), responses.floor)
    return max(typical, np.finfo(float).tiny) ** 0.5


def _judge(v: np.ndarray, responses: Responses, scale: float, tolerance: float, tests: int, seed: int) -> Combination:
    answer = np.square(responses.factors @ v).sum(1)
    limit = scale**2 * np.einsum("i,nij,j->n", v, responses.motions, v)
    if responses.terms is not None:  # no more than the two terms of the difference are, if those are small
        terms = float(np.einsum("i,nij,j->n", v, responses.terms, v).mean())
        limit = limit * min(1.0, max(terms / limit.mean(), responses.floor / scale**2))
    tiny = np.finfo(float).tiny
    draws = np.random.default_rng(seed).integers(0, len(answer), size=(RESAMPLES, len(answer)))
    means = np.sqrt(answer[draws].mean(1) / np.clip(limit[draws].mean(1), tiny, None))
    value = float(np.sqrt(answer.mean() / max(limit.mean(), tiny)))
    low, high = (float(q) for q in np.quantile(means, [LEVEL / (2 * tests), 1 - LEVEL / (2 * tests)]))
    excess = answer - tolerance**2 * limit
    p = min(1.0, tests * _below_zero(excess))
    share = _at_least(int((excess <= 0).sum()), len(excess), LEVEL / tests)
    unit = v / np.linalg.norm(v)
    return Combination(tuple(unit.tolist()), value, (low, high), p, share, p <= LEVEL)


def _below_zero(values: np.ndarray) -> float:
    """p-value of Student's test that the mean is zero or more."""
    from scipy.special import stdtr

    n, mean = len(values), values.mean()
    if n < 2 or mean >= 0:
        return 1.0
    error = values.std(ddof=1) / n**0.5
    return float(stdtr(n - 1, mean / error)) if error > 0 else 0.0


def _at_least(hits: int, n: int, level: float) -> float:
    """Lower confidence bound (Clopper–Pearson) of a share of which `hits` of n were seen."""
    from scipy.special import betaincinv

    return float(betaincinv(hits, n - hits + 1, level)) if hits else 0.0


def _known(
    basis: tuple[tuple[float, ...], ...], generators: list[Generator]
) -> tuple[tuple[str, ...], int, float | None]:
    """Names of what the symmetries contain, how many dimensions those have, and how far commutators leave."""
    if not basis:
        return (), 0, None
    span = np.array(basis)
    matrices = [g.matrix for g in generators if g.matrix is not None]
    if len(matrices) == len(generators):
        return name_algebra(np.einsum("kp,pij->kij", span, np.array(matrices)))
    columns = np.linalg.qr(span.T)[0]
    inside = [
        g.name for g, row in zip(generators, np.eye(len(generators)), strict=True) if outside(row, columns) < PART
    ]
    return tuple(inside), len(inside), None
