"""Stencils as representations: how the functions on a few taps turn under rotations that do not permute the taps.

A kernel on a square stencil can be turned by 90°, by permuting its taps. Turned by 45° it is a kernel off the grid,
which another kernel on the grid can only stand in for. Here the permutation representation of the taps is extended to
a true representation of the whole group, in the way that costs least on smooth signals.

Signals x are random fields with the covariance c(r) = exp(-r²/4s²) + ε [r = 0]. A set E of d functions on the taps,
E: [taps, d], that should turn by the irrep ψ has the relative error

    e(E) = mean_g |Σ_t (E_t x(g t) - (Eψ(g))_t x(t))|² / |Σ_t E_t x(t)|²  =  2 - 2 B(E, E) / tr(Eᵀ C E),
    B(E, E) = mean_g tr(Eᵀ C_g E ψ(g)),    C_g[t, u] = c(|g t - u|),    C = C_1,

in the mean over the group and the signals: a generalised eigenproblem for every irrep. The best set of all irreps is
taken, then the best one C-orthogonal to it, and so on. What is found by ψ(g) for g that permutes the taps is exact.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import pi
from typing import Any

import numpy as np
import torch

from erlangen.errors import DomainError
from erlangen.grids.groups import exact_elements, is_finer, matrix_of, point_matrices
from erlangen.solve.kernel import match, stencil_permutation
from erlangen.symmetry import Component, FiniteGroup, Group, Representation
from erlangen.symmetry.atoms import Indexed, Tabulated
from erlangen.symmetry.harmonic import spherical_harmonics
from erlangen.symmetry.infinite_products import DirectProduct
from erlangen.symmetry.rotations import PlaneRotations, SpaceRotations

LENGTH = 1.5  # s, in taps: signals are as smooth as white noise after a Gaussian of this width
NOISE = 1e-4  # ε
WORST = 0.5  # functions with a larger relative error are not carried by the stencil
DAMPING = 8  # functions are scaled by (1 - e)^DAMPING, so that a fresh layer leans on those that turn well


@dataclass(frozen=True, eq=False)
class Steering:
    """Functions on a stencil that turn by irreps of a group, exactly under the part that permutes the taps.

    Args:
        group: the group.
        irreps: the irrep of every set.
        functions: [taps, Σ sizes], the sets side by side; their scale falls with their error.
        errors: relative error of every set in the mean over the group and smooth signals, ascending up to rounding.
    """

    group: Group
    irreps: tuple[Component, ...]
    functions: np.ndarray
    errors: tuple[float, ...]

    @property
    def representation(self) -> Representation:
        """⊕ ψ: how the coefficients of the functions turn."""
        return Representation(self.group, tuple((1, psi) for psi in self.irreps))

    def turned(self) -> np.ndarray:
        """The functions turned by every element of a finite group: [|G|, taps, Σ sizes].

        Law: turned[g] = functions · ⊕ψ(g); a kernel with coefficients w becomes turned[g] w.
        """
        found, start = [], 0
        for psi in self.irreps:
            found.append(np.einsum("tf,gfe->gte", self.functions[:, start : start + psi.size], psi.matrices))
            start += psi.size
        return np.concatenate(found, axis=2)


@lru_cache(maxsize=256)
def steer(kernel_size: tuple[int, ...], group: Group) -> Steering:
    """The functions on a box of taps that a group turns, best first.

    Args:
        kernel_size: taps along each axis, equal along all that the group mixes.
        group: C(n), D(n), SO(2), O(2) in the plane; SO(3), O(3) in space; groups that permute the taps;
            or a product with one of them first.

    Raises:
        DomainError: the group does not turn this stencil.

    Source: the error is the mean of Eq. 1 of Wang et al. 2022, arXiv 2201.11969 (approximately equivariant networks),
        over stationary signals; steerable functions: Freeman & Adelson 1991, "The design and use of steerable filters".
    """
    d = len(kernel_size)
    if isinstance(group, DirectProduct) or (isinstance(group, FiniteGroup) and group.factors):
        return _pulled_back(kernel_size, group)
    if isinstance(group, FiniteGroup) and not is_finer(group, d):
        places = stencil_permutation(kernel_size, point_matrices(group, d))
        return Steering(group, (Indexed(group, "taps", places),), np.eye(places.shape[1]), (0.0,))
    if not is_finer(group, d) or len(set(kernel_size)) > 1:
        raise DomainError(f"{group} does not turn a stencil of {'×'.join(map(str, kernel_size))} taps")
    points = _box(kernel_size)
    covariance = _covariance(_distances(points, points))
    lower = np.linalg.cholesky(covariance)
    whiten = np.linalg.inv(lower)
    forms = _space_forms(points, group, whiten) if d == 3 else _plane_forms(points, group, whiten)
    chosen = _greedy(forms, len(points))
    irreps, parts, errors = [], [], []
    for error, psi, white in chosen:
        if error >= WORST:
            continue
        # the scale that white noise on the taps has in this set, so that all taps of a fresh kernel weigh alike
        scale = float(((lower @ white) ** 2).sum() / psi.size) ** 0.5
        irreps.append(psi)
        parts.append(whiten.T @ white * scale * (1 - error) ** DAMPING)
        errors.append(error)
    functions = np.concatenate([_exactly(e, psi, points, group) for e, psi in zip(parts, irreps, strict=True)], axis=1)
    functions *= (functions.shape[0] / (functions**2).sum()) ** 0.5
    return Steering(group, tuple(irreps), functions, tuple(errors))


def _exactly(functions: np.ndarray, psi: Component, points: np.ndarray, group: Group) -> np.ndarray:
    """Functions [taps, size] without the rounding errors by which they miss ψ(g) where g permutes the taps."""
    elements = exact_elements(group, points.shape[1])
    places = match(points, np.stack([matrix_of(group, g, points.shape[1]) for g in elements]))
    if places is None:
        raise DomainError(f"the exact part of {group} does not permute these taps")
    turned = [functions[to] @ psi.on(g) for g, to in zip(elements, places, strict=True)]
    return np.mean(turned, axis=0)


def _greedy(forms: dict[Component, np.ndarray], taps: int) -> list[tuple[float, Component, np.ndarray]]:
    """(error, irrep, [taps, size] orthonormal functions) of the best set, then the best orthogonal to it, …"""
    free, chosen = np.eye(taps), []
    best: dict[Component, tuple[float, np.ndarray]] = {}
    while free.shape[1]:
        for psi, form in forms.items():
            if psi in best or free.shape[1] < psi.size:
                continue
            basis = np.kron(free, np.eye(psi.size))
            values, vectors = np.linalg.eigh(basis.T @ form @ basis)
            best[psi] = (2 - 2 * float(values[-1]), (basis @ vectors[:, -1]).reshape(taps, psi.size))
        if not best:
            break
        psi = min(best, key=lambda c: (round(best[c][0], 9), c.size))
        error, functions = best[psi]
        if error >= WORST:
            break
        left, _, right = np.linalg.svd(functions, full_matrices=False)
        functions = left @ right
        chosen.append((max(error, 0.0), psi, functions))
        # only sets that met these functions have to be found anew
        best = {c: b for c, b in best.items() if np.abs(functions.T @ b[1]).max() < 1e-7}
        rest = free - functions @ (functions.T @ free)
        left, values, _ = np.linalg.svd(rest, full_matrices=False)
        free = left[:, values > 1e-6]
    return chosen


def _plane_forms(points: np.ndarray, group: Group, whiten: np.ndarray) -> dict[Component, np.ndarray]:
    """B of every irrep, [taps·d, taps·d], for whitened functions."""
    reach = int(np.ceil(2 * np.abs(points).max())) + 2
    if isinstance(group, PlaneRotations):
        labels = (
            [(0, 0), (1, 0), *((1, k) for k in range(1, reach))] if group.reflections else [(k,) for k in range(reach)]
        )
        irreps = [group.irrep(*label).terms[0][1] for label in labels]
        turns = [_rotation(2 * pi * k / (4 * reach)) for k in range(4 * reach)]
        elements: list[Any] = [m @ s for s in (np.eye(2), np.diag([-1.0, 1.0]))[: 1 + group.reflections] for m in turns]
    elif isinstance(group, FiniteGroup):
        irreps = [component for rep in group.irreps for _, component in rep.terms]
        elements = list(group.elements)
    else:
        raise DomainError(f"{group} does not turn the plane")
    moved = np.stack([_covariance(_distances(points @ matrix_of(group, g, 2).T, points)) for g in elements])
    moved = whiten @ moved @ whiten.T
    forms = {}
    for psi in irreps:
        images = np.stack([psi.on(g) for g in elements])
        size = len(points) * psi.size
        form = np.einsum("gij,gba->iajb", moved, images).reshape(size, size) / len(elements)
        forms[psi] = (form + form.T) / 2
    return forms


def _space_forms(points: np.ndarray, group: Group, whiten: np.ndarray) -> dict[Component, np.ndarray]:
    """The same for SO(3) and O(3), in closed form.

    With unit vectors S(t) of spherical harmonics of degree l, S(t)·S(u) = P_l(cos), the mean over the group is
    B(E, E) = Σ_tu a_l(t, u)/(2l+1) (E_t·S(t)) (E_u·S(u)), where a_l is the Legendre coefficient of c(|g t - u|).
    """
    if not isinstance(group, SpaceRotations):
        raise DomainError(f"{group} does not turn space")
    radii = np.linalg.norm(points, axis=1)
    reach = int(np.ceil(2 * np.abs(points).max())) + 1
    cosines, weights = np.polynomial.legendre.leggauss(64)
    squares = radii[:, None] ** 2 + radii**2
    profile = _covariance(squares[..., None] - 2 * (radii[:, None] * radii)[..., None] * cosines)
    forms = {}
    for degree in range(reach):
        psi = group.irrep(*((degree, degree % 2) if group.reflections else (degree,))).terms[0][1]
        legendre = np.polynomial.legendre.Legendre.basis(degree)(cosines)
        coefficients = (profile * (weights * legendre)).sum(-1) / 2  # a_l / (2l+1)
        if degree:
            coefficients = coefficients * (radii > 0) * (radii > 0)[:, None]
        harmonics = _unit_harmonics(points, degree)
        form = np.einsum("ij,ia,jb->iajb", coefficients, harmonics, harmonics)
        form = np.einsum("ki,iajb,lj->kalb", whiten, form, whiten, optimize=True)
        forms[psi] = form.reshape(len(points) * psi.size, -1)
    return forms


def _unit_harmonics(points: np.ndarray, degree: int) -> np.ndarray:
    """[taps, 2l+1] real spherical harmonics with norm 1 at every point; 0 at the origin for l > 0."""
    return spherical_harmonics(degree, torch.from_numpy(points.copy()), "norm").numpy()


def _pulled_back(kernel_size: tuple[int, ...], group: "DirectProduct | FiniteGroup") -> Steering:
    """Of a product: the first factor turns the stencil, the other leaves it alone."""
    if isinstance(group, DirectProduct):
        found = steer(kernel_size, group.factors[0])
        irreps = [group.first(Representation(found.group, ((1, psi),))).terms[0][1] for psi in found.irreps]
        return Steering(group, tuple(irreps), found.functions, found.errors)
    first = group.factors[0][0]
    found, times = steer(kernel_size, first), group.order // first.order
    irreps = [Tabulated(group, f"{psi}", np.repeat(psi.matrices, times, axis=0)) for psi in found.irreps]
    return Steering(group, tuple(irreps), found.functions, found.errors)


def _covariance(squared: np.ndarray) -> np.ndarray:
    return np.exp(-squared / (4 * LENGTH**2)) + NOISE * (squared < 1e-9)


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return ((a[:, None] - b) ** 2).sum(-1)


def _rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _box(kernel_size: tuple[int, ...]) -> np.ndarray:
    """Coordinates (x, y, …) of the taps about their centre, [taps, d], in tensor order."""
    axes = [np.arange(k) - (k - 1) / 2 for k in kernel_size]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(kernel_size))[:, ::-1]
