"""More linear conditions on equivariant maps: locality masks, symmetric kernels."""

import numpy as np

from erlangen.errors import FieldError
from erlangen.solve.certificate import Basis, Block, Certificate
from erlangen.solve.nullspace import Gap, decide


def restrict(
    whole: Certificate, mask: np.ndarray | None, constraint: np.ndarray | None, tolerance: float | None
) -> tuple[tuple[Block, ...], Gap | None]:
    """The equivariant maps that vanish outside a mask and satisfy more conditions, as one block.

    Args:
        whole: all equivariant maps.
        mask: [size_out, size_in] bool, entries that may be non-zero.
        constraint: [k, size_out, size_in], Σ_ab C[k, a, b] W[a, b] = 0.
        tolerance: relative singular values up to this are zero.

    Raises:
        FieldError: a shape differs.
        GapError: the conditions do not decide.
    """
    shape = (whole.rho_out.size, whole.rho_in.size)
    basis = whole.basis
    rows = []
    if mask is not None:
        allowed = np.asarray(mask, dtype=bool)
        if allowed.shape != shape:
            raise FieldError(f"the mask must be {shape[0]} x {shape[1]} (out x in), got {allowed.shape}")
        rows.append(basis[:, ~allowed].T)
    if constraint is not None:
        given = np.asarray(constraint)
        if given.ndim != 3 or given.shape[1:] != shape:
            raise FieldError(f"constraint must be [k, {shape[0]}, {shape[1]}] (conditions, out, in), got {given.shape}")
        rows.append(np.einsum("kab,dab->kd", given, basis) / max(np.abs(given).max(initial=0.0), 1e-300))
    if not whole.dim:
        return (), None
    stacked = np.concatenate(rows)
    _, values, right = np.linalg.svd(stacked, full_matrices=len(stacked) < whole.dim)  # U is never used
    values = np.concatenate([values, np.zeros(whole.dim - len(values))])
    kept, gap = decide(values, "the mask or constraint", tolerance)
    dense = np.tensordot(right[~kept].conj(), basis, axes=1)
    if not len(dense):
        return (), gap
    pair = Basis(*shape, len(dense), "constraint", dense=dense)
    return (Block(slice(0, shape[0]), slice(0, shape[1]), 1, 1, pair, 0),), gap
