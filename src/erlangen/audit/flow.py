"""One-parameter groups of transformations, exp(tA), that move signals smoothly: what a Lie derivative follows."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.carry import UnknownAction
from erlangen.blueprint import Field, Signal
from erlangen.errors import UnknownName
from erlangen.symmetry import Group, Representation

Time = float | Tensor


@runtime_checkable
class Motion(Protocol):
    """(x, t) → exp(tA)·x, and its derivative."""

    def __call__(self, x: Tensor, t: Time) -> Tensor:
        """exp(tA)·x."""
        ...

    def tangent(self, x: Tensor) -> Tensor:
        """A·x."""
        ...


@dataclass(frozen=True)
class Flow:
    """t ↦ exp(tA) on signals.

    Args:
        name: of the generator A, such as "shift-x", "rotation" or an element of a Lie algebra.
        family: what it belongs to: "translation", "rotation", "scale", "colour", or the name of a group.
        unit: of the parameter t, such as "pixels" or "radians".
        times: where on its range a curve of errors is measured.
        points: how the points move while channels stay, or the colours of every point; None on vectors.
        channels: representation of the channels → the generator on them [C, C], None where they stay; raises
            `UnknownAction` where the flow says nothing about them.
        invariant: whether everything but the input is expected to stay (colour).

    Law: exp(sA) exp(tA) = exp((s+t)A), up to interpolation.
    """

    name: str
    family: str
    unit: str
    times: tuple[float, ...]
    points: Motion | None
    channels: Callable[[Representation], np.ndarray | None]
    invariant: bool = False

    def move(self, x: Tensor, t: Time, rep: Representation | None) -> Tensor:
        """exp(tA)·x on a map or a vector whose channels carry `rep` (None: they stay)."""
        generator = None if rep is None else self.channels(rep)
        if self.points is not None and x.ndim > 2:
            x = self.points(x, t)
        if generator is None:
            return x
        turn = torch.matrix_exp(torch.as_tensor(t, dtype=torch.float64) * torch.from_numpy(generator)).to(x)
        return torch.einsum("ij,bj...->bi...", turn, x)

    def tangent(self, x: Tensor, rep: Representation | None) -> Tensor:
        """A·x = d/dt exp(tA)·x at t = 0."""
        generator = None if rep is None else self.channels(rep)
        found = self.points.tangent(x) if self.points is not None and x.ndim > 2 else torch.zeros_like(x)
        if generator is None:
            return found
        return found + torch.einsum("ij,bj...->bi...", torch.from_numpy(generator).to(x), x)

    def carry(self, signal: Tensor, value: Tensor, t: Time, rep: Representation | None) -> Tensor:
        """exp(tA) on a value met in a network that was fed `signal`.

        Tokens [B, N, C] are read as a map of patches where N is the number of equal patches that tile the signal, or
        one more.

        Raises:
            UnknownAction: the value is neither a map on the domain, nor tokens, nor a vector.
        """
        return value if self.stays(signal, value, rep) else _on_maps(value, signal, lambda x: self.move(x, t, rep))

    def carry_tangent(self, signal: Tensor, value: Tensor, rep: Representation | None) -> Tensor:
        """A on a value met in a network that was fed `signal` (see `carry`)."""
        if self.stays(signal, value, rep):
            return torch.zeros_like(value)
        return _on_maps(value, signal, lambda x: self.tangent(x, rep), still=0.0)

    def stays(self, signal: Tensor, value: Tensor, rep: Representation | None) -> bool:
        """Whether a value is expected not to move at all.

        Raises:
            UnknownAction: nothing is known about it.
        """
        if self.invariant:
            return True
        if value.ndim == signal.ndim and value.ndim > 2 and max(value.shape[2:]) > 1:
            if rep is not None and rep.size != value.shape[1] and self.channels(rep) is not None:
                raise UnknownAction(f"{rep} is not the representation of {value.shape[1]} channels")
            return False
        if value.ndim <= 2 or (value.ndim == signal.ndim and max(value.shape[2:]) == 1):
            return rep is None or value.ndim < 2 or rep.size != value.shape[1] or self.channels(rep) is None
        if patches_of(signal, value) is not None:
            return False
        raise UnknownAction(f"no action of {self.name} is known on a tensor of shape {list(value.shape)}")


def patches_of(signal: Tensor, value: Tensor) -> tuple[int, ...] | None:
    """The map of patches that tokens [B, N, C] or [B, N+1, C] of a signal [B, C, *space] make, such as (8, 8), or None.

    Patches are taken to be cubes that tile the signal, at least two along every axis.
    """
    sides = tuple(signal.shape[2:])
    if len(sides) < 2 or value.ndim != 3 or value.ndim == signal.ndim:
        return None
    for side in range(1, min(sides) // 2 + 1):
        if all(n % side == 0 for n in sides):
            shape = tuple(n // side for n in sides)
            if value.shape[1] in (prod(shape), prod(shape) + 1):
                return shape
    return None


def _on_maps(value: Tensor, signal: Tensor, change: Callable[[Tensor], Tensor], still: float = 1.0) -> Tensor:
    """A change of maps, on a map or on tokens; a token beside the patches is multiplied by `still`."""
    shape = patches_of(signal, value)
    if shape is None:
        return change(value)
    extra = value.shape[1] - prod(shape)
    moved = change(value[:, extra:].mT.unflatten(2, shape)).flatten(2).mT
    return torch.cat([still * value[:, :extra], moved], 1)


def flows_of(field: Field, signal: Any, names: "tuple[str, ...] | None" = None, sampling: str = "spline") -> list[Flow]:
    """The one-parameter groups that move the signals of a field.

    On grids: shifts, rotations, scale, shear and hyperbolic rotations, and of colour images hue, saturation and
    exposure. On vectors under a Lie group: its Lie algebra. Where the symmetries are discrete (permutations of the
    nodes of a graph, the letters of a strand), none.

    Args:
        field: type of the input.
        signal: an input.
        names: of the generators that are wanted, all if None.
        sampling: "spline", "bicubic" or "fourier", how grids are read between the pixels.

    Raises:
        UnknownName: no such generator.
    """
    from erlangen.audit.grid_flows import grid_flows
    from erlangen.grids import Grid

    if isinstance(signal, Signal):
        found: list[Flow] = []
    elif isinstance(field.space, Grid):
        found = grid_flows(field, signal, sampling)
    else:
        found = [_algebra_flow(field.group, name) for name in field.group.algebra]
    if names is None:
        return found
    for name in names:
        if name not in [f.name for f in found]:
            raise UnknownName(f"generator on {field}", name, [f.name for f in found])
    return [f for f in found if f.name in names]


def _algebra_flow(group: Group, name: str) -> Flow:
    def channels(rep: Representation) -> np.ndarray | None:
        if rep.group != group:
            raise UnknownAction(f"{rep} of {rep.group} says nothing about {group}")
        return None if rep.is_trivial else rep.derivative(name)

    times = tuple(round(t, 3) for t in np.linspace(-1, 1, 9) if t)
    return Flow(name, group.name, "units of the algebra", times, None, channels)
