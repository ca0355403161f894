"""Scale separation: how much of an output survives when the input is seen through coarser and coarser cells.

    survives(s) = 1 − Σ ‖f(P_s x) − f(x)‖² / Σ ‖f(x) − mean f‖²       with P_s the mean over cells of size s

1 for an output that looks at coarse structure only, 0 or less for one that needs the finest details.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from erlangen.audit.lie import STILL
from erlangen.audit.measure import interval, tensor
from erlangen.audit.probe import check_input, fields_of, forward, probe_from, quiet
from erlangen.audit.progress import watch
from erlangen.audit.subject import Subject, prepare
from erlangen.blueprint import Field, Signal
from erlangen.errors import DomainError
from erlangen.grids import Grid, HexGrid
from erlangen.grids.hexagon.lattice import masked

CELLS = (2, 4, 8)  # sides of the cells of a grid, in pixels
HOPS = (1, 2, 4)  # rounds of averaging on a graph


@dataclass(frozen=True)
class ScaleSeparation:
    """How much of an output survives coarse-graining of the input.

    Args:
        unit: of `x`: pixels along the side of a cell, or hops on a graph.
        x: the sizes of the cells.
        survives: share of the output's variance over the samples that is left, one for each size; may be negative.
        low: lower end of its 95 % confidence interval.
        high: upper end of the same.
        input: share of the input's own variance that is left.
        same: share of predicted classes that stay; None if the output is no label.
    """

    unit: str
    x: tuple[float, ...]
    survives: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    input: tuple[float, ...]
    same: tuple[float, ...] | None


def scale_separation(
    model: nn.Module,
    data: Any,
    *,
    in_field: Field | None = None,
    samples: int = 64,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> ScaleSeparation:
    """How much of the output of any network survives coarse-graining of its input.

    Args:
        model: any module that takes a batch or a `Signal`.
        data: a data set (its test split), a split, a batch or a signal.
        in_field: what the input lives on; by default the model's, else the data set's.
        samples: how many samples of the data.
        seed: of their choice, and of the bootstrap.
        dtype: floating type to measure in.

    Raises:
        DomainError: the domain has no scales (a point), or is too small for cells.
        FieldError: the model fails on the data.

    Law: survives(s) = 1 − Σ ‖f(P_s x) − f(x)‖² / Σ ‖f(x) − mean f‖²

    Source: Bronstein, Bruna, Cohen and Veličković 2021, arXiv 2104.13478, section 3.4 (scale separation).
    """
    in_field, out_field = fields_of(model, data, in_field, None)
    probe = probe_from(data, samples, seed, dtype)
    signal = probe.chunks[0].signal
    check_input(in_field, signal)
    with quiet(model, dtype) as still:
        subject = prepare(still, probe, in_field, out_field, data, [STILL], 1, seed, dtype)
        found = separation_of(subject, seed)
    if found is None:
        raise DomainError(f"{in_field.space} with inputs of shape {list(tensor(signal).shape)} has no coarser scales")
    return found


def separation_of(subject: Subject, seed: int, most: int | None = None) -> ScaleSeparation | None:
    """The scale separation of a network under audit; None where the domain has no coarser scales.

    Args:
        subject: the network, quiet, with its samples and clean outputs.
        seed: of the bootstrap.
        most: at most so many samples.
    """
    signal = subject.probe.chunks[0].signal
    sizes = _sizes(subject.in_field, signal)
    rows = [len(tensor(o)) for o in subject.outputs]
    if not sizes or sum(rows) < 2:
        return None
    parts = [_at(subject, size, most) for size in watch(sizes, "scales")]
    scores = [_survival(seed, *p) for p in parts]
    same = [p[4] for p in parts]
    return ScaleSeparation(
        unit="hops" if isinstance(signal, Signal) else "pixels",
        x=tuple(float(s) for s in sizes),
        survives=tuple(s[0] for s in scores),
        low=tuple(s[1] for s in scores),
        high=tuple(s[2] for s in scores),
        input=tuple(p[3] for p in parts),
        same=None if same[0] is None else tuple(float(s) for s in same if s is not None),
    )


def coarse(field: Field, signal: Any, size: int) -> Any:
    """P_s: the mean over cells of a grid, written on all their pixels; on a graph, means over neighbours, s times.

    Args:
        field: type of the signal.
        signal: [B, C, *space] or a `Signal`.
        size: pixels along the side of a cell, cut at the far border; or rounds on a graph.
    """
    if isinstance(signal, Signal):
        return Signal(_diffused(signal, size), signal.on)
    d = field.space.d if isinstance(field.space, Grid) else signal.ndim - 2
    for axis in range(-d, 0):
        n = signal.shape[axis]
        cell = torch.arange(n) // size
        count = torch.bincount(cell).to(signal)
        shape = [1] * signal.ndim
        shape[axis] = len(count)
        total = torch.zeros(*signal.shape[: signal.ndim + axis], len(count), *signal.shape[signal.ndim + axis + 1 :])
        total = total.to(signal).index_add(signal.ndim + axis, cell, signal)
        signal = (total / count.reshape(shape)).index_select(axis, cell)
    return masked(signal) if isinstance(field.space, HexGrid) else signal


def _diffused(signal: Signal, rounds: int) -> Tensor:
    """(D + I)⁻¹(A + I) applied so often."""
    x, edges = signal.x, signal.on.edge_index().long()
    degree = torch.ones(len(x)).to(x).index_add(0, edges[1], torch.ones(edges.shape[1]).to(x))
    for _ in range(rounds):
        x = x.index_add(0, edges[1], x[edges[0]]) / degree[:, None]
    return x


def _sizes(field: Field, signal: Any) -> tuple[int, ...]:
    if isinstance(signal, Signal):
        return HOPS if signal.on.num_edges else ()
    if signal.ndim < 3:
        return ()
    d = field.space.d if isinstance(field.space, Grid) else signal.ndim - 2
    return tuple(c for c in CELLS if 2 * c <= min(signal.shape[signal.ndim - d :]))


def _at(subject: Subject, size: int, most: int | None) -> tuple[Tensor, Tensor, int, float, float | None]:
    """(squared changes, squared distances from the mean, samples, share of the input left, share of classes kept)."""
    changes, outputs, kept, lost, total, left = [], [], [], 0.0, 0.0, most
    for chunk, output in zip(subject.probe.chunks, subject.outputs, strict=True):
        x, y = chunk.signal, tensor(output)
        if not isinstance(x, Signal):
            x, y = x[:left], y[:left]
        seen = coarse(subject.in_field, x, size)
        result = tensor(forward(subject.model, seen, f"cells of {size}"))
        if result.shape != y.shape:
            raise DomainError(f"the output changed its shape, {list(y.shape)} to {list(result.shape)}")
        changes.append((result - y).double().reshape(len(y), -1).square().sum(1))
        outputs.append(y.double().reshape(len(y), -1))
        plain, smooth = tensor(x).double(), tensor(seen).double()
        lost += float((smooth - plain).square().sum())
        total += float((plain - plain.mean()).square().sum())
        if subject.labels:
            same = (result.argmax(1) == y.argmax(1)).double()
            kept.append(same.reshape(len(same), -1).mean(1))
        if left is not None and (left := left - len(tensor(x))) <= 0:
            break
    every = torch.cat(outputs)
    apart = (every - every.mean(0)).square().sum(1)
    share = 1 - lost / total if total else 1.0
    return torch.cat(changes), apart, len(every), share, float(torch.cat(kept).mean()) if kept else None


def _survival(seed: int, changes: Tensor, apart: Tensor, n: int, *_: Any) -> tuple[float, float, float]:
    """1 − Σ changes / Σ apart, with its interval."""
    mean = float(apart.mean())
    if mean == 0:
        return (1.0, 1.0, 1.0) if float(changes.sum()) == 0 else (0.0, 0.0, 0.0)
    shares = (1 - changes / mean).numpy()
    value = float(np.mean(shares))
    low, high = interval(shares, seed) or (value, value)
    return value, low, high
