"""Data augmentation by name, seeded step by step so that interrupted training repeats itself."""

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from erlangen.adapt.bend import RandomElastic, RandomPerspective, TimeWarp
from erlangen.adapt.compose import Compose
from erlangen.adapt.elements import RandomElement
from erlangen.adapt.light import CHANGES, RandomColour, RandomLight, RandomNoise
from erlangen.adapt.relabel import RandomEdgeOrder, RandomNames
from erlangen.adapt.turn import RandomMatrix
from erlangen.adapt.volumes import RandomRotation
from erlangen.adapt.warp import RandomWarp
from erlangen.blueprint import Field, Space, Task
from erlangen.errors import DomainError, MissingExtra, UnknownName
from erlangen.graphs import Graphs
from erlangen.grids import Grid, Strand, rotate
from erlangen.grids.hexagon import HexGrid, turn_cells
from erlangen.point import Point
from erlangen.symmetry import FiniteGroup

Augmentation = Callable[[Any, torch.Generator], Any]
COLOURS: dict[str, tuple[str, ...]] = {"colour": CHANGES, **{name: (name,) for name in CHANGES}}
BENT = ("warp", "upright-warp", "perspective", "elastic", "time-warp")  # interpolate, and leave dense targets behind
NAMES = ("none", "rotation", *BENT, *COLOURS, "illumination", "noise", "relabel", "edge-order")
KORNIA = (*COLOURS, "perspective", "elastic")


def augmentation(
    name: "str | None",
    space: Space,
    field: "Callable[[str], Field] | None" = None,
    task: "Task | None" = None,
) -> "Augmentation | None":
    """The random transformation of a batch with this name.

    Args:
        name: one or several of these, "C4+colour+noise", each drawn for every example: the name of a group of the
            domain ("C4", "D1" for mirrors, "O", "RC" for the reverse complement, "SO(3)" of vectors), a uniform
            element; "rotation", a uniform angle of images, a uniform rotation of volumes; "warp", such an angle with a
            change of size, a shear and an elastic deformation, "upright-warp", the same without the angle; "elastic"
            and "perspective" of images; "time-warp" of sequences on Grid(1); "hue", "saturation", "brightness",
            "contrast" of images with values in [0, 1], "colour", all of them; "illumination" of any grid; "noise";
            "relabel" and "edge-order" of graphs; "none" or None for no augmentation.
        space: the domain of the signals.
        field: `field(group)` is the type of the signals under the group of that name; None: one scalar channel.
        task: what the targets are, where they move with the signal.

    Returns:
        `augment(signal, generator) -> signal`, or None.

    Raises:
        UnknownName: no such augmentation.
        DomainError: the domain cannot be moved so, or the targets cannot.
        MissingExtra: changes of colour, perspective and elastic ones need kornia.
    """
    words = [word for word in re.split(r"\s*\+(?!\()\s*", name or "none") if word != "none"]
    steps = [_step(word, space, field, task) for word in words]
    return Compose(steps) if len(steps) > 1 else steps[0] if steps else None


def _step(name: str, space: Space, field: "Callable[[str], Field] | None", task: "Task | None") -> Augmentation:
    if name not in NAMES:
        return _element(name, space, field, task)
    _check_domain(name, space)
    if task is not None and task.dense and (name in BENT or (name == "rotation" and _axes(space) == 2)):
        raise DomainError(
            f"augmentation by {name!r} would leave the targets behind, which live on the domain. "
            "Fix: name a group whose elements are exact, such as 'C4'."
        )
    if name in KORNIA and find_spec("kornia") is None:
        raise MissingExtra("kornia", "vision")
    made: dict[str, Callable[[], Augmentation]] = {
        "rotation": lambda: _rotation(space, task),
        "warp": RandomWarp,
        "upright-warp": lambda: RandomWarp(turns=False),
        "perspective": RandomPerspective,
        "elastic": RandomElastic,
        "time-warp": TimeWarp,
        "illumination": RandomLight,
        "noise": RandomNoise,
        "relabel": lambda: RandomNames(task),
        "edge-order": RandomEdgeOrder,
    }
    return RandomColour(COLOURS[name]) if name in COLOURS else made[name]()


def _element(name: str, space: Space, field: "Callable[[str], Field] | None", task: "Task | None") -> Augmentation:
    """A uniform element of the group of this name."""
    try:
        found = field(name) if field is not None else space.field(name)
    except UnknownName as error:
        raise UnknownName("augmentation", name, (*NAMES, space.symmetries().name)) from error
    if isinstance(space, Point) and not isinstance(found.group, FiniteGroup):
        return RandomMatrix(found, task)
    return RandomElement(found, task)


def _axes(space: Space) -> int:
    """Axes of a grid; 0 of any other domain, and of a strand, whose letters are no measurements."""
    return space.d if isinstance(space, Grid) and not isinstance(space, Strand) else 0


def _check_domain(name: str, space: Space) -> None:
    """Raise if signals on this domain cannot be changed so."""
    axes, hexagons = _axes(space), isinstance(space, HexGrid)
    fits = {
        "rotation": ("Grid(2), HexGrid() or Grid(3)", axes in (2, 3)),
        "time-warp": ("Grid(1)", axes == 1),
        "illumination": ("a grid", axes > 0),
        "noise": ("a grid, a point or a graph", axes > 0 or not isinstance(space, Grid)),
        "relabel": ("Graphs()", isinstance(space, Graphs)),
        "edge-order": ("Graphs()", isinstance(space, Graphs)),
    }
    wanted, good = fits.get(name, ("Grid(2)", axes == 2 and not hexagons))
    if not good:
        raise DomainError(f"augmentation by {name!r} needs signals on {wanted}, got {space}")


def _rotation(space: Space, task: "Task | None") -> Augmentation:
    if _axes(space) == 3:
        return RandomRotation(task)
    return random_turn_of_cells if isinstance(space, HexGrid) else random_rotation


def random_rotation(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every image turned by its own uniform angle, x: [B, C, n, n].

    Bicubic interpolation: bilinear blurs, and the network would train on softer images than it is tested on.
    """
    return rotate(x, 360.0 * torch.rand(len(x), generator=generator).to(x.device), "bicubic")


def random_turn_of_cells(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every hexagonal signal turned by its own uniform angle, x: [B, C, 2R+1, 2R+1]."""
    return turn_cells(x, 360.0 * torch.rand(len(x), generator=generator).to(x.device), "bicubic")
