"""`audit`: any network, any data, one verdict."""

import copy
import platform
from typing import Any

import torch
from torch import nn

from erlangen.audit.carry import Carrier, UnknownAction
from erlangen.audit.classes import class_report
from erlangen.audit.diagnose import examine_layers
from erlangen.audit.measure import CONFIDENCE, RESAMPLES, Measurement, run_actions, tensor
from erlangen.audit.picture import picture_of
from erlangen.audit.probe import (
    Probe,
    cast,
    check_input,
    describe_samples,
    fields_of,
    forward,
    guess_out_field,
    probe_from,
    quiet,
)
from erlangen.audit.result import Audit, LayerResult
from erlangen.audit.steady import Steadiness, steadiness
from erlangen.audit.summary import FamilyResult, mean_of, summarise
from erlangen.audit.verdict import Limits, declared_families, limits_for, worst_of, worth_a_second_look
from erlangen.blueprint import Action, Field, Signal
from erlangen.errors import DomainError, ErlangenError

LAYER_SAMPLES = 8  # samples for the layer audit, which keeps every activation


def audit(
    model: nn.Module,
    data: Any,
    *,
    in_field: Field | None = None,
    out_field: Field | None = None,
    actions: list[Action] | None = None,
    samples: int = 64,
    elements: int = 8,
    seed: int = 0,
    max_error: float | None = None,
    dtype: torch.dtype = torch.float32,
    layers: bool = True,
) -> Audit:
    """Measure how well a network keeps a symmetry, end to end and layer by layer.

        error(x, g) = ‖f(g·x) − g·f(x)‖ / ‖f(x)‖

    The network runs in evaluation mode, without gradients, in `dtype`; its training flags are restored.

    Args:
        model: any module that takes a batch [B, C, *spatial] or a `Signal`.
        data: a data set (its test split), a split, a batch, or a signal.
        in_field: what the input lives on and the symmetry it should have; by default the model's, else the data set's.
        out_field: what the output should do; by default the model's, else: vectors are invariant, maps move with the input.
        actions: the transformations to try; by default those of the space.
        samples: how many samples of the data.
        elements: how many random elements, where a group is too large to try all.
        seed: of the choice of samples and elements, and of the bootstrap.
        max_error: raise if the worst error is larger than this.
        dtype: floating type to measure in.
        layers: whether to look into the network.

    Returns:
        The audit.

    Raises:
        EquivarianceError: max_error is exceeded.
        FieldError: the model fails on the data, or nothing declares a symmetry.
    """
    in_field, out_field = fields_of(model, data, in_field, out_field)
    probe = probe_from(data, samples, seed, dtype)
    check_input(in_field, probe.chunks[0].signal)
    with quiet(model, dtype) as quiet_model:
        result = _measure_all(quiet_model, probe, in_field, out_field, data, actions, elements, seed, dtype, layers)
    if max_error is not None:
        result.require(max_error)
    return result


def _measure_all(
    model: nn.Module,
    probe: Probe,
    in_field: Field,
    out_field: Field | None,
    data: Any,
    actions: list[Action] | None,
    elements: int,
    seed: int,
    dtype: torch.dtype,
    layers: bool,
) -> Audit:
    first = probe.chunks[0].signal
    outputs = [forward(model, chunk.signal) for chunk in probe.chunks]
    carry = Carrier(in_field.group, first)
    out_field, assumed = _output_type(out_field, outputs[0], in_field, carry)
    if actions is None:
        generator = torch.Generator().manual_seed(seed)
        actions = in_field.space.actions(in_field.group, first, elements, generator)
    actions = list(actions)
    if not actions:
        raise DomainError(f"{in_field.group} gives nothing to try on {in_field.space}. Fix: declare a larger group.")
    labels = _scores_classes(model, data, probe, outputs[0], out_field)
    limits = limits_for(dtype)
    measured = run_actions(model, probe, in_field, out_field, actions, outputs, labels)
    names = list(dict.fromkeys(t.action.family for t in measured.traces))
    exact = {t.action.family for t in measured.traces if t.action.exact}
    declared, remark = declared_families(names, in_field.group.name, exact)
    results, families = summarise(measured, declared, limits, seed)
    steady = steadiness(model, first, probe.half, outputs[0])
    worst = max((f for f in families if f.declared), key=lambda f: f.worst, default=None)
    double = _second_look(model, probe, in_field, out_field, actions, worst, limits, dtype)
    verdict = _verdict(families, steady, measured, limits, double)
    tried = [t.action for t in measured.traces if t.action.exact and t.action.family in declared]
    rows, picture = _look_inside(model, probe, in_field, out_field, tried, actions, worst, limits, verdict, layers)
    classes = None
    if measured.predicted is not None and measured.targets is not None:
        classes = class_report(measured.predicted, measured.targets, probe, tried)
    return Audit(
        model=type(model).__name__,
        parameters=sum(p.numel() for p in model.parameters()),
        domain=repr(in_field.space),
        group=in_field.group.name,
        in_field=repr(in_field),
        out_field=repr(out_field),
        verdict=verdict,
        max_error=worst.worst if worst else 0.0,
        witness=_witness(worst, probe),
        flip_rate=_declared_flips(families),
        accuracy=mean_of([measured.clean_correct]) if len(measured.clean_correct) else None,
        families=tuple(families),
        actions=tuple(results),
        layers=tuple(rows),
        steady=steady,
        classes=classes,
        float64_error=double,
        assumed=tuple(assumed),
        notes=tuple(_notes(measured, steady, limits, remark, double, worst)),
        settings=_settings(probe, measured, seed, elements, dtype, limits, data),
        picture=picture,
    )


