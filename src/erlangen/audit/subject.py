"""Everything about one network under audit: samples, fields, actions, clean outputs."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.audit.adapted import Adapted, adapted, as_labels, labels_in, name_of
from erlangen.audit.carry import Carrier, UnknownAction, carrier_of
from erlangen.audit.measure import elsewhere, tensor
from erlangen.audit.probe import Probe, forward, guess_out_field
from erlangen.audit.signature import Route
from erlangen.audit.verdict import Limits, limits_for
from erlangen.blueprint import Action, Field, Signal
from erlangen.errors import DomainError, FieldError


@dataclass(frozen=True)
class Subject:
    """A network ready to be audited.

    Args:
        model: in evaluation mode, in the audited type.
        probe: the samples.
        in_field: type of the input.
        out_field: type of the output.
        actions: all symmetries to try.
        outputs: the clean output of every chunk.
        labels: whether the output scores classes along dimension 1.
        dtype: floating type.
        assumed: what nobody declared, in words.
    """

    model: nn.Module
    probe: Probe
    in_field: Field
    out_field: Field
    actions: tuple[Action, ...]
    outputs: tuple[Any, ...]
    labels: bool
    dtype: torch.dtype
    assumed: tuple[str, ...]

    @property
    def limits(self) -> Limits:
        """The limits of the verdict in this type."""
        return limits_for(self.dtype)


def prepare(
    model: nn.Module,
    probe: Probe,
    in_field: Field,
    out_field: Field | None,
    data: Any,
    actions: list[Action] | None,
    elements: int,
    seed: int,
    dtype: torch.dtype,
) -> Subject:
    """Run the clean samples, settle the type of the output, and choose the actions (see `audit` for the arguments)."""
    first = probe.chunks[0].signal
    outputs = tuple(forward(model, chunk.signal) for chunk in probe.chunks)
    for chunk, output in zip(probe.chunks, outputs, strict=True):
        check_output(model, chunk.signal, output)
    model, outputs, words = _with_labels(model, probe, outputs, out_field)
    out_field, assumed = _output_type(model, out_field, outputs[0], in_field, carrier_of(in_field, first))
    assumed = [*_guesses(model, first, in_field), *words, *assumed]
    if actions is None:
        generator = torch.Generator().manual_seed(seed)
        actions = in_field.space.actions(in_field.group, first, elements, generator)
    if not actions:
        raise DomainError(f"{in_field.group} gives nothing to try on {in_field.space}. Fix: declare a larger group.")
    labels = _scores_classes(model, data, probe, outputs[0], out_field)
    return Subject(model, probe, in_field, out_field, tuple(actions), outputs, labels, dtype, tuple(assumed))


def check_output(model: nn.Module, signal: Any, output: Any) -> None:
    """Raise a `FieldError` if an output does not have one row a sample (or a node, an edge, or a graph)."""
    shape, rows = list(tensor(output).shape), len(tensor(signal))
    if not isinstance(signal, Signal):
        fits, what = shape[:1] == [rows], f"{rows} samples"
    else:
        graphs = getattr(signal.on, "num_graphs", 1)
        edges = getattr(signal.on, "num_edges", rows)
        fits = bool(shape) and shape[0] in (rows, graphs, edges)
        what = f"{rows} nodes and {edges} edges in {graphs} graph{'s' if graphs != 1 else ''}"
    if not fits:
        raise FieldError(
            f"{name_of(model)} gives an output of shape {shape} for {what}: it has no batch dimension. "
            f"Fix: return [B, …], one row a sample."
        )


def _with_labels(
    model: nn.Module, probe: Probe, outputs: tuple[Any, ...], out_field: Field | None
) -> tuple[nn.Module, tuple[Any, ...], list[str]]:
    """Outputs of whole numbers become indicators of labels, from now on."""
    classes = labels_in(list(outputs), [c.targets for c in probe.chunks])
    if classes is None:
        return model, outputs, []
    declared = out_field is not None and out_field.size > 1
    if declared and classes > out_field.size:  # type: ignore[union-attr]
        raise FieldError(
            f"the output holds the label {classes - 1}, but out_field has {out_field.size} channels, one a label. "  # type: ignore[union-attr]
            f"Fix: declare one channel for every label."
        )
    model = adapted(model)
    if not isinstance(model, Adapted):
        model = Adapted(model, model, Route(), name_of(model))
    model.labels, model.exactly = (out_field.size, True) if declared else (classes, False)  # type: ignore[union-attr]
    words = "the output is whole numbers, compared as labels: the same or another"
    shown, signal = as_labels(outputs[0], model.labels, exactly=model.exactly), probe.chunks[0].signal
    model.many = out_field is None and isinstance(shown, Tensor) and shown.ndim not in (2, tensor(signal).ndim)
    return model.eval(), tuple(as_labels(o, model.labels, model.many, model.exactly) for o in outputs), [words]


def _guesses(model: nn.Module, signal: Any, in_field: Field) -> list[str]:
    """What was guessed about the call and the size of the signals, in words."""
    found = []
    if isinstance(model, Adapted):
        found += [w for w in model.words if isinstance(signal, Signal) or not w.startswith("graphs")]
        found += ["it takes numpy arrays"] if model.in_numpy else []
        found += [model.seen] if model.seen else []
    declared = getattr(in_field.space, "shape", None)
    if declared is not None and tuple(tensor(signal).shape[-len(declared) :]) != tuple(declared):
        shape = "×".join(map(str, tensor(signal).shape[-len(declared) :]))
        found.append(f"the field is declared for {'×'.join(map(str, declared))}, the samples are {shape}")
    return found


def _output_type(
    model: nn.Module, out_field: Field | None, output: Any, in_field: Field, carry: Carrier
) -> tuple[Field, list[str]]:
    """The declared type of the output, or the usual one, with the assumption in words."""
    if out_field is None:
        guessed, words = guess_out_field(output, in_field, carry)
        return guessed, [words]
    x = tensor(output)
    channels = x.shape[1] if x.ndim > 1 else 1
    if channels != out_field.size:
        raise FieldError(
            f"out_field declares {out_field.rep} of {out_field.group} ({out_field.size} channels), but "
            f"{name_of(model)} gives {channels} in an output of shape {list(x.shape)}. Fix: declare what comes out, "
            f"such as out_field={out_field.space!r}.field({out_field.group.name!r}, {channels})."
        )
    if elsewhere(in_field, out_field, carry, output) and x.ndim != 2 + getattr(out_field.space, "d", x.ndim - 2):
        raise FieldError(f"out_field lives on {out_field.space}, but the output has shape {list(x.shape)}")
    try:
        rep = carry.rep_of(out_field)
    except UnknownAction as error:
        raise FieldError(
            f"{error}: the input is declared for {in_field.group}, the output for {out_field.group}. "
            f"Fix: declare both for one group, or let one be a subgroup of the other."
        ) from error
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
    if isinstance(model, Adapted) and model.many:
        return False
    if task is not None:
        return getattr(task, "name", "") in ("classify", "segment") and scores.ndim > 1 and scores.shape[1] > 1
    targets = probe.chunks[0].targets
    whole = targets is None or not targets.is_floating_point()
    return whole and scores.ndim > 1 and scores.shape[1] > 1 and out_field.rep.is_trivial
