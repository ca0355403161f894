"""Several inputs as one: every part flattened beside the others, [B, N], so that audits go on with one tensor.

An element of the group moves all parts at once, each by its own field; a part without a field stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from erlangen.audit.carry import Carrier
from erlangen.audit.probe import as_signal
from erlangen.audit.signature import Route
from erlangen.blueprint import Action, Field, Space, check_channels
from erlangen.errors import DataError, FieldError
from erlangen.point import Point
from erlangen.symmetry import Group, Representation

TARGETS = ("labels", "label", "targets", "target")
Fields = Field | Sequence[Field | None] | Mapping[str, Field | None] | None


@dataclass(frozen=True)
class Part:
    """One input of several.

    Args:
        name: by which it is given; a number for a positional one.
        shape: without the batch.
        dtype: in which the model gets it; None: the audited floating type.
        field: its type; None if it stays.
    """

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype | None
    field: Field | None

    @property
    def size(self) -> int:
        """How many numbers a sample."""
        return prod(self.shape)


class Together(Point):
    """Several inputs side by side; signals are [B, N], all numbers of all parts.

    Args:
        parts: in order.
        named: whether the model is given them by name.
        lead: number of the part whose domain gives the actions.

    Law: g·(x, y, …) = (g·x, g·y, …), and z where z has no field.
    """

    name = "together"

    def __init__(self, parts: tuple[Part, ...], named: bool, lead: int) -> None:
        self.parts, self.named, self.lead = parts, named, lead

    @property
    def ndim(self) -> int:
        """Axes of the leading part with its batch."""
        return 1 + len(self.parts[self.lead].shape)

    @property
    def led(self) -> Space:
        """The domain of the leading part."""
        field = self.parts[self.lead].field
        return Point() if field is None else field.space

    def split(self, flat: Tensor) -> list[Tensor]:
        """The parts [B, *shape] in the audited floating type."""
        pieces = flat.split([p.size for p in self.parts], dim=1)
        return [x.reshape(len(flat), *p.shape) for x, p in zip(pieces, self.parts, strict=True)]

    def arguments(self, flat: Tensor) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The parts as the model takes them."""
        pieces = self.split(flat)
        given = [
            x if p.dtype is None else (x.round() if p.dtype != torch.bool else x).to(p.dtype)
            for x, p in zip(pieces, self.parts, strict=True)
        ]
        return ((), dict(zip((p.name for p in self.parts), given, strict=True))) if self.named else (tuple(given), {})

    def actions(
        self, group: Group, signal: Any, count: int = 8, generator: torch.Generator | None = None
    ) -> list[Action]:
        """Those of the leading part, moving every part that has a field."""
        first = self.split(signal)[self.lead]
        field = self.parts[self.lead].field
        if field is None:
            return []
        carry = Carrier(group, first)
        return [self._joint(a, carry) for a in field.space.actions(group, first, count, generator)]

    def _joint(self, action: Action, carry: Carrier) -> Action:
        size = sum(p.size for p in self.parts)

        def through(how: Any, x: Tensor, rep: Representation | None) -> Tensor:
            if x.ndim != 2 or x.shape[1] != size:  # a map inside the network
                return how(x, rep)
            moved = []
            for piece, part in zip(self.split(x), self.parts, strict=True):
                if part.field is None:
                    moved.append(piece)
                elif piece.ndim == carry.ndim and piece.ndim > 2:
                    moved.append(how(piece, part.field.rep))
                else:
                    one = Action(action.label, action.family, action.exact, how, element=action.element)
                    moved.append(carry.move(one, piece, part.field.rep))
            return torch.cat([m.reshape(len(x), -1) for m in moved], dim=1)

        def move(x: Tensor, rep: Representation | None) -> Tensor:
            return through(action.move, x, rep)

        def undo(x: Tensor, rep: Representation | None) -> Tensor:
            return through(action.undo, x, rep)

        apart = all(p.field is None or len(p.shape) == carry.ndim - 1 for p in self.parts)
        return Action(
            action.label,
            action.family,
            action.exact,
            move,
            action.generator,
            action.parameter,
            undo if apart and action.undo is not None and not action.exact else None,
            action.element,
        )

    def describe(self) -> dict[str, Any]:
        """The parts, in words."""
        return {"domain": self.name, "parts": [[p.name, list(p.shape), repr(p.field)] for p in self.parts]}

    def __repr__(self) -> str:
        return " and ".join(f"{p.name}: {'stays' if p.field is None else p.field}" for p in self.parts)


class _Rows:
    """A split whose samples are joined."""

    def __init__(self, split: Any) -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split)

    def batch(self, indices: Any) -> tuple[Tensor, Any]:
        x, targets = self.split.batch(indices)
        return _join(x), targets


