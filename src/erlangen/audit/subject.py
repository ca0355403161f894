"""Everything about one network under audit: samples, fields, actions, clean outputs."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from erlangen.audit.carry import Carrier
from erlangen.audit.measure import tensor
from erlangen.audit.probe import Probe, forward, guess_out_field
from erlangen.audit.verdict import Limits, limits_for
from erlangen.blueprint import Action, Field
from erlangen.errors import DomainError


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
    out_field, assumed = _output_type(out_field, outputs[0], in_field, Carrier(in_field.group, first))
    if actions is None:
        generator = torch.Generator().manual_seed(seed)
        actions = in_field.space.actions(in_field.group, first, elements, generator)
    if not actions:
        raise DomainError(f"{in_field.group} gives nothing to try on {in_field.space}. Fix: declare a larger group.")
    labels = _scores_classes(model, data, probe, outputs[0], out_field)
    return Subject(model, probe, in_field, out_field, tuple(actions), outputs, labels, dtype, tuple(assumed))


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
