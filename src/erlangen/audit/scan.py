"""Which finite groups of a catalogue a network respects, with a significance."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from erlangen.audit.candidates import Candidate
from erlangen.audit.measure import compare, interval, relative, tensor
from erlangen.audit.progress import watch
from erlangen.audit.verdict import Limits
from erlangen.blueprint import Action
from erlangen.errors import ErlangenError

SHUFFLES = 1999
COMPARED = 512  # outputs that are compared with each other


@dataclass(frozen=True)
class Found:
    """A group, tried.

    Args:
        group: its name.
        order: number of elements; None if elements were drawn.
        verdict: "exact", "approximate" or "broken" for networks; "not rejected" or "rejected" for data.
        error: mean relative error of the output for networks; energy distance relative to the spread for data.
        interval: 95 % confidence interval of the mean error; for data, the distances that chance gives in 95 %.
        worst: largest error of any element and sample; for data, largest distance of any element.
        witness: the element that had it; for data, that of the smallest p-value.
        p_value: for networks, how often outputs of other samples lie as near (small: no accident; None: too few
            outputs to say); for data, how often chance gives such a distance (small: the symmetry does not hold); both
            corrected for the number of tests.
        elements: how many were tried.
        apart: for networks, distance from f(g·x) to g·f(x) beside that to g·f(x') of other samples x'; else None.
    """

    group: str
    order: int | None
    verdict: str
    error: float
    interval: tuple[float, float] | None
    worst: float
    witness: str
    p_value: float | None
    elements: int
    apart: float | None = None


def scan_network(
    f: Callable[[Any], Any],
    output: Any,
    move: Callable[[Action], Any],
    carry: Callable[[Action], Any],
    candidates: list[Candidate],
    limits: Limits,
    seed: int,
) -> tuple[list[Found], list[str]]:
    """Errors under every candidate, and those that could not be tried.

    Args:
        f: the network.
        output: f(x).
        move: g → g·x.
        carry: g → g·f(x), where a candidate does not say it itself.
        candidates: the groups.
        limits: of the verdict.
        seed: of the shuffles and the bootstrap.

    A small error of a network whose outputs hardly differ is no symmetry, so "approximate" asks for outputs that are
    near beside the distances between samples as well.
    """
    moved: dict[int, Any] = {}
    seen: dict[tuple[int, int], tuple[np.ndarray, float | None, float]] = {}
    found, notes = [], []
    for candidate in watch(candidates, "groups"):
        try:
            for i, action in enumerate(candidate.actions):
                if (key := _key(candidate, i)) in seen:
                    continue
                expected = candidate.outputs[i](tensor(output)) if candidate.outputs else carry(action)
                if id(action) not in moved:
                    moved[id(action)] = f(move(action))
                errors = relative(*compare(moved[id(action)], expected)).numpy()
                seen[key] = errors, *_by_accident(tensor(moved[id(action)]), tensor(expected), seed)
        except ErlangenError as error:
            notes.append(f"{candidate.name} could not be tried: {str(error).splitlines()[0]}")
            continue
        found.append(
            _summed(candidate, [seen[_key(candidate, i)] for i in range(len(candidate.actions))], limits, seed)
        )
    return found, notes


def _key(candidate: Candidate, i: int) -> tuple[int, int]:
    return id(candidate.actions[i]), id(candidate.outputs[i]) if candidate.outputs else 0


def _summed(
    candidate: Candidate, results: list[tuple[np.ndarray, float | None, float]], limits: Limits, seed: int
) -> Found:
    """The p-value of a group is the largest of its elements, since all of them have to hold."""
    table = np.stack([errors for errors, _, _ in results])
    worst = table.max(1)
    apart = max(a for _, _, a in results)
    verdict = limits.verdict(float(worst.max()))
    if verdict == "approximate" and apart > limits.approximate:
        verdict = "broken"
    known = [p for _, p, _ in results if p is not None]
    return Found(
        group=candidate.name,
        order=candidate.order,
        verdict=verdict,
        error=float(table.mean()),
        interval=interval(table.mean(0), seed),
        worst=float(worst.max()),
        witness=candidate.actions[int(worst.argmax())].label,
        p_value=max(known) if len(known) == len(results) else None,
        elements=len(candidate.actions),
        apart=apart,
    )


def _by_accident(result: torch.Tensor, expected: torch.Tensor, seed: int) -> tuple[float | None, float]:
    """How often f(g·x) lies as near to g·f(x') of other samples x', exchanged at random, as to that of its own x; and
    the mean distance to its own beside that to others."""
    n = min(len(result), len(expected), COMPARED)
    if result.shape != expected.shape:
        return 1.0, 1.0
    if n < 3:
        return None, 0.0
    rows_of = [t[:n].double().reshape(n, -1) for t in (result, expected)]
    apart = torch.cdist(*rows_of, compute_mode="donot_use_mm_for_euclid_dist").cpu().numpy()
    own = apart.diagonal().mean()
    orders = np.random.default_rng(seed).permuted(np.tile(np.arange(n), (SHUFFLES, 1)), axis=1)
    others = apart[np.arange(n), orders].mean(1)
    between = (apart.sum() - apart.trace()) / (n * (n - 1))
    near = float(own / between) if between > 0 else float(own > 0)
    if not np.isfinite(own):
        return 1.0, 1.0
    return float((1 + (others <= own).sum()) / (1 + SHUFFLES)), near
