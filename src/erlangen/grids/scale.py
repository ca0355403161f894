"""A grid at several scales: signals that were looked at near by and from further and further away.

Turning can be undone; zooming cannot, since pixels are lost: scales form a semigroup, and there is a finest and a
coarsest one. A signal on a `ScaleGrid` has S scales 1, a, a², …, all sampled on the same pixels, and zooming out by a
takes what was at scale k+1 to scale k, and the point a·u to u. What leaves at the fine end is gone, and what enters at
the coarse end was never seen: those are the borders of the axis of scales.
"""

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from erlangen.blueprint import Action, Field, register_space
from erlangen.errors import DomainError
from erlangen.grids.space import Grid

if TYPE_CHECKING:
    from erlangen.blueprint import EquivariantModule, Task


class ScaleGrid(Grid):
    """A regular grid at S scales; signals are tensors [B, C, S, *shape].

    Args:
        d: number of axes, 1 or 2.
        scales: how many scales S.
        ratio: the factor a between neighbours, more than 1. With a whole number the law of scales is exact.
        shape: pixels along each axis; None where a network should take any size.
        spacing: distance between pixels along each axis, as in `Grid`.

    Raises:
        DomainError: another number of axes, no scale, or a ratio of 1 or less.

    Law: (D x)(k, u) = x(k+1, a·u) for zooming out by a; the point group acts as on `Grid`, at every scale alike.

    Source: Worrall & Welling 2019, arXiv 1905.11697 (scales as a semigroup).
    """

    name = "scale"

    def __init__(
        self,
        d: int,
        scales: int = 3,
        ratio: float = 2.0,
        shape: "tuple[int, ...] | list[int] | None" = None,
        spacing: "Sequence[float | int] | None" = None,
    ) -> None:
        if d not in (1, 2):
            raise DomainError(f"ScaleGrid(d) has 1 or 2 axes, got {d}")
        if scales < 1 or not 1 < ratio < inf:
            raise DomainError(f"ScaleGrid needs at least one scale and a ratio above 1, got {scales} and {ratio}")
        super().__init__(d, shape, spacing)
        self.scales, self.ratio = int(scales), float(ratio)

    @property
    def grid(self) -> Grid:
        """The grid without its scales."""
        return Grid(self.d, self.shape, self.spacing)

    @property
    def steps(self) -> tuple[int, ...] | None:
        """The scales 1, a, a², … if they are whole numbers."""
        a = round(self.ratio)
        return tuple(a**k for k in range(self.scales)) if a == self.ratio else None

    def linear(self, in_field: Field, out_field: Field, **local: Any) -> "EquivariantModule":
        """A convolution over points and neighbouring scales."""
        from erlangen.grids.scale_linear import ScaleConv

        return ScaleConv(in_field, out_field, **local)

    def coarsen(self, field: Field, **options: Any) -> "EquivariantModule":
        """Anti-aliased pooling of every scale alike."""
        from erlangen.grids.scale_pool import PoolEveryScale

        return PoolEveryScale(field, **options)

    def refine(self, field: Field, **options: Any) -> "EquivariantModule":
        """There is none: a network for dense tasks pools over scales first."""
        raise DomainError(f"{self} has no refinement. Fix: ScalePool to a grid, or leave out scales=…")

    def readout(self, field: Field, task: "Task", **options: Any) -> "EquivariantModule":
        """The invariant head of grids, which pools over scales too.

        Raises:
            DomainError: a task with an output at every point.
        """
        if task.dense:
            raise DomainError(f"{self} has heads for whole signals only. Fix: ScalePool to a grid, then its head.")
        return super().readout(field, task, **options)

    def nominal_shape(self) -> tuple[int, ...]:
        """(S, *shape)."""
        return (self.scales, *super().nominal_shape())

    def actions(
        self, group: Any, signal: Tensor, count: int = 8, generator: torch.Generator | None = None
    ) -> list[Action]:
        """Every element of the point group; shifts and scales are tried on the grid that was lifted."""
        return [action for action in super().actions(group, signal, count, generator) if action.family == group.name]

    def describe(self) -> dict[str, Any]:
        """{"domain": "scale", "d": …, "scales": …, "ratio": …, "shape": …}, and the spacing if there is one."""
        return {**super().describe(), "domain": "scale", "scales": self.scales, "ratio": self.ratio}

    def __repr__(self) -> str:
        return f"{self.scales} scales of ratio {self.ratio:g} on {self.grid}"


def scale_grid_from(
    d: int = 2,
    scales: int = 3,
    ratio: float = 2.0,
    shape: "list[int] | None" = None,
    spacing: "list[float | int] | None" = None,
) -> ScaleGrid:
    """The grid that `ScaleGrid.describe` described."""
    return ScaleGrid(d, scales, ratio, shape, spacing)


register_space("scale", scale_grid_from)
