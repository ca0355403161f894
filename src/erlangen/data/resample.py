"""Resampling volumes: to cubes of voxels, so that the rotations of the cube are symmetries, and back.

Linear interpolation along each axis, about the common centre; where voxels grow, the interpolating hat grows with them,
so that nothing aliases. Mirroring and exchanging axes commute with it.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from erlangen.data.volume import Volume
from erlangen.errors import DataError
from erlangen.grids.axes import along_axes

MOST_GROWTH, MOST_VOXELS = 1000, 1e7  # a volume that becomes larger than both has another unit of length
SLAB = 1 << 20  # voxels whose places are computed at a time


def isotropic(volume: Volume, spacing: float | None = None, labels: bool = False) -> Volume:
    """The volume on voxels of equal spacing along all axes, over the same field of view (rounded up to whole voxels).

    Args:
        volume: any volume.
        spacing: of the new voxels in mm; None takes the smallest one the volume has.
        labels: whether the values are labels: each label is resampled on its own and the largest share wins.

    Raises:
        DataError: the spacing is not positive.
    """
    return on_voxels(volume, voxel_size(min(volume.spacing) if spacing is None else spacing, volume.name), labels)


def on_voxels(volume: Volume, spacing: Sequence[float], labels: bool = False) -> Volume:
    """The volume on voxels of that spacing along z, y, x, over the same field of view (rounded up to whole voxels).

    Raises:
        DataError: there would be so many voxels that the unit of length must be another one.
    """
    sides = zip(volume.shape, volume.spacing, spacing, strict=True)
    shape = [max(1, int(np.ceil(n * old / new - 1e-6))) for n, old, new in sides]
    growth = math.prod(shape) / math.prod(volume.shape)
    if growth > MOST_GROWTH and math.prod(shape) > MOST_VOXELS:
        raise DataError(
            f"{volume.name}: voxels of {volume.spacing} mm would become {growth:,.0f} times as many of "
            f"{tuple(spacing)} mm. Fix: check the unit of length in the file, and the spacing that is asked for."
        )
    return resampled(volume, spacing, shape, labels)


def voxel_size(spacing: "float | Sequence[float]", name: str) -> tuple[float, float, float]:
    """The spacing of voxels along z, y, x in mm.

    Args:
        spacing: one number for cubes, or one for each of z, y, x.
        name: of what has these voxels, for messages.

    Raises:
        DataError: not one or three positive numbers.
    """
    try:
        z, y, x = (float(a) for a in np.broadcast_to(np.asarray(spacing, np.float64), 3))
    except (TypeError, ValueError) as error:
        raise _no_spacing(spacing, name) from error
    if not all(0 < a < math.inf for a in (z, y, x)):
        raise _no_spacing(spacing, name)
    return z, y, x


def _no_spacing(spacing: object, name: str) -> DataError:
    return DataError(
        f"{name}: spacing must be positive, one number of mm or one for each of z, y, x, got {spacing!r}. "
        "Fix: spacing=1.0 or spacing=(2.0, 1.0, 1.0)."
    )


def resampled(volume: Volume, spacing: Sequence[float], shape: Sequence[int], labels: bool = False) -> Volume:
    """The volume on other voxels with the same axes and the same centre.

    Args:
        volume: any volume.
        spacing: of the new voxels along z, y, x, in mm.
        shape: new voxels along z, y, x; those beyond the old field of view repeat its border.
        labels: whether the values are labels, as in `isotropic`.
    """
    ratios = [new / old for new, old in zip(spacing, volume.spacing, strict=True)]
    matrices = [
        None if n == m and abs(r - 1) < 1e-6 else hat_matrix(n, m, r)
        for n, m, r in zip(volume.shape, shape, ratios, strict=True)
    ]
    values = volume.values
    moved = _labels(values, matrices) if labels else along_axes(_floating(values), matrices)[0]
    to_old = np.eye(4)  # from new voxels (i, j, k) to old ones
    for axis, (n, m, r) in enumerate(zip(volume.shape[::-1], list(shape)[::-1], ratios[::-1], strict=True)):
        to_old[axis, axis], to_old[axis, 3] = r, (n - 1) / 2 - r * (m - 1) / 2
    return Volume(moved, volume.affine @ to_old, volume.name)


def hat_matrix(n: int, m: int, ratio: float) -> Tensor:
    """The matrix [m, n] that reads n samples at m places `ratio` apart about the same centre.

    A row is the hat function of width max(1, ratio), normalised to sum 1, so constants stay constant.
    """
    centre = (torch.arange(m, dtype=torch.float64) - (m - 1) / 2) * ratio + (n - 1) / 2
    gap = (centre.clamp(0, n - 1)[:, None] - torch.arange(n, dtype=torch.float64)[None, :]) / max(1.0, ratio)
    hat = (1.0 - gap.abs()).clamp(min=0.0)
    return hat / hat.sum(dim=1, keepdim=True)


def like(labels: Volume, original: Volume) -> Volume:
    """Labels brought back onto the voxels of the volume they were predicted from: same shape, same affine.

    Each label is interpolated linearly between voxels and the largest share wins; outside the field of view it is 0.

    Args:
        labels: [1, z, y, x] labels on a resampled, reoriented or cropped grid.
        original: the volume whose grid is wanted.
    """
    turned = labels.reoriented(original.orientation)
    if turned.shape == original.shape and np.abs(turned.affine - original.affine).max() < 1e-4 * min(original.spacing):
        return Volume(turned.values, original.affine, original.name)
    _, y, x = original.shape
    found = torch.zeros(1, *original.shape, dtype=labels.values.dtype)
    shares = {label: (labels.values == label).float().unsqueeze(0) for label in labels.values.unique().tolist()}
    depth = max(1, SLAB // (x * y))
    for start in range(0, original.shape[0], depth):
        part = slice(start, min(start + depth, original.shape[0]))
        where = _places(labels, original, part)
        best = torch.zeros(1, part.stop - part.start, y, x)
        for label, share in shares.items():
            moved = functional.grid_sample(share, where, padding_mode="zeros", align_corners=False)[0]
            found[:, part] = torch.where(moved > best, torch.full_like(found[:, part], label), found[:, part])
            best = torch.maximum(best, moved)
    return Volume(found, original.affine, original.name)


def _places(seen: Volume, original: Volume, part: slice) -> Tensor:
    """Where slices of the original lie in another volume, [1, z, y, x, 3]; -1 and 1 are its ends, as in grid_sample."""
    matrix = torch.from_numpy(np.linalg.inv(seen.affine) @ original.affine)[:3]
    _, y, x = original.shape
    k, j, i = torch.arange(part.start, part.stop), torch.arange(y), torch.arange(x)
    along = [n.double()[:, None] * matrix[:, axis] for axis, n in enumerate((i, j, k))]
    place = along[2][:, None, None] + along[1][:, None] + along[0] + matrix[:, 3]
    return ((2.0 * place + 1.0) / torch.tensor(seen.shape[::-1]) - 1.0).float().unsqueeze(0)


def _floating(values: Tensor) -> Tensor:
    return (values if values.is_floating_point() else values.float()).unsqueeze(0).contiguous()


def _labels(values: Tensor, matrices: list[Tensor | None]) -> Tensor:
    """The label with the largest interpolated share."""
    known = values.unique()
    best, found = None, None
    for label in known.tolist():
        share = along_axes((values == label).float().unsqueeze(0), matrices)[0]
        if best is None or found is None:
            best, found = share, torch.full_like(share, label, dtype=values.dtype)
        else:
            found = torch.where(share > best, torch.full_like(found, label), found)
            best = torch.maximum(best, share)
    return values if found is None else found
