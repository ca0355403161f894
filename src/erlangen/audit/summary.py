"""From errors per sample to results per action and per family."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.measure import Measurement, Trace, interval
from erlangen.audit.verdict import Limits

BESIDE = ", interpolated"  # ends the name of the elements of a family that do not map the domain to itself


@dataclass(frozen=True)
class ActionResult:
    """What one action did.

    Args:
        label: its name, such as "r90".
        family: the family it belongs to.
        exact: whether it maps the discretised domain to itself.
        generator: whether it generates its family.
        parameter: its place on the axis of a plot (degrees, pixels).
        error: mean relative error over the samples.
        interval: 95 % confidence interval of that mean; None for a single sample.
        worst: largest relative error.
        worst_sample: the sample that had it.
        floor: mean error of the identity network, what interpolation alone costs; None for exact actions.
        flips: share of labels that change; None if the output is no label.
        score: mean change of the probability of the class predicted before; None if the output is not one label.
        accuracy: share of right labels on the moved samples; None without labels.
    """

    label: str
    family: str
    exact: bool
    generator: bool
    parameter: float | None
    error: float
    interval: tuple[float, float] | None
    worst: float
    worst_sample: int
    floor: float | None
    flips: float | None
    score: float | None
    accuracy: float | None


@dataclass(frozen=True)
class FamilyResult:
    """What a family of actions did.

    Args:
        name: "C4", "translation", "rotation", "permutation", …
        exact: whether its actions map the discretised domain to itself.
        declared: whether the overall verdict rests on it.
        actions: how many were tried.
        error: mean relative error over actions and samples.
        interval: 95 % confidence interval of that mean, resampling the samples.
        worst: largest relative error.
        worst_action: the action that had it.
        worst_sample: the sample that had it.
        floor: mean error of the identity network; None for exact actions.
        flips: share of labels that change.
        consistency: share of samples given the same class by two different actions, the identity among them, averaged
            over all pairs of actions; None if the output is not one label a sample.
        score: mean change of the probability of the class predicted before.
        accuracy: share of right labels on the moved samples.
        verdict: "exact", "approximate", "broken", or "interpolated" where the floor forbids a verdict of its own; the
            elements of a declared group that interpolate are "approximate" or "broken" by their mean beside the floor.
    """

    name: str
    exact: bool
    declared: bool
    actions: int
    error: float
    interval: tuple[float, float] | None
    worst: float
    worst_action: str
    worst_sample: int
    floor: float | None
    flips: float | None
    consistency: float | None
    score: float | None
    accuracy: float | None
    verdict: str


def summarise(
    measured: Measurement, declared: list[str], limits: Limits, seed: int
) -> tuple[list[ActionResult], list[FamilyResult]]:
    """Results of all actions, and of the families they belong to.

    A group that does more than map the domain to itself, such as C8 on pixels, gives two: its exact elements, and those
    that interpolate.

    Args:
        measured: the raw errors.
        declared: families on which the verdict rests.
        limits: of the verdict.
        seed: of the bootstrap.
    """
    actions = [_action(trace, seed) for trace in measured.traces]
    names = list(dict.fromkeys((t.action.family, t.action.exact) for t in measured.traces))
    order = list(dict.fromkeys(name for name, _ in names))
    families = []
    for name, exact in sorted(names, key=lambda n: (order.index(n[0]), not n[1])):
        members = [t for t in measured.traces if (t.action.family, t.action.exact) == (name, exact)]
        found = [a for a in actions if (a.family, a.exact) == (name, exact)]
        title = name if exact or (name, True) not in names else f"{name}{BESIDE}"
        families.append(_family(title, members, found, name in declared, limits, seed, measured.predicted))
    return actions, families


def _action(trace: Trace, seed: int) -> ActionResult:
    errors = trace.errors()
    worst = int(errors.argmax())
    return ActionResult(
        label=trace.action.label,
        family=trace.action.family,
        exact=trace.action.exact,
        generator=trace.action.generator,
        parameter=trace.action.parameter,
        error=float(errors.mean()),
        interval=interval(errors, seed),
        worst=float(errors[worst]),
        worst_sample=worst,
        floor=mean_of(trace.floor),
        flips=mean_of(trace.flips),
        score=mean_of(trace.score),
        accuracy=mean_of(trace.correct),
    )


def _family(
    name: str,
    traces: list[Trace],
    actions: list[ActionResult],
    declared: bool,
    limits: Limits,
    seed: int,
    predicted: Tensor | None,
) -> FamilyResult:
    per_sample = np.mean([t.errors() for t in traces], axis=0)
    worst = max(actions, key=lambda a: a.worst)
    exact = all(a.exact for a in actions)
    floor = average([a.floor for a in actions])
    if exact:
        verdict = limits.verdict(worst.worst)
    elif declared and traces[0].action.element is not None:
        verdict = limits.interpolated(float(per_sample.mean()), floor)
    else:
        verdict = "interpolated"
    return FamilyResult(
        name=name,
        exact=exact,
        declared=declared,
        actions=len(actions),
        error=float(per_sample.mean()),
        interval=interval(per_sample, seed),
        worst=worst.worst,
        worst_action=worst.label,
        worst_sample=worst.worst_sample,
        floor=floor,
        flips=average([a.flips for a in actions]),
        consistency=consistency(traces, predicted),
        score=average([a.score for a in actions]),
        accuracy=average([a.accuracy for a in actions]),
        verdict=verdict,
    )


def consistency(traces: list[Trace], predicted: Tensor | None) -> float | None:
    """Share of samples that two actions, drawn without replacement from those tried and the identity, give one class.

    Args:
        traces: of one family.
        predicted: [n] classes of the samples as they are.

    Law: for m actions of which m_k give class k, Σ_k m_k (m_k − 1) / (m (m − 1)), averaged over samples.

    Source: Zhang 2019, Making convolutional networks shift-invariant again, arXiv 1904.11486 (two random shifts).
    """
    if predicted is None or not traces or any(not t.predicted for t in traces):
        return None
    votes = torch.stack([predicted, *(torch.cat(t.predicted) for t in traces)])
    counts = torch.zeros(votes.shape[1], int(votes.max()) + 1, dtype=torch.float64)
    counts.scatter_add_(1, votes.mT, torch.ones_like(votes.mT, dtype=torch.float64))
    pairs = (counts * (counts - 1)).sum(1) / (len(votes) * (len(votes) - 1))
    return float(pairs.mean())


def words_on_parts(families: list[FamilyResult]) -> str | None:
    """What is exact and what is not where a declared group does more than map the domain to itself; else None."""
    beside = next((f for f in families if f.declared and f.name.endswith(BESIDE)), None)
    if beside is None:
        return None
    name = beside.name.removesuffix(BESIDE)
    return (
        f"{name} does more than map the pixels to pixels: the elements that do are measured as they are; the others "
        f"interpolate the signal, and layers turn kernels in least squares, so that their error stands beside the floor"
    )


def mean_of(parts: list[Any]) -> float | None:
    """Mean over the samples of all chunks, leaving out those without a value; None if there are none."""
    if not parts:
        return None
    values = np.concatenate([p.numpy() for p in parts])
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else None


def average(values: list[float | None]) -> float | None:
    """Mean of the values that are there."""
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
