"""Data augmentation by group actions, seeded step by step so that interrupted training repeats itself."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from erlangen.blueprint import Space
from erlangen.errors import DomainError, UnknownName
from erlangen.grids import Grid, rotate

Augmentation = Callable[[Any, torch.Generator], Any]
NAMES = ("none", "rotation")


def augmentation(name: "str | None", space: Space) -> "Augmentation | None":
    """The random transformation of a batch with this name.

    Args:
        name: "rotation", a uniform angle in [0°, 360°) for every image; "none" or None for no augmentation.
        space: the domain of the signals.

    Returns:
        `augment(signal, generator) -> signal`, or None.

    Raises:
        UnknownName: no such augmentation.
        DomainError: the domain cannot be moved so.
    """
    if name in (None, "none"):
        return None
    if name != "rotation":
        raise UnknownName("augmentation", name, NAMES)
    if not isinstance(space, Grid) or space.d != 2:
        raise DomainError(f"augmentation by rotation needs images on Grid(2), got {space}")
    return random_rotation


def random_rotation(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every image turned by its own uniform angle, x: [B, C, n, n].

    Bicubic interpolation: bilinear blurs, and the network would train on softer images than it is tested on.
    """
    return rotate(x, 360.0 * torch.rand(len(x), generator=generator).to(x.device), "bicubic")
