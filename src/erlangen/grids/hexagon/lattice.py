"""Cells of a hexagonal lattice in axial coordinates, and how rotations by 60° and mirrors move them.

The cell (q, r) lies at q·(1, 0) + r·(1/2, √3/2) and is stored in row r + R, column q + R of a box of 2R + 1 rows and
columns. A rotation by 60° sends it to (-r, q + r). The hexagon of radius R is max(|q|, |r|, |q + r|) ≤ R: 1 + 3R(R + 1)
cells; the two corners of the box beyond it are dead and hold zeros.

Source: Hoogeboom, Peters, Cohen and Welling 2018, arXiv 1803.02108 (axial coordinates for group convolutions).
"""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from erlangen.errors import DomainError, ExactnessError
from erlangen.symmetry import FiniteGroup

GROUPS = ("C1", "C2", "C3", "C6", "D1", "D2", "D3", "D6")
BASIS = np.array([[1.0, 0.5], [0.0, 0.75**0.5]])
"""Columns: where the steps along q and r lead, in the coordinates (x, y) of the plane."""


def radius_of(shape: "tuple[int, ...] | torch.Size") -> int:
    """The radius R of the hexagon in a box of (2R + 1, 2R + 1).

    Raises:
        ExactnessError: the box is not square, or its side is even.
    """
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] % 2 == 0:
        raise ExactnessError(
            f"a hexagon of radius R is stored in 2R+1 rows and columns, got {'×'.join(map(str, shape))}. "
            f"Fix: an odd size, equal along both axes, as HexGrid(radius) and to_hexagon give it; "
            f"a stride that leads to such a size again."
        )
    return shape[0] // 2


def hexagon(n: int, device: "torch.device | None" = None) -> Bool[Tensor, "n n"]:
    """Which cells of a box of n × n, n odd, are in the hexagon |q + r| ≤ n // 2."""
    along = torch.arange(n, device=device) - n // 2
    return (along[:, None] + along).abs() <= n // 2


def masked(x: Float[Tensor, "b c n n"]) -> Float[Tensor, "b c n n"]:
    """The signal with zeros in the dead corners of its box.

    Raises:
        ExactnessError: the box is not square, or its side is even.
    """
    radius_of(x.shape[2:])
    return x * hexagon(x.shape[-1], x.device).to(x.dtype)


def cells(radius: int) -> np.ndarray:
    """Axial coordinates (q, r) of the box of a hexagon, [(2R + 1)², 2], in the order of storage; dead corners too."""
    along = np.arange(-radius, radius + 1)
    r, q = np.meshgrid(along, along, indexing="ij")
    return np.stack([q.ravel(), r.ravel()], axis=1)


def live(radius: int) -> np.ndarray:
    """Which cells of the box are in the hexagon, [(2R + 1)²]."""
    return np.abs(cells(radius).sum(axis=1)) <= radius


@lru_cache
def axial_matrices(group: FiniteGroup) -> np.ndarray:
    """How a group moves axial coordinates: [|G|, 2, 2] integers.

    Raises:
        DomainError: the group does not map the lattice to itself.
    """
    if not isinstance(group, FiniteGroup) or group.name not in GROUPS:
        raise DomainError(f"{group} does not map a hexagonal lattice to itself. Groups that do: {', '.join(GROUPS)}.")
    exact = np.linalg.inv(BASIS) @ group.standard.matrices() @ BASIS
    return np.rint(exact).astype(np.int64)


@lru_cache
def sources(group: FiniteGroup, radius: int) -> Tensor:
    """From where each cell takes its value: [|G|, (2R + 1)²] places of g⁻¹u in the box; 0 at dead cells."""
    where, alive = cells(radius), live(radius)
    inverse = axial_matrices(group)[[group.inverse(g) for g in group.elements]]
    source = np.einsum("gij,nj->gni", inverse, np.where(alive[:, None], where, -radius)) + radius
    place = np.where(alive, source[..., 1] * (2 * radius + 1) + source[..., 0], 0)
    return torch.from_numpy(place)
