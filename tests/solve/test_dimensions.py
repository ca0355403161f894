"""Dimensions of Hom_G that are known, each with its certificate."""

import numpy as np
import pytest

from erlangen.solve import solve
from erlangen.symmetry import Group, Representation, group


def rep(name: str, spec: str) -> Representation:
    return group(name).representation(spec)


KNOWN = [
    ("S(5)", "standard", "standard", 2),
    ("S(5)", "standard^2", "standard", 5),
    ("S(3)", "standard^2", "standard^2", 14),
    *((f"S({n})", "standard^2", "standard^2", 15) for n in (4, 5, 6, 8)),
    ("S(4)", "standard^3", "standard^2", 51),
    ("S(5)", "standard^3", "standard^2", 52),
    ("C(8)", "regular", "regular", 8),
    ("C(16)", "regular", "regular", 16),
    ("C(3)", "standard", "standard", 2),
    ("C(3)", "standard^2", "standard^2", 6),
    ("D(3)", "standard", "standard", 1),
    ("D(4)", "standard", "standard", 1),
    ("D(4)", "standard^2", "standard^2", 4),
    ("D(6)", "standard^2", "standard^2", 3),
    ("D(6)", "regular", "regular", 12),
    ("SU(2)", "standard", "standard", 1),
    ("SU(2)", "standard^2", "standard^2", 2),
    ("O(3)", "standard", "standard", 1),
    ("O(3)", "standard", "standard^2", 0),
    ("SO(3)", "standard", "standard^2", 1),
    ("O(3)", "standard^2", "standard^2", 3),
    ("SO(3)", "standard^2", "standard^2", 3),
    ("SO(3)", "standard^2", "standard^3", 6),
    ("O(3)", "standard^3", "standard^3", 15),
    ("SO(1,3)", "standard", "standard", 1),
    ("SO(1,3)", "standard^2", "standard^2", 4),
    ("O(1,3)", "standard^2", "standard^2", 3),
    ("O(1,3)", "standard", "standard^3", 3),
    ("cube faces", "standard", "standard", 3),
    ("cube faces", "standard^2", "standard^2", 60),
    ("rubik", "standard", "standard", 9),
    ("SL(3)", "trivial", "standard^3", 1),
    ("GL(2)", "standard*dual(standard)", "standard*dual(standard)", 2),
    ("O(5)", "standard^2", "standard^2", 3),
    ("Sp(4)", "standard^2", "trivial", 1),
]


@pytest.mark.parametrize(("name", "before", "after", "dim"), KNOWN, ids=lambda v: str(v))
def test_known_dimensions(name: str, before: str, after: str, dim: int) -> None:
    found = solve(rep(name, before), rep(name, after))
    assert found.dim == dim
    assert found.oracle in (None, dim)
    assert found.residual <= 1e-10
    assert found.basis.shape == (dim, found.rho_out.size, found.rho_in.size)
    gram = np.einsum("dab,eab->de", found.basis.conj(), found.basis)
    assert np.allclose(gram, np.eye(dim), atol=1e-10)


def test_compact_and_finite_groups_have_an_oracle() -> None:
    without = {name for name, before, after, _ in KNOWN if solve(rep(name, before), rep(name, after)).oracle is None}
    assert not without & {"S(5)", "C(8)", "D(6)", "SO(3)", "O(3)", "O(5)", "SU(2)", "cube faces"}, without


def test_pixels_of_a_periodic_grid_under_p4() -> None:
    n = 8
    y, x = np.divmod(np.arange(n * n), n)
    moves = {
        "right": (y * n + (x + 1) % n).tolist(),
        "down": ((y + 1) % n * n + x).tolist(),
        "turn": (x * n + (-y) % n).tolist(),
    }
    p4 = Group.from_permutations(moves, name="p4 on 8 x 8")
    assert p4.order == 256
    assert solve(p4.standard, p4.standard).dim == 18


def test_the_order_of_the_cube_that_is_turned() -> None:
    assert group("rubik").order == 43_252_003_274_489_856_000
