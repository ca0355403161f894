"""Regular grids in one, two and three dimensions, with shifts and the exact point groups.

Coordinates are (x, y, z) = index along the last, second-to-last, third-to-last axis, measured from the centre; y grows
downwards, so r90 (x axis to y axis) turns a displayed image clockwise. In three dimensions groups have their
Schoenflies names and turn about z: D4 has 180° turns about x besides, C4v mirrors, O is all rotations of the cube. Axes
whose pixels have different spacings are not exchanged by any symmetry.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.blueprint import Action, Field, Recipe, Space, check_channels, register_space
from erlangen.errors import DomainError, UnknownName
from erlangen.grids.rotation import turn
from erlangen.symmetry import FiniteGroup, Representation, direct_product
from erlangen.symmetry import group as group_named
from erlangen.symmetry.crystal import MOVES, point_group

if TYPE_CHECKING:
    from erlangen.blueprint import EquivariantModule, Task

GROUPS: dict[int, tuple[str, ...]] = {1: ("C1", "D1"), 2: ("C1", "C2", "C4", "D1", "D2", "D4"), 3: tuple(MOVES)}


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
        if shape is not None and (len(shape) != d or any(n < 1 for n in shape)):
            raise DomainError(f"Grid({d}) needs a shape of {d} positive sizes, got {tuple(shape)}")
        if spacing is not None and (len(spacing) != d or any(not a > 0 for a in spacing)):
            raise DomainError(f"Grid({d}) needs {d} positive spacings, got {tuple(spacing)}")
        self.d = d
        self.shape = None if shape is None else tuple(int(n) for n in shape)
        self.spacing = None if spacing is None else tuple(float(a) for a in spacing)

    def act(self, g: int, signal: Float[Tensor, "b c *shape"], rep: Representation) -> Float[Tensor, "b c *moved"]:
        """(g·x)(u) = ρ(g) x(g⁻¹u), by transposing and flipping axes: exact."""
        check_channels(Field(self, rep), signal.shape[1], "act")
        return rep.apply(g, self.move_points(g, signal, rep.group), dim=1)

    def move_points(self, g: int, signal: Tensor, group: Any) -> Tensor:
        """x(g⁻¹u): the points move, the channels stay."""
        matrix = point_matrices(group, self.d)[int(g)]
        lead = signal.ndim - self.d
        order, flips = list(range(signal.ndim)), []
        for j in range(self.d):  # coordinate j of the input goes to coordinate i of the output, with a sign
            i = int(np.abs(matrix[:, j]).argmax())
            order[lead + self.d - 1 - i] = lead + self.d - 1 - j
            if matrix[i, j] < 0:
                flips.append(lead + self.d - 1 - i)
        moved = signal.permute(order)
        return moved.flip(flips) if flips else moved

    def linear(self, in_field: Field, out_field: Field, **local: Any) -> "EquivariantModule":
        """A group convolution, complete on its stencil."""
        from erlangen.grids.linear import Conv

        return Conv(in_field, out_field, **local)

    def nonlinearity(self, field: Field) -> "EquivariantModule":
        """ReLU on permutation channels, norm-ReLU on the others."""
        from erlangen.grids.nonlinearity import Nonlinearity

        return Nonlinearity(field)

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
        """Invariant pooling and a linear map; a 1×1 convolution for outputs on the grid."""
        from erlangen.grids.readout import DenseReadout, InvariantReadout

        return DenseReadout(field, task) if task.dense else InvariantReadout(field, task, **options)

    def recipe(self, size: str, field: Field, task: "Task") -> Recipe:
        """Widths of a named size, as in `erlangen.grids.architectures`."""
        from erlangen.grids.architectures import recipe

        return recipe(self, size, field, task)

    def adapt(self, recipe: Recipe, options: dict[str, Any]) -> Recipe:
        """The recipe under the options that grids know, as in `erlangen.grids.architectures`."""
        from erlangen.grids.architectures import adapt

        return adapt(recipe, options)

    def symmetries(self, name: str | None = None) -> FiniteGroup:
        """The point group of this name, or the largest, that maps the grid to itself.

        A product, "C4xS3", is a point group and a group that acts on the channels only.

        Raises:
            UnknownName: no group has this name.
            DomainError: the grid does not have this group; the message lists those it has.
        """
        first, *fibre = re.split(r"\s*[x×]\s*", name or "")
        if fibre:
            beside = group_named("x".join(fibre))
            if not isinstance(beside, FiniteGroup):
                raise DomainError(f"{beside} is not finite, so it has no product with a point group on {self}")
            return direct_product(self.symmetries(first), beside)
        known = [n for n in GROUPS[self.d] if self._obstacle(on_grid(n, self.d)) is None]
        chosen = next((n for n in GROUPS[self.d] if name is not None and n.lower() == name.lower()), name or known[-1])
        if chosen in known:
            return on_grid(chosen, self.d)
        why: str | None = "pixels go to pixels only under these"
        if chosen in GROUPS[self.d]:
            why = self._obstacle(on_grid(chosen, self.d))
        else:
            group_named(chosen)  # a name that no group has is an error of its own
        raise DomainError(f"{self} does not have the symmetry {chosen}: {why}. It has {', '.join(known)}.")

    def _obstacle(self, group: FiniteGroup) -> str | None:
        """Which two axes the group exchanges although they differ, in words; None if it maps the grid to itself."""
        for matrix in point_matrices(group, self.d):
            for i, j in zip(*np.nonzero(matrix), strict=True):
                a, b = sorted((self.d - 1 - int(i), self.d - 1 - int(j)))
                for values, what in ((self.shape, "pixels"), (self.spacing, "spacing")):
                    if values is not None and values[a] != values[b]:
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
        """Every element of the point group, whole-pixel shifts, and (on square images) turns by angles in between."""
        shape = tuple(signal.shape[signal.ndim - self.d :])
        found = []
        for g in list(group.elements)[1:]:
            matrix = point_matrices(group, self.d)[g]
            if any(
                shape[self.d - 1 - int(np.abs(matrix[:, j]).argmax())] != shape[self.d - 1 - j] for j in range(self.d)
            ):
                continue
            found.append(self._element(group, g))
        found += [self._shift(axis, step) for axis in range(self.d) for step in (1, 2, 4) if step < shape[-1 - axis]]
        if self.d == 2 and shape[0] == shape[1]:
            extra = (torch.rand(count, generator=generator) * 360).tolist()
            even = [float(a) for a in range(15, 360, 15) if a % 90]
            angles = even + sorted(round(a, 1) for a in extra)
            found += [turn(angle) for angle in angles]
        return found

    def _element(self, group: FiniteGroup, g: int) -> Action:
        def move(x: Tensor, rep: Representation | None, g: int = g) -> Tensor:
            moved = self.move_points(g, x, group)
            return moved if rep is None else rep.apply(g, moved)

        def undo(x: Tensor, rep: Representation | None) -> Tensor:
            return move(x, rep, group.inverse(g))

        label = group.label(g)
        turned = re.fullmatch(r"r(\d+(?:\.\d+)?)", label)
        angle = float(turned[1]) if turned else None
        return Action(label, group.name, True, move, g in group.generators.values(), angle, undo)

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


@lru_cache
def point_matrices(group: FiniteGroup, d: int) -> np.ndarray:
    """How a group moves the points of a d-dimensional grid: [|G|, d, d] signed permutation matrices.

    Raises:
        DomainError: the group does not map the grid to itself.
    """
    if isinstance(group, FiniteGroup) and group.defining is None and group.factors:
        first = group.factors[0][0]  # of a product, the first factor moves the points, the others the channels only
        return np.repeat(point_matrices(first, d), group.order // first.order, axis=0)
    if not isinstance(group, FiniteGroup) or not (_is_named(group, d) or _is_signed(group, d)):
        raise DomainError(
            f"{group} does not map a {d}-dimensional grid to itself. Groups that do: {', '.join(GROUPS[d])}."
        )
    return group.standard.matrices()[:, :d, :d]


def _is_named(group: FiniteGroup, d: int) -> bool:
    return group.name in GROUPS[d] and group == on_grid(group.name, d)


def _is_signed(group: FiniteGroup, d: int) -> bool:
    """Whether the group is defined by signed permutations of the axes, as the reverse complement of a strand is."""
    return group.defining is not None and group.defining.shape[1:] == (d, d) and group.standard.is_monomial


def on_grid(name: str, d: int) -> FiniteGroup:
    """The group of this name as it acts on a d-dimensional grid."""
    found = point_group(name) if d == 3 else group_named(name)
    if not isinstance(found, FiniteGroup):
        raise DomainError(f"{name} is not finite, so it maps no grid to itself")
    return found


def grid_from(d: int = 2, shape: "list[int] | None" = None, spacing: "list[float | int] | None" = None) -> Grid:
    """The grid that `Grid.describe` described."""
    if not isinstance(d, int):
        raise UnknownName("number of axes", d, ["1", "2", "3"])
    return Grid(d, shape, spacing)


register_space("grid", grid_from)
