"""Data augmentation by group actions, seeded step by step so that interrupted training repeats itself."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from erlangen.adapt.elements import RandomElement
from erlangen.adapt.volumes import RandomRotation
from erlangen.adapt.warp import RandomWarp
from erlangen.blueprint import Field, Space, Task
from erlangen.errors import DomainError, UnknownName
from erlangen.grids import Grid, rotate
from erlangen.grids.hexagon import HexGrid, turn_cells

Augmentation = Callable[[Any, torch.Generator], Any]
NAMES = ("none", "rotation", "warp", "upright-warp")


def augmentation(
    name: "str | None",
    space: Space,
    field: "Callable[[str], Field] | None" = None,
    task: "Task | None" = None,
) -> "Augmentation | None":
    """The random transformation of a batch with this name.

    Args:
        name: "rotation", a uniform angle in [0°, 360°) for every image, a uniform rotation for every volume; "warp",
            such an angle with a change of size, a shear and an elastic deformation of every image; "upright-warp", the
            same without the angle; the name of a finite group of the domain ("C4", "D1" for mirrors, "O", "RC" for the
            reverse complement), a uniform element for every example; "none" or None for no augmentation.
        space: the domain of the signals.
        field: `field(group)` is the type of the signals under the group of that name; None: one scalar channel.
        task: what the targets are, where they move with the signal.

    Returns:
        `augment(signal, generator) -> signal`, or None.

    Raises:
        UnknownName: no such augmentation.
        DomainError: the domain cannot be moved so, or the targets cannot.
    """
    if name in (None, "none"):
        return None
    if name not in NAMES:
        try:
            return RandomElement(field(name) if field is not None else space.field(name), task)
        except UnknownName as error:
            raise UnknownName("augmentation", name, (*NAMES, space.symmetries().name)) from error
    if name != "rotation":
        return _warp(name, space, task)
    if isinstance(space, Grid) and space.d == 3 and not isinstance(space, HexGrid):
        return RandomRotation(task)
    if not isinstance(space, Grid) or space.d != 2:
        raise DomainError(f"augmentation by rotation needs signals on Grid(2), HexGrid() or Grid(3), got {space}")
    if task is not None and task.dense:
        raise DomainError(
            "augmentation by rotation would leave the targets behind, which live on the domain. "
            "Fix: name a group whose elements are exact, such as 'C4'."
        )
    return random_turn_of_cells if isinstance(space, HexGrid) else random_rotation


def _warp(name: str, space: Space, task: "Task | None") -> RandomWarp:
    if not isinstance(space, Grid) or space.d != 2 or isinstance(space, HexGrid):
        raise DomainError(f"augmentation by {name!r} needs signals on Grid(2), got {space}")
    if task is not None and task.dense:
        raise DomainError(
            f"augmentation by {name!r} would leave the targets behind, which live on the domain. "
            "Fix: name a group whose elements are exact, such as 'C4'."
        )
    return RandomWarp(turns=name == "warp")


def random_rotation(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every image turned by its own uniform angle, x: [B, C, n, n].

    Bicubic interpolation: bilinear blurs, and the network would train on softer images than it is tested on.
    """
    return rotate(x, 360.0 * torch.rand(len(x), generator=generator).to(x.device), "bicubic")


def random_turn_of_cells(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every hexagonal signal turned by its own uniform angle, x: [B, C, 2R+1, 2R+1]."""
    return turn_cells(x, 360.0 * torch.rand(len(x), generator=generator).to(x.device), "bicubic")
