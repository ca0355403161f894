"""Phantoms: bent tubes in noise, thick at one end and thin at the other, like a hippocampus in outline."""

import numpy as np
import torch
from torch import Tensor


def phantoms(count: int, seed: int = 0, size: int = 24) -> list[tuple[Tensor, Tensor]]:
    """Volumes of different sizes, each with one tube in nearly the same pose and one unlabelled ball beside it.

    Args:
        count: how many.
        seed: of all draws; the same seed gives the same volumes.
        size: voxels along an axis, about.

    Returns:
        (values [1, z, y, x], labels [z, y, x]) of each: 0 outside, 1 the thick half of the tube, 2 the thin one.
    """
    random = np.random.default_rng(seed)
    return [_phantom(random, size) for _ in range(count)]


def _phantom(random: np.random.Generator, size: int) -> tuple[Tensor, Tensor]:
    shape = random.integers(size - 4, size + 5, 3)
    where = np.stack(np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij"), -1) / (size / 2)
    turn, _ = np.linalg.qr(np.eye(3) + 0.15 * random.normal(size=(3, 3)))
    turn *= np.sign(np.diagonal(turn))  # near the identity: the pose varies by some degrees only
    local = (where - 0.06 * random.normal(size=3)) @ turn
    along = np.linspace(-0.6, 0.6, 25)
    bend = 0.25 + 0.05 * random.normal()
    middle = np.stack([0.1 * along, along, bend * (along**2 - 0.18)], -1)
    thickness = (0.17 + 0.08 * along / 0.6) * (1.0 + 0.1 * random.normal())
    depth = np.linalg.norm(local[..., None, :] - middle, axis=-1) / thickness
    nearest = depth.argmin(-1)
    inside = depth.min(-1) < 1.0
    labels = np.where(inside, np.where(along[nearest] > 0.0, 1, 2), 0)
    ball = np.linalg.norm(local - np.array([0.55, 0.1, -0.2]), axis=-1) < 0.2
    values = 1.5 * inside + 0.7 * ball + 0.4 * random.normal(size=tuple(shape)) + 0.3 * where[..., 0]
    return torch.from_numpy(values).float().unsqueeze(0), torch.from_numpy(labels).long()
