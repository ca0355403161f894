"""The error of one network under one action: per sample, its mean with an interval, its worst case with a witness.

error(x, g) = ‖f(g·x) − g·f(x)‖ / ‖f(x)‖
"""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from erlangen.audit.carry import Carrier, UnknownAction, carrier_of
from erlangen.audit.labels import carry_targets, hits, score_change
from erlangen.audit.probe import Probe, forward
from erlangen.audit.progress import watch
from erlangen.blueprint import Action, Field, Signal
from erlangen.errors import DomainError
from erlangen.point import Point

CONFIDENCE = 0.95
RESAMPLES = 1000
SMALLEST_SHARE = 0.1  # an output shorter than this share of the typical one is divided by that share instead
ENOUGH = 4096  # with more samples than this the normal interval of the mean is as good as the bootstrap


@dataclass
class Trace:
    """What was measured under one action, sample by sample, in the order of the samples.

    Args:
        action: the symmetry.
        difference: ‖f(g·x) − g·f(x)‖.
        size: ‖g·f(x)‖.
        moved_size: ‖f(g·x)‖.
        floor: ‖g⁻¹·(g·x) − x‖ / ‖x‖, what interpolation alone costs; empty for exact actions.
        flips: share of the sample's labels that change.
        correct: share of the moved sample's labels that are right; NaN where there is no label.
        predicted: the label of the moved sample, where the output is one label a sample; taken back to what the
            sample itself would be called where the group exchanges classes.
        score: change of the probability of the class predicted before, where the output is one label a sample.
    """

    action: Action
    difference: list[Tensor] = dataclass_field(default_factory=list)
    size: list[Tensor] = dataclass_field(default_factory=list)
    moved_size: list[Tensor] = dataclass_field(default_factory=list)
    floor: list[Tensor] = dataclass_field(default_factory=list)
    flips: list[Tensor] = dataclass_field(default_factory=list)
    correct: list[Tensor] = dataclass_field(default_factory=list)
    predicted: list[Tensor] = dataclass_field(default_factory=list)
    score: list[Tensor] = dataclass_field(default_factory=list)

    def errors(self) -> np.ndarray:
        """Relative error of every sample, [n]."""
        return relative(torch.cat(self.difference), torch.cat(self.size), torch.cat(self.moved_size)).numpy()


@dataclass
class Measurement:
    """All actions on all samples.

    Args:
        traces: one an action.
        unknown: actions that could not be carried to the output, with the reason.
        clean_correct: [n] share of right labels without any motion; NaN where there is no label; empty without labels.
        predicted: [n] predicted class of every sample, for outputs [B, K].
        targets: [n] labels of the same samples, where they are known.
        spread: relative standard deviation of the output over the samples; near 0 for a network that ignores its input.
        finite: whether every clean output is finite.
        silent: whether every clean output is zero.
    """

    traces: list[Trace]
    unknown: dict[str, str]
    clean_correct: Tensor
    predicted: Tensor | None
    targets: Tensor | None
    spread: float
    finite: bool
    silent: bool


def relative(difference: Tensor, size: Tensor, other_size: Tensor) -> Tensor:
    """‖difference‖ / ‖f(x)‖ per sample.

    Args:
        difference: [n] norms.
        size: [n] norms of f(x).
        other_size: [n] norms of f(g·x), which set the scale where f(x) is zero.

    Where ‖f(x)‖ is below a tenth of the typical size (root mean square over the samples), that tenth is the divisor, so
    that samples whose output happens to cancel do not turn rounding into an error; 0/0 is 0.
    """
    typical = torch.maximum(*(_typical(s) for s in (size, other_size)))
    divisor = torch.maximum(size, SMALLEST_SHARE * typical)
    error = difference / divisor.clamp_min(torch.finfo(torch.float64).tiny)
    error = torch.where(difference == 0, torch.zeros_like(error), error)
    return torch.where(torch.isnan(error), torch.full_like(error, float("inf")), error)


def _typical(size: Tensor) -> Tensor:
    """Root mean square of the finite sizes; 0 if there are none."""
    known = size[torch.isfinite(size)]
    return known.square().mean().sqrt() if len(known) else torch.zeros((), dtype=size.dtype)


