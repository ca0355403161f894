"""Carry a symmetry of the input to any value met inside a network.

An `Action` says how the input moves. Further in, the same symmetry moves feature maps (same motion of the points,
channels by their own representation), graph signals, per-graph vectors and edge lists. Where no motion is known,
`UnknownAction` says so instead of guessing.
"""

from typing import Any

import torch
from torch import Tensor

from erlangen.blueprint import Action, Field, Signal
from erlangen.errors import ErlangenError
from erlangen.symmetry import FiniteGroup, Group, Representation


class UnknownAction(ErlangenError, LookupError):
    """A value inside the network on which the symmetry has no known action."""


class Carrier:
    """Moves the values met in a network the way one action moves its input.

    Args:
        group: the symmetry group that is audited.
        signal: an input of the network: [B, C, *spatial], or a `Signal`.

    Law: with ρ the representation of the channels, (g·x)(u) = ρ(g) x(g⁻¹u) on a map and g·x = ρ(g) x on a vector.
    """

    def __init__(self, group: Group, signal: Tensor | Signal) -> None:
        self.group = group
        self.on = signal.on if isinstance(signal, Signal) else None
        self.rows = signal.x.shape[0] if isinstance(signal, Signal) else signal.shape[0]
        self.ndim = 2 if isinstance(signal, Signal) else signal.ndim

    def rep_of(self, field: Field) -> Representation | None:
        """The representation of the audited group on the channels of a field; None: the channels stay.

        Raises:
            UnknownAction: the field carries a representation of another group that does not restrict to this one.
        """
        if field.group == self.group:
            return field.rep
        if field.rep.is_trivial:
            return None
        if isinstance(self.group, FiniteGroup) and isinstance(field.group, FiniteGroup):
            try:
                return field.rep.restrict(self.group)
            except ErlangenError:
                pass
        raise UnknownAction(f"{field.rep} of {field.group} says nothing about {self.group}")

    def move(self, action: Action, value: Any, rep: Representation | None) -> Any:
        """g·value.

        Args:
            action: the symmetry.
            value: a tensor, a `Signal`, the domain instance itself, or a tuple, list or dict of such.
            rep: representation of the channels (dimension 1); None leaves them alone.

        Raises:
            UnknownAction: a tensor whose layout is neither a map on the domain nor a vector.
        """
        if isinstance(value, Signal):
            if self.on is not None and value.x.shape[0] != self.rows:
                raise UnknownAction(f"the action of {self.rows} points is not known on {value.x.shape[0]}")
            return action.move(value, rep)
        if isinstance(value, Tensor):
            return self._tensor(action, value, rep) if self.on is None else self._rows(action, value, rep)
        if self.on is not None and isinstance(value, type(self.on)):
            return action.move(Signal(torch.zeros(self.rows, 1), value), None).on
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*(self.move(action, v, rep) for v in value))
        if isinstance(value, (tuple, list)):
            return type(value)(self.move(action, v, rep) for v in value)
        if isinstance(value, dict):
            return {k: self.move(action, v, rep) for k, v in value.items()}
        return value

    def lives_on_domain(self, value: Any) -> bool:
        """Whether a tensor or signal is a map on the domain rather than one vector a sample."""
        if isinstance(value, Signal):
            return True
        if not isinstance(value, Tensor):
            return False
        if self.on is not None:
            return value.ndim == 2 and value.shape[0] == self.rows and value.is_floating_point()
        return value.ndim == self.ndim and max(value.shape[2:], default=1) > 1

    def element(self, action: Action) -> Any:
        """The element of the group that an action stands for, as it says itself, or by its label.

        Raises:
            UnknownAction: the action is not an element of the group.
        """
        if action.element is not None and action.family == self.group.name:
            return action.element
        if isinstance(self.group, FiniteGroup):
            for g in self.group.elements:
                if self.group.label(g) == action.label:
                    return g
        raise UnknownAction(f"{action.label} of family {action.family} is not an element of {self.group}")

    def order(self, action: Action, rows: int) -> Tensor:
        """For every row of a moved output, the row it came from, [rows]."""
        index = torch.arange(rows)
        if self.on is None or rows != self.rows:
            return index
        return action.move(Signal(index[:, None].double(), self.on), None).x[:, 0].round().long()

    def _tensor(self, action: Action, x: Tensor, rep: Representation | None) -> Tensor:
        if x.ndim == self.ndim and x.ndim > 2:
            return action.move(x, rep)
        if x.ndim > 2:
            raise UnknownAction(f"no action is known on a tensor of shape {list(x.shape)}")
        if rep is None or rep.is_trivial or x.ndim < 2 or x.shape[1] != rep.size or action.family == "translation":
            return x
        return rep.apply(self.element(action), x)

    def _rows(self, action: Action, x: Tensor, rep: Representation | None) -> Tensor:
        if not x.is_floating_point():
            return self._indices(action, x)
        if x.ndim in (1, 2) and x.shape[0] == self.rows:
            moved = action.move(Signal(x.reshape(self.rows, -1), self.on), rep).x
            return moved.reshape(x.shape)
        if x.ndim <= 2 and x.shape[:1] == (self._graphs(),):
            return x
        raise UnknownAction(
            f"no action is known on a tensor of shape {list(x.shape)} in a network on {self.rows} nodes"
        )

    def _indices(self, action: Action, x: Tensor) -> Tensor:
        """Node numbers are relabelled; numbers of graphs, one a node, move with the nodes."""
        came_from = self.order(action, self.rows)
        if x.ndim == 1 and x.shape[0] == self.rows:
            return x[came_from]
        if x.ndim == 2 and x.shape[0] == 2 and int(x.max()) < self.rows:
            return torch.argsort(came_from)[x]
        raise UnknownAction(f"no action is known on an index tensor of shape {list(x.shape)}")

    def _graphs(self) -> int:
        pointer = getattr(self.on, "graph_ptr", None)
        return 1 if pointer is None else len(pointer) - 1


def tensor_of(value: Any) -> Tensor:
    """The tensor that an audit compares: the signal's values, or the first tensor of a tuple, list or dict.

    Raises:
        UnknownAction: there is none.
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Signal):
        return value.x
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    for part in parts:
        try:
            return tensor_of(part)
        except UnknownAction:
            continue
    raise UnknownAction(f"a {type(value).__name__} holds no tensor to compare")


def main_output(value: Any) -> Any:
    """The tensor or signal of an output; the first one of a tuple, list or dict ("logits" goes first)."""
    if isinstance(value, (Tensor, Signal)):
        return value
    if isinstance(value, dict) and "logits" in value:
        return main_output(value["logits"])
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    for part in parts:
        try:
            return main_output(part)
        except UnknownAction:
            continue
    raise UnknownAction(f"the output is a {type(value).__name__}, which holds no tensor to compare")
