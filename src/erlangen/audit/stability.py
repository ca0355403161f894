"""How fast an output changes under small changes that are no symmetry: the empirical constant of stability.

error(s) = mean over x of ‖f(τ·x) − τ·f(x)‖ / ‖f(x)‖      for random changes τ of size s
slope    = the constant C for which error(s) ≈ C·s, by least squares through zero
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from erlangen.audit.carry import Carrier, UnknownAction
from erlangen.audit.disturb import Change, Disturbance, disturbances_of
from erlangen.audit.lie import STILL
from erlangen.audit.measure import interval, norms, relative, tensor
from erlangen.audit.probe import check_input, fields_of, forward, probe_from, quiet
from erlangen.audit.progress import watch
from erlangen.audit.subject import Subject, prepare
from erlangen.blueprint import Field, Signal
from erlangen.errors import ErlangenError, UnknownName

DRAWS = 2  # random changes of every size


@dataclass(frozen=True)
class StabilityCurve:
    """Errors of a network against the size of one kind of small change.

    Args:
        family: the kind: "warp", "perspective", "light", "colour", "noise", "edges removed", "edges moved" or
            "mutations".
        unit: of `x`.
        x: the sizes.
        error: mean relative change of the output at every size, over samples and draws.
        low: lower end of its 95 % confidence interval.
        high: upper end of the same.
        worst: largest relative change.
        floor: error of the identity network, what interpolation alone costs; None where nothing is interpolated.
        flips: share of predicted classes that change; None if the output is no label.
        slope: C, by least squares through zero.
        slope_interval: 95 % confidence interval of C, resampling the samples; None for a single sample.
        constant: largest error divided by its size, the empirical Lipschitz constant.
    """

    family: str
    unit: str
    x: tuple[float, ...]
    error: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    worst: tuple[float, ...]
    floor: tuple[float, ...] | None
    flips: tuple[float, ...] | None
    slope: float
    slope_interval: tuple[float, float] | None
    constant: float


def stability_curves(
    model: nn.Module,
    data: Any,
    *,
    in_field: Field | None = None,
    out_field: Field | None = None,
    kinds: tuple[str, ...] | None = None,
    samples: int = 64,
    draws: int = DRAWS,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> tuple[StabilityCurve, ...]:
    """How stable any network is under warps, perspective, light, colour, noise, changed edges or mutations.

    Args:
        model: any module that takes a batch or a `Signal`.
        data: a data set (its test split), a split, a batch or a signal.
        in_field: what the input lives on; by default the model's, else the data set's.
        out_field: what the output should do; by default the model's, else: vectors stay, maps move with the input.
        kinds: names of the changes, such as ("warp", "noise"); all that make sense if None.
        samples: how many samples of the data.
        draws: random changes of every size.
        seed: of their choice, of the samples, and of the bootstrap.
        dtype: floating type to measure in.

    Returns:
        One curve a kind of change.

    Raises:
        UnknownName: no such kind for these signals.
        FieldError: the model fails on the data.

    Law: ‖f(τ·x) − τ·f(x)‖ ≤ C·c(τ)·‖f(x)‖, with c(τ)² = ∫|∇τ|² for warps.

    Source: Bronstein, Bruna, Cohen and Veličković 2021, arXiv 2104.13478, section 3.3.
    """
    in_field, out_field = fields_of(model, data, in_field, out_field)
    probe = probe_from(data, samples, seed, dtype)
    signal = probe.chunks[0].signal
    check_input(in_field, signal)
    found = disturbances_of(in_field, signal)
    for name in kinds or ():
        if name not in [d.name for d in found]:
            raise UnknownName(f"small change on {in_field}", name, [d.name for d in found])
    chosen = [d for d in found if kinds is None or d.name in kinds]
    with quiet(model, dtype) as still:
        subject = prepare(still, probe, in_field, out_field, data, [STILL], 1, seed, dtype)
        return tuple(_curve(subject, d, seed, None, draws) for d in watch(chosen, "stability"))


def stability_of(subject: Subject, seed: int, most: int | None = None) -> tuple[tuple[StabilityCurve, ...], list[str]]:
    """The curves of a network under audit, and what could not be tried, in words.

    Args:
        subject: the network, quiet, with its samples and clean outputs.
        seed: of the changes and of the bootstrap.
        most: at most so many samples.
    """
    found, notes = [], []
    for disturbance in watch(disturbances_of(subject.in_field, subject.probe.chunks[0].signal), "stability"):
        try:
            found.append(_curve(subject, disturbance, seed, most, DRAWS))
        except (UnknownAction, ErlangenError) as error:
            notes.append(f"no stability under {disturbance.name}: {str(error).splitlines()[0]}")
    return tuple(found), notes


def _curve(subject: Subject, kind: Disturbance, seed: int, most: int | None, draws: int) -> StabilityCurve:
    errors, floors, flips = [], [], []
    for size in kind.sizes:
        generator = torch.Generator().manual_seed(seed)  # the same shapes at every size
        points = [_measure(subject, kind, size, generator, most) for _ in range(draws)]
        errors.append(torch.stack([p[0] for p in points]))
        floors.append([float(p[1].mean()) for p in points if p[1] is not None])
        flips.append([float(p[2].mean()) for p in points if p[2] is not None])
    table = torch.stack(errors).numpy()  # [sizes, draws, samples]
    x = np.array(kind.sizes)
    means = table.mean(1)
    ends = [interval(m, seed) or (float(m.mean()), float(m.mean())) for m in means]
    slopes = x @ means / (x @ x)  # one a sample
    return StabilityCurve(
        family=kind.name,
        unit=kind.unit,
        x=kind.sizes,
        error=tuple(float(m.mean()) for m in means),
        low=tuple(low for low, _ in ends),
        high=tuple(high for _, high in ends),
        worst=tuple(float(e.max()) for e in table),
        floor=tuple(float(np.mean(f)) for f in floors) if all(floors) else None,
        flips=tuple(float(np.mean(f)) for f in flips) if all(flips) else None,
        slope=float(slopes.mean()),
        slope_interval=interval(slopes, seed),
        constant=float((table / x[:, None, None]).max()),
    )


def _measure(
    subject: Subject, kind: Disturbance, size: float, generator: torch.Generator, most: int | None
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """(error, floor, flips) of every sample under one change."""
    change, undo = kind.draw(size, generator)
    differences, sizes, others, floors, flips, left = [], [], [], [], [], most
    for chunk, output in zip(subject.probe.chunks, subject.outputs, strict=True):
        x, y = chunk.signal, output
        if not isinstance(x, Signal):
            x, y = x[:left], tensor(y)[:left]
        expected = tensor(_expected(kind, change, subject, x, y))
        moved = change(x)
        result = tensor(forward(subject.model, moved, f"{kind.name} {size:g}"))
        if result.shape != expected.shape:
            raise UnknownAction(f"the output changed its shape, {list(expected.shape)} to {list(result.shape)}")
        differences.append(norms(result - expected))
        sizes.append(norms(expected))
        others.append(norms(result))
        if undo is not None:
            floors.append(relative(norms(undo(moved) - x), norms(x), norms(x)))
        if subject.labels:
            changed = (result.argmax(1) != expected.argmax(1)).double()
            flips.append(changed.reshape(len(changed), -1).mean(1))
        if left is not None and (left := left - len(tensor(x))) <= 0:
            break
    error = relative(torch.cat(differences), torch.cat(sizes), torch.cat(others))
    return error, torch.cat(floors) if floors else None, torch.cat(flips) if flips else None


def _expected(kind: Disturbance, change: Change, subject: Subject, x: Any, y: Any) -> Any:
    """What the output should be: maps move with the points, everything else stays."""
    if not kind.moves or not Carrier(subject.in_field.group, x).lives_on_domain(y):
        return y
    return change(tensor(y))
