"""Regular grids in one, two and three dimensions, with shifts and the groups that turn them.

Coordinates are (x, y, z) = index along the last, second-to-last, third-to-last axis, measured from the centre; y grows
downwards, so r90 (x axis to y axis) turns a displayed image clockwise. In three dimensions groups have their
Schoenflies names and turn about z: D4 has 180° turns about x besides, C4v mirrors, O is all rotations of the cube. Axes
whose pixels have different spacings are not exchanged by any symmetry.
"""

import re
from collections.abc import Sequence
from math import isclose
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.blueprint import Action, Field, Recipe, Space, check_channels, register_space
from erlangen.errors import DomainError, ErlangenError, UnknownName
from erlangen.grids.groups import (
    GROUPS,
    exact_elements,
    is_finer,
    is_signed_permutation,
    matrix_of,
    mixed_axes,
    on_grid,
)
from erlangen.grids.labels import label_of
from erlangen.grids.moves import move_points
from erlangen.grids.rotation import turn, turns_of_volumes
from erlangen.symmetry import FiniteGroup, Group, Representation, direct_product
from erlangen.symmetry import group as group_named

if TYPE_CHECKING:
    from erlangen.blueprint import EquivariantModule, Task


SAME_SPACING = 1e-4  # relative: affines are stored in single precision, and scanners round


