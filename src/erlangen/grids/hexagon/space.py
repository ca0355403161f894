"""The hexagonal grid: rotations by 60° and mirrors map it to itself.

Signals are tensors [B, C, 2R+1, 2R+1] in axial coordinates with zeros in the dead corners, so that an ordinary
convolution with a hexagonal kernel is a convolution on the lattice. Vectors are (x, y) in the plane, y downwards, as on
square grids.
"""

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from erlangen.blueprint import Action, Field, Recipe, register_space
from erlangen.errors import DomainError
from erlangen.grids.hexagon.lattice import GROUPS, hexagon, masked, radius_of, sources
from erlangen.grids.hexagon.turning import turn
from erlangen.grids.space import Grid
from erlangen.symmetry import FiniteGroup, Representation
from erlangen.symmetry import group as group_named

if TYPE_CHECKING:
    from erlangen.blueprint import EquivariantModule, Task


class HexGrid(Grid):
    """A hexagon of hexagonal cells; signals are tensors [B, C, 2R+1, 2R+1], zero in the dead corners.

    Args:
        radius: R, cells from the centre to the rim, 1 + 3R(R + 1) cells in all; None where a network should take any.

    Raises:
        DomainError: the radius is no whole number, or less than 1.

    Law: (g·x)(u) = ρ(g) x(g⁻¹u), with g⁻¹(q, r) on the lattice again: a rotation by 60° sends (q, r) to (-r, q + r).

    Source: Hoogeboom, Peters, Cohen and Welling 2018, arXiv 1803.02108.
    """

    name = "hexagons"

    def __init__(self, radius: int | None = None) -> None:
        if radius is not None and (not isinstance(radius, int) or radius < 1):
            raise DomainError(f"HexGrid(radius) needs a whole number of cells >= 1, got {radius!r}")
        super().__init__(2, None if radius is None else (2 * radius + 1,) * 2)
        self.radius = radius

    def move_points(self, g: int, signal: Float[Tensor, "b c n n"], group: Any) -> Float[Tensor, "b c n n"]:
        """x(g⁻¹u), by a lookup: exact."""
        radius = radius_of(signal.shape[-2:])
        where = sources(group, radius)[int(g)].to(signal.device)
        n = signal.shape[-1]
        moved = signal.flatten(-2)[..., where].unflatten(-1, (n, n))
        return torch.where(hexagon(n, signal.device), moved, 0)

    def mask(self, shape: tuple[int, ...]) -> Bool[Tensor, "n n"]:
        """Which cells of the box are in the hexagon; the others hold zeros.

        Raises:
            ExactnessError: no hexagon has a box of this shape.
        """
        return hexagon(2 * radius_of(shape) + 1)

    def exact_elements(self, group: Any) -> None:
        """All map cells to cells."""
        return

    def symmetries(self, name: str | None = None) -> FiniteGroup:
        """The point group of this name, or D6, the largest, that maps the lattice to itself.

        Raises:
            UnknownName: no group has this name.
            DomainError: the lattice does not have this group; the message lists those it has.
        """
        chosen = next((n for n in GROUPS if name is not None and n.lower() == name.lower()), name or GROUPS[-1])
        found = group_named(chosen)
        if chosen not in GROUPS or not isinstance(found, FiniteGroup):
            hint = " Turns by 90° need a square grid, Grid(2)." if chosen in ("C4", "D4") else ""
            raise DomainError(
                f"{self} does not have the symmetry {chosen}: cells go to cells only under {', '.join(GROUPS)}.{hint}"
            )
        return found

    def sample_signal(
        self, field: Field, batch: int = 2, generator: torch.Generator | None = None
    ) -> Float[Tensor, "b c n n"]:
        """White noise on the cells."""
        return masked(super().sample_signal(field, batch, generator))

    def misfit(self, signal: Tensor) -> str:
        """Values in the corners of the box, which are no cells."""
        if torch.equal(masked(signal), signal) or not bool(signal.isfinite().all()):
            return ""
        return (
            f"a signal on {self} is zero in the two corners of its box that are no cells, and this one is not. "
            "Fix: erlangen.grids.hexagon.lattice.masked(x), or to_hexagon(image)"
        )

    def option_names(self) -> tuple[str, ...]:
        """Those of grids that need no box."""
        return tuple(name for name in super().option_names() if name not in ("shift", "scales"))

    def adapt(self, recipe: Recipe, options: dict[str, Any]) -> Recipe:
        """The recipe under the options of grids, but for those that need a box.

        Raises:
            DomainError: circular shifts, or several scales, which a hexagon does not have.
        """
        if options.get("shift") == "exact" or "scales" in options:
            raise DomainError(
                f"{self} is no box that repeats itself, so shift='exact' and scales=… are for Grid. "
                "Fix: leave them out."
            )
        return super().adapt(recipe, options)

    def linear(self, in_field: Field, out_field: Field, **local: Any) -> "EquivariantModule":
        """A group convolution, complete on the hexagon of its taps."""
        from erlangen.grids.hexagon.linear import HexConv

        return HexConv(in_field, out_field, **local)

    def norm(self, field: Field) -> "EquivariantModule":
        """Batch normalisation with the statistics of the cells, shared by the channels of a copy."""
        from erlangen.grids.hexagon.norm import HexBatchNorm

        return HexBatchNorm(field)

    def readout(self, field: Field, task: "Task", **options: Any) -> "EquivariantModule":
        """More copies, invariant pooling and a linear map; a linear map at every cell for outputs on the grid."""
        from erlangen.grids.readout import invariant_head

        if not task.dense:
            return invariant_head(field, task, **options)
        return self.linear(field, Field(self, task.out_rep(field.group)), kernel_size=1)

    def coarsen(self, field: Field, **options: Any) -> "EquivariantModule":
        """Anti-aliased pooling to half the radius, exact at every radius."""
        from erlangen.grids.hexagon.coarsen import HexPool

        return HexPool(field, **options)

    def refine(self, field: Field, **options: Any) -> "EquivariantModule":
        """Linear interpolation onto the finer grid that `coarsen` came from."""
        from erlangen.grids.hexagon.coarsen import HexUpsample

        return HexUpsample(field)

    def actions(
        self, group: Any, signal: Tensor, count: int = 8, generator: torch.Generator | None = None
    ) -> list[Action]:
        """Every element of the point group, shifts by whole cells, and turns by angles in between."""
        radius_of(signal.shape[-2:])
        found = [self._element(group, g) for g in list(group.elements)[1:]]
        found += [self._shift(axis, step) for axis in range(2) for step in (1, 2, 4) if step < signal.shape[-1]]
        extra = (torch.rand(count, generator=generator) * 360).tolist()
        angles = [float(a) for a in range(15, 360, 15) if a % 60] + sorted(round(a, 1) for a in extra)
        return found + [turn(angle) for angle in angles]

    def _shift(self, axis: int, step: int) -> Action:
        def move(x: Tensor, rep: Representation | None, step: int = step) -> Tensor:
            return masked(x.roll(step, dims=-1 - axis))

        def undo(x: Tensor, rep: Representation | None) -> Tensor:
            return move(x, rep, -step)

        return Action(f"shift-{'qr'[axis]}+{step}", "translation", True, move, step == 1, float(step), undo)

    def nominal_shape(self) -> tuple[int, ...]:
        """The box of the hexagon; radius 16 where any is welcome."""
        return self.shape or (33, 33)

    def describe(self) -> dict[str, Any]:
        """{"domain": "hexagons", "radius": …}."""
        return {"domain": self.name, "radius": self.radius}

    def __repr__(self) -> str:
        return "HexGrid()" if self.radius is None else f"HexGrid({self.radius})"


register_space("hexagons", HexGrid)