def _output_type(out_field: Field | None, output: Any, in_field: Field, carry: Carrier) -> tuple[Field, list[str]]:
    """The declared type of the output, or the usual one, with the assumption in words."""
    if out_field is None:
        guessed, words = guess_out_field(output, in_field, carry)
        return guessed, [words]
    rep = carry.rep_of(out_field)  # says so if the group says nothing about it
    if rep is None:
        rep = out_field.size * in_field.group.trivial
    assumed = []
    if out_field.group != in_field.group:
        assumed.append(f"the output, declared for {out_field.group}, carries {rep} of {in_field.group}")
    return Field(out_field.space, rep), assumed


def _scores_classes(model: nn.Module, data: Any, probe: Probe, output: Any, out_field: Field) -> bool:
    """Whether the output scores classes along dimension 1, so that labels can flip."""
    task = getattr(model, "task", None) or getattr(data, "task", None)
    scores = tensor(output)
    if task is not None:
        return getattr(task, "name", "") in ("classify", "segment") and scores.ndim > 1 and scores.shape[1] > 1
    targets = probe.chunks[0].targets
    whole = targets is None or not targets.is_floating_point()
    return whole and scores.ndim > 1 and scores.shape[1] > 1 and out_field.rep.is_trivial


def _second_look(
    model: nn.Module,
    probe: Probe,
    in_field: Field,
    out_field: Field,
    actions: list[Action],
    worst: FamilyResult | None,
    limits: Limits,
    dtype: torch.dtype,
) -> float | None:
    """The worst action again in float64, on a copy, if its error may be rounding that the network amplifies."""
    if worst is None or dtype != torch.float32 or not worth_a_second_look(worst.worst, limits):
        return None
    chosen = [a for a in actions if a.label == worst.worst_action and a.family == worst.name]
    try:
        twin = copy.deepcopy(model).double()
        chunks = tuple(type(c)(cast(c.signal, torch.float64), None, c.first) for c in probe.chunks)
        outputs = [forward(twin, c.signal) for c in chunks]
        again = run_actions(twin, Probe(chunks, None, "", None), in_field, out_field, chosen, outputs, False)
        return float(again.traces[0].errors().max())
    except (ErlangenError, RuntimeError, TypeError):
        return None


def _verdict(
    families: list[FamilyResult], steady: Steadiness, measured: Measurement, limits: Limits, double: float | None
) -> str:
    declared = [f.verdict if f.exact else limits.verdict(f.worst) for f in families if f.declared]
    if double is not None and double <= limits_for(torch.float64).exact:
        declared = ["exact" if v == "approximate" else v for v in declared]
    other = [limits.verdict(max(steady.repeat, steady.company or 0.0))]
    if not measured.finite or not declared:
        other.append("broken")
    return worst_of(declared + other)


def _look_inside(
    model: nn.Module,
    probe: Probe,
    in_field: Field,
    out_field: Field,
    tried: list[Action],
    actions: list[Action],
    worst: FamilyResult | None,
    limits: Limits,
    verdict: str,
    layers: bool,
) -> tuple[list[LayerResult], dict[str, Any] | None]:
    """The layer audit and the picture, on a few samples among them the worst."""
    if not layers or worst is None or not tried:
        return [], None
    chunk = next(c for c in reversed(probe.chunks) if c.first <= worst.worst_sample)
    signal, index = chunk.signal, worst.worst_sample - chunk.first
    if not isinstance(signal, Signal):
        others = [i for i in range(len(signal)) if i != index][: LAYER_SAMPLES - 1]
        signal, index = signal[[index, *others]], 0
    carry = Carrier(in_field.group, signal)
    reps = (carry.rep_of(in_field), carry.rep_of(out_field))
    rows, findings = examine_layers(model, signal, carry, reps, tried, actions, limits, verdict)
    action = next(a for a in tried if a.label == worst.worst_action)
    try:
        return findings, picture_of(model, signal, index, carry, action, reps, rows)
    except (UnknownAction, ErlangenError):
        return findings, None


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


def _notes(
    measured: Measurement,
    steady: Steadiness,
    limits: Limits,
    remark: str | None,
    double: float | None,
    worst: FamilyResult | None,
) -> list[str]:
    notes = [remark] if remark else []
    notes += [f"{label} was left out: {why}" for label, why in list(measured.unknown.items())[:3]]
    if len(measured.unknown) > 3:
        notes.append(f"{len(measured.unknown) - 3} more actions were left out for the like reason")
    if not measured.finite:
        notes.append("the network gives infinite or undefined outputs on the samples as they are")
    elif measured.spread < 1e-6:
        notes.append("the output hardly depends on the sample: a constant network is equivariant, but useless")
    if double is not None and worst is not None:
        rounding = double <= limits_for(torch.float64).exact
        what = "so the float32 error is rounding that the network amplifies" if rounding else "so it is no rounding"
        notes.append(f"{worst.worst_action} measured again in float64: {double:.1e}, {what}")
    words = steady.words(limits.exact)
    return [*notes, words] if words else notes


def _settings(
    probe: Probe, measured: Measurement, seed: int, elements: int, dtype: torch.dtype, limits: Limits, data: Any
) -> dict[str, Any]:
    from erlangen import __version__

    count = len(measured.traces[0].errors()) if measured.traces else 0
    provenance = getattr(data, "provenance", None) or {}
    return {
        "samples": count,
        "samples_in_words": describe_samples(probe.numbers, count),
        "source": probe.source,
        "fallback": bool(provenance.get("fallback", False)),
        "seed": seed,
        "elements": elements,
        "dtype": str(dtype).removeprefix("torch."),
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "exact_limit": limits.exact,
        "approximate_limit": limits.approximate,
        "erlangen": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
