"""Pictures of hexagonal signals: hexagons drawn by matplotlib, or painted on square pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.errors import FieldError
from erlangen.grids.hexagon.lattice import BASIS, cells, live, radius_of


def paint(x: Float[Tensor, "*lead n n"], pixels: int = 64) -> Float[Tensor, "*lead pixels pixels"]:
    """Every pixel takes the value of the cell that it lies in; outside the hexagon it is zero.

    Args:
        x: signals on a hexagonal grid.
        pixels: rows and columns of the picture.

    Raises:
        FieldError: a picture without pixels.
    """
    if pixels < 1:
        raise FieldError(f"a picture needs at least one pixel, got pixels={pixels}")
    radius = radius_of(x.shape[-2:])
    unit = (2 * radius + 1) / pixels
    line = (np.arange(pixels) - (pixels - 1) / 2) * unit
    across, down = np.meshgrid(line, line, indexing="xy")
    place = nearest_cell(np.stack([across.ravel(), down.ravel()], axis=1))
    inside = (np.abs(place).max(axis=1) <= radius) & (np.abs(place.sum(axis=1)) <= radius)
    index = np.where(inside, (place[:, 1] + radius) * (2 * radius + 1) + place[:, 0] + radius, 0)
    values = x.flatten(-2)[..., torch.from_numpy(index).to(x.device)]
    painted = torch.where(torch.from_numpy(inside).to(x.device), values, 0)
    return painted.unflatten(-1, (pixels, pixels))


def nearest_cell(points: np.ndarray) -> np.ndarray:
    """Axial coordinates (q, r) of the cell that each point (x, y) lies in, [N, 2].

    Of q, r and -q-r, which add up to zero, the one that rounding moved furthest is taken from the other two.
    """
    q, r = np.linalg.inv(BASIS) @ points.T
    exact = np.stack([q, r, -q - r])
    rounded = np.rint(exact)
    worst = np.abs(rounded - exact).argmax(axis=0)
    rounded[worst, np.arange(len(points))] -= rounded.sum(axis=0)
    return rounded[:2].T.astype(np.int64)


def plot(x: Float[Tensor, "n n"], path: "str | Path | None" = None, axes: Any = None, **options: Any) -> Any:
    """Draw one channel of one signal, one hexagon a cell, the first row of the box on top.

    Args:
        x: the channel.
        path: an image file to write; None writes none.
        axes: matplotlib's axes to draw on; None makes a figure.
        options: of matplotlib's PolyCollection, such as cmap.

    Returns:
        matplotlib's PolyCollection, for a colour bar.

    Raises:
        FieldError: x is not one channel of one signal.
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    if x.ndim != 2:
        raise FieldError(f"plot draws one channel [n, n], got {list(x.shape)}. Fix: x[0, 0] is the first of a batch.")
    radius = radius_of(x.shape)
    alive = live(radius)
    centres = cells(radius)[alive] @ BASIS.T
    angles = np.pi / 6 + np.pi / 3 * np.arange(6)
    corner = np.stack([np.cos(angles), np.sin(angles)], axis=1) / 3**0.5
    if axes is None:
        axes = Figure(figsize=(4, 4)).subplots()
    style: dict[str, Any] = {"cmap": "viridis", **options}
    drawn = PolyCollection(list(centres[:, None] + corner), **style)
    drawn.set_array(x.detach().cpu().double().flatten().numpy()[alive])
    axes.add_collection(drawn)
    axes.set(xlim=(-radius - 1, radius + 1), ylim=(radius + 1, -radius - 1), aspect="equal")
    axes.set_axis_off()
    if path is not None:
        axes.figure.savefig(path, bbox_inches="tight")
    return drawn
