"""Which finite groups of a catalogue a network or a data set respects, with a significance."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.candidates import Candidate
from erlangen.audit.measure import compare, interval, relative
from erlangen.audit.progress import watch
from erlangen.audit.verdict import Limits
from erlangen.blueprint import Action
from erlangen.errors import ErlangenError

SHUFFLES = 999


@dataclass(frozen=True)
class Found:
    """A finite group, tried.

    Args:
        group: its name.
        order: number of elements; None if elements were drawn.
        verdict: "exact", "approximate" or "broken" for networks; "not rejected" or "rejected" for data.
        error: mean relative error of the output for networks; energy distance relative to the spread for data.
        interval: 95 % confidence interval of the mean error; for data, the distances that chance gives in 95 %.
        worst: largest error of any element and sample; for data, of any element.
        witness: the element that had it.
        p_value: for networks, how often outputs of other samples lie as near (small: the symmetry is no accident); for
            data, how often chance gives such a distance (small: the symmetry does not hold).
        elements: how many were tried.
    """

    group: str
    order: int | None
    verdict: str
    error: float
    interval: tuple[float, float] | None
    worst: float
    witness: str
    p_value: float
    elements: int


def scan_network(
    f: Callable[[Any], Any],
    signal: Any,
    output: Any,
    carry: Callable[[Action, Any], Any],
    move: Callable[[Action, Any], Any],
    candidates: list[Candidate],
    limits: Limits,
    seed: int,
) -> tuple[list[Found], list[str]]:
    """Errors under every candidate, and those that could not be tried.

    Args:
        f: the network.
        signal: samples.
        output: f(signal).
        carry: (g, f(x)) → g·f(x).
        move: (g, x) → g·x.
        candidates: the groups.
        limits: of the verdict.
        seed: of the shuffles and the bootstrap.
    """
    seen: dict[int, tuple[np.ndarray, float]] = {}
    found, notes = [], []
    for candidate in watch(candidates, "groups"):
        try:
            for action in candidate.actions:
                if id(action) not in seen:
                    expected, result = carry(action, output), f(move(action, signal))
                    errors = relative(*compare(result, expected)).numpy()
                    seen[id(action)] = errors, _by_accident(result, expected, seed)
        except ErlangenError as error:
            notes.append(f"{candidate.name} could not be tried: {str(error).splitlines()[0]}")
            continue
        table = np.stack([seen[id(a)][0] for a in candidate.actions])
        per_sample, worst = table.mean(0), table.max(1)
        found.append(
            Found(
                group=candidate.name,
                order=candidate.order,
                verdict=limits.verdict(float(worst.max())),
                error=float(per_sample.mean()),
                interval=interval(per_sample, seed),
                worst=float(worst.max()),
                witness=candidate.actions[int(worst.argmax())].label,
                p_value=max(seen[id(a)][1] for a in candidate.actions),
                elements=len(candidate.actions),
            )
        )
    return found, notes


def _by_accident(result: Any, expected: Any, seed: int) -> float:
    """How often f(g·x) lies as near to g·f(x') of other samples x', exchanged at random, as to that of its own x."""
    a, b = (t.x if hasattr(t, "on") else t for t in (result, expected))
    if a.shape != b.shape or len(a) < 3:
        return 1.0
    apart = torch.cdist(a.double().reshape(1, len(a), -1), b.double().reshape(1, len(b), -1))[0].numpy()
    rng = np.random.default_rng(seed)
    rows = np.arange(len(apart))
    own = apart[rows, rows].mean()
    others = [apart[rows, rng.permutation(len(apart))].mean() for _ in range(SHUFFLES)]
    return float((1 + np.sum(np.array(others) <= own)) / (1 + SHUFFLES))


def scan_data(
    x: Tensor,
    labels: Tensor | None,
    tests: list[tuple[str, int | None, list[tuple[str, Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]]]],
    seed: int,
) -> list[Found]:
    """Whether moved samples could have been drawn like the others, label by label: tests of energy distances.

    Half of the samples is moved by g, the other half stays; if the distribution is invariant, nobody can tell them
    apart. Every group is rejected if any of its elements is, at 5 % divided by their number.

    Args:
        x: [n, C, …] samples.
        labels: [n] classes, or None.
        tests: (group, order, [(element, motion of one half, motion of the other half)]).
        seed: of the halves and of the shuffles.

    Law: E(P, Q) = 2·mean‖X − Y‖ − mean‖X − X'‖ − mean‖Y − Y'‖ ≥ 0, and 0 only for P = Q.

    Source: Székely & Rizzo 2013, Energy statistics, J. Stat. Plann. Inference 143(8).
    """
    classes = torch.zeros(len(x), dtype=torch.long) if labels is None else labels
    halves = _halves(classes, torch.Generator().manual_seed(seed))
    found = []
    for name, order, elements in watch(tests, "groups"):
        results = []
        for label, left, right in elements:
            moved = torch.cat([left(x[halves[0]]), right(x[halves[1]])]).double().flatten(1)
            side = torch.arange(len(moved)) < len(halves[0])
            results.append((label, *_energy_test(moved, side, classes[torch.cat(halves)], seed)))
        least = min(results, key=lambda r: r[2])
        farthest = max(results, key=lambda r: r[1])
        p = min(1.0, least[2] * len(results))
        found.append(
            Found(
                group=name,
                order=order,
                verdict="rejected" if p <= 0.05 else "not rejected",
                error=float(np.mean([r[1] for r in results])),
                interval=least[3],
                worst=farthest[1],
                witness=least[0],
                p_value=p,
                elements=len(results),
            )
        )
    return found


def _halves(classes: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two halves of the samples, each with half of every class."""
    first, second = [], []
    for c in classes.unique():
        rows = (classes == c).nonzero()[:, 0]
        rows = rows[torch.randperm(len(rows), generator=generator)]
        first.append(rows[: len(rows) // 2])
        second.append(rows[len(rows) // 2 :])
    return torch.cat(first), torch.cat(second)


def _energy_test(x: Tensor, side: Tensor, classes: Tensor, seed: int) -> tuple[float, float, tuple[float, float]]:
    """(energy distance relative to the mean distance, p-value, its 2.5 % and 97.5 % quantiles by chance)."""
    rng = np.random.default_rng(seed)
    own, chance = 0.0, np.zeros(SHUFFLES)
    for c in classes.unique():
        rows = classes == c
        apart = torch.cdist(x[rows], x[rows]).numpy()
        here = side[rows].numpy()
        share = len(here) / len(x)
        if min(here.sum(), (~here).sum()) < 2:
            continue
        size = max(apart.mean(), np.finfo(float).tiny)
        own += share * _energy(apart, here) / size
        chance += share * np.array([_energy(apart, rng.permutation(here)) for _ in range(SHUFFLES)]) / size
    p = float((1 + (chance >= own).sum()) / (1 + SHUFFLES))
    low, high = (float(q) for q in np.quantile(chance, [0.025, 0.975]))
    return float(own), p, (low, high)


def _energy(apart: np.ndarray, here: np.ndarray) -> float:
    a, b = here.astype(float), (~here).astype(float)
    n, m = a.sum(), b.sum()
    to_a = apart @ a
    to_b = apart @ b
    return float(2 * (a @ to_b) / (n * m) - (a @ to_a) / (n * (n - 1)) - (b @ to_b) / (m * (m - 1)))
