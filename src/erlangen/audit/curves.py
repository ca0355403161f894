"""Error curves over the whole range of a continuous symmetry, with what interpolation alone costs at every point.

error(t) = mean over x of ‖f(exp(tA)·x) − exp(tA)·f(x)‖ / ‖f(x)‖
floor(t) = mean over x of ‖exp(−tA)·exp(tA)·x − x‖ / ‖x‖      the error of the network that does nothing
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.audit.carry import Carrier, UnknownAction
from erlangen.audit.flow import Flow, flows_of
from erlangen.audit.labels import score_change
from erlangen.audit.lie import STILL, followed
from erlangen.audit.measure import interval, norms, relative, tensor
from erlangen.audit.probe import check_input, fields_of, forward, probe_from, quiet
from erlangen.audit.progress import watch
from erlangen.audit.subject import Subject, prepare
from erlangen.blueprint import Field
from erlangen.errors import DomainError, FieldError


@dataclass(frozen=True)
class Curve:
    """Errors of a network over the range of one one-parameter group.

    Args:
        family: what the group belongs to.
        generator: name of A.
        unit: of `x`.
        x: the parameters t.
        error: mean relative error over the samples, one for each t.
        low: lower end of its 95 % confidence interval.
        high: upper end of the same.
        worst: largest relative error.
        floor: mean error of the identity network.
        flips: share of predicted classes that change; None if the output is no label.
        score: mean change of the probability of the class predicted before; None if the output is no label.
    """

    family: str
    generator: str
    unit: str
    x: tuple[float, ...]
    error: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    worst: tuple[float, ...]
    floor: tuple[float, ...]
    flips: tuple[float, ...] | None
    score: tuple[float, ...] | None


def error_curves(
    model: nn.Module,
    data: Any,
    *,
    in_field: Field | None = None,
    out_field: Field | None = None,
    generators: tuple[str, ...] | None = None,
    times: tuple[float, ...] | None = None,
    sampling: str = "spline",
    samples: int = 64,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> tuple[Curve, ...]:
    """The error of any network over the range of every continuous symmetry of its input.

    Args:
        model: any module that takes a batch.
        data: a data set (its test split), a split or a batch.
        in_field: what the input lives on; by default the model's, else the data set's.
        out_field: what the output should do; by default the model's, else: vectors stay, maps move with the input.
        generators: names, such as ("shift-x", "rotation", "hue"); all if None.
        times: parameters, in the unit of the generator (radians for rotations); None takes each one's own.
        sampling: "spline", "bicubic" or "fourier", how grids are read between the pixels.
        samples: how many samples of the data.
        seed: of their choice, and of the bootstrap.
        dtype: floating type to measure in.

    Returns:
        One curve a generator; none where the symmetries are discrete.

    Raises:
        UnknownName: no such generator or sampling.
        FieldError: the model fails on the data, or nothing is known about its output under a generator that was named.

    Law: error(t) = mean ‖f(exp(tA)·x) − exp(tA)·f(x)‖ / ‖f(x)‖.
    """
    in_field, out_field = fields_of(model, data, in_field, out_field)
    probe = probe_from(data, samples, seed, dtype)
    signal = probe.chunks[0].signal
    check_input(in_field, signal)
    flows = flows_of(in_field, signal, generators, sampling)
    with quiet(model, dtype) as still:
        subject = prepare(still, probe, in_field, out_field, data, [STILL], 1, seed, dtype)
        return followed(*curves_of(subject, flows, seed, times=times), generators)


def curves_of(
    subject: Subject, flows: list[Flow], seed: int, most: int | None = None, times: tuple[float, ...] | None = None
) -> tuple[tuple[Curve, ...], dict[str, str]]:
    """The curves of a network under audit, and the generators that could not be followed, with the reason.

    Args:
        subject: the network, quiet, with its samples and clean outputs.
        flows: the one-parameter groups.
        seed: of the bootstrap.
        most: at most so many samples.
        times: parameters; None takes each flow's own.
    """
    found, unknown = [], {}
    for flow in watch(flows, "curves"):
        try:
            found.append(_curve(subject, flow, times or flow.times, seed, most))
        except (UnknownAction, FieldError, DomainError) as error:
            unknown[flow.name] = str(error)
    return tuple(found), unknown


@dataclass
class _Point:
    """Numbers of every sample at one t."""

    difference: list[Tensor] = field(default_factory=list)
    size: list[Tensor] = field(default_factory=list)
    moved: list[Tensor] = field(default_factory=list)
    floor: list[Tensor] = field(default_factory=list)
    flips: list[Tensor] = field(default_factory=list)
    score: list[Tensor] = field(default_factory=list)


def _curve(subject: Subject, flow: Flow, times: tuple[float, ...], seed: int, most: int | None) -> Curve:
    points = [_measure(subject, flow, t, most) for t in times]
    errors = [relative(torch.cat(p.difference), torch.cat(p.size), torch.cat(p.moved)).numpy() for p in points]
    ends = [interval(e, seed) or (float(e.mean()), float(e.mean())) for e in errors]
    return Curve(
        family=flow.family,
        generator=flow.name,
        unit=flow.unit,
        x=tuple(float(t) for t in times),
        error=tuple(float(e.mean()) for e in errors),
        low=tuple(low for low, _ in ends),
        high=tuple(high for _, high in ends),
        worst=tuple(float(e.max()) for e in errors),
        floor=tuple(float(torch.cat(p.floor).mean()) for p in points),
        flips=tuple(float(torch.cat(p.flips).mean()) for p in points) if points[0].flips else None,
        score=tuple(float(torch.cat(p.score).mean()) for p in points) if points[0].score else None,
    )


def _measure(subject: Subject, flow: Flow, t: float, most: int | None) -> _Point:
    point, left = _Point(), most
    for chunk, output in zip(subject.probe.chunks, subject.outputs, strict=True):
        x, y = chunk.signal[:left], tensor(output)[:left]
        carry = Carrier(subject.in_field.group, x)
        in_rep, out_rep = carry.rep_of(subject.in_field), carry.rep_of(subject.out_field)
        expected = flow.carry(x, y, t, out_rep)
        moved = flow.move(x, t, in_rep)
        result = tensor(forward(subject.model, moved, f"{flow.name} {t:g}"))
        point.difference.append(norms(result - expected))
        point.size.append(norms(expected))
        point.moved.append(norms(result))
        size = norms(x)
        point.floor.append(relative(norms(flow.move(moved, -t, in_rep) - x), size, size))
        if subject.labels:
            changed = (result.argmax(1) != expected.argmax(1)).double()
            point.flips.append(changed.reshape(len(changed), -1).mean(1).cpu())
            if result.ndim == 2:
                point.score.append(score_change(result, expected))
        if left is not None and (left := left - len(x)) <= 0:
            break
    return point
