"""Carry a symmetry of the input to any value met inside a network.

An `Action` says how the input moves. Further in, the same symmetry moves feature maps (same motion of the points,
channels by their own representation), graph signals, per-graph vectors and edge lists. Where no motion is known,
`UnknownAction` says so instead of guessing.
"""

from typing import Any

import torch
from torch import Tensor

from erlangen.audit.parts import UnknownAction, main_part, mapped, parts_of
from erlangen.blueprint import Action, Field, Signal, Space
from erlangen.errors import ErlangenError
from erlangen.symmetry import FiniteGroup, Group, Representation

__all__ = ["Carrier", "UnknownAction", "carrier_of", "main_output", "tensor_of"]


class Carrier:
    """Moves the values met in a network the way one action moves its input.

    Args:
        group: the symmetry group that is audited.
        signal: an input of the network: [B, C, *spatial], or a `Signal`.
        ndim: axes of a map on the domain; by default those of the signal.

    Law: with ρ the representation of the channels, (g·x)(u) = ρ(g) x(g⁻¹u) on a map and g·x = ρ(g) x on a vector.
    """

    def __init__(self, group: Group, signal: Tensor | Signal, ndim: int | None = None) -> None:
        self.group = group
        self.on = signal.on if isinstance(signal, Signal) else None
        self.rows = signal.x.shape[0] if isinstance(signal, Signal) else signal.shape[0]
        self.ndim = ndim or (2 if isinstance(signal, Signal) else signal.ndim)
        self._edges: dict[int, tuple[Action, Tensor]] = {}

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
        return mapped(value, lambda part: self.move(action, part, rep))

    def move_to(self, space: Space, action: Action, value: Tensor, rep: Representation) -> Tensor:
        """g·value on another domain than that of the input.

        Args:
            space: what the value lives on.
            action: the symmetry.
            value: [B, C, *space].
            rep: representation of the channels, of the audited group.

        Raises:
            UnknownAction: the action is no element of the group, or would have to interpolate there.
        """
        g = self.element(action)
        exact = space.exact_elements(self.group)
        if exact is not None and self.group.label(g) not in {self.group.label(e) for e in exact}:
            raise UnknownAction(f"{action.label} does not map the points of {space} to points")
        try:
            return space.act(g, value, rep)
        except ErlangenError as error:
            raise UnknownAction(f"{action.label} is not known on {space}: {error}") from error

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

    def classes(self, action: Action, rep: Representation | None) -> Tensor | None:
        """Where an action takes every class of an output, [K]; None where they all stay.

        Args:
            action: the symmetry.
            rep: representation of the scores, one channel a class; None: the channels stay.
        """
        if rep is None or rep.is_trivial or not rep.is_permutation or action.family != self.group.name:
            return None
        return rep.apply(self.element(action), torch.eye(rep.size), dim=0).argmax(0)

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
        if x.ndim == 3 and x.shape[:2] == (self.graphs, self.nodes()):  # graphs of equal size, side by side
            return self._rows(action, x.flatten(0, 1), rep).reshape(x.shape)
        if x.ndim <= 2 and x.shape[:1] == (self.graphs,):
            return x
        if x.shape[:1] == (getattr(self.on, "num_edges", None),):
            return x[self.edge_order(action)]
        raise UnknownAction(
            f"no action is known on a tensor of shape {list(x.shape)} in a network on {self.rows} nodes"
        )

    def _indices(self, action: Action, x: Tensor) -> Tensor:
        """Node numbers are relabelled; numbers of graphs, one a node, move with the nodes."""
        came_from = self.order(action, self.rows)
        if x.ndim == 1 and x.shape[0] == self.rows:
            return x[came_from]
        if x.ndim == 2 and x.shape[0] == 2 and int(x.max()) < self.rows:
            renamed = torch.argsort(came_from)[x]
            own = getattr(self.on, "edge_index", None)
            listed = own is not None and torch.equal(x, own())
            return renamed[:, self.edge_order(action)] if listed else renamed
        if x.ndim == 1 and x.shape[0] == getattr(self.on, "num_edges", None):
            return x[self.edge_order(action)]
        raise UnknownAction(f"no action is known on an index tensor of shape {list(x.shape)}")

    def edge_order(self, action: Action) -> Tensor:
        """For every edge of the moved graph, the edge it came from, [E]."""
        if id(action) not in self._edges:
            graph: Any = self.on
            numbered = graph.with_weight(torch.arange(graph.num_edges, dtype=torch.float64))
            moved = action.move(Signal(torch.zeros(self.rows, 1), numbered), None).on
            self._edges[id(action)] = action, moved.weight.round().long()
        return self._edges[id(action)][1]

    def nodes(self) -> int | None:
        """How many nodes every graph has; None where graphs differ."""
        pointer = getattr(self.on, "graph_ptr", None)
        if pointer is None:
            return self.rows
        each = pointer.diff()
        return int(each[0]) if len(each) and bool((each == each[0]).all()) else None

    @property
    def graphs(self) -> int:
        """How many graphs a signal holds."""
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
    for _, part in parts_of(value):
        try:
            return tensor_of(part)
        except UnknownAction:
            continue
    raise UnknownAction(f"a {type(value).__name__} holds no tensor to compare")


def main_output(value: Any) -> Any:
    """The tensor or signal of an output; the first one of a tuple, list, mapping or dataclass ("logits" goes first)."""
    return main_part(value)[1]


def carrier_of(field: Field, signal: Any) -> Carrier:
    """The `Carrier` of a signal of this field; a joint input of several tensors moves maps as its leading one does."""
    return Carrier(field.group, signal, getattr(field.space, "ndim", None))
