"""Which continuous symmetries a network has: the null space of its Jacobian times the generators.

For generators A_1 … A_p that move the input, the response to a combination Σ v_i A_i is

    r(v)² = mean over x of ‖Σ v_i (df(x)·A_i x − A_i f(x))‖²  /  mean over x of ‖Σ v_i A_i x‖²

A combination with r(v) = 0 generates a symmetry. The combinations are found on one half of the samples and judged on
the other, beside random directions of the input that move it as far.

Source: Moskalev, Sepliarskaia, Sosnovik & Smeulders 2022, LieGG: Studying learned Lie group generators, arXiv
2210.04345.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.push import push

RESAMPLES = 400
RANDOM = 999  # random generators beside which a found one is judged
UNMOVED = 1e-9  # share of the largest motion below which a generator does not move these data


@dataclass(frozen=True)
class Generator:
    """One generator of a Lie algebra, as it moves inputs and outputs.

    Args:
        name: such as "rotation" or "E12".
        move: x → A·x.
        carry: (x, f(x)) → A·f(x).
        matrix: [d, d] if it is a matrix on vectors.
    """

    name: str
    move: Callable[[Tensor], Tensor]
    carry: Callable[[Tensor, Tensor], Tensor]
    matrix: np.ndarray | None = None


@dataclass(frozen=True)
class Combination:
    """One combination of generators, from the best kept to the worst.

    Args:
        coefficients: v, of unit length.
        response: r(v) on the samples it was not found on, relative to random directions of the input.
        interval: confidence interval of that, at 95 % for all combinations together.
        p_value: share of random combinations that respond as little; None for a single generator.
        symmetry: whether the upper end of the interval is below the tolerance.
    """

    coefficients: tuple[float, ...]
    response: float
    interval: tuple[float, float]
    p_value: float | None
    symmetry: bool


@dataclass(frozen=True)
class Algebra:
    """The continuous symmetries of a network.

    Args:
        generators: names of A_1 … A_p.
        combinations: p of them or fewer, from the best kept to the worst.
        dimension: how many are symmetries.
        names: what they generate, such as ("so(3)",); empty if nobody knows.
        closed: how far commutators of the symmetries leave their span, 0 for an algebra; None without matrices.
        unmoved: combinations that do not move these data, about which nothing can be said.
    """

    generators: tuple[str, ...]
    combinations: tuple[Combination, ...]
    dimension: int
    names: tuple[str, ...]
    closed: float | None
    unmoved: int

    def words(self, combination: Combination, most: int = 4) -> str:
        """A combination as a sum, "0.71 E12 − 0.71 E21"."""
        order = np.argsort(-np.abs(combination.coefficients), kind="stable")
        largest = abs(combination.coefficients[int(order[0])])
        parts = [int(i) for i in order if abs(combination.coefficients[int(i)]) > 0.1 * largest]
        text = ""
        for i in parts[:most]:
            value = combination.coefficients[i] * (1 if combination.coefficients[int(order[0])] > 0 else -1)
            sign = ("" if value > 0 else "−") if not text else (" + " if value > 0 else " − ")
            text += f"{sign}{abs(value):.2f} {self.generators[i]}"
        return text + (" …" if len(parts) > most else "")


def find_algebra(
    f: Callable[[Tensor], Tensor], x: Tensor, generators: list[Generator], seed: int, tolerance: float
) -> Algebra:
    """The null space of the responses, with its significance.

    Args:
        f: the network on a batch.
        x: [n, …] samples; half of them find, the other half judges.
        generators: A_1 … A_p.
        seed: of the split, of random generators and of the bootstrap.
        tolerance: largest relative response of a symmetry.
    """
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    x = x[order]
    responses, motions, reference = _grams(f, x, generators, seed)
    half = len(x) // 2
    finding, judging = slice(0, half), slice(half, None)
    directions, unmoved = _directions(responses[finding].mean(0), motions[finding].mean(0))
    e, m = responses[judging], motions[judging]
    scale = _scale(e, m, reference[judging], directions)
    rng = np.random.default_rng(seed)
    level = 0.05 / max(1, directions.shape[1])
    found = []
    for v in directions.T:
        quadratic, moved = np.einsum("i,nij,j->n", v, e, v), np.einsum("i,nij,j->n", v, m, v)
        draws = rng.integers(0, len(quadratic), size=(RESAMPLES, len(quadratic)))
        means = np.sqrt(np.clip(quadratic[draws].mean(1), 0, None) / moved[draws].mean(1)) / scale
        value = float(np.sqrt(max(quadratic.mean(), 0.0) / moved.mean()) / scale)
        low, high = (float(q) for q in np.quantile(means, [level / 2, 1 - level / 2]))
        p = _p_value(e.mean(0), m.mean(0), value * scale, directions, rng) if directions.shape[1] > 1 else None
        unit = v / np.linalg.norm(v)
        found.append(Combination(tuple(unit.tolist()), value, (low, high), p, max(high, value) <= tolerance))
    found.sort(key=lambda c: c.response)
    kept = [c for c in found if c.symmetry]
    matrices = [g.matrix for g in generators]
    names, closed = _known(kept, [g.name for g in generators], matrices)
    return Algebra(tuple(g.name for g in generators), tuple(found), len(kept), names, closed, unmoved)


def _grams(
    f: Callable[[Tensor], Tensor], x: Tensor, generators: list[Generator], seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """⟨D_i, D_j⟩ and ⟨A_i x, A_j x⟩ of every sample, [n, p, p], and the response to a random direction, [n]."""
    y = f(x)
    motions = torch.stack([g.move(x) for g in generators], 1)  # [n, p, …]
    changes = torch.stack(
        [
            _push(f, x, motions[:, i]) - g.carry(x, y)  # df·A x − A f
            for i, g in enumerate(generators)
        ],
        1,
    )
    motions, changes = (t.double().flatten(2) for t in (motions, changes))
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed + 1), dtype=x.dtype)
    answer = _push(f, x, noise).double().flatten(1).square().sum(1) / noise.double().flatten(1).square().sum(1)
    return (changes @ changes.mT).numpy(), (motions @ motions.mT).numpy(), answer.numpy()


def _push(f: Callable[[Tensor], Tensor], x: Tensor, v: Tensor) -> Tensor:
    """df(x)·v, exact where torch has the derivative."""
    try:
        return push(f, x, v, "forward")
    except (NotImplementedError, RuntimeError):
        return push(f, x, v, "extrapolated")


def _directions(e: np.ndarray, m: np.ndarray) -> tuple[np.ndarray, int]:
    """Solutions v of E v = λ M v on the generators that move the data, best kept first, [p, q]; and p − q."""
    sizes, axes = np.linalg.eigh(m)
    moved = sizes > UNMOVED * max(sizes.max(), np.finfo(float).tiny)
    root = axes[:, moved] / np.sqrt(sizes[moved])
    return root @ np.linalg.eigh(root.T @ e @ root)[1], int((~moved).sum())


def _scale(e: np.ndarray, m: np.ndarray, reference: np.ndarray, directions: np.ndarray) -> float:
    """The larger of the responses to random directions of the input and to random generators."""
    parts = [v @ e.mean(0) @ v / max(v @ m.mean(0) @ v, np.finfo(float).tiny) for v in directions.T]
    typical = max(float(np.mean(parts)) if parts else 0.0, float(reference.mean()))
    return max(typical, np.finfo(float).tiny) ** 0.5


def _p_value(e: np.ndarray, m: np.ndarray, value: float, directions: np.ndarray, rng: np.random.Generator) -> float:
    random = rng.standard_normal((RANDOM, directions.shape[1])) @ directions.T
    answers = np.einsum("ni,ij,nj->n", random, e, random) / np.einsum("ni,ij,nj->n", random, m, random)
    return float((1 + (np.sqrt(np.clip(answers, 0, None)) <= value).sum()) / (1 + RANDOM))


def _known(
    kept: list[Combination], names: list[str], matrices: "list[np.ndarray | None]"
) -> tuple[tuple[str, ...], float | None]:
    """What the symmetries generate."""
    if not kept:
        return (), None
    span = np.array([c.coefficients for c in kept]).T
    if any(a is None for a in matrices):
        inside = [n for n, row in zip(names, np.eye(len(names)), strict=True) if _outside(row[:, None], span) < 0.05]
        return tuple(inside), None
    from erlangen.audit.algebra_names import name_algebra

    whole = np.array([a.ravel() for a in matrices if a is not None])
    return name_algebra((span.T @ whole).reshape(len(kept), *np.shape(matrices[0])))


def _outside(vectors: np.ndarray, span: np.ndarray) -> float:
    """Largest share of any column of `vectors` outside the span of the columns of `span`."""
    q = np.linalg.qr(span)[0]
    lost = np.linalg.norm(vectors - q @ (q.T @ vectors), axis=0)
    return float((lost / np.linalg.norm(vectors, axis=0)).max())
