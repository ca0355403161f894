"""Augmentation of volumes by rotations about arbitrary axes: signals are interpolated, labels go along."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from erlangen.blueprint import Task
from erlangen.errors import DomainError
from erlangen.symmetry import SO


class RandomRotation:
    """Every volume of a batch turned about its centre by its own rotation, uniform on SO(3).

    Signals are interpolated linearly, with zeros from outside; labels take the nearest one, and -1 (no label) outside.
    The turned volumes are cubes with the largest side of the batch.

    Args:
        task: what the targets are; those of a dense task move with the signal.

    Raises:
        DomainError: the targets live on the domain and are no labels.

    Law: (x, y) becomes (g·x, g·y) with g uniform on SO(3), up to interpolation.
    """

    def __init__(self, task: Task | None = None) -> None:
        if task is not None and task.dense and task.name != "segment":
            raise DomainError(f"rotations by any angle move labels only, not targets of the task {task.name!r}")
        self.dense = task is not None and task.dense

    def __call__(self, signal: Tensor, generator: torch.Generator) -> Tensor:
        """The turned signals [B, C, n, n, n]."""
        return rotate_volumes(signal, random_rotations(len(signal), generator))

    def targets(self, target: Tensor, generator: torch.Generator) -> Tensor:
        """Labels [B, n, n, n], turned as `self(signal, generator)` turns their signals."""
        return rotate_labels(target, random_rotations(len(target), generator)) if self.dense else target


def random_rotations(count: int, generator: torch.Generator) -> Float[Tensor, "count 3 3"]:
    """Matrices of rotations of (x, y, z), uniform on SO(3)."""
    return torch.from_numpy(np.stack(SO(3).sample(count, generator=generator))).float()


def rotate_volumes(
    x: Float[Tensor, "b c z y x"], rotations: Float[Tensor, "b 3 3"], mode: str = "bilinear", size: int | None = None
) -> Float[Tensor, "b c n n n"]:
    """(g·x)(u) = x(g⁻¹u) about the centre, on a cube, with zeros from outside.

    Args:
        x: scalar volumes.
        rotations: g, on (x, y, z).
        mode: "bilinear" (linear in three dimensions) or "nearest".
        size: voxels along each axis of the result; None: the largest side of x.
    """
    n = size or max(x.shape[2:])
    sizes = torch.tensor([x.shape[4], x.shape[3], x.shape[2]], dtype=x.dtype, device=x.device)
    theta = rotations.to(x).transpose(1, 2) * n / sizes[:, None]  # from the unit cube of the result to that of x
    where = functional.affine_grid(
        torch.cat([theta, torch.zeros_like(theta[:, :, :1])], dim=2), [len(x), 1, n, n, n], align_corners=False
    )
    return functional.grid_sample(x, where, mode=mode, padding_mode="zeros", align_corners=False)


def rotate_labels(labels: Tensor, rotations: Float[Tensor, "b 3 3"], size: int | None = None) -> Tensor:
    """Labels [B, z, y, x] turned as `rotate_volumes` does: the nearest label, -1 outside of the volume.

    Args:
        labels: integers; -1 stays -1.
        rotations: g, on (x, y, z).
        size: voxels along each axis of the result.
    """
    moved = rotate_volumes((labels + 1).unsqueeze(1).float(), rotations, "nearest", size)
    return moved.squeeze(1).round().long() - 1
