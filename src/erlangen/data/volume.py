"""One volume of voxels with its place in space: spacing, orientation, and the way between voxels and millimetres.

The values are a tensor [C, z, y, x], so that coordinate x of a `Grid(3)` is the first axis of a NIfTI array. The affine
is that of the NIfTI standard: millimetres (right, anterior, superior) = A · (i, j, k, 1), with (i, j, k) = (x, y, z).
"""

from dataclasses import dataclass, replace
from math import isclose

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from erlangen.errors import DataError
from erlangen.grids import Grid
from erlangen.grids.space import SAME_SPACING

AXES = ("LR", "PA", "IS")


@dataclass(frozen=True)
class Volume:
    """Values on voxels, and where the voxels lie.

    Args:
        values: [C, z, y, x].
        affine: [4, 4] from voxel (i, j, k) to millimetres, i along x.
        name: what prints in errors, such as the path of the file.

    Raises:
        DataError: the values are not [C, z, y, x], or the affine gives voxels no volume.
    """

    values: Tensor
    affine: NDArray[np.float64]
    name: str = "volume"

    def __post_init__(self) -> None:
        affine = np.asarray(self.affine, np.float64)
        object.__setattr__(self, "affine", affine)
        if self.values.ndim != 4:
            raise DataError(f"{self.name}: a volume has values [C, z, y, x], got {list(self.values.shape)}")
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or _is_flat(affine[:3, :3]):
            raise DataError(
                f"{self.name}: its affine gives the voxels no volume, so their spacing is unknown:\n{affine}\n"
                "Fix: write the file again with the spacing of the scanner."
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        z, y, x = self.values.shape[1:]
        return z, y, x

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres between voxels along z, y, x; equal where they differ by no more than files round."""
        found: list[float] = []
        for length in np.linalg.norm(self.affine[:3, :3], axis=0).tolist():
            known = next((a for a in found if isclose(a, length, rel_tol=SAME_SPACING)), None)
            found.append(float(f"{length:.6g}") if known is None else known)
        i, j, k = found
        return k, j, i

    @property
    def orientation(self) -> str:
        """Where i, j and k point, such as "RAS" for right, anterior, superior; oblique axes by the nearest one."""
        return "".join(AXES[axis][sign > 0] for axis, sign in _nearest_axes(self.affine))

    @property
    def space(self) -> Grid:
        """The grid: its size and its spacing, which decide the symmetries it has."""
        return Grid(3, self.shape, self.spacing)

    def check_finite(self) -> "Volume":
        """This volume.

        Raises:
            DataError: some voxels are NaN or infinite.
        """
        wrong = ~torch.isfinite(self.values)
        if bool(wrong.any()):
            c, z, y, x = (int(v) for v in wrong.nonzero()[0])
            raise DataError(
                f"{self.name}: {int(wrong.sum()):,} of {wrong.numel():,} voxels are NaN or infinite, the first at "
                f"(i, j, k) = ({x}, {y}, {z}), channel {c}. Fix: mask or fill them, as with torch.nan_to_num."
            )
        return self

    def reoriented(self, orientation: str = "RAS") -> "Volume":
        """The same volume with its axes exchanged and mirrored so that they point as named: exact, no resampling.

        Args:
            orientation: three letters, one of L R, of P A and of I S, in the order of i, j, k.

        Raises:
            DataError: not an orientation.
        """
        wanted = [next((a for a, pair in enumerate(AXES) if letter in pair), None) for letter in orientation.upper()]
        if sorted(str(a) for a in wanted) != ["0", "1", "2"]:
            raise DataError(f"{orientation!r} is no orientation. Fix: three letters such as 'RAS' or 'LPS'.")
        now = _nearest_axes(self.affine)
        matrix = np.zeros((4, 4))  # from a new voxel to the old one
        matrix[3, 3] = 1.0
        order, flips = [0], []
        sizes = self.shape[::-1]
        for new, letter in enumerate(orientation.upper()):
            old = next(i for i, (axis, _) in enumerate(now) if axis == wanted[new])
            same = AXES[now[old][0]][now[old][1] > 0] == letter
            matrix[old, new] = 1.0 if same else -1.0
            matrix[old, 3] = 0.0 if same else sizes[old] - 1.0
            order.insert(1, 3 - old)  # k, j, i in the memory of the new volume
            if not same:
                flips.append(3 - new)
        values = self.values.permute(order)
        return replace(self, values=values.flip(flips) if flips else values, affine=self.affine @ matrix)


FLAT = 1e-13  # share of the largest value below which a spread is rounding


def normalised(values: Tensor) -> Tensor:
    """Values of one volume with mean 0 and standard deviation 1, in float32; in any unit, and zeros of a constant."""
    wide = values.double()
    wide = wide / (wide.abs().max().clamp(min=torch.finfo(wide.dtype).tiny) if wide.numel() else 1.0)  # no overflow
    wide = wide - wide.mean()
    spread = wide.std(correction=1 if wide.numel() > 1 else 0)
    return (wide / spread if spread > FLAT else torch.zeros_like(wide)).float()


def _is_flat(columns: NDArray[np.float64]) -> bool:
    """Whether three axes span no volume, however small the voxels are."""
    lengths = np.linalg.norm(columns, axis=0)
    return not lengths.all() or abs(np.linalg.det(columns / lengths)) < 1e-6


def _nearest_axes(affine: NDArray[np.float64]) -> list[tuple[int, float]]:
    """For i, j and k: the axis of space that each is nearest to, every axis once, and the sign."""
    direction = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    found: list[tuple[int, float]] = [(0, 0.0)] * 3
    left = np.abs(direction)
    for _ in range(3):
        axis, column = np.unravel_index(int(left.argmax()), left.shape)
        found[int(column)] = (int(axis), float(np.sign(direction[axis, column])))
        left[axis, :], left[:, column] = -1.0, -1.0
    return found
