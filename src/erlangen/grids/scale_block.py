"""`derive(..., scales=3)`: networks whose first block looks at several scales."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from erlangen.blueprint import EquivariantModule, Field, Recipe, Sequential
from erlangen.errors import FieldError
from erlangen.grids.activation import activated
from erlangen.grids.scale import ScaleGrid
from erlangen.grids.scale_linear import ScaleLift
from erlangen.grids.space import Grid


def lifting_block(
    in_field: Field,
    out_field: Field,
    scales: int,
    ratio: float = 2.0,
    nonlinearity: "str | dict[str, Any] | None" = None,
    **local: Any,
) -> EquivariantModule:
    """σ ∘ norm ∘ B from a grid to its scales.

    Args:
        in_field: type of the input, on a grid.
        out_field: type of the output on that grid; its representation is lifted.
        scales: how many.
        ratio: between neighbours.
        nonlinearity: as `dense_block` takes it.
        local: options of `ScaleLift`.
    """
    grid = in_field.space
    if not isinstance(grid, Grid) or isinstance(grid, ScaleGrid):
        raise FieldError(f"a block that lifts to scales needs a field on a grid, got {in_field}")
    space = ScaleGrid(grid.d, scales, ratio, grid.shape, grid.spacing)
    lifted = Field(space, out_field.rep)
    wide, last = activated(lifted, nonlinearity)
    lift = ScaleLift(in_field, wide, bias=local.pop("bias", False), **local)
    return Sequential(lift, space.norm(wide), last)


def scales_option(recipe: Recipe, value: "int | Mapping[str, Any]") -> Recipe:
    """The recipe of a network whose first block looks at several scales, and whose head pools over them.

    Kernels have at most five taps: those of the coarser scales reach further anyway.

    Args:
        recipe: of a grid.
        value: how many scales, a factor of two apart; or {"scales": S, "ratio": a}.

    Raises:
        FieldError: neither.
    """
    lift = {"scales": value} if isinstance(value, int) else value
    if not isinstance(lift, Mapping) or not {"scales"} <= set(lift) <= {"scales", "ratio"}:
        raise FieldError(f"scales takes a number, or {{'scales': 3, 'ratio': 2}}; got {value!r}")
    local = [{**options, "kernel_size": min(options.get("kernel_size", 3), 5)} for options in recipe.local]
    return replace(recipe, local=({**local[0], "lift": dict(lift)}, *local[1:]))
