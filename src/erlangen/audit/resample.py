"""Signals on a grid, read between the pixels: smooth in the place where they are read, to any order of derivative.

The interpolation of `torch.nn.functional.grid_sample` has no second derivative, and its linear form none at the pixels.
Here a signal is Σ_j c_j k(p − j) along every axis, with one of three kernels k:

    "spline"    the cubic B-spline, twice differentiable; the coefficients c are chosen so that pixels keep their values
    "bicubic"   the cubic of Keys with a = −1/2, once differentiable
    "fourier"   the Dirichlet kernel: the trigonometric polynomial through the pixels, always circular

Source: Keys 1981, IEEE Trans. ASSP 29(6); Unser 1999, IEEE Signal Processing Magazine 16(6), section on interpolation.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import pi, prod

import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.errors import UnknownName

KINDS = ("spline", "bicubic", "fourier")
GATHERED = 1 << 22  # values gathered together
POINTS = 4096  # places at which a trigonometric polynomial is evaluated together


@dataclass(frozen=True)
class Sampler:
    """Reads signals between their pixels.

    Args:
        kind: "spline", "bicubic" or "fourier".
        circular: whether the signal goes on periodically beyond its border; otherwise it is zero there.

    Raises:
        UnknownName: no such kind.
    """

    kind: str = "spline"
    circular: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownName("sampling", self.kind, KINDS)

    def along(self, x: Float[Tensor, "*lead_and_space"], places: tuple[Tensor, ...]) -> Tensor:
        """The signal on a product of places, one list of places for every axis.

        Args:
            x: [..., *space].
            places: for each axis of space, [m] coordinates in pixels.

        Returns:
            [..., *m].
        """
        d = len(places)
        for axis, where in zip(range(-d, 0), places, strict=True):
            x = torch.movedim(torch.movedim(x, axis, -1) @ self._matrix(where, x.shape[axis]).to(x).mT, -1, axis)
        return x

    def at(self, x: Float[Tensor, "*lead_and_space"], places: Float[Tensor, "*out d"]) -> Tensor:
        """The signal at any places.

        Args:
            x: [..., *space].
            places: coordinates in pixels, in the order of the axes.

        Returns:
            [..., *out].
        """
        d = places.shape[-1]
        shape, lead = tuple(x.shape[-d:]), x.shape[:-d]
        where = places.reshape(-1, d)
        if self.kind == "fourier":
            read = torch.cat([self._everywhere(x, part, d) for part in where.split(POINTS)], -1)
            return read.reshape(*lead, *places.shape[:-1])
        if self.kind == "spline":
            for axis, n in zip(range(-d, 0), shape, strict=True):
                x = torch.movedim(torch.movedim(x, axis, -1) @ _prefilter(n, self.circular).to(x), -1, axis)
        rows = x.reshape(prod(lead), prod(shape)).mT.contiguous()  # [pixels, signals]
        return self._near(rows, where, shape).mT.reshape(*lead, *places.shape[:-1])

    def gradient(self, x: Float[Tensor, "*lead_and_space"], axis: int) -> Tensor:
        """The derivative of the signal at its pixels along one axis, per pixel; a negative axis, as −1 for the last."""
        matrix = _gradient(self, x.shape[axis]).to(x)
        return torch.movedim(torch.movedim(x, axis, -1) @ matrix.mT, -1, axis)

    def _near(self, rows: Tensor, where: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Σ over the 4^d pixels around every place, [places, signals]."""
        d = len(shape)
        taps = torch.cartesian_prod(*[torch.arange(4, dtype=where.dtype)] * d).reshape(-1, d)
        pixel = where.detach().floor()[:, None] - 1 + taps  # [places, 4^d, d]
        weight = _kernel(self.kind, where[:, None] - pixel).prod(-1)
        sizes = torch.tensor(shape)
        along = pixel.long()
        if self.circular:
            along = along % sizes
        else:
            weight = weight * ((along >= 0) & (along < sizes)).all(-1)
            along = along.clamp(min=torch.zeros_like(sizes), max=sizes - 1)
        strides = torch.tensor([prod(shape[i + 1 :]) for i in range(d)])
        number, weight = (along * strides).sum(-1).to(rows.device), weight.to(rows)
        part = max(1, GATHERED // (len(taps) * rows.shape[1]))
        return torch.cat(
            [
                torch.bmm(w[:, None], rows.index_select(0, k.flatten()).reshape(*k.shape, -1))[:, 0]
                for k, w in zip(number.split(part), weight.split(part), strict=True)
            ]
        )

    def _everywhere(self, x: Tensor, where: Tensor, d: int) -> Tensor:
        """Σ over all pixels, axis by axis, [..., places]."""
        matrices = [self._matrix(where[:, i], x.shape[i - d]).to(x) for i in range(d)]
        x = x @ matrices[-1].mT
        for matrix in reversed(matrices[:-1]):
            x = (x * matrix.mT).sum(-2)
        return x

    def _matrix(self, where: Tensor, n: int) -> Tensor:
        """The values at places along one axis from those at its n pixels, [places, n]."""
        apart = where[:, None] - torch.arange(n, dtype=where.dtype)
        if self.circular or self.kind == "fourier":
            apart = apart - n * (apart.detach() / n).round()
        if self.kind == "fourier":
            return _dirichlet(apart, n)
        matrix = _kernel(self.kind, apart)
        return matrix @ _prefilter(n, self.circular).to(matrix).mT if self.kind == "spline" else matrix


def _kernel(kind: str, s: Tensor) -> Tensor:
    """The cubic B-spline, or the cubic of Keys; zero from 2 on."""
    s = s.abs()
    if kind == "spline":
        near, far = 2 / 3 - s**2 + s**3 / 2, (2 - s) ** 3 / 6
    else:
        near, far = 1.5 * s**3 - 2.5 * s**2 + 1, -0.5 * s**3 + 2.5 * s**2 - 4 * s + 2
    return torch.where(s < 1, near, torch.where(s < 2, far, torch.zeros_like(s)))


def _dirichlet(s: Tensor, n: int) -> Tensor:
    """(1/n) Σ_k cos(2πks/n) over the n frequencies; the highest one of an even n once."""
    total = torch.ones_like(s)
    for k in range(1, (n + 1) // 2):
        total = total + 2 * torch.cos(2 * pi * k / n * s)
    if n % 2 == 0:
        total = total + torch.cos(pi * s)
    return total / n


@lru_cache(maxsize=64)
def _gradient(sampler: Sampler, n: int) -> Tensor:
    """The derivative of `Sampler._matrix` at the pixels themselves, float64 [n, n].

    The slopes of both cubic kernels at −1, 0, 1 are 1/2, 0, −1/2.
    """
    pixels = torch.arange(n, dtype=torch.float64)
    apart = pixels[:, None] - pixels
    if sampler.circular or sampler.kind == "fourier":
        apart = apart - n * (apart / n).round()
    if sampler.kind == "fourier":
        waves = [2 * pi * k / n for k in range(1, (n + 1) // 2)]
        return sum((-2 * w / n * torch.sin(w * apart) for w in waves), torch.zeros_like(apart))
    slope = torch.where(apart.abs() == 1, -apart / 2, torch.zeros_like(apart))
    return slope @ _prefilter(n, sampler.circular).mT if sampler.kind == "spline" else slope


@lru_cache(maxsize=32)
def _prefilter(n: int, circular: bool) -> Tensor:
    """The transposed matrix from pixels to spline coefficients, float64 [n, n]: the inverse of (1/6, 4/6, 1/6)."""
    with torch.no_grad():
        matrix = torch.eye(n, dtype=torch.float64) * (4 / 6)
        step = torch.eye(n, dtype=torch.float64).roll(1, 0) / 6
        if not circular:
            step[0] = 0
        return torch.linalg.inv(matrix + step + step.mT).mT.contiguous()
