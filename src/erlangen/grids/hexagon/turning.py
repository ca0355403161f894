"""Turns of hexagonal signals by angles in between 60°, by interpolation: for audits with a floor."""

import torch
from torch import Tensor

from erlangen.blueprint import Action
from erlangen.errors import DomainError
from erlangen.grids.hexagon.resample import rotation_matrix, turn_cells
from erlangen.symmetry import Representation


def turn(degrees: float) -> Action:
    """The interpolated turn by an angle; vectors turn along, other channels must stay."""

    def move(x: Tensor, rep: Representation | None, degrees: float = degrees) -> Tensor:
        moved = turn_cells(x, degrees)
        return moved if rep is None or rep.is_trivial else _turn_channels(moved, rep, degrees)

    def undo(x: Tensor, rep: Representation | None) -> Tensor:
        return move(x, rep, -degrees)

    return Action(f"{degrees:g}°", "rotation", False, move, False, float(degrees), undo)


def _turn_channels(x: Tensor, rep: Representation, degrees: float) -> Tensor:
    matrix = torch.from_numpy(rotation_matrix(degrees)).to(x)
    parts = []
    for channels, copies, component in rep.slices():
        block = x[:, channels]
        if component.name == "standard":
            block = torch.einsum("ij,bcj...->bci...", matrix, block.unflatten(1, (copies, 2))).flatten(1, 2)
        elif component.name != "trivial":
            raise DomainError(
                f"{component} of {rep.group} is not defined at {degrees:g}°; only trivial and standard are"
            )
        parts.append(block)
    return torch.cat(parts, dim=1)
