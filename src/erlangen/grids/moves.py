"""How an element of a group moves the points of a signal: by permuting and flipping axes, or by interpolation."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from erlangen.grids.groups import is_signed_permutation


def move_points(signal: Tensor, matrix: np.ndarray) -> Tensor:
    """x(g⁻¹u): the points move, the channels stay.

    Args:
        signal: [..., *space], with as many axes of space as the matrix has rows; [B, C, *space] where the matrix is no
            signed permutation.
        matrix: [d, d], the orthogonal matrix by which g moves (x, y, …). A signed permutation moves pixels to pixels;
            another one interpolates, bicubic in the plane and linear in space, with zeros from outside.
    """
    if is_signed_permutation(matrix):
        return _permute(signal, matrix.round())
    d, dtype = len(matrix), torch.promote_types(signal.dtype, torch.float32)  # places need more digits than values
    sizes = torch.tensor([float(n) for n in reversed(signal.shape[-d:])], dtype=dtype, device=signal.device)
    back = torch.as_tensor(matrix.T.copy(), dtype=dtype, device=signal.device)
    theta = torch.zeros(d, d + 1, dtype=dtype, device=signal.device)
    theta[:, :d] = back * sizes / sizes[:, None]  # in units of half the size of each axis
    where = functional.affine_grid(theta.expand(len(signal), d, d + 1), list(signal.shape), align_corners=False)
    mode = "bicubic" if d == 2 else "bilinear"
    moved = functional.grid_sample(signal.to(dtype), where, mode=mode, padding_mode="zeros", align_corners=False)
    return moved.to(signal.dtype)


def _permute(signal: Tensor, matrix: np.ndarray) -> Tensor:
    d = len(matrix)
    lead = signal.ndim - d
    order, flips = list(range(signal.ndim)), []
    for j in range(d):  # coordinate j of the input goes to coordinate i of the output, with a sign
        i = int(np.abs(matrix[:, j]).argmax())
        order[lead + d - 1 - i] = lead + d - 1 - j
        if matrix[i, j] < 0:
            flips.append(lead + d - 1 - i)
    moved = signal.permute(order)
    return moved.flip(flips) if flips else moved
