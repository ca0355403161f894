"""What an audit says beside its numbers: remarks on the verdict, and everything needed to do it again."""

import platform
from typing import Any

import torch

from erlangen.audit.measure import CONFIDENCE, RESAMPLES, Measurement
from erlangen.audit.opaque import NAMED, undefined_words
from erlangen.audit.probe import describe_samples
from erlangen.audit.steady import Steadiness
from erlangen.audit.subject import Subject
from erlangen.audit.summary import FamilyResult
from erlangen.audit.verdict import limits_for


def notes_on(
    subject: Subject,
    measured: Measurement,
    steady: Steadiness,
    remark: str | None,
    double: float | None,
    worst: FamilyResult | None,
) -> list[str]:
    """Remarks on the verdict.

    Args:
        subject: what was audited.
        measured: the raw errors.
        steady: whether the network is a function of one sample.
        remark: on the families that the verdict rests on.
        double: the error measured again in float64.
        worst: the worst declared family.
    """
    notes = [remark] if remark else []
    notes += kept_words(measured, subject.in_field.group.name, subject.limits.exact)
    notes += left_out_words(measured.unknown)
    undefined = undefined_words(subject, measured)
    notes += undefined
    if measured.silent:
        notes.append("the output is zero on every sample: 0/0 counts as no error, and nothing was tested")
    elif not undefined and measured.spread < 1e-6:
        notes.append("the output hardly depends on the sample: a constant network is equivariant, but useless")
    if double is not None and worst is not None:
        rounding = double <= limits_for(torch.float64).exact
        what = "so the float32 error is rounding that the network amplifies" if rounding else "so it is no rounding"
        notes.append(f"{worst.worst_action} measured again in float64: {double:.1e}, {what}")
    words = steady.words(subject.limits.exact)
    return [*notes, words] if words else notes


def left_out_words(unknown: dict[str, str]) -> list[str]:
    """Which actions were left out, reason by reason, at most three of them.

    Args:
        unknown: action → why it could not be carried to the output.
    """
    reasons: dict[str, list[str]] = {}
    for label, why in unknown.items():
        reasons.setdefault(why, []).append(label)
    words = []
    for why, labels in list(reasons.items())[:3]:
        shown = ", ".join(labels[:NAMED]) + (" …" if len(labels) > NAMED else "")
        words.append(f"{shown} {'was' if len(labels) == 1 else 'were'} left out: {why}")
    rest = sum(len(labels) for labels in list(reasons.values())[3:])
    return words + ([f"{rest} more actions were left out for the like reason"] if rest else [])


def kept_words(measured: Measurement, group: str, limit: float) -> list[str]:
    """Which elements of the declared group hold exactly, where others do not."""
    worst = {t.action.label: t.errors().max() for t in measured.traces if t.action.exact and t.action.family == group}
    kept = [label for label, error in worst.items() if error <= limit]
    lost = [label for label, error in worst.items() if not error <= limit]
    if not kept or not lost:
        return []
    shown = [", ".join(part[:NAMED]) + (" …" if len(part) > NAMED else "") for part in (kept, lost)]
    return [f"of {group} hold exactly {len(kept)} ({shown[0]}), and do not {len(lost)} ({shown[1]})"]


def settings_of(subject: Subject, measured: Measurement, seed: int, elements: int, data: Any) -> dict[str, Any]:
    """Samples, seed, precision, limits, confidence, source of the data, versions."""
    from erlangen import __version__

    count = len(measured.traces[0].errors()) if measured.traces else 0
    provenance = getattr(data, "provenance", None) or {}
    return {
        "samples": count,
        "samples_in_words": describe_samples(subject.probe.numbers, count),
        "source": subject.probe.source,
        "fallback": bool(provenance.get("fallback", False)),
        "seed": seed,
        "elements": elements,
        "dtype": str(subject.dtype).removeprefix("torch."),
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "exact_limit": subject.limits.exact,
        "approximate_limit": subject.limits.approximate,
        "erlangen": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
