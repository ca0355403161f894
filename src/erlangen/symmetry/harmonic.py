"""Harmonic analysis on SO(2) and SO(3): Fourier transform of functions on the group, and real spherical harmonics.

The coefficient of f at an irrep ρ of size d is the matrix f̂(ρ) = ∫ f(g) ρ(g) dg. With t = 1 for irreps of real type
(all of SO(3), and the trivial one) and t = 2 for those of complex type (irrep(k) of SO(2), k > 0):

    f(g) = Σ_ρ d/t tr(f̂(ρ)ᵀ ρ(g)),        ∫ f(g)² dg = Σ_ρ d/t ‖f̂(ρ)‖²        (Plancherel)

Functions of a bounded degree are integrated exactly: equal angles about z, Gauss-Legendre nodes in the cosine between.
"""

from math import pi
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.errors import DomainError, FieldError
from erlangen.symmetry.group import Group
from erlangen.symmetry.rotations import PlaneRotations, SpaceRotations
from erlangen.symmetry.wigner import coupling, wigner_up_to


def nodes(group: Group, degree: int) -> tuple[Float[Tensor, "n d d"], Float[Tensor, " n"]]:
    """Elements and weights that integrate products of two functions of a degree exactly.

    Args:
        group: SO(2) or SO(3).
        degree: largest frequency or degree L of the functions.

    Returns:
        (matrices [n, d, d], weights [n] of sum 1), float64; n = 2L + 1 for SO(2), (2L + 1)² (L + 1) for SO(3).

    Raises:
        DomainError: another group, or a negative degree.
    """
    size = _size(group, degree)
    count = 2 * degree + 1
    angles = 2 * pi * torch.arange(count, dtype=torch.float64) / count
    if size == 2:
        return _about(angles, 2), torch.full((count,), 1 / count, dtype=torch.float64)
    cosines, shares = np.polynomial.legendre.leggauss(degree + 1)
    tilt = torch.from_numpy(np.arccos(cosines))
    turn = _about(angles, 3)
    onto_x = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], dtype=torch.float64)  # y → x → z → y
    lean = onto_x.T @ _about(tilt, 3) @ onto_x
    matrices = turn[:, None, None] @ lean[None, :, None] @ turn[None, None]
    weights = torch.from_numpy(shares / 2)[None, :, None].expand(count, degree + 1, count) / count**2
    return matrices.reshape(-1, 3, 3), weights.reshape(-1)


def fourier(samples: Float[Tensor, "*batch n"], group: Group, degree: int) -> list[Tensor]:
    """The Fourier coefficients of functions sampled at `nodes(group, degree)`.

    Args:
        samples: f at every node, [*, n].
        group: SO(2) or SO(3).
        degree: largest frequency or degree L; exact for functions whose degree is at most L.

    Returns:
        f̂(irrep(0)), …, f̂(irrep(L)), each [*, d, d].

    Raises:
        FieldError: the number of samples is not that of the nodes.
    """
    matrices, weights = nodes(group, degree)
    if samples.shape[-1] != len(weights):
        raise FieldError(
            f"functions on {group} of degree {degree} are sampled at {len(weights)} nodes, got {samples.shape[-1]} "
            f"samples. Fix: evaluate the function at nodes(group, {degree})[0]."
        )
    weighted = samples * weights.to(samples)
    return [torch.einsum("...n,nij->...ij", weighted, rho) for rho in _irreps(matrices.to(samples), degree)]


def inverse_fourier(coefficients: list[Tensor], elements: Float[Tensor, "n d d"]) -> Float[Tensor, "*batch n"]:
    """The functions with these Fourier coefficients, at any elements.

    Args:
        coefficients: f̂(irrep(0)), f̂(irrep(1)), …, each [*, d, d].
        elements: matrices of SO(2) or SO(3), [n, 2, 2] or [n, 3, 3].

    Returns:
        f(g), [*, n].
    """
    rhos = _irreps(elements, len(coefficients) - 1)
    pairs = zip(coefficients, rhos, _scales(elements.shape[-1], len(coefficients)), strict=True)
    return sum(s * torch.einsum("...ij,nij->...n", c, r) for c, r, s in pairs)  # type: ignore[return-value]