@dataclass
class _Given:
    """Samples that were given with their labels."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Any) -> tuple[Tensor, Tensor]:
        return self.x[indices], self.y[indices]


def together(data: Any, in_field: Any, most: int | None = None) -> tuple[Any, Any, Route | None, list[str]]:
    """Join the inputs of a model that takes several.

    Args:
        data: anything that audits take; a tuple, list or mapping of tensors, or a split whose batches are such, is
            joined.
        in_field: one field, which is that of the first part; or one for every part, None for those that stay.
        most: how many positional inputs the model takes; a tuple with one more ends in labels.

    Returns:
        The data and the field that the audit goes on with, how to call the model (None: as ever), and what was guessed.

    Raises:
        FieldError: the parts do not fit the fields or each other.
    """
    data = as_signal(data)
    split = getattr(data, "test", data)
    drawn = callable(getattr(split, "batch", None)) and hasattr(split, "__len__")
    value = split.batch(torch.arange(1))[0] if drawn and len(split) else data
    if not _is_several(value):
        if isinstance(in_field, (tuple, list, Mapping)):
            raise FieldError("several fields are declared, but the data are one tensor. Fix: give a tuple or a mapping")
        return data, in_field, None, []
    value, targets, words = _without_labels(value, in_field, most)
    names = list(value) if isinstance(value, Mapping) else [str(i) for i in range(len(value))]
    tensors = list(value.values()) if isinstance(value, Mapping) else list(value)
    if not tensors or any(not isinstance(t, Tensor) or t.ndim < 1 for t in tensors):
        raise FieldError("several inputs must be tensors [B, …]; for graphs give one Signal")
    if len({len(t) for t in tensors}) != 1:
        raise DataError(f"the inputs have different numbers of samples: {[len(t) for t in tensors]}")
    if len(tensors[0]) == 0:
        raise DataError("the batch to audit on is empty; give at least one sample")
    fields, guess = _fields(names, in_field)
    parts = tuple(_part(n, t, f) for n, t, f in zip(names, tensors, fields, strict=True))
    lead = max(
        (i for i, f in enumerate(fields) if f is not None),
        key=lambda i: (len(parts[i].shape), -i),
        default=None,
    )
    if lead is None:
        raise FieldError("every input stays, so there is nothing to audit. Fix: give in_field a field for one of them")
    field = fields[lead]
    for part in parts:
        if part.field is not None and field is not None and part.field.group != field.group:
            raise FieldError(
                f"input {part.name!r} is declared for {part.field.group}, but input {parts[lead].name!r} for "
                f"{field.group}; one element has to move them all. Fix: declare both for one group"
            )
    space = Together(parts, isinstance(value, Mapping), lead)
    joint = Field(space, sum(p.size for p in parts) * field.group.trivial)  # type: ignore[union-attr]
    if len(parts) == 1 and not space.named and parts[0].dtype is None:
        return (tensors[0] if targets is None else _Given(tensors[0], targets)), field, None, words
    joined: Any = _Rows(split) if drawn else _join(value)
    if targets is not None:
        joined = _Given(joined, targets)
    return joined, joint, Route(custom=space.arguments), words + guess


def _is_several(value: Any) -> bool:
    if isinstance(value, Tensor) or hasattr(value, "on"):
        return False
    if isinstance(value, Mapping):
        return True
    return isinstance(value, (tuple, list)) and len(value) > 0 and all(isinstance(v, Tensor) for v in value)


def _without_labels(value: Any, in_field: Any, most: int | None) -> tuple[Any, Tensor | None, list[str]]:
    """Labels that came along, as in the batches of a loader."""
    if isinstance(value, Mapping):
        declared = in_field if isinstance(in_field, Mapping) else {}
        found = next((n for n in TARGETS if n in value and n not in declared), None)
        if found is None:
            return value, None, []
        rest = {k: v for k, v in value.items() if k != found}
        return rest, value[found], [f"{found!r} holds the labels, not an input"]
    last = value[-1]
    surplus = most is not None and len(value) == most + 1 and len(value) > 1
    if surplus and not last.is_floating_point() and last.ndim == 1:
        return value[:-1], last, ["the last tensor of the data holds the labels, not an input"]
    return value, None, []


def _fields(names: list[str], in_field: Any) -> tuple[list[Field | None], list[str]]:
    if isinstance(in_field, Mapping):
        unknown = [n for n in in_field if n not in names]
        if unknown:
            raise FieldError(f"in_field names {', '.join(unknown)}, but the inputs are {', '.join(names)}")
        left = [n for n in names if n not in in_field]
        words = [f"nothing is declared for {', '.join(left)}: it stays"] if left else []
        return [in_field.get(n) for n in names], words
    if isinstance(in_field, (tuple, list)):
        if len(in_field) != len(names):
            raise FieldError(
                f"{len(names)} inputs need as many fields, got {len(in_field)}. Fix: None for one that stays"
            )
        return list(in_field), []
    if in_field is None:
        raise FieldError("nothing says which symmetry the inputs have. Fix: in_field=(field, None, …), one an input")
    if len(names) == 1:
        return [in_field], []
    return [in_field, *[None] * (len(names) - 1)], [
        f"in_field is that of the first input, {names[0]!r}; the others ({', '.join(names[1:])}) stay"
    ]


def _part(name: str, x: Tensor, field: Field | None) -> Part:
    if field is not None:
        if x.ndim < 2:
            raise FieldError(f"input {name!r} has a field, so it needs channels [B, C, …]; got shape {list(x.shape)}")
        check_channels(field, x.shape[1], f"input {name!r}")
    if not x.is_floating_point() and x.numel() and int(x.abs().max() if x.dtype != torch.bool else 1) > 1 << 24:
        raise FieldError(f"input {name!r} holds whole numbers above 2²⁴, which audits in float32 would round")
    return Part(name, tuple(x.shape[1:]), None if x.is_floating_point() else x.dtype, field)


def _join(value: Any) -> Tensor:
    tensors = list(value.values()) if isinstance(value, Mapping) else list(value)
    kind = next((t.dtype for t in tensors if t.is_floating_point()), torch.get_default_dtype())
    return torch.cat([t.reshape(len(t), -1).to(kind) for t in tensors], dim=1)
