"""All equivariant kernels on a local stencil, for representations by signed permutations.

    K(g t) = ρ_out(g) K(t) ρ_in(g)⁻¹

G permutes the entries (i, j, t) of a kernel, up to a sign. Every orbit of entries is one basis kernel, unless some
element maps an entry to minus itself, which forces the orbit to zero. So the whole solution space is an index into
free weights: exact, complete, without a matrix.
"""

from dataclasses import dataclass

import numpy as np

from erlangen.errors import DomainError, ExactnessError
from erlangen.symmetry import Component, FiniteGroup


@dataclass(frozen=True)
class KernelBasis:
    """A basis of the equivariant kernels between two representations on a stencil.

    Args:
        dim: number of basis kernels, dim Hom_G.
        index: [size_out, size_in, taps] which basis kernel an entry belongs to; 0 where sign is 0.
        sign: [size_out, size_in, taps] in {-1, 0, 1}; 0 where every equivariant kernel vanishes.
    """

    dim: int
    index: np.ndarray
    sign: np.ndarray


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
    grid = np.stack(np.meshgrid(*(np.arange(k) for k in kernel_size), indexing="ij"), axis=-1).reshape(
        -1, len(kernel_size)
    )
    extent = np.array(kernel_size) - 1
    centred = (2 * grid - extent)[:, ::-1]  # twice the coordinates (x, y, …), whole numbers
    moved = np.rint(np.einsum("gij,tj->gti", matrices, centred)).astype(np.int64)[:, :, ::-1]
    position = (moved + extent) // 2
    inside = (position >= 0) & (position <= extent)
    if not inside.all() or ((moved + extent) % 2).any():
        raise ExactnessError(
            f"a kernel of size {'×'.join(map(str, kernel_size))} is not mapped to itself by this group. "
            f"Fix: use equal sizes along the axes that the group exchanges."
        )
    return np.ravel_multi_index(tuple(np.moveaxis(position, -1, 0)), kernel_size)


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
        if rep.monomial is None or not isinstance(rep.group, FiniteGroup):
            raise DomainError(
                f"{rep} of {rep.group} is not a signed permutation on this grid; choose another representation"
            )
    taps = stencil_permutation(kernel_size, point_matrices)
    (image_out, sign_out), (image_in, sign_in) = rep_out.monomial, rep_in.monomial  # type: ignore[misc]
    shape = (rep_out.size, rep_in.size, taps.shape[1])
    image = np.ravel_multi_index(
        np.broadcast_arrays(image_out[:, :, None, None], image_in[:, None, :, None], taps[:, None, None, :]), shape
    ).reshape(len(taps), -1)
    sign = np.broadcast_to(sign_out[:, :, None, None] * sign_in[:, None, :, None], (len(taps), *shape)).reshape(
        len(taps), -1
    )

    first = image.min(axis=0)  # the smallest entry of each orbit stands for it
    to_first = np.take_along_axis(sign, image.argmin(axis=0)[None], axis=0)[0]
    conflict = ((image == np.arange(image.shape[1])) & (sign < 0)).any(axis=0)
    heads = np.unique(first[~conflict])
    index = np.zeros(len(first), np.int64)
    index[~conflict] = np.searchsorted(heads, first[~conflict])
    return KernelBasis(len(heads), index.reshape(shape), np.where(conflict, 0, to_first).reshape(shape))
