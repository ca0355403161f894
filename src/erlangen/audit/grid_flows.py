"""The smooth transformations of grids: shifts, rotations, scale, shear, hyperbolic rotations, and changes of colour."""

from math import pi

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.carry import UnknownAction
from erlangen.audit.flow import Flow, Time
from erlangen.audit.resample import Sampler
from erlangen.blueprint import Field
from erlangen.grids import Grid, HexGrid, Strand
from erlangen.grids.hexagon.lattice import BASIS, masked
from erlangen.symmetry import Representation

FRACTIONS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
ANGLES = tuple(k * pi / 8 for k in range(1, 16))
SIZES = (-0.3, -0.2, -0.1, 0.1, 0.2, 0.3)
HUES = tuple(a * pi / 180 for a in (-90, -60, -30, 30, 60, 90))
STRENGTHS = (-1.0, -0.5, -0.2, 0.2, 0.5, 1.0)


def grid_flows(field: Field, signal: Tensor, sampling: str) -> list[Flow]:
    """The flows of signals on a grid, about its centre.

    Args:
        field: type of the input; its space has the spacing of the pixels.
        signal: [B, C, *space].
        sampling: kind of the `Sampler`; shifts are circular, everything else has zeros beyond the border, and
            "fourier" is always circular.
    """
    space = field.space
    if isinstance(space, Strand) or not isinstance(space, Grid):
        return []  # letters lie at whole places only
    d, shape = space.d, tuple(signal.shape[signal.ndim - space.d :])
    frame = BASIS if isinstance(space, HexGrid) else np.diag([float(s) for s in reversed(space.spacing or (1,) * d)])
    hexagonal = isinstance(space, HexGrid)
    found = []
    for axis in range(d):
        step = np.eye(d)[axis]
        points = _Motion(np.zeros((d, d)), step, shape, Sampler(sampling, True), hexagonal)
        name = f"shift-{('qr' if hexagonal else 'xyz')[axis]}"
        found.append(Flow(name, "translation", "pixels", FRACTIONS, points, _stay))
    for name, family, unit, times, matrix in _linear(d):
        inner = np.linalg.inv(frame) @ matrix @ frame
        points = _Motion(inner, np.zeros(d), shape, Sampler(sampling), hexagonal)
        found.append(Flow(name, family, unit, times, points, _Channels(name, matrix)))
    return found + (_colours() if d == 2 and signal.shape[1] == 3 and field.rep.is_trivial else [])


def _linear(d: int) -> list[tuple[str, str, str, tuple[float, ...], np.ndarray]]:
    """(name, family, unit, times, generator) of the linear flows about the centre."""
    found = []
    for name, (i, j) in {"": (0, 1), "-x": (1, 2), "-y": (2, 0), "-z": (0, 1)}.items():
        if d > max(i, j) and (name == "") == (d == 2):
            turn = np.zeros((d, d))
            turn[j, i], turn[i, j] = 1.0, -1.0
            times = ANGLES if d == 2 else ANGLES[1::2]
            found.append((f"rotation{name}", "rotation", "radians", times, turn))
    found.append(("scale", "scale", "log size", SIZES, np.eye(d)))
    if d == 2:
        found.append(("shear", "shear", "slope", SIZES, np.array([[0.0, 1.0], [0.0, 0.0]])))
        found.append(("hyperbolic", "hyperbolic", "log size", SIZES, np.diag([1.0, -1.0])))
    return found


