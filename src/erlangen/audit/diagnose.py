"""From measured layers to guilty ones, each with its cause and its remedy."""

from typing import Any

from torch import nn

from erlangen.audit.carry import Carrier, UnknownAction, tensor_of
from erlangen.audit.causes import company_reason, reason
from erlangen.audit.fitting import fit_channels
from erlangen.audit.geometry import Reason
from erlangen.audit.localise import Row, company_errors, localise
from erlangen.audit.record import Call
from erlangen.audit.result import LayerResult
from erlangen.audit.ties import tied
from erlangen.audit.verdict import Limits
from erlangen.blueprint import Action, EquivariantModule, Signal

OTHERS = 3  # elements of each family besides its generators


def examine_layers(
    model: nn.Module,
    signal: Any,
    carry: Carrier,
    reps: tuple[Any, Any],
    tried: list[Action],
    actions: list[Action],
    limits: Limits,
    verdict: str,
) -> tuple[list[Row], list[LayerResult]]:
    """Measure the layers and name the guilty.

    Args:
        model: in evaluation mode.
        signal: a few samples.
        carry: of these samples.
        reps: representations of input and output.
        tried: exact elements of the declared group; the generators and a few others are used.
        actions: all actions, for the shifts among them.
        limits: of the verdict.
        verdict: of the whole network; where it is exact no layer is guilty.

    Returns:
        The raw rows, and the results.
    """
    chosen = [a for a in tried if a.generator]
    for family in dict.fromkeys(a.family for a in tried):
        chosen += [a for a in tried if a.family == family and not a.generator][:OTHERS]
    shifts = [a for a in actions if a.family == "translation" and a.exact and a.generator]
    rows = localise(model, signal, carry, *reps, chosen, shifts)
    if not isinstance(signal, Signal) and any(_assumption_fails(row, limits) for row in rows):
        moving = [a for a in chosen if a.family != "translation"]
        fits = fit_channels(model, signal, carry, reps, moving, limits.exact)
        if fits.out or fits.refused or fits.dropped:
            rows = localise(model, signal, carry, *reps, chosen, shifts, fits)
    if not isinstance(signal, Signal):
        company_errors(rows, len(signal))
    by_label = {a.label: a for a in chosen}
    guilty = [row for row in rows if (row.intrinsic or 0.0) > limits.exact] if verdict != "exact" else []
    ties = tied(model, signal, carry, reps, chosen, guilty) if guilty else {}
    results = []
    for row in rows:
        if row.kind == "code" and (row.intrinsic or 0.0) <= limits.exact:
            continue
        results.append(_result(model, row, carry, by_label.get(row.element), limits, verdict, ties))
    return rows, results


def _assumption_fails(row: Row, limits: Limits) -> bool:
    """Whether a plain layer, whose channels are assumed to stay, does not let them stay."""
    call = row.before
    assumed = row.kind != "code" and call is not None and call.guessed and call.out_rep is None
    return assumed and (row.intrinsic or 0.0) > limits.exact


def _result(
    model: nn.Module,
    row: Row,
    carry: Carrier,
    action: Action | None,
    limits: Limits,
    verdict: str,
    ties: dict[str, Reason],
) -> LayerResult:
    turned = (row.intrinsic or 0.0) > limits.exact
    mixed = (row.company or 0.0) > limits.exact
    culprit = verdict != "exact" and (turned or mixed)
    causes = []
    if culprit and turned:
        causes.append(ties.get(row.path) or reason(model, row, carry, action))
    if culprit and mixed and row.before is not None:
        causes.append(company_reason(row.before))
    call = row.before if row.kind != "code" else None
    return LayerResult(
        name=row.path,
        kind=row.kind,
        field=_field_words(call) if call is not None else "",
        shape=_shape(call) if call is not None else (),
        intrinsic=row.intrinsic,
        mean=row.mean,
        element=row.element,
        accumulated=row.accumulated,
        shift=row.shift,
        company=row.company,
        culprit=culprit,
        cause="; also ".join(cause for cause, _ in causes),
        remedy="; ".join(remedy for _, remedy in causes),
        note=_note(row, call, turned, verdict),
    )


def _note(row: Row, call: Call | None, turned: bool, verdict: str) -> str:
    if row.unknown is not None:
        return f"not measured: {row.unknown}"
    if call is None or not call.guessed:
        return ""
    if row.fit.startswith("fitted"):
        return row.fit
    if row.fit and verdict != "exact":
        return f"a plain layer; {row.fit}"
    if turned and verdict == "exact":
        return "a plain layer; the action assumed on its channels is not the true one, since the whole network is exact"
    return f"a plain layer; assumed: {call.in_rep or 'channels stay'} in, {call.out_rep or 'channels stay'} out"


def _field_words(call: Call) -> str:
    if isinstance(call.module, EquivariantModule) and call.unknown is None:
        before, after = call.in_rep or call.module.in_field.rep, call.out_rep or call.module.out_field.rep
        return str(before) if before == after else f"{before} → {after}"
    return ""


def _shape(call: Call) -> tuple[int, ...]:
    try:
        return tuple(tensor_of(call.output).shape[1:])
    except UnknownAction:
        return ()
