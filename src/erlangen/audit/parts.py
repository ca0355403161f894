"""Values made of parts: tuples, lists, mappings, dataclasses, and the tensor among them that an audit compares."""

import copy
import dataclasses
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from torch import Tensor

from erlangen.blueprint import Signal
from erlangen.errors import ErlangenError, FieldError, UnknownName

FIRST = ("logits",)  # what goes before everything else in an output with names


class UnknownAction(ErlangenError, LookupError):
    """A value inside the network on which the symmetry has no known action."""


def parts_of(value: Any) -> list[tuple[str, Any]]:
    """(name, part) of a tuple, list, mapping, dataclass or namespace, "logits" first; empty for anything else."""
    if isinstance(value, (Tensor, Signal)):
        return []
    if isinstance(value, Mapping):
        found = [(str(k), v) for k, v in value.items()]
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        found = list(zip(value._fields, value, strict=True))
    elif isinstance(value, (tuple, list)):
        return [(str(i), v) for i, v in enumerate(value)]
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = [(f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value)]
    elif isinstance(value, SimpleNamespace):
        found = list(vars(value).items())
    else:
        return []
    return sorted(found, key=lambda part: part[0] not in FIRST)


def main_part(value: Any) -> tuple[str, Any]:
    """(where it lies, the first tensor or signal): its own name is "" if the value is one itself.

    Raises:
        UnknownAction: there is none.
    """
    if isinstance(value, (Tensor, Signal)):
        return "", value
    for name, part in parts_of(value):
        try:
            tail, found = main_part(part)
            return f"{name}.{tail}".rstrip("."), found
        except UnknownAction:
            continue
    raise UnknownAction(f"the output is a {type(value).__name__}, which holds no tensor to compare")


def part_named(value: Any, name: "str | int") -> Any:
    """The part of this name or number.

    Raises:
        UnknownName: there is no such part.
        FieldError: there are no parts at all.
    """
    for found, part in parts_of(value):
        if found == str(name):
            return part
    if not parts_of(value):
        raise FieldError(
            f"the output is one {type(value).__name__}, so it has no part {name!r}. Fix: leave output= out"
        )
    raise UnknownName("part of the output", name, [n for n, _ in parts_of(value)])


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same value with every part changed; a value without parts is returned as it is."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(change(v) for v in value))
    if isinstance(value, (tuple, list)):
        return type(value)(change(v) for v in value)
    if type(value) is dict:
        return {k: change(v) for k, v in value.items()}
    if not parts_of(value):
        return value
    made = copy.copy(value)
    if isinstance(value, Mapping):
        for k, v in value.items():
            made[k] = change(v)  # type: ignore[index]
    else:
        for name, part in parts_of(value):
            object.__setattr__(made, name, change(part))
    return made
