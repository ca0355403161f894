"""One linear map along each axis of a grid, as matrix products.

Resampling a volume is separable: a small matrix along z, one along y, one along x. As products of matrices that costs a
fraction of a depthwise convolution with strides, whose gradient torch computes slowly in three dimensions, and it runs
in the precision that the signal has.
"""

from collections.abc import Sequence
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor


def along_axes(x: Float[Tensor, "b c *space"], matrices: Sequence[Tensor | None]) -> Float[Tensor, "b c *moved"]:
    """Apply M_a along every axis a: y[…, i, …] = Σ_j M_a[i, j] x[…, j, …].

    The memory order of x is kept, channels first or last.

    Args:
        x: the signal.
        matrices: [outputs, inputs] for every axis of the space; None leaves the axis as it is.
    """
    last = not x.is_contiguous()
    y = x.movedim(1, -1) if last else x
    first = 1 if last else 2
    with torch.autocast(x.device.type, enabled=False):
        for axis, matrix in enumerate(matrices, start=first):
            if matrix is None:
                continue
            before, n, after = y.shape[:axis], y.shape[axis], y.shape[axis + 1 :]
            lines = y.reshape(prod(before), n, prod(after))
            y = torch.matmul(matrix.to(y), lines).reshape(*before, matrix.shape[0], *after)
    return y.movedim(-1, 1) if last else y


def filter_matrix(taps: Float[Tensor, " k"], n: int, stride: int, padding: int) -> Float[Tensor, "m n"]:
    """The matrix that filters n samples and keeps every s-th: M[i, j] = taps[j - s i + p], zero outside.

    Args:
        taps: the filter.
        n: samples.
        stride: step s.
        padding: zeros p on both sides.
    """
    outputs = (n + 2 * padding - len(taps)) // stride + 1
    place = torch.arange(n)[None, :] - stride * torch.arange(outputs)[:, None] + padding
    inside = (place >= 0) & (place < len(taps))
    return torch.where(inside, taps[place.clamp(0, len(taps) - 1)], 0.0)


def linear_matrix(positions: Float[Tensor, " m"], n: int) -> Float[Tensor, "m n"]:
    """The matrix that interpolates linearly between n samples at positions in [0, n-1]; beyond, the last counts."""
    gap = positions.clamp(0, n - 1)[:, None] - torch.arange(n, dtype=positions.dtype)[None, :]
    return (1.0 - gap.abs()).clamp(min=0.0)
