"""dim Hom_G from characters: an answer that knows nothing about bases, to hold against the solver's."""

import numpy as np

from erlangen.symmetry import FiniteGroup, Representation
from erlangen.symmetry.weyl import character_inner


def character_dimension(rho_in: Representation, rho_out: Representation) -> int | None:
    """∫ χ̄_in(g) χ_out(g) dg, where the group is finite with a table, or a class or torus formula is known.

    Args:
        rho_in: representation of the input.
        rho_out: representation of the output, of the same group.

    Returns:
        dim Hom_G(ρ_in, ρ_out), over the complex numbers if a representation is complex; None where no formula is known.
    """
    group = rho_in.group
    if isinstance(group, FiniteGroup):
        return _whole(complex(np.vdot(rho_in.character, rho_out.character)) / group.order)
    inner = character_inner(rho_in, rho_out)
    return None if inner is None else _whole(complex(inner))


def _whole(value: complex) -> int | None:
    """The nearest integer, if the value is one to rounding."""
    return round(value.real) if abs(value - round(value.real)) < 1e-6 else None