def norms(x: Tensor) -> Tensor:
    """Euclidean norm of every sample, [n], in float64 and on the CPU."""
    return x.double().reshape(len(x), -1).norm(dim=1).cpu()


def tensor(value: Any) -> Tensor:
    """The values of a signal, or the tensor itself."""
    return value.x if isinstance(value, Signal) else value


def compare(f_gx: Any, g_fx: Any) -> tuple[Tensor, Tensor, Tensor]:
    """(‖f(g·x) − g·f(x)‖, ‖g·f(x)‖, ‖f(g·x)‖) per sample; tensors of different shapes differ completely."""
    a, b = tensor(f_gx), tensor(g_fx)
    if a.shape != b.shape:
        size = norms(b)
        other = norms(a) if len(a) == len(b) else size
        return size + other, size, other
    return norms(a - b), norms(b), norms(a)


def run_actions(
    model: nn.Module,
    probe: Probe,
    in_field: Field,
    out_field: Field,
    actions: list[Action],
    outputs: list[Any],
    labels: bool,
) -> Measurement:
    """Try every action on every sample.

    Args:
        model: in evaluation mode.
        probe: the samples.
        in_field: type of the input.
        out_field: type of the output.
        actions: the symmetries.
        outputs: the clean output of every chunk.
        labels: whether the output scores classes along dimension 1.

    Actions without meaning on the output (an interpolated rotation of regular channels) are set aside with the reason.
    """
    traces = [Trace(a) for a in actions]
    unknown: dict[str, str] = {}
    clean: list[Tensor] = []
    for chunk, output in zip(probe.chunks, outputs, strict=True):
        carry = carrier_of(in_field, chunk.signal)
        in_rep = carry.rep_of(in_field)
        if labels and chunk.targets is not None:
            clean.append(hits(tensor(output), chunk.targets))
        for trace in watch(traces, f"elements, samples {chunk.first} on" if len(probe.chunks) > 1 else "elements"):
            if trace.action.label in unknown:
                continue
            try:
                expected = _carry_map(carry, trace.action, chunk.signal, output, in_field, out_field)
                moved = trace.action.move(chunk.signal, in_rep)
            except (UnknownAction, DomainError) as error:
                unknown[trace.action.label] = str(error)
                continue
            steps = stride_of(trace.action, chunk.signal, output)
            for _ in range(steps - 1):
                moved = trace.action.move(moved, in_rep)
            found = forward(model, moved, trace.action.label)
            _record(trace, carry, chunk, moved, found, expected, labels, in_rep, carry.rep_of(out_field))
    return Measurement(
        [t for t in traces if t.action.label not in unknown],
        unknown,
        torch.cat(clean) if clean else torch.empty(0),
        *_classes(outputs, probe, labels),
        _spread(outputs),
        all(bool(torch.isfinite(tensor(o)).all()) for o in outputs),
        all(not bool(tensor(o).any()) for o in outputs),
    )


