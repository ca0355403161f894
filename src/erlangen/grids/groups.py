"""Which groups act on a grid, how they move its points, and which part of them maps pixels to pixels.

In the plane every C(n), D(n), SO(2) and O(2) turns about the centre; in space the eighteen point groups of the cube,
SO(3) and O(3). Elements that map the grid to itself do so exactly; the others interpolate. A product, "C4xS3", is a
group that moves the points and one that acts on the channels only.
"""

import re
from functools import lru_cache
from typing import Any

import numpy as np

from erlangen.errors import DomainError
from erlangen.symmetry import FiniteGroup, Group
from erlangen.symmetry import group as group_named
from erlangen.symmetry.crystal import MOVES, point_group
from erlangen.symmetry.infinite_products import DirectProduct
from erlangen.symmetry.rotations import PlaneRotations, SpaceRotations

GROUPS: dict[int, tuple[str, ...]] = {1: ("C1", "D1"), 2: ("C1", "C2", "C4", "D1", "D2", "D4"), 3: tuple(MOVES)}
"""Those that map pixels to pixels."""
FINER = {1: "", 2: "; C(n), D(n), SO(2) and O(2) in least squares", 3: "; SO(3) and O(3) in least squares"}


def on_grid(name: str, d: int) -> Group:
    """The group of this name as it acts on a d-dimensional grid.

    Raises:
        UnknownName: no group has this name.
        DomainError: it does not act on such a grid.
    """
    if d == 3 and name in MOVES:
        return point_group(name)
    found = group_named(name)
    if name not in GROUPS[d] and not is_finer(found, d):
        raise DomainError(f"{name} does not turn the points of a {d}-dimensional grid")
    return found


def is_finer(group: Any, d: int) -> bool:
    """Whether the group turns a d-dimensional grid by angles that do not map it to itself."""
    if isinstance(group, PlaneRotations):
        return d == 2
    if isinstance(group, SpaceRotations):
        return d == 3
    if isinstance(group, FiniteGroup) and group.factors and group.defining is None:
        return is_finer(group.factors[0][0], d)
    if isinstance(group, DirectProduct):
        return is_finer(group.factors[0], d)
    named = isinstance(group, FiniteGroup) and d == 2 and re.fullmatch(r"[CD]\d+", group.name) is not None
    return named and group.name not in GROUPS[2] and group == group_named(group.name)


def matrix_of(group: Group, g: Any, d: int) -> np.ndarray:
    """The orthogonal matrix by which an element moves points (x, y, …): [d, d]."""
    if isinstance(group, DirectProduct):
        return matrix_of(group.factors[0], g[0], d)
    if isinstance(group, FiniteGroup):
        return _matrices(group, d)[int(g)]
    if not isinstance(group, (PlaneRotations, SpaceRotations)):
        raise DomainError(f"{group} does not turn a {d}-dimensional grid")
    return np.asarray(g)


def point_matrices(group: Group, d: int) -> np.ndarray:
    """How a group moves the points of a d-dimensional grid: [|G|, d, d] signed permutation matrices.

    Raises:
        DomainError: the group does not map the grid to itself.
    """
    if not isinstance(group, FiniteGroup) or is_finer(group, d):
        raise DomainError(
            f"{group} does not map a {d}-dimensional grid to itself. Groups that do: {', '.join(GROUPS[d])}{FINER[d]}."
        )
    return _matrices(group, d)


@lru_cache
def _matrices(group: FiniteGroup, d: int) -> np.ndarray:
    if group.defining is None and group.factors:
        first = group.factors[0][0]  # of a product, the first factor moves the points, the others the channels only
        return np.repeat(_matrices(first, d), group.order // first.order, axis=0)
    named = group.name in GROUPS[d] and group == on_grid(group.name, d)
    if not (named or is_finer(group, d) or _is_signed(group, d)):
        raise DomainError(
            f"{group} does not act on a {d}-dimensional grid. Groups that do: {', '.join(GROUPS[d])}{FINER[d]}."
        )
    return group.standard.matrices()[:, :d, :d]


def _is_signed(group: FiniteGroup, d: int) -> bool:
    """Whether the group is defined by signed permutations of the axes, as the reverse complement of a strand is."""
    return group.defining is not None and group.defining.shape[1:] == (d, d) and group.standard.is_monomial


def exact_elements(group: Group, d: int) -> list[Any]:
    """The elements that map the grid to itself; of a product with an infinite group, one for each of
    the first factor."""
    if isinstance(group, FiniteGroup):
        return [g for g, m in enumerate(_matrices(group, d)) if is_signed_permutation(m)]
    if isinstance(group, DirectProduct):
        first, beside = exact_elements(group.factors[0], d), group.factors[1]
        return list(zip(first, [beside.identity, *beside.sample(len(first) - 1)], strict=True))
    return list(_matrices(exact_part(group, d), d))


def exact_part(group: Group, d: int) -> FiniteGroup:
    """The part of a group of rotations of the plane or of space that maps the grid to itself, by its usual name.

    Raises:
        DomainError: the group has no such part.
    """
    if isinstance(group, FiniteGroup) and not is_finer(group, d):
        return group
    if isinstance(group, PlaneRotations):
        return point("D4" if group.reflections else "C4", d)
    if isinstance(group, SpaceRotations):
        return point("Oh" if group.reflections else "O", d)
    if isinstance(group, FiniteGroup) and not group.factors:
        return point(f"{group.name[0]}{int(np.gcd(int(group.name[1:]), 4))}", d)
    factors = getattr(group, "factors", ())
    if not factors:
        raise DomainError(f"{group} does not act on a {d}-dimensional grid")
    first = factors[0]
    return exact_part(first[0] if isinstance(first, tuple) else first, d)


def exact_for(group: Group, d: int, beyond: str = "in least squares") -> str:
    """When a map that looks at neighbours is exact, and how it is beyond, in words; empty if for the whole group."""
    return f"for {exact_part(group, d)}, {beyond} beyond" if is_finer(group, d) else ""


def point(name: str, d: int) -> FiniteGroup:
    """A group that maps pixels to pixels, by name.

    Raises:
        DomainError: it does not.
    """
    found = on_grid(name, d)
    if not isinstance(found, FiniteGroup) or name not in GROUPS[d]:
        raise DomainError(f"{name} does not map a {d}-dimensional grid to itself: {', '.join(GROUPS[d])} do")
    return found


def mixed_axes(group: Group, d: int) -> np.ndarray:
    """[d, d] whether some element takes coordinate j to ± coordinate i or to a mixture with it; on the diagonal,
    whether some element does not leave coordinate i as it is."""
    if is_finer(group, d):
        return np.ones((d, d), bool)
    if isinstance(group, DirectProduct):
        return mixed_axes(group.factors[0], d)
    matrices = point_matrices(group, d)
    return (matrices != np.eye(d)).any(axis=0)


def is_signed_permutation(matrix: np.ndarray) -> bool:
    """Whether every entry is -1, 0 or 1, up to rounding."""
    return bool(np.abs(matrix - matrix.round()).max(initial=0.0) < 1e-9)
