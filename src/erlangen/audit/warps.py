"""Random smooth changes of the points of a grid, of a given size: warps, perspective, and smooth ramps of light."""

from collections.abc import Callable
from math import pi

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.resample import Sampler
from erlangen.grids import Grid, HexGrid
from erlangen.grids.hexagon.lattice import BASIS, masked

WAVES = 3  # half waves of a displacement along each axis, at most
MESH = {1: 512, 2: 48, 3: 16}  # points along each axis on which a Dirichlet energy is summed
ROUNDS = 12  # of the fixed-point iteration that inverts a warp
Draw = Callable[[float, torch.Generator], tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]]


def warp(space: Grid, shape: tuple[int, ...]) -> Draw:
    """Random warps x ↦ x(u − τ(u)) of a given Dirichlet norm, with zero displacement on the border.

    Args:
        space: gives the spacing of the pixels.
        shape: of the signal, along each axis.

    Law: c(τ)² = ∫|∇τ|² du / ∫du, in Cartesian coordinates; c is the size of the warp.

    Source: Bronstein, Bruna, Cohen and Veličković 2021, arXiv 2104.13478, section 3.3 (stability to deformations).
    """
    d, sides = space.d, torch.tensor(shape, dtype=torch.float64)
    frame = _frame(space)

    def draw(size: float, generator: torch.Generator) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
        shift = _Displacement(d, generator)
        unit = torch.linspace(0, 1, MESH[d] + 1, dtype=torch.float64)[:-1] + 0.5 / MESH[d]
        mesh = torch.stack(torch.meshgrid(*[unit] * d, indexing="ij"), -1).reshape(-1, d)
        slope = shift.slope(mesh) * sides.max() / sides  # of a displacement in pixels, per pixel
        norm = (frame @ slope @ torch.linalg.inv(frame)).square().sum((1, 2)).mean().sqrt()
        strength = size * sides.max() / norm  # in pixels of the input

        def places(u: Tensor) -> Tensor:  # in shares of the sides
            return u - shift(u) * strength / sides

        def back(u: Tensor) -> Tensor:  # the v with v − τ(v) = u
            v = u
            for _ in range(ROUNDS):
                v = u + shift(v) * strength / sides
            return v

        return _reader(d, places, isinstance(space, HexGrid)), _reader(d, back, isinstance(space, HexGrid))

    return draw


def perspective(d: int) -> Draw:
    """Random tilts: points u from −1 to 1 along every axis are read at u / (1 + h·u), with |h| the size of the tilt.

    Args:
        d: number of axes.
    """

    def draw(size: float, generator: torch.Generator) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
        h = torch.randn(d, generator=generator, dtype=torch.float64)
        h = h / h.norm() * size

        def places(sign: float) -> Callable[[Tensor], Tensor]:
            def read(u: Tensor) -> Tensor:
                centred = 2 * u - 1
                return (centred / (1 + sign * (centred @ h))[..., None] + 1) / 2

            return read

        return _reader(d, places(1.0), False), _reader(d, places(-1.0), False)

    return draw


def smooth_ramp(d: int, generator: torch.Generator) -> Callable[[tuple[int, ...]], Tensor]:
    """A random smooth function on a grid of any shape, between −1 and 1: a slope and one long wave.

    Args:
        d: number of axes.
        generator: of the draw.
    """
    slope, wave = torch.randn(2, d, generator=generator, dtype=torch.float64)
    phase = float(torch.rand(1, generator=generator)) * 2 * pi

    def ramp(shape: tuple[int, ...]) -> Tensor:
        u = 2 * _centres(shape) - 1
        value = u @ slope / slope.abs().sum() + torch.cos(pi * (u @ wave) / wave.norm() + phase)
        return value / value.abs().max().clamp_min(1e-12)

    return ramp


class _Displacement:
    """τ_i(u) = Σ_k a_ik Π_j sin(π k_j u_j) with k_j = 1 … WAVES and long waves favoured; zero on the border."""

    def __init__(self, d: int, generator: torch.Generator) -> None:
        waves = torch.arange(1, WAVES + 1, dtype=torch.float64)
        self.k = torch.cartesian_prod(*[waves] * d).reshape(-1, d)
        drawn = torch.randn(len(self.k), d, generator=generator, dtype=torch.float64)
        self.a = drawn / self.k.square().sum(1, keepdim=True)

    def __call__(self, u: Tensor) -> Tensor:
        """[..., d] displacements, in the same shares."""
        return torch.sin(pi * u[..., None, :] * self.k).prod(-1) @ self.a

    def slope(self, u: Tensor) -> Tensor:
        """∂τ_i/∂u_j at points [n, d], [n, i, j]."""
        angle = pi * u[:, None, :] * self.k
        sine, cosine = torch.sin(angle), torch.cos(angle) * pi * self.k
        parts = []
        for j in range(u.shape[1]):
            factors = [cosine[..., m] if m == j else sine[..., m] for m in range(u.shape[1])]
            parts.append(torch.stack(factors).prod(0) @ self.a)
        return torch.stack(parts, -1)


def _reader(d: int, places: Callable[[Tensor], Tensor], hexagonal: bool) -> Callable[[Tensor], Tensor]:
    """x read at `places` (of shares of the sides), for maps of any size."""
    sampler = Sampler("spline")

    def read(x: Tensor) -> Tensor:
        shape = tuple(x.shape[-d:])
        sides = torch.tensor(shape, dtype=torch.float64)
        moved = sampler.at(x, places(_centres(shape)) * sides - 0.5)
        return masked(moved) if hexagonal and moved.ndim == 4 else moved

    return read


def _centres(shape: tuple[int, ...]) -> Tensor:
    """Centres of the pixels in shares of the sides, [*shape, d]."""
    along = [(torch.arange(n, dtype=torch.float64) + 0.5) / n for n in shape]
    return torch.stack(torch.meshgrid(*along, indexing="ij"), -1)


def _frame(space: Grid) -> Tensor:
    """From steps of pixels along the axes of a tensor to Cartesian steps, [d, d]."""
    if isinstance(space, HexGrid):
        return torch.from_numpy(np.asarray(BASIS, dtype=float)[::-1, ::-1].copy())
    return torch.diag(torch.tensor(space.spacing or (1.0,) * space.d, dtype=torch.float64))
