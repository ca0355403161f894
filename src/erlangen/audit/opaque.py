"""What an audit says of networks it cannot look into, and of samples and outputs that are no numbers."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.audit.adapted import Adapted, opened
from erlangen.audit.encode import why_encoding
from erlangen.audit.measure import Measurement, norms, relative, tensor
from erlangen.audit.parts import main_part
from erlangen.audit.probe import Probe
from erlangen.audit.record import layers_of
from erlangen.audit.result import LayerResult
from erlangen.audit.subject import Subject
from erlangen.audit.summary import FamilyResult
from erlangen.blueprint import Signal
from erlangen.errors import DataError

NAMED = 8  # samples named in a message


@dataclass(frozen=True)
class Agreement:
    """How far a compiled module is from the one it was compiled from.

    Args:
        words: for the notes.
        verdict: of the difference.
    """

    words: str
    verdict: str


def why_closed(model: nn.Module) -> str | None:
    """Why there are no layers to look at; None if there are."""
    if isinstance(model, Adapted) and model.opaque is not None:
        return model.opaque
    if next(layers_of(model), None) is None:
        return "the model has no layers"
    return None


def whole_row(subject: Subject, worst: FamilyResult | None, verdict: str) -> list[LayerResult]:
    """One row for a function that is not equivariant and whose cause was found by trying it; else none.

    Args:
        subject: what was audited.
        worst: its worst declared family.
        verdict: of the audit.
    """
    model, signal = subject.model, subject.probe.chunks[0].signal
    if verdict == "exact" or worst is None or opened(model) is not None or not isinstance(signal, Tensor):
        return []
    found = why_encoding(model, signal[:2])
    if found is None:
        return []
    name = model.name if isinstance(model, Adapted) else type(model).__name__
    shape = tuple(tensor(subject.outputs[0]).shape[1:])
    rest = {"shift": None, "company": None, "culprit": True, "note": "probed as a whole"}
    return [
        LayerResult(
            name=name,
            kind="function",
            field="",
            shape=shape,
            intrinsic=worst.worst,
            mean=worst.error,
            element=worst.worst_action,
            accumulated=worst.worst,
            cause=found[0],
            remedy=found[1],
            **rest,  # type: ignore[arg-type]
        )
    ]


def agreement(subject: Subject) -> Agreement | None:
    """Run the compiled form of the model once, and compare; None if there is none."""
    model = subject.model
    if not isinstance(model, Adapted) or model.twin is None:
        return None
    said = "layers and errors are those of the module it was compiled from"
    types = {p.dtype for p in model.twin.parameters() if p.is_floating_point()}
    if types - {subject.dtype}:
        return Agreement(f"compiled: {said}; the compiled form was not run in {subject.dtype}", "exact")
    training = [(m, m.training) for m in model.twin.modules()]
    try:
        model.twin.eval()
        with torch.no_grad():
            args, kwargs = model.route(subject.probe.chunks[0].signal)
            value = tensor(main_part(model.twin(*args, **kwargs))[1])
    except Exception as error:
        return Agreement(f"compiled: {said}; the compiled form failed: {str(error).splitlines()[0]}", "broken")
    finally:
        for module, flag in training:
            module.training = flag
    first = tensor(subject.outputs[0])
    if value.shape != first.shape:
        return Agreement(f"compiled: {said}; the compiled form gives another shape, {list(value.shape)}", "broken")
    apart = float(relative(norms(value - first), norms(first), norms(value)).max())
    return Agreement(f"compiled: {said}; the compiled form differs by {apart:.1e}", subject.limits.verdict(apart))


def check_finite(probe: Probe) -> None:
    """Raise a `DataError` that names the samples which hold infinite or undefined numbers."""
    bad, total = [], 0
    for chunk in probe.chunks:
        rows = ~torch.isfinite(tensor(chunk.signal)).reshape(len(tensor(chunk.signal)), -1).all(1)
        bad += [chunk.first + int(i) for i in rows.nonzero()[:, 0]]
        total += len(rows)
    if bad:
        what = "rows of the signal" if isinstance(probe.chunks[0].signal, Signal) else "samples"
        raise DataError(
            f"{len(bad)} of {total} {what} hold infinite or undefined numbers: {named(bad, probe)}. "
            f"Fix: clean them or leave them out; no error can be measured on them."
        )


def undefined_words(subject: Subject, measured: Measurement) -> list[str]:
    """On which samples the outputs are infinite or undefined, as they are and moved."""
    clean = _undefined([tensor(o) for o in subject.outputs])
    if clean:
        return [f"the network gives infinite or undefined outputs on samples {named(clean, subject.probe)}"]
    for trace in measured.traces:
        moved = torch.cat(trace.moved_size)
        bad = (~torch.isfinite(moved)).nonzero()[:, 0].tolist()
        if bad:
            where = named(bad, subject.probe)
            return [
                f"moved by {trace.action.label}, the network gives infinite or undefined outputs on samples {where}"
            ]
    return []


def _undefined(outputs: list[Tensor]) -> list[int]:
    rows = torch.cat([torch.isfinite(o).reshape(len(o), -1).all(1) for o in outputs])
    return (~rows).nonzero()[:, 0].tolist()


def named(rows: list[int], probe: Any) -> str:
    """Numbers of samples in the data set, the first few of them."""
    numbers = probe.numbers
    known = numbers is not None and len(numbers) > max(rows)
    shown = [str(numbers[i] if known else i) for i in rows[:NAMED]]
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return ", ".join(shown) + more
