"""Turns of images by angles in between, by interpolation: for augmentation and for audits with a floor."""

from math import cos, pi, sin

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from erlangen.blueprint import Action
from erlangen.errors import DomainError
from erlangen.symmetry import Representation


def rotate(x: Float[Tensor, "b c n n"], degrees: "float | Tensor", mode: str = "bilinear") -> Float[Tensor, "b c n n"]:
    """Turn square images about their centre, x axis to y axis, with zeros from outside.

    Args:
        x: images [B, C, n, n].
        degrees: one angle, or one for each image [B].
        mode: "bilinear" or "bicubic".
    """
    angle = torch.as_tensor(degrees, dtype=x.dtype, device=x.device).expand(len(x)) * (pi / 180)
    c, s = angle.cos(), angle.sin()
    zero = torch.zeros_like(c)
    theta = torch.stack([torch.stack([c, s, zero], -1), torch.stack([-s, c, zero], -1)], -2)  # g⁻¹ on (x, y)
    where = functional.affine_grid(theta, list(x.shape), align_corners=False)
    return functional.grid_sample(x, where, mode=mode, padding_mode="zeros", align_corners=False)


def turn(degrees: float) -> Action:
    """The interpolated rotation of images by an angle, for audits; vectors turn along, other channels must stay."""

    def move(x: Tensor, rep: Representation | None, degrees: float = degrees) -> Tensor:
        moved = rotate(x, degrees)
        if rep is None or rep.is_trivial:
            return moved
        c, s = cos(degrees * pi / 180), sin(degrees * pi / 180)
        parts = []
        for channels, copies, component in rep.slices():
            block = moved[:, channels]
            if component.name == "standard":
                v = block.unflatten(1, (copies, 2))
                block = torch.stack([c * v[:, :, 0] - s * v[:, :, 1], s * v[:, :, 0] + c * v[:, :, 1]], 2).flatten(1, 2)
            elif component.name != "trivial":
                raise DomainError(
                    f"{component} of {rep.group} is not defined at {degrees:g}°; only trivial and standard are"
                )
            parts.append(block)
        return torch.cat(parts, dim=1)

    def undo(x: Tensor, rep: Representation | None) -> Tensor:
        return move(x, rep, -degrees)

    return Action(f"{degrees:g}°", "rotation", False, move, False, float(degrees), undo)