class Grid(Space):
    """A regular grid of pixels; signals are tensors [B, C, *shape].

    Args:
        d: number of axes, 1, 2 or 3.
        shape: pixels along each axis (…, y, x); None where a network should take any size.
        spacing: distance between pixels along each axis (…, y, x), in any unit, such as (2.5, 1, 1) mm; None if it is
            the same along all.

    Raises:
        DomainError: d is not 1, 2 or 3, or shape or spacing do not have d positive entries.

    Law: (g·x)(u) = ρ(g) x(g⁻¹u), with g⁻¹u on the grid again.
    """

    name = "grid"

    def __init__(
        self,
        d: int,
        shape: "tuple[int, ...] | list[int] | None" = None,
        spacing: "Sequence[float | int] | None" = None,
    ) -> None:
        if d not in GROUPS:
            raise DomainError(f"Grid(d) has 1, 2 or 3 axes, got {d}")
        if shape is not None and not _are_positive(shape, d, whole=True):
            raise DomainError(f"Grid({d}) needs a shape of {d} positive whole sizes, got {shape!r}")
        if spacing is not None and not _are_positive(spacing, d):
            raise DomainError(f"Grid({d}) needs {d} positive finite spacings, got {spacing!r}")
        self.d = d
        self.shape = None if shape is None else tuple(int(n) for n in shape)
        self.spacing = None if spacing is None else tuple(float(a) for a in spacing)

    def act(self, g: Any, signal: Float[Tensor, "b c *shape"], rep: Representation) -> Float[Tensor, "b c *moved"]:
        """(g·x)(u) = ρ(g) x(g⁻¹u): exact where g maps pixels to pixels, else by interpolation."""
        check_channels(Field(self, rep), signal.shape[1], "act")
        return rep.apply(g, self.move_points(g, signal, rep.group), dim=1)

    def move_points(self, g: Any, signal: Tensor, group: Any) -> Tensor:
        """x(g⁻¹u): the points move, the channels stay."""
        return move_points(signal, matrix_of(group, g, self.d))

    def exact_elements(self, group: Any) -> list[Any] | None:
        """The elements that map pixels to pixels; None if all do."""
        if isinstance(group, FiniteGroup) and not is_finer(group, self.d):
            return None
        return exact_elements(group, self.d)

    def linear(self, in_field: Field, out_field: Field, **local: Any) -> "EquivariantModule":
        """A group convolution, complete on its stencil."""
        from erlangen.grids.linear import Conv

        return Conv(in_field, out_field, **local)

    def nonlinearity(self, field: Field) -> "EquivariantModule":
        """ReLU on permuted copies and norm-ReLU on the others; irreps of an infinite group are sampled."""
        from erlangen.grids.activation import default_nonlinearity

        return default_nonlinearity(field)

    def norm(self, field: Field) -> "EquivariantModule":
        """Batch normalisation with statistics shared by the channels of a copy."""
        from erlangen.grids.norm import BatchNorm

        return BatchNorm(field)

    def block(self, in_field: Field, out_field: Field, **local: Any) -> "EquivariantModule":
        """A block of the kind that `local` names: σ ∘ norm ∘ B by default; then a restriction to a subgroup, if any.

        Args:
            in_field: type of the input.
            out_field: type of the output.
            local: options of its layers, such as `kernel_size`; `restrict`, the name of the group that is left after
                it; `lift`, {"scales": S, "ratio": a} for a block that looks at several scales; `illumination`, "image"
                or "channel", whose light is divided out before.
        """
        from erlangen.blueprint import Sequential
        from erlangen.grids.blocks import build_block
        from erlangen.grids.colour import IlluminationNorm
        from erlangen.grids.restriction import Restrict
        from erlangen.grids.scale_block import lifting_block

        restrict, lift = local.pop("restrict", None), local.pop("lift", None)
        light = local.pop("illumination", None)
        built = (
            build_block(in_field, out_field, **local)
            if lift is None
            else lifting_block(in_field, out_field, **lift, **local)
        )
        before = [] if light is None else [IlluminationNorm(in_field, light)]
        after = [] if restrict is None else [Restrict(built.out_field, restrict)]
        return Sequential(*before, built, *after) if before or after else built

    def coarsen(self, field: Field, **options: Any) -> "EquivariantModule":
        """Anti-aliased pooling with stride 2 that is exact at every size; polyphase where shifts are to be exact."""
        from erlangen.grids.shift import coarsening

        return coarsening(field, **options)

    def refine(self, field: Field, **options: Any) -> "EquivariantModule":
        """Linear interpolation onto the finer grid that `coarsen`, with the same options, came from."""
        from erlangen.grids.shift import refinement

        return refinement(field, **options)

    def concatenate(self, finer: Tensor, coarser: Tensor) -> Tensor:
        """Join along channels."""
        return torch.cat([finer, coarser], dim=1)

    def readout(self, field: Field, task: "Task", **options: Any) -> "EquivariantModule":
        """More copies, invariant pooling and a linear map; a 1×1 convolution for outputs on the grid."""
        from erlangen.grids.readout import DenseReadout, invariant_head

        return DenseReadout(field, task) if task.dense else invariant_head(field, task, **options)

    def recipe(self, size: str, field: Field, task: "Task") -> Recipe:
        """Widths of a named size, as in `erlangen.grids.architectures`."""
        from erlangen.grids.architectures import recipe

        return recipe(self, size, field, task)

    def adapt(self, recipe: Recipe, options: dict[str, Any]) -> Recipe:
        """The recipe under the options that grids know, as in `erlangen.grids.architectures`."""
        from erlangen.grids.architectures import adapt

        return adapt(recipe, options)

    def option_names(self) -> tuple[str, ...]:
        """Those of `erlangen.grids.architectures`."""
        from erlangen.grids.architectures import OPTIONS

        return tuple(OPTIONS)

    def symmetries(self, name: str | None = None) -> Group:
        """The group of this name, or the largest one that maps the grid to itself.

        A product, "C4xS3", is a group that moves the points and one that acts on the channels only.

        Raises:
            UnknownName: no group has this name.
            DomainError: the grid does not have this group; the message lists those it has.
        """
        first, *fibre = re.split(r"\s*[x×]\s*", name or "")
        if name is not None and not all((first, *fibre)):
            raise UnknownName("group", name, GROUPS[self.d])
        if fibre:
            return direct_product(self.symmetries(first), group_named("x".join(fibre)))
        known = [n for n in GROUPS[self.d] if self._obstacle(on_grid(n, self.d)) is None]
        wanted = known[-1] if name is None else name
        chosen = next((n for n in GROUPS[self.d] if n.lower() == wanted.lower()), wanted)
        if chosen not in GROUPS[self.d] and not self._is_finer(chosen):
            why: str | None = "it does not turn the points of this grid"
        else:
            why = self._obstacle(on_grid(chosen, self.d))
        if why is None:
            return on_grid(chosen, self.d)
        fix = "" if self._is_isotropic else " Fix: resample it to equal spacing, or one of those."
        raise DomainError(
            f"{self} does not have the symmetry {chosen}: {why}. It has {', '.join(known)}{self._more()}.{fix}"
        )

    def _is_finer(self, name: str) -> bool:
        """Whether a name is that of a group that turns points in between."""
        try:
            return is_finer(group_named(name), self.d)
        except UnknownName:
            raise
        except ErlangenError:  # a name of the right form with a number that no group has
            return False

    def _more(self) -> str:
        """The groups that turn points to places in between, in words, if no axes differ."""
        largest = {2: "O(2)", 3: "O(3)"}.get(self.d)
        if largest is None or self._obstacle(on_grid(largest, self.d)) is not None:
            return ""
        names = "C(n) and D(n) for any n, SO(2), O(2)" if self.d == 2 else "SO(3), O(3)"
        return f"; and, exact on those and least squares in between, {names}"

    @property
    def _is_isotropic(self) -> bool:
        return self.spacing is None or isclose(min(self.spacing), max(self.spacing), rel_tol=SAME_SPACING)

    def _obstacle(self, group: Group) -> str | None:
        """Which two axes the group exchanges although they differ, in words; None if it maps the grid to itself."""
        mixed = mixed_axes(group, self.d)
        for i, j in zip(*np.nonzero(mixed & ~np.eye(self.d, dtype=bool)), strict=True):
            a, b = sorted((self.d - 1 - int(i), self.d - 1 - int(j)))
            for values, what in ((self.shape, "pixels"), (self.spacing, "spacing")):
                if values is not None and not isclose(values[a], values[b], rel_tol=SAME_SPACING):
                    return f"it exchanges axes {a} and {b}, with {what} {values[a]:g} and {values[b]:g}"
        return None

    def sample_signal(
        self, field: Field, batch: int = 2, generator: torch.Generator | None = None
    ) -> Float[Tensor, "b c *shape"]:
        """White noise at the nominal shape."""
        return torch.randn(batch, field.size, *self.nominal_shape(), generator=generator)

    def actions(
        self, group: Any, signal: Tensor, count: int = 8, generator: torch.Generator | None = None
    ) -> list[Action]:
        """Every element of a finite group, whole-pixel shifts, and (squares and cubes) turns by angles in between.

        Of an infinite group: the elements that map pixels to pixels, and random ones.
        """
        shape = tuple(signal.shape[signal.ndim - self.d :])
        if isinstance(group, FiniteGroup):
            elements = list(group.elements)[1:]
        else:
            identity = group.label(group.identity)
            elements = [g for g in exact_elements(group, self.d) if group.label(g) != identity]
            elements += group.sample(count, generator)
        found = [self._element(group, g) for g in elements if _keeps_shape(matrix_of(group, g, self.d), shape)]
        found += [self._shift(axis, step) for axis in range(self.d) for step in (1, 2, 4) if step < shape[-1 - axis]]
        if self.d == 2 and shape[0] == shape[1]:
            extra = (torch.rand(count, generator=generator) * 360).tolist()
            even = [float(a) for a in range(15, 360, 15) if a % 90]
            angles = even + sorted(round(a, 1) for a in extra)
            found += [turn(angle) for angle in angles]
        if self.d == 3 and len(set(shape)) == 1 and self._is_isotropic:
            found += turns_of_volumes(count if isinstance(group, FiniteGroup) else 0, generator)
        return found

    def _element(self, group: Any, g: Any) -> Action:
        def move(x: Tensor, rep: Representation | None, g: Any = g) -> Tensor:
            moved = self.move_points(g, x, group)
            return moved if rep is None else rep.apply(g, moved)

        def undo(x: Tensor, rep: Representation | None) -> Tensor:
            return move(x, rep, group.inverse(g))

        label = label_of(group, g)
        exact = self.exact_elements(group) is None or is_signed_permutation(matrix_of(group, g, self.d))
        if isinstance(group, FiniteGroup):
            turned = re.fullmatch(r"r(\d+(?:\.\d+)?)", label)
            angle = float(turned[1]) if turned else None
            return Action(label, group.name, exact, move, g in group.generators.values(), angle, undo, g)
        matrix = matrix_of(group, g, self.d)
        angle = float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))) % 360 if self.d == 2 else None
        return Action(label, group.name, exact, move, False, angle, undo, g)

    def _shift(self, axis: int, step: int) -> Action:
        def move(x: Tensor, rep: Representation | None, step: int = step) -> Tensor:
            return x.roll(step, dims=-1 - axis)

        def undo(x: Tensor, rep: Representation | None) -> Tensor:
            return move(x, rep, -step)

        return Action(f"shift-{'xyz'[axis]}+{step}", "translation", True, move, step == 1, float(step), undo)

    def nominal_shape(self) -> tuple[int, ...]:
        """The shape, or 32 pixels along each axis where any size is welcome (16 in three dimensions)."""
        return self.shape or ((16,) * 3 if self.d == 3 else (32,) * self.d)

    def describe(self) -> dict[str, Any]:
        """{"domain": "grid", "d": …, "shape": …}, and the spacing if there is one."""
        found: dict[str, Any] = {
            "domain": "grid",
            "d": self.d,
            "shape": None if self.shape is None else list(self.shape),
        }
        return found if self.spacing is None else {**found, "spacing": list(self.spacing)}

    def __repr__(self) -> str:
        size = str(self.d) if self.shape is None else "×".join(map(str, self.shape))
        return (
            f"Grid({size})"
            if self.spacing is None
            else f"Grid({size}, spacing {'×'.join(f'{a:g}' for a in self.spacing)})"
        )


def _are_positive(values: Any, d: int, whole: bool = False) -> bool:
    """Whether there are d positive numbers, finite or whole."""
    if not isinstance(values, Sequence | np.ndarray | torch.Tensor) or isinstance(values, str) or len(values) != d:
        return False
    return all(0 < v < float("inf") and (not whole or v == int(v)) for v in values)


def _keeps_shape(matrix: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether axes that the matrix exchanges have equal sizes."""
    d = len(shape)
    return all(shape[d - 1 - i] == shape[d - 1 - j] for i, j in zip(*np.nonzero(np.abs(matrix) > 1e-9), strict=True))


def grid_from(d: int = 2, shape: "list[int] | None" = None, spacing: "list[float | int] | None" = None) -> Grid:
    """The grid that `Grid.describe` described."""
    if not isinstance(d, int):
        raise UnknownName("number of axes", d, ["1", "2", "3"])
    return Grid(d, shape, spacing)


register_space("grid", grid_from)
