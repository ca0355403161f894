"""The dial: a family of transformations in the order in which the hand meets them, each with its way back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlangen.blueprint import Action, Signal, Space
from erlangen.errors import UnknownName
from erlangen.graphs import Graphs
from erlangen.grids.groups import is_signed_permutation, matrix_of
from erlangen.grids.moves import move_points
from erlangen.symmetry import FiniteGroup, Representation

MIRROR = np.diag([-1.0, 1.0])
ANGLES = tuple(range(0, 360, 5))


@dataclass(frozen=True)
class Element:
    """One position of the dial.

    Args:
        label: what prints, such as "30°".
        parameter: its place on the dial.
        action: how it moves signals and features; between the elements of a finite group, channels by the nearest one.
        inverse: the way back; None where there is none (a mutation).
        member: whether it is an element of the group, so that the law is promised.
        step: (shift, size of the input) of a shift, which a coarser map follows by whole cells only sometimes.
    """

    label: str
    parameter: float
    action: Action
    inverse: Action | None
    member: bool = True
    step: tuple[int, int] | None = None

    def holds_on(self, value: Any) -> bool:
        """Whether the law says anything about a feature: shifts by whole cells of it, and whatever has a way back."""
        if self.step is None or not isinstance(value, Tensor) or value.ndim < 3:
            return self.inverse is not None
        shift, size = self.step
        return (shift * value.shape[-1]) % size == 0


@dataclass(frozen=True)
class Motion:
    """A dial.

    Args:
        name: as the address has it.
        title: as the page has it.
        dial: "ring" for angles, "line" otherwise.
        unit: of the parameter.
        elements: the positions; the first is the identity.
        law: whether it is a symmetry; otherwise the dial shows how far the output moves.
        shifts: whether it shifts, so that a layer is judged by its error under shifts.
    """

    name: str
    title: str
    dial: str
    unit: str
    elements: tuple[Element, ...]
    law: bool = True
    shifts: bool = False

    def at(self, index: int) -> Element:
        """The element at a position.

        Raises:
            UnknownName: there is no such position.
        """
        if not 0 <= index < len(self.elements):
            raise UnknownName("position of the dial", index, [f"0 to {len(self.elements) - 1}"])
        return self.elements[index]


def action(label: str, family: str, exact: bool, move: Callable[..., Any], element: Any = None) -> Action:
    """An `Action` of this motion."""
    return Action(label, family, exact, move, element=element)


def plane_turns(group: Any, mirrored: bool = False) -> Motion:
    """Turns of images in steps of 5°, after a mirror if asked: exact at right angles, bicubic between."""
    elements = []
    for angle in ANGLES:
        a = np.deg2rad(angle)
        matrix = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]).round(12)
        matrix = matrix @ MIRROR if mirrored else matrix
        nearest, member = _nearest(group, matrix)
        exact = is_signed_permutation(matrix)
        there = action(f"{angle}°", group.name, exact, _turner(matrix, nearest), nearest)
        back = action(
            f"-{angle}°", group.name, exact, _turner(matrix.T, group.inverse(nearest)), group.inverse(nearest)
        )
        elements.append(Element(f"{angle}°", angle, there, back, member))
    name, title = ("mirror", "mirror, then turn") if mirrored else ("turn", "turn")
    return Motion(name, title, "ring", "°", tuple(elements))


def _turner(matrix: np.ndarray, g: Any) -> Callable[[Tensor, Representation | None], Tensor]:
    def move(x: Tensor, rep: Representation | None) -> Tensor:
        moved = move_points(x, matrix)
        return moved if rep is None else rep.apply(g, moved, dim=1)

    return move


def _nearest(group: Any, matrix: np.ndarray) -> tuple[Any, bool]:
    """The element whose matrix is nearest, and whether it is this one; of an infinite group it always is."""
    if not isinstance(group, FiniteGroup):
        return (matrix, True) if np.linalg.det(matrix) > 0 or group.has_reflections else (np.eye(2), False)
    gaps = [float(np.abs(matrix_of(group, g, 2) - matrix).max()) for g in group.elements]
    best = int(np.argmin(gaps))
    return list(group.elements)[best], gaps[best] < 1e-6


def line_shifts(
    space: Space, group: Any, size: int, g: Any = None, name: str = "shift", title: str = "shift"
) -> Motion:
    """Shifts by whole points round the end of the last axis, after the element g if there is one."""
    elements = []
    for shift in range(size):
        there = _Shifted(space, group, g, shift, size)
        family = "translation" if g is None else group.name
        forward = action(f"{shift:+d}", family, True, there.move, g)
        back = action(f"{-shift:+d}", family, True, there.back, None if g is None else group.inverse(g))
        elements.append(
            Element(
                f"{shift:+d}" if g is None else f"{title.split(',')[0]}, {shift:+d}",
                shift,
                forward,
                back,
                True,
                (shift, size),
            )
        )
    return Motion(name, title, "line", "", tuple(elements), shifts=g is None)


class _Shifted:
    """x ↦ shift(g·x) and back, at the scale of whatever map it meets."""

    def __init__(self, space: Any, group: Any, g: Any, shift: int, size: int) -> None:
        self.space, self.group, self.g, self.shift, self.size = space, group, g, shift, size

    def move(self, x: Tensor, rep: Representation | None) -> Tensor:
        return self._element(x, rep, self.g).roll(self._cells(x), -1)

    def back(self, x: Tensor, rep: Representation | None) -> Tensor:
        g = None if self.g is None else self.group.inverse(self.g)
        return self._element(x.roll(-self._cells(x), -1), rep, g)

    def _cells(self, x: Tensor) -> int:
        return round(self.shift * x.shape[-1] / self.size)

    def _element(self, x: Tensor, rep: Representation | None, g: Any) -> Tensor:
        if g is None:
            return x
        moved = self.space.move_points(g, x, self.group)
        return moved if rep is None else rep.apply(g, moved, dim=1)


def listed(space: Any, group: FiniteGroup, name: str, title: str, elements: Sequence[Any] | None = None) -> Motion:
    """The elements of a finite group one by one, all exact."""
    found = []
    for i, g in enumerate(group.elements if elements is None else elements):
        there, back = _Shifted(space, group, g, 0, 1), _Shifted(space, group, group.inverse(g), 0, 1)
        label = group.label(g)
        forward, inverse = (action(label, group.name, True, m.move, m.g) for m in (there, back))
        found.append(Element(label, i, forward, inverse))
    return Motion(name, title, "line", "", tuple(found))


def relabellings(space: Graphs, nodes: int, seed: int = 3, steps: int = 24) -> Motion:
    """New names for the nodes, one more swap at every step, until the order is lost."""
    draw = torch.Generator().manual_seed(seed)
    order, elements = torch.arange(nodes), []
    for step in range(steps + 1):
        if step:
            a, b = torch.randperm(nodes, generator=draw)[:2].tolist() if nodes > 1 else (0, 0)
            order = order.clone()
            order[[a, b]] = order[[b, a]]
        there, back = _Renamed(space, order), _Renamed(space, torch.argsort(order))
        label = "as listed" if step == 0 else f"{step} swap{'s' if step > 1 else ''}"
        forward, inverse = (action(label, "permutation", True, m.move) for m in (there, back))
        elements.append(Element(label, step, forward, inverse))
    return Motion("relabel", "rename the nodes", "line", " swaps", tuple(elements))


class _Renamed:
    def __init__(self, space: Graphs, order: Tensor) -> None:
        self.space, self.order = space, order

    def move(self, signal: Signal, rep: Representation | None) -> Signal:
        return self.space.act(self.order, signal, rep)


def changes(
    name: str, title: str, unit: str, make: Callable[[int], tuple[str, Callable[..., Any]]], count: int
) -> Motion:
    """A change that is no symmetry, ever larger.

    Args:
        name: as the address has it.
        title: as the page has it.
        unit: of the parameter.
        make: `make(k)` is the label and the function of the k-th change; the 0th changes nothing.
        count: how many there are.
    """
    elements = []
    for k in range(count):
        label, move = make(k)
        elements.append(Element(label, k, action(label, name, True, move), None, False))
    return Motion(name, title, "line", unit, tuple(elements), law=False)