class _Motion:
    """(x, t) → x(c + exp(−tA)(u − c) − t·b), for maps of any size."""

    def __init__(
        self, matrix: np.ndarray, step: np.ndarray, shape: tuple[int, ...], sampler: Sampler, hexagonal: bool
    ) -> None:
        order = slice(None, None, -1)  # axes of a tensor are (…, y, x)
        self.matrix = torch.from_numpy(matrix[order, order].copy())
        self.step, self.shape = step[order].copy(), shape
        self.sampler, self.hexagonal = sampler, hexagonal

    def __call__(self, x: Tensor, t: Time) -> Tensor:
        d = len(self.shape)
        sizes = tuple(x.shape[-d:])
        time = torch.as_tensor(t, dtype=torch.float64)
        back = torch.matrix_exp(-time * self.matrix)
        middle = [(n - 1) / 2 for n in sizes]
        steps = [b * n / m for b, n, m in zip(self.step, sizes, self.shape, strict=True)]
        along = [torch.arange(n, dtype=torch.float64) - c for n, c in zip(sizes, middle, strict=True)]
        if torch.equal(self.matrix, torch.diag(self.matrix.diagonal())):
            places = tuple(
                c + back[i, i] * u - time * b for i, (c, u, b) in enumerate(zip(middle, along, steps, strict=True))
            )
            moved = self.sampler.along(x, places)
        else:
            u = torch.stack(torch.meshgrid(*along, indexing="ij"), -1)
            moved = self.sampler.at(x, u @ back.mT + torch.tensor(middle, dtype=torch.float64))
        return masked(moved) if self.hexagonal and moved.ndim == 4 else moved

    def tangent(self, x: Tensor) -> Tensor:
        """−∇x(u)·(A(u − c) + b)."""
        d = len(self.shape)
        sizes = tuple(x.shape[-d:])
        along = [torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in sizes]
        u = torch.stack(torch.meshgrid(*along, indexing="ij"), -1)
        steps = [b * n / m for b, n, m in zip(self.step, sizes, self.shape, strict=True)]
        velocity = (u @ self.matrix.mT + torch.tensor(steps, dtype=torch.float64)).to(x)
        total = torch.zeros_like(x)
        for i in range(d):
            if bool(velocity[..., i].any()):
                total = total - self.sampler.gradient(x, i - d) * velocity[..., i]
        return masked(total) if self.hexagonal and total.ndim == 4 else total


class _Channels:
    """How a linear flow moves channels: trivial ones stay, vectors turn along, others by the algebra of their group."""

    def __init__(self, name: str, matrix: np.ndarray) -> None:
        self.name, self.matrix = name, matrix

    def __call__(self, rep: Representation) -> np.ndarray | None:
        if rep.is_trivial or self.name == "scale":
            return None
        algebra = rep.group.algebra
        if algebra and all(a.shape == self.matrix.shape for a in algebra.values()):
            basis = np.stack([a.ravel() for a in algebra.values()], 1)
            parts = np.linalg.lstsq(basis, self.matrix.ravel(), rcond=None)[0]
            if np.abs(basis @ parts - self.matrix.ravel()).max() < 1e-9:
                return np.sum([p * rep.derivative(name) for p, name in zip(parts, algebra, strict=True)], axis=0)
        blocks = []
        for _, copies, component in rep.slices():
            if component.name not in ("trivial", "standard"):
                raise UnknownAction(f"{component} of {rep.group} has no derivative along {self.name}")
            vector = component.name == "standard"
            blocks += [self.matrix if vector else np.zeros((component.size,) * 2)] * copies
        size = sum(len(b) for b in blocks)
        whole, start = np.zeros((size, size)), 0
        for block in blocks:
            whole[start : start + len(block), start : start + len(block)] = block
            start += len(block)
        return whole


def _stay(rep: Representation) -> np.ndarray | None:
    """Channels do not move."""
    return None


def _colours() -> list[Flow]:
    """Hue about the grey axis, saturation (the distance from grey), exposure (all light by a factor)."""
    axis = np.ones(3) / 3**0.5
    hue = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    kinds = (
        ("hue", "radians", HUES, hue),
        ("saturation", "log factor", STRENGTHS, np.eye(3) - np.full((3, 3), 1 / 3)),
        ("exposure", "log factor", STRENGTHS, np.eye(3)),
    )
    return [Flow(n, "colour", unit, times, _Recolour(m), _stay, True) for n, unit, times, m in kinds]


class _Recolour:
    """(x, t) → exp(tA) on the three channels of every pixel."""

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = torch.from_numpy(matrix)

    def __call__(self, x: Tensor, t: Time) -> Tensor:
        turn = torch.matrix_exp(torch.as_tensor(t, dtype=torch.float64) * self.matrix)
        return torch.einsum("ij,bj...->bi...", turn.to(x), x)

    def tangent(self, x: Tensor) -> Tensor:
        """A on the three channels of every pixel."""
        return torch.einsum("ij,bj...->bi...", self.matrix.to(x), x)
