"""A symmetrised network in words, so that a run folder can keep it and make it again."""

from typing import Any

from torch import nn

from erlangen.adapt.symmetrized import Symmetrized
from erlangen.blueprint import Field, space_from, task_from
from erlangen.errors import ErlangenError
from erlangen.symmetry import group

KEPT = ("method", "combine", "chunk", "frozen")


def declaration_of(made: Symmetrized, ways: dict[str, Any] | None) -> dict[str, Any] | None:
    """JSON-able words from which `symmetrized_from` makes a network again; None if its fields cannot be named.

    Args:
        made: the symmetrised network.
        ways: options of `symmetrize`; None if they hold a module, which words cannot describe.
    """
    fields = {"in": _words(made.in_field), "out": _words(made.out_field)}
    if ways is None or None in fields.values():
        return None
    task = getattr(made, "task", None)
    described = None if task is None else task.describe()
    return {**fields, **{k: getattr(made, k) for k in KEPT}, "task": described, "ways": ways}


def symmetrized_from(declaration: dict[str, Any], model: nn.Module) -> Symmetrized:
    """Symmetrise a network again, as the `declaration` of another one says.

    Args:
        declaration: of a `Symmetrized`.
        model: the network inside.
    """
    from erlangen.adapt.symmetrize import symmetrize

    task = None if declaration["task"] is None else task_from(declaration["task"])
    into, out = declaration["in"], declaration["out"]
    named = into["group"]
    field = space_from(into["space"]).field(named if isinstance(named, str) else group(named), into["rep"])
    answer = Field(space_from(out["space"]), field.group.representation(out["rep"]))
    kept = {k: declaration[k] for k in KEPT}
    return symmetrize(model, field, task=task, out_field=answer, **kept, **declaration["ways"])


def _words(field: Field) -> dict[str, Any] | None:
    """The field in words; None if its representation has no name."""
    try:
        if field.group.representation(repr(field.rep)) != field.rep:
            return None
    except ErlangenError:
        return None
    return {"space": field.space.describe(), "group": field.group.describe(), "rep": repr(field.rep)}
