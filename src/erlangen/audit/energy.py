"""Whether moved samples can be told from the others: two-sample tests of energy distances, label by label."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.progress import watch
from erlangen.audit.scan import SHUFFLES, Found

LEVEL = 0.05
Change = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Step:
    """One element of a group, as a motion of either half of the samples.

    Args:
        label: of the element.
        key: equal for the same motion in several groups.
        left: motion of the first half.
        right: motion of the second half.
    """

    label: str
    key: int
    left: Change
    right: Change


@dataclass(frozen=True)
class Trial:
    """A group and its elements.

    Args:
        group: its name.
        order: number of elements; None if elements were drawn.
        steps: the elements.
    """

    group: str
    order: int | None
    steps: tuple[Step, ...]


def scan_data(x: Tensor, classes: Tensor, trials: list[Trial], seed: int, features: Change) -> list[Found]:
    """Whether moved samples could have been drawn like the others, class by class.

    Half of the samples is moved, the other half stays or is moved back; if the distribution is invariant, nobody can
    tell them apart. A group is rejected if any of its elements is, at 5 % for all elements of all groups together
    (Holm).

    Args:
        x: [n, C, …] samples.
        classes: [n] samples are compared within their class.
        trials: the groups.
        seed: of the halves and of the shuffles.
        features: what of moved samples is compared, [n, …].

    Law: E(P, Q) = 2·mean‖X − Y‖ − mean‖X − X'‖ − mean‖Y − Y'‖ ≥ 0, and 0 only for P = Q.

    Source: Székely & Rizzo 2013, Energy statistics, J. Stat. Plann. Inference 143(8); Holm 1979.
    """
    first, second = _halves(classes, torch.Generator().manual_seed(seed))
    splits = _splits(torch.arange(len(first) + len(second)) < len(first), classes[torch.cat([first, second])], seed)
    results: dict[int, tuple[float, float, tuple[float, float]]] = {}
    for step in watch([s for trial in trials for s in trial.steps], "motions"):
        if step.key not in results:
            moved = features(torch.cat([step.left(x[first]), step.right(x[second])])).double().flatten(1)
            results[step.key] = _energy_test(moved, splits)
    p_values = dict(zip(results, _holm(np.array([r[1] for r in results.values()])), strict=True))
    found = []
    for trial in trials:
        least = min(trial.steps, key=lambda s: (p_values[s.key], -results[s.key][0]))
        distances = [results[s.key][0] for s in trial.steps]
        found.append(
            Found(
                group=trial.group,
                order=trial.order,
                verdict="rejected" if p_values[least.key] <= LEVEL else "not rejected",
                error=float(np.mean(distances)),
                interval=results[least.key][2],
                worst=max(distances),
                witness=least.label,
                p_value=float(p_values[least.key]),
                elements=len(trial.steps),
            )
        )
    return found


def _holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values: rejecting those up to 5 % rejects a true hypothesis in at most 5 % of all scans."""
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1.0)
    back = np.empty_like(adjusted)
    back[order] = adjusted
    return back


def _halves(classes: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two halves of the samples, each with half of every class."""
    first, second = [], []
    for c in classes.unique():
        rows = (classes == c).nonzero()[:, 0]
        rows = rows[torch.randperm(len(rows), generator=generator)]
        first.append(rows[: len(rows) // 2])
        second.append(rows[len(rows) // 2 :])
    return torch.cat(first), torch.cat(second)


def _splits(side: Tensor, classes: Tensor, seed: int) -> list[tuple[Tensor, np.ndarray]]:
    """(samples of a class, [1 + SHUFFLES, n] whether each is on the first side: as it is, then at random)."""
    rng = np.random.default_rng(seed)
    found = []
    for c in classes.unique():
        rows = (classes == c).nonzero()[:, 0]
        here = side[rows].numpy().astype(float)
        found.append((rows, np.concatenate([here[None], rng.permuted(np.tile(here, (SHUFFLES, 1)), axis=1)])))
    return found


def _energy_test(x: Tensor, splits: list[tuple[Tensor, np.ndarray]]) -> tuple[float, float, tuple[float, float]]:
    """(energy distance relative to the mean distance, p-value, its 2.5 % and 97.5 % quantiles by chance)."""
    all_of_them = np.zeros(1 + SHUFFLES)
    for rows, sides in splits:
        apart = torch.cdist(x[rows], x[rows]).numpy()
        all_of_them += len(rows) / len(x) * _energies(apart, sides) / max(apart.mean(), np.finfo(float).tiny)
    own, chance = all_of_them[0], all_of_them[1:]
    low, high = (float(q) for q in np.quantile(chance, [0.025, 0.975]))
    slack = 1e-12 * np.abs(all_of_them).max()  # splits that differ by a rearrangement only are equal
    return float(own), float((1 + (chance >= own - slack).sum()) / (1 + SHUFFLES)), (low, high)


def _energies(apart: np.ndarray, splits: np.ndarray) -> np.ndarray:
    """Unbiased energy distances, one a split, [s].

    Args:
        apart: [n, n] distances.
        splits: [s, n] 1 for samples of one side, 0 for the other.
    """
    other = 1 - splits
    n, m = splits.sum(1), other.sum(1)
    to_one = splits @ apart
    within, across = (to_one * splits).sum(1), (to_one * other).sum(1)
    rest = apart.sum() - within - 2 * across
    return 2 * across / (n * m) - within / (n * (n - 1)) - rest / (m * (m - 1))
