"""Drawings of thick lines: figures that look different from every side and in a mirror."""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

NAMES = ("F", "spiral", "arrow", "hook", "zigzag")


def _lines() -> dict[str, list[np.ndarray]]:
    t = np.linspace(0.0, 1.0, 40)
    spiral = np.stack([(0.12 + 0.6 * t) * np.cos(11.0 * t), (0.12 + 0.6 * t) * np.sin(11.0 * t)], 1)
    bend = np.linspace(0.0, np.pi, 16)
    hook = np.concatenate([[[0.35, -0.7], [0.35, 0.3]], np.stack([0.35 * np.cos(bend), 0.3 + 0.35 * np.sin(bend)], 1)])
    return {
        "F": [np.array(p) for p in ([[-0.35, 0.7], [-0.35, -0.7], [0.45, -0.7]], [[-0.35, -0.05], [0.25, -0.05]])],
        "spiral": [spiral],
        "arrow": [np.array(p) for p in ([[-0.75, 0.0], [0.7, 0.0]], [[0.25, -0.45], [0.7, 0.0], [0.25, 0.45]])],
        "hook": [hook],
        "zigzag": [np.array([[-0.6, -0.65], [0.5, -0.65], [-0.5, 0.65], [0.6, 0.65], [0.6, 0.35]])],
    }


LINES = _lines()


def drawing(
    name: str, size: int, turn: float = 0.0, scale: float = 0.8, shift: tuple[float, float] = (0.0, 0.0)
) -> Tensor:
    """One figure as a picture [size, size] with values from 0 to 1.

    Args:
        name: of `NAMES`.
        size: pixels a side.
        turn: in radians.
        scale: 1 reaches the border.
        shift: in units of half the side.
    """
    line = (np.arange(size) + 0.5) / size * 2 - 1
    place = np.stack(np.meshgrid(line, line, indexing="xy"), -1).reshape(-1, 2) - np.array(shift)
    c, s = np.cos(turn), np.sin(turn)
    place = place @ np.array([[c, -s], [s, c]]) / scale
    distance = np.full(len(place), np.inf)
    for points in LINES[name]:
        for a, b in pairwise(points):
            along = np.clip((place - a) @ (b - a) / max(float((b - a) @ (b - a)), 1e-9), 0, 1)
            distance = np.minimum(distance, np.linalg.norm(place - a - along[:, None] * (b - a), axis=1))
    edge = 2.0 / size / scale
    picture = np.clip((0.12 - distance) / edge + 0.5, 0, 1)
    return torch.from_numpy(picture.reshape(size, size)).float()


def batch(count: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Nearly upright figures [count, 1, size, size] and their classes."""
    labels = torch.randint(len(NAMES), (count,), generator=generator)
    draws = torch.rand(count, 4, generator=generator).tolist()
    pictures = [
        drawing(NAMES[label], size, 0.3 * (a - 0.5), 0.7 + 0.2 * b, (0.2 * (c - 0.5), 0.2 * (d - 0.5)))
        for label, (a, b, c, d) in zip(labels.tolist(), draws, strict=True)
    ]
    return torch.stack(pictures)[:, None], labels