def stride_of(action: Action, before: Any, after: Any) -> int:
    """How many steps of a shift on the input are one step on the output: the ratio of their sizes.

    Raises:
        UnknownAction: the sizes are not multiples of each other, so a shift of the output has no counterpart.
    """
    a, b = tensor(before), tensor(after)
    if action.family != "translation" or a.ndim != b.ndim or a.ndim < 3 or a.shape[2:] == b.shape[2:]:
        return 1
    if max(b.shape[2:]) == 1:
        return 1
    ratios = {m // n if m % n == 0 else 0 for m, n in zip(a.shape[2:], b.shape[2:], strict=True)}
    if len(ratios) != 1 or 0 in ratios:
        raise UnknownAction(
            f"a shift of a map of size {list(a.shape[2:])} is no shift of a map of size {list(b.shape[2:])}"
        )
    return ratios.pop()


def _carry_map(carry: Carrier, action: Action, signal: Any, output: Any, in_field: Field, out_field: Field) -> Any:
    rep = carry.rep_of(out_field)
    if elsewhere(in_field, out_field, carry, output):
        return carry.move_to(out_field.space, action, output, rep or out_field.size * carry.group.trivial)
    stride_of(action, signal, output)
    if action.family not in (carry.group.name, "permutation", "edge order") and rep is not None and rep.is_trivial:
        rep = None
    return carry.move(action, output, rep)


def elsewhere(in_field: Field, out_field: Field, carry: Carrier, output: Any) -> bool:
    """Whether the output is a map on another domain than the input, such as voxels made of points."""
    if not isinstance(output, Tensor) or isinstance(out_field.space, Point):
        return False
    here, there = getattr(in_field.space, "led", in_field.space), out_field.space
    return type(there) is not type(here) or getattr(there, "d", 0) != getattr(here, "d", 0)


def _record(
    trace: Trace, carry: Carrier, chunk: Any, moved: Any, f_gx: Any, g_fx: Any, labels: bool, in_rep: Any, out_rep: Any
) -> None:
    action, rows = trace.action, len(tensor(g_fx))
    came_from = carry.order(action, rows)
    back = torch.argsort(came_from)
    difference, size, other = (v[back] if len(v) == rows else v for v in compare(f_gx, g_fx))
    trace.difference.append(difference)
    trace.size.append(size)
    trace.moved_size.append(other)
    if not action.exact and action.undo is not None:
        x = tensor(chunk.signal)
        lost = norms(tensor(action.undo(moved, in_rep)) - x)
        trace.floor.append(relative(lost, norms(x), norms(x)))
    if not labels or tensor(f_gx).shape != tensor(g_fx).shape:
        return
    a, b = tensor(f_gx).argmax(1), tensor(g_fx).argmax(1)
    trace.flips.append((a != b).double().reshape(rows, -1).mean(1)[back])
    image = carry.classes(action, out_rep)
    if a.ndim == 1:
        trace.predicted.append((a if image is None else image.to(a.device).argsort()[a])[back])
        trace.score.append(score_change(tensor(f_gx), tensor(g_fx))[back])
    if chunk.targets is not None:
        targets = carry_targets(carry, action, chunk.targets, a, image)
        if targets is not None:
            trace.correct.append(hits(tensor(f_gx), targets)[back])


def _classes(outputs: list[Any], probe: Probe, labels: bool) -> tuple[Tensor | None, Tensor | None]:
    targets = [c.targets for c in probe.chunks]
    if not labels or tensor(outputs[0]).ndim != 2:
        return None, None
    predicted = torch.cat([tensor(o).argmax(1) for o in outputs])
    if any(t is None or t.ndim != 1 for t in targets):
        return predicted, None
    known = torch.cat(targets)  # type: ignore[arg-type]
    return predicted, known if predicted.shape == known.shape else None


def _spread(outputs: list[Any]) -> float:
    rows = torch.cat([tensor(o).double().reshape(len(tensor(o)), -1)[:256] for o in outputs[:1]])
    if len(rows) < 2:
        return float("nan")
    return float((rows - rows.mean(0)).norm() / rows.norm().clamp_min(torch.finfo(torch.float64).tiny))


def interval(values: np.ndarray, seed: int) -> tuple[float, float] | None:
    """Bootstrap confidence interval of a mean over samples; None for a single sample.

    Args:
        values: [n] one number a sample.
        seed: of the resampling.

    Returns:
        The 2.5 % and 97.5 % quantiles of the means of 1,000 resamples; above 4,096 samples mean ± 1.96 standard errors,
        from which the bootstrap then no longer differs.

    Source: Efron 1979, Bootstrap methods: another look at the jackknife.
    """
    values = values[~np.isnan(values)]
    n = len(values)
    if n < 2:
        return None
    if not np.isfinite(values).all():
        return float("inf"), float("inf")
    if n > ENOUGH:
        error = 1.96 * values.std(ddof=1) / n**0.5
        return float(values.mean() - error), float(values.mean() + error)
    draws = np.random.default_rng(seed).integers(0, n, size=(RESAMPLES, n))
    low, high = np.quantile(values[draws].mean(axis=1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