def energy(coefficients: list[Tensor], group: Group) -> Float[Tensor, "*batch"]:
    """∫ f(g)² dg from Fourier coefficients, by Plancherel's formula."""
    scales = _scales(_size(group, len(coefficients) - 1), len(coefficients))
    parts = zip(coefficients, scales, strict=True)
    return sum(s * c.square().sum(dim=(-2, -1)) for c, s in parts)  # type: ignore[return-value]


def spherical_harmonics(
    degree: int,
    xyz: Float[Tensor, "*batch 3"],
    normalization: Literal["integral", "component", "norm"] = "integral",
) -> Float[Tensor, "*batch size"]:
    """Real spherical harmonics of the direction of a vector, without Condon-Shortley phase.

    Args:
        degree: l >= 0.
        xyz: vectors (x, y, z), of any length; the zero vector gives 0 for l > 0.
        normalization: "integral": orthonormal on the unit sphere, ∫ Y_a Y_b dΩ = δ_ab; "component": |Y|² = 2l + 1;
            "norm": |Y|² = 1.

    Returns:
        [*, 2l + 1], channels (cos l, sin l, …, cos 1, sin 1, 0): the first two of degree 1 are multiples of x and y.

    Law: Y(R x) = D^l(R) Y(x).

    Source: degree l as the top part of degree l-1 ⊗ (x, y, z), from `erlangen.symmetry.ladder`.
    """
    if xyz.shape[-1] != 3:
        raise FieldError(f"spherical harmonics take vectors [*, 3], got a tensor of shape {list(xyz.shape)}")
    if not isinstance(degree, int) or degree < 0:
        raise DomainError(f"the degree of spherical harmonics is an integer >= 0, got {degree!r}")
    scales = {"integral": ((2 * degree + 1) / (4 * pi)) ** 0.5, "component": (2 * degree + 1) ** 0.5, "norm": 1.0}
    if normalization not in scales:
        raise DomainError(f"unknown normalization {normalization!r}; known: {', '.join(scales)}")
    square = xyz.square().sum(dim=-1, keepdim=True)
    direction = xyz / torch.where(square > 0, square, torch.ones_like(square)).sqrt()
    found = xyz.new_ones(*xyz.shape[:-1], 1)
    for l in range(1, degree + 1):  # noqa: E741
        table = coupling(l).to(xyz)
        found = torch.einsum("aip,...i,...p->...a", table / table[-1, -1, -1], found, direction)  # 1 on +z stays 1
    return scales[normalization] * found


def _irreps(matrices: Tensor, degree: int) -> list[Tensor]:
    """irrep(0), …, irrep(L) at many elements."""
    if matrices.shape[-1] == 3:
        return wigner_up_to(degree, matrices)
    angle = torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0])
    return [matrices.new_ones(len(matrices), 1, 1), *(_about(k * angle, 2) for k in range(1, degree + 1))]


def _about(angles: Tensor, size: int) -> Tensor:
    """Rotations of the x-y plane, [n, size, size]."""
    cos, sin = angles.cos(), angles.sin()
    turn = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
    if size == 2:
        return turn
    whole = torch.eye(3, dtype=angles.dtype).repeat(len(angles), 1, 1)
    whole[:, :2, :2] = turn
    return whole


def _scales(size: int, count: int) -> list[float]:
    """d/t of irrep(0), irrep(1), …"""
    return [1.0 + 2 * l for l in range(count)] if size == 3 else [1.0] * count  # noqa: E741


def _size(group: Group, degree: int) -> int:
    if not isinstance(group, (PlaneRotations, SpaceRotations)) or group.reflections:
        raise DomainError(f"harmonic analysis is known on SO(2) and SO(3), not on {group}")
    if not isinstance(degree, int) or degree < 0:
        raise DomainError(f"the degree of functions on {group} is an integer >= 0, got {degree!r}")
    return group.degree
