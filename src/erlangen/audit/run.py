"""`audit`: any network, any data, one verdict."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.allocator import freed_memory_kept
from erlangen.audit.adapted import adapted, name_of
from erlangen.audit.carry import UnknownAction, carrier_of
from erlangen.audit.classes import class_report
from erlangen.audit.continuous import Continuous, examine_continuous
from erlangen.audit.diagnose import examine_layers
from erlangen.audit.inputs import Fields, Together, together
from erlangen.audit.measure import Measurement, run_actions
from erlangen.audit.motifs import LETTERS, filter_motifs
from erlangen.audit.opaque import agreement, check_finite, whole_row, why_closed
from erlangen.audit.picture import picture_of
from erlangen.audit.probe import Probe, cast, check_input, fields_of, forward, probe_from, quiet
from erlangen.audit.progress import showing
from erlangen.audit.remarks import notes_on, settings_of
from erlangen.audit.result import Audit, LayerResult
from erlangen.audit.scales import separation_of
from erlangen.audit.signature import positional
from erlangen.audit.stability import stability_of
from erlangen.audit.steady import Steadiness, steadiness
from erlangen.audit.subject import Subject, prepare
from erlangen.audit.summary import FamilyResult, mean_of, summarise, words_on_parts
from erlangen.audit.verdict import declared_families, limits_for, worst_of, worth_a_second_look
from erlangen.blueprint import Action, Field, Signal
from erlangen.errors import ErlangenError, FieldError

LAYER_SAMPLES = 8  # samples for the layer audit, which keeps every activation
LAYER_VALUES = 5 << 17  # numbers in those samples together, so that large images stay within memory


def audit(
    model: nn.Module | Callable[..., Any],
    data: Any,
    *,
    in_field: Fields = None,
    out_field: Field | None = None,
    output: str | int | None = None,
    actions: list[Action] | None = None,
    samples: int = 64,
    elements: int = 8,
    seed: int = 0,
    max_error: float | None = None,
    dtype: torch.dtype = torch.float32,
    layers: bool = True,
    continuous: bool = True,
    stability: bool = True,
    progress: bool = False,
) -> Audit:
    """Measure how well a network keeps a symmetry, end to end and layer by layer.

        error(x, g) = ‖f(g·x) − g·f(x)‖ / ‖f(x)‖

    The network runs in evaluation mode, without gradients, in `dtype`; its training flags are restored. An encoding
    step (a crop, a resize, a tokeniser, a voxeliser) is audited like a network, with the field of its output declared.
    Whatever is guessed is said in `Audit.assumed`; why there is no table of layers, in `Audit.notes`.

    Args:
        model: a module that takes a batch [B, C, *spatial] or a `Signal`, by position or by name, or several inputs; a
            torch-geometric network of (x, edge_index, …) or of data; a compiled module, which runs as it was before;
            an exported program, a TorchScript module or any function of tensors or arrays, without layers.
        data: a data set (its test split), a split, a batch, a signal, torch-geometric data; for several inputs a tuple
            or mapping of batches [B, …], as the model takes them by position or by name.
        in_field: what the input lives on and the symmetry it should have; by default the model's, else the data set's;
            for graphs Σn. For several inputs a tuple or mapping of fields of one group, None for an input that stays.
        out_field: what the output should do, on its own domain; by default the model's, else: vectors stay, maps move
            with the input. Whole numbers are labels.
        output: name or number of the part of the output that is compared; by default "logits", else the first tensor.
        actions: the transformations to try; by default those of the space.
        samples: how many samples of the data.
        elements: how many random elements, where a group is too large to try all.
        seed: of the choice of samples and elements, and of the bootstrap.
        max_error: raise if the worst error is larger than this.
        dtype: floating type to measure in.
        layers: whether to look into the network.
        continuous: whether to follow the continuous symmetries: Lie derivatives, error curves over the whole range, and
            with `layers` what every layer adds.
        stability: whether to try small changes that are no symmetry (warps, light, noise, edges, mutations) and coarser
            cells, on a few samples.
        progress: whether to draw a bar on the error output.

    Returns:
        The audit.

    Raises:
        EquivarianceError: max_error is exceeded.
        FieldError: the model fails on the data, fields and signals do not fit, or nothing declares a symmetry.
        DataError: there are no samples, or they hold infinite or undefined numbers.
    """
    for name, value in {"samples": samples, "elements": elements}.items():
        if value < 0:
            raise FieldError(f"{name} is a number of things to try, at least 0; got {value}")
    data, declared, route, words = together(data, in_field, positional(model))
    in_field, out_field = fields_of(model, data, declared, out_field)
    if declared is None and route is None and not hasattr(model, "in_field") and not hasattr(data, "field"):
        words = [*words, f"the input is {in_field}"]
    probe = probe_from(data, samples, seed, dtype)
    check_input(in_field, probe.chunks[0].signal)
    check_finite(probe)
    with freed_memory_kept(), showing(progress), quiet(adapted(model, output, route), dtype) as quiet_model:
        subject = prepare(quiet_model, probe, in_field, out_field, data, actions, elements, seed, dtype)
        subject = replace(subject, assumed=(*words, *subject.assumed))
        result = _examine(subject, data, elements, seed, layers, continuous)
        if stability:
            result = _with_stability(result, subject, seed)
    if (found := agreement(subject)) is not None:
        result = replace(result, notes=(*result.notes, found.words), verdict=worst_of([result.verdict, found.verdict]))
    if max_error is not None:
        result.require(max_error)
    return result


def _examine(subject: Subject, data: Any, elements: int, seed: int, layers: bool, continuous: bool) -> Audit:
    model, probe, in_field, limits = subject.model, subject.probe, subject.in_field, subject.limits
    measured = run_actions(
        model, probe, in_field, subject.out_field, list(subject.actions), list(subject.outputs), subject.labels
    )
    names = list(dict.fromkeys(t.action.family for t in measured.traces))
    exact = {t.action.family for t in measured.traces if t.action.exact}
    declared, remark = declared_families(names, in_field.group.name, exact)
    results, families = summarise(measured, declared, limits, seed)
    remark = remark or words_on_parts(families)
    steady = steadiness(model, probe.chunks[0].signal, probe.half, subject.outputs[0])
    worst = max((f for f in families if f.declared), key=lambda f: f.worst, default=None)
    double = _second_look(subject, worst)
    if double is not None and double <= limits_for(torch.float64).exact:  # rounding that the network amplifies
        families = [replace(f, verdict="exact") if f.declared and f.verdict == "approximate" else f for f in families]
    verdict = _verdict(subject, families, steady, measured)
    tried = [t.action for t in measured.traces if t.action.exact and t.action.family in declared]
    closed = why_closed(subject.model)
    rows, picture = _look_inside(subject, tried, worst, verdict, closed is None) if layers else ([], None)
    rows = rows or whole_row(subject, worst, verdict)
    looked = layers and not closed and worst is not None and tried
    if looked and all(row.kind == "code" for row in rows):
        closed = "no layer was called in a way that hooks see"
    smooth = examine_continuous(subject, seed, layers and not closed, LAYER_SAMPLES) if continuous else Continuous()
    classes = None
    if measured.predicted is not None and measured.targets is not None:
        exact_moves = {
            t.action.label: torch.cat(t.predicted) for t in measured.traces if t.action in tried and t.predicted
        }
        classes = class_report(measured.predicted, measured.targets, probe, tried, exact_moves)
    return Audit(
        model=name_of(model),
        parameters=sum(p.numel() for p in model.parameters()),
        domain=repr(in_field.space),
        group=in_field.group.name,
        in_field=repr(in_field),
        out_field=repr(subject.out_field),
        verdict=verdict,
        max_error=worst.worst if worst else 0.0,
        witness=_witness(worst, probe),
        flip_rate=_declared_flips(families),
        accuracy=mean_of([measured.clean_correct]) if len(measured.clean_correct) else None,
        families=tuple(families),
        actions=tuple(results),
        layers=tuple(rows),
        derivatives=smooth.derivatives,
        curves=smooth.curves,
        contributions=smooth.contributions,
        steady=steady,
        classes=classes,
        float64_error=double,
        assumed=subject.assumed,
        notes=(
            *notes_on(subject, measured, steady, remark, double, worst),
            *([f"no table of layers: {closed}"] if layers and closed else []),
            *smooth.notes,
        ),
        settings=settings_of(subject, measured, seed, elements, data),
        picture=picture,
    )


def _with_stability(result: Audit, subject: Subject, seed: int) -> Audit:
    if isinstance(subject.in_field.space, Together):
        return replace(result, notes=(*result.notes, "no stability: small changes of several inputs are not tried"))
    curves, notes = stability_of(subject, seed, LAYER_SAMPLES)
    try:
        scales = separation_of(subject, seed, 4 * LAYER_SAMPLES)
    except ErlangenError as error:
        scales, notes = None, [*notes, f"no scale separation: {str(error).splitlines()[0]}"]
    return replace(result, stability=curves, scales=scales, notes=(*result.notes, *notes[:2]))


def _second_look(subject: Subject, worst: FamilyResult | None) -> float | None:
    """The worst action again in float64, on a copy, if its error may be rounding that the network amplifies."""
    if worst is None or subject.dtype != torch.float32 or not worth_a_second_look(worst.worst, subject.limits):
        return None
    chosen = [a for a in subject.actions if a.label == worst.worst_action and a.family == worst.name]
    if not chosen:
        return None
    try:
        twin = copy.deepcopy(subject.model).double()
        chunks = tuple(type(c)(cast(c.signal, torch.float64), None, c.first) for c in subject.probe.chunks)
        outputs = [forward(twin, c.signal) for c in chunks]
        probe = Probe(chunks, None, "", None)
        again = run_actions(twin, probe, subject.in_field, subject.out_field, chosen, outputs, False)
        return float(again.traces[0].errors().max())
    except (ErlangenError, RuntimeError, TypeError):
        return None


def _verdict(subject: Subject, families: list[FamilyResult], steady: Steadiness, measured: Measurement) -> str:
    limits = subject.limits
    declared = [f.verdict if f.verdict != "interpolated" else limits.verdict(f.worst) for f in families if f.declared]
    other = [limits.verdict(max(steady.repeat, steady.company or 0.0))]
    if not measured.finite or not declared:
        other.append("broken")
    return worst_of(declared + other)


def _look_inside(
    subject: Subject, tried: list[Action], worst: FamilyResult | None, verdict: str, within: bool
) -> tuple[list[LayerResult], dict[str, Any] | None]:
    """The layer audit and the picture, on a few samples among them the worst."""
    if worst is None or not tried:
        return [], None
    chunk = next(c for c in reversed(subject.probe.chunks) if c.first <= worst.worst_sample)
    signal, index = chunk.signal, worst.worst_sample - chunk.first
    if not isinstance(signal, Signal):
        others = [i for i in range(len(signal)) if i != index][: _kept(signal) - 1]
        signal, index = signal[[index, *others]], 0
    carry = carrier_of(subject.in_field, signal)
    reps = (carry.rep_of(subject.in_field), carry.rep_of(subject.out_field))
    rows, findings = (
        examine_layers(subject.model, signal, carry, reps, tried, list(subject.actions), subject.limits, verdict)
        if within
        else ([], [])
    )
    action = next(a for a in (*tried, *subject.actions) if a.label == worst.worst_action)
    try:
        picture = picture_of(
            subject.model,
            signal,
            index,
            carry,
            action,
            reps,
            rows,
            subject.in_field.space,
            _shown_motions(subject, tried),
        )
        if subject.in_field.space.name == "strand" and subject.in_field.size == LETTERS:
            picture["motifs"] = filter_motifs(subject.model, torch.cat([c.signal for c in subject.probe.chunks]))
        return findings, picture
    except (UnknownAction, ErlangenError, RuntimeError):
        return findings, None


def _kept(signal: Tensor) -> int:
    """How many samples the layer audit takes: fewer of large ones, since every activation is kept."""
    return max(2, min(LAYER_SAMPLES, LAYER_VALUES // max(1, signal[0].numel())))


def _shown_motions(subject: Subject, tried: list[Action]) -> list[Action]:
    """Motions of the slider of the report: turns in the order of their angles, else the exact elements and shifts."""
    turns = [a for a in subject.actions if a.family == "rotation" and a.parameter is not None]
    turns += [a for a in tried if a.parameter is not None and a.family != "translation"] if turns else []
    return sorted(turns, key=lambda a: a.parameter or 0.0) or tried


def _witness(worst: FamilyResult | None, probe: Probe) -> dict[str, Any]:
    if worst is None:
        return {}
    number = worst.worst_sample
    if probe.numbers is not None and number < len(probe.numbers) and len(probe.numbers) > 1:
        number = probe.numbers[number]
    return {"family": worst.name, "action": worst.worst_action, "sample": number}


def _declared_flips(families: list[FamilyResult]) -> float | None:
    known = [(f.flips, f.actions) for f in families if f.declared and f.flips is not None]
    return sum(v * n for v, n in known) / sum(n for _, n in known) if known else None
