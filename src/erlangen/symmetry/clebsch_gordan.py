"""Real Clebsch-Gordan coefficients of SO(3), computed from our own irreps and not from a table."""

import numpy as np

from erlangen.errors import DomainError
from erlangen.symmetry.ladder import couple


def clebsch_gordan(left: int, right: int, out: int) -> np.ndarray:
    """The isometry of degree l3 into degree l1 ⊗ degree l2.

    Args:
        left: l1 >= 0.
        right: l2 >= 0.
        out: l3 with |l1 - l2| <= l3 <= l1 + l2.

    Returns:
        C, [2·l3 + 1, 2·l1 + 1, 2·l2 + 1] float64, read-only, found once a process. Channels are ordered as in
        `erlangen.symmetry.ladder`; the first non-zero entry in row-major order is positive.

    Raises:
        DomainError: degree l3 does not occur in l1 ⊗ l2, so that C would be zero.

    Law: Σ_ij C_kij C_nij = δ_kn; C (D^{l1} ⊗ D^{l2}) = D^{l3} C.
    """
    if min(left, right, out) < 0:
        raise DomainError(f"degrees are integers >= 0, got {left}, {right}, {out}")
    if not abs(left - right) <= out <= left + right:
        raise DomainError(
            f"degree {out} does not occur in {left} ⊗ {right}: |l1 - l2| <= l3 <= l1 + l2. "
            f"Fix: a degree from {abs(left - right)} to {left + right}."
        )
    return couple(left, right)[out]
