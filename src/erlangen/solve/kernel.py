"""All equivariant kernels on a local stencil: K(g t) = ρ_out(g) K(t) ρ_in(g)⁻¹ for every tap t.

A kernel is a map from ρ_in ⊗ (functions on the taps) to ρ_out, so the general solver finds them all. For signed
permutations every orbit of entries is one basis kernel, or zero where an entry meets its own negative: the whole
solution space is an index into free weights, exact and complete, without a matrix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from erlangen.errors import DomainError, ExactnessError, FieldError
from erlangen.solve.certificate import Certificate
from erlangen.solve.hom import solve
from erlangen.solve.orbits import orbits
from erlangen.symmetry import Component, FiniteGroup, Group, Indexed, Representation


@dataclass(frozen=True)
class KernelBasis:
    """A basis of the equivariant kernels between two representations on a stencil, as shared weights.

    Args:
        dim: number of basis kernels, dim Hom_G.
        index: [size_out, size_in, taps] which basis kernel an entry belongs to; 0 where sign is 0.
        sign: [size_out, size_in, taps] in {-1, 0, 1}; 0 where every equivariant kernel vanishes.
    """

    dim: int
    index: np.ndarray
    sign: np.ndarray


@dataclass(frozen=True, eq=False)
class KernelSolution:
    """All equivariant kernels on a stencil, with their certificate.

    Args:
        points: [taps, d] coordinates (x, y, …) of the taps.
        basis: [dim, size_out, size_in, taps], orthonormal.
        certificate: of Hom_G(ρ_in ⊗ functions on the taps, ρ_out).
    """

    points: np.ndarray
    basis: np.ndarray
    certificate: Certificate

    @property
    def dim(self) -> int:
        """Number of basis kernels."""
        return self.certificate.dim

    @property
    def residual(self) -> float:
        """The largest relative violation of the law on fresh elements."""
        return self.certificate.residual

    def __str__(self) -> str:
        return f"{len(self.points)} taps; {self.certificate}"


def solve_kernel(
    stencil: "Sequence[int] | np.ndarray",
    group: "Group | str",
    rho_in: "Representation | str",
    rho_out: "Representation | str",
    **options: Any,
) -> KernelSolution:
    """A basis of the kernels with K(g t) = ρ_out(g) K(t) ρ_in(g)⁻¹ on sampled points.

    Args:
        stencil: sizes of a box of taps about its centre, in tensor order (…, y, x), such as (3, 3); or the coordinates
            (x, y, …) of any taps, [taps, d], that the group permutes.
        group: a finite group with a standard representation on R^d, or its name.
        rho_in: representation of the input channels.
        rho_out: representation of the output channels.
        options: as for `solve`.

    Returns:
        The basis, with its certificate.

    Raises:
        DomainError: the group is not finite, or acts on another dimension.
        ExactnessError: the group does not map the taps to themselves.

    Law: dim = 1/|G| Σ_g χ_out(g) χ_in(g) fix(g), fix(g) = number of taps that g fixes.

    Source: T. Cohen, M. Geiger, M. Weiler 2019, arXiv 1811.02017 (the kernel constraint).
    """
    if isinstance(group, str):
        from erlangen.symmetry import group as named

        group = named(group)
    if not isinstance(group, FiniteGroup):
        raise DomainError(f"{group} is not a finite group with a table, so it maps no finite set of taps to itself")
    points = _box(tuple(int(k) for k in stencil)) if np.ndim(stencil) == 1 else np.asarray(stencil, dtype=np.float64)
    taps = _permuted(points, group)
    places = Representation(group, ((1, Indexed(group, f"{len(points)} taps", taps)),))
    before, after = group.representation(rho_in), group.representation(rho_out)
    certificate = solve(before * places, after, **options)
    return KernelSolution(points, certificate.basis.reshape(-1, after.size, before.size, len(points)), certificate)


def stencil_permutation(kernel_size: tuple[int, ...], matrices: np.ndarray) -> np.ndarray:
    """Where each element of a point group sends each tap of a box of taps about its centre.

    Args:
        kernel_size: taps along each axis, in tensor order (…, y, x).
        matrices: [|G|, d, d] action on coordinates (x, y, …).

    Returns:
        [|G|, taps] integers; tap t goes to result[g, t].

    Raises:
        ExactnessError: the box is not mapped to itself.
    """
    found = match(_box(kernel_size), matrices)
    if found is None:
        raise ExactnessError(
            f"a kernel of size {'×'.join(map(str, kernel_size))} is not mapped to itself by this group. "
            f"Fix: use equal sizes along the axes that the group exchanges."
        )
    return found


def match(points: np.ndarray, matrices: np.ndarray) -> np.ndarray | None:
    """Which point each matrix sends each point to, [|G|, points]; None if one is sent elsewhere.

    Args:
        points: [points, d].
        matrices: [|G|, d, d].
    """
    found = np.empty((len(matrices), len(points)), np.int64)
    close = 1e-6 * max(float(np.abs(points).max(initial=0.0)), 1.0)
    for g, matrix in enumerate(matrices):
        distance = np.abs((points @ matrix.T)[:, None] - points[None]).max(axis=-1)
        found[g] = distance.argmin(axis=1)
        if (distance.min(axis=1) > close).any():
            return None
    return found


def kernel_basis(
    kernel_size: tuple[int, ...], point_matrices: np.ndarray, rep_in: Component, rep_out: Component
) -> KernelBasis:
    """Solve K(g t) = ρ_out(g) K(t) ρ_in(g)⁻¹ on a box of taps by orbits of signed entries.

    Args:
        kernel_size: taps along each axis, in tensor order (…, y, x).
        point_matrices: [|G|, d, d] action of the group on coordinates (x, y, …).
        rep_in: representation of the input channels, by signed permutations.
        rep_out: representation of the output channels, by signed permutations, of the same group.

    Returns:
        The basis; `dim` is 0 where only the zero kernel is equivariant.

    Raises:
        DomainError: a representation is not by signed permutations.
        ExactnessError: the box of taps is not mapped to itself.

    Law: dim = 1/|G| Σ_g χ_out(g) χ_in(g) fix(g), fix(g) = number of taps that g fixes.
    """
    for rep in (rep_in, rep_out):
        if not rep.is_monomial or not isinstance(rep.group, FiniteGroup):
            raise DomainError(
                f"{rep} of {rep.group} is not a signed permutation on this grid; choose another representation"
            )
    generators = list(rep_in.group.generators.values())
    taps = stencil_permutation(kernel_size, point_matrices[generators])
    shape = (rep_out.size, rep_in.size, int(np.prod(kernel_size)))
    moves = []
    for g, to in zip(generators, taps, strict=True):
        out, into = rep_out.signed(g), rep_in.signed(g)
        if out is None or into is None:
            raise DomainError(f"{rep_in} or {rep_out} of {rep_in.group} is not a signed permutation")
        image = np.ravel_multi_index(np.ix_(out[0], into[0], to), shape)
        sign = np.broadcast_to(out[1][:, None, None] * into[1][:, None], shape)
        moves.append((image.ravel(), sign.ravel()))
    dim, index, sign = orbits(moves, int(np.prod(shape)))
    return KernelBasis(dim, index.reshape(shape), sign.reshape(shape))


def _box(kernel_size: tuple[int, ...]) -> np.ndarray:
    """Coordinates (x, y, …) of a box of taps about its centre, [taps, d], in tensor order."""
    axes = [np.arange(k) - (k - 1) / 2 for k in kernel_size]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(kernel_size))[:, ::-1]


def _permuted(points: np.ndarray, group: FiniteGroup) -> np.ndarray:
    """The permutation of the taps by every element of a group that acts on space."""
    if points.ndim != 2:
        raise FieldError(f"taps must be sizes of a box, or coordinates [taps, d]; got an array of shape {points.shape}")
    if group.defining is None and group.factors:  # of a product, the first factor moves the points
        first = group.factors[0][0]
        return np.repeat(_permuted(points, first), group.order // first.order, axis=0)
    space = group.standard
    if space.size != points.shape[1]:
        raise DomainError(f"{group} acts on {space.size} dimensions, the taps have {points.shape[1]}")
    found = match(points, space.matrices())
    if found is None:
        raise ExactnessError(
            f"{group} does not map these {len(points)} taps to themselves. Fix: take all points of each orbit, "
            f"or a smaller group."
        )
    return found
