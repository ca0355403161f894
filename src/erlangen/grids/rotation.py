"""Turns of images and volumes by angles in between, by interpolation: for augmentation and audits with a floor."""

from math import cos, pi, sin

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from erlangen.blueprint import Action
from erlangen.errors import DomainError
from erlangen.grids.moves import move_points
from erlangen.symmetry import Representation


def rotate(x: Float[Tensor, "b c h w"], degrees: "float | Tensor", mode: str = "bilinear") -> Float[Tensor, "b c h w"]:
    """Turn images about their centre, x axis to y axis, with zeros from outside.

    Args:
        x: images [B, C, h, w]; angles hold between pixels, also where h and w differ.
        degrees: one angle, or one for each image [B].
        mode: "bilinear" or "bicubic".
    """
    dtype = torch.promote_types(x.dtype, torch.float32)  # places need more digits than values
    angle = torch.as_tensor(degrees, dtype=dtype, device=x.device).expand(len(x)) * (pi / 180)
    c, s = angle.cos(), angle.sin()
    zero = torch.zeros_like(c)
    wide = x.shape[-1] / max(1, x.shape[-2])  # the grid runs from -1 to 1 along both axes
    theta = torch.stack([torch.stack([c, s / wide, zero], -1), torch.stack([-s * wide, c, zero], -1)], -2)  # g⁻¹
    where = functional.affine_grid(theta, list(x.shape), align_corners=False)
    turned = functional.grid_sample(x.to(dtype), where, mode=mode, padding_mode="zeros", align_corners=False)
    return turned.to(x.dtype)


def turn(degrees: float) -> Action:
    """The interpolated rotation of images by an angle, for audits; vectors turn along, other channels must stay."""

    def move(x: Tensor, rep: Representation | None, degrees: float = degrees) -> Tensor:
        return _turn_channels(rotate(x, degrees), rep, _about((0.0, 0.0, 1.0), degrees)[:2, :2], f"{degrees:g}°")

    def undo(x: Tensor, rep: Representation | None) -> Tensor:
        return move(x, rep, -degrees)

    return Action(f"{degrees:g}°", "rotation", False, move, False, float(degrees), undo)


def turn_about(axis: tuple[float, float, float], degrees: float) -> Action:
    """The interpolated rotation of cubic volumes about an axis (x, y, z) through the centre, as `turn` of images."""
    named = {(1.0, 0.0, 0.0): "x", (0.0, 1.0, 0.0): "y", (0.0, 0.0, 1.0): "z"}
    label = f"{degrees:g}° about {named.get(axis) or '(' + ', '.join(f'{a:.2f}' for a in axis) + ')'}"

    def move(x: Tensor, rep: Representation | None, degrees: float = degrees) -> Tensor:
        matrix = _about(axis, degrees)
        return _turn_channels(move_points(x, matrix), rep, matrix, label)

    def undo(x: Tensor, rep: Representation | None) -> Tensor:
        return move(x, rep, -degrees)

    return Action(label, "rotation", False, move, False, float(degrees), undo)


def turns_of_volumes(count: int, generator: torch.Generator | None) -> list[Action]:
    """Turns about z by multiples of 15°, and random ones about random axes."""
    axes = functional.normalize(torch.randn(count, 3, generator=generator, dtype=torch.float64), dim=1)
    angles = (torch.rand(count, generator=generator) * 360).tolist()
    found = [turn_about((0.0, 0.0, 1.0), float(angle)) for angle in range(15, 90, 15)]
    for (a, b, c), angle in zip(axes.tolist(), angles, strict=True):
        found.append(turn_about((a, b, c), round(angle, 1)))
    return found


def _turn_channels(moved: Tensor, rep: Representation | None, matrix: np.ndarray, label: str) -> Tensor:
    """Vectors by the matrix, scalars not at all; nothing else is defined between the elements of a finite group."""
    if rep is None or rep.is_trivial:
        return moved
    parts = []
    for channels, copies, component in rep.slices():
        block = moved[:, channels]
        if component.name == "standard":
            turned = torch.as_tensor(matrix, dtype=moved.dtype, device=moved.device)
            v = block.unflatten(1, (copies, len(matrix)))
            block = torch.einsum("ij,bcj...->bci...", turned, v).flatten(1, 2)
        elif component.name != "trivial":
            raise DomainError(f"{component} of {rep.group} is not defined at {label}; only trivial and standard are")
        parts.append(block)
    return torch.cat(parts, dim=1)


def _about(axis: tuple[float, float, float], degrees: float) -> np.ndarray:
    """Rodrigues' formula: the rotation about a unit axis, [3, 3]."""
    x, y, z = axis
    across = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + sin(degrees * pi / 180) * across + (1 - cos(degrees * pi / 180)) * across @ across
