"""Sizes of derived networks on grids: one dial sets widths, kernels and pooling."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from erlangen.blueprint import Field, Recipe
from erlangen.errors import FieldError, UnknownName
from erlangen.grids.activation import nonlinearity_option
from erlangen.grids.blocks import block_option
from erlangen.grids.colour import illumination_option
from erlangen.grids.hidden import hidden_of
from erlangen.grids.restriction import restrict_option
from erlangen.grids.scale_block import scales_option
from erlangen.grids.shift import shift_option
from erlangen.grids.volumes import volume_recipe

if TYPE_CHECKING:
    from erlangen.blueprint import Task
    from erlangen.grids.space import Grid

# channels of each block as expanded (copies × |G|), kernel sizes, blocks after which the grid is halved
SIZES: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    "tiny": ((16, 32, 32), (5, 5, 5), (0, 1)),
    "small": ((32, 48, 64, 64, 96, 96), (7, 5, 5, 5, 5, 5), (1, 3)),
    "medium": ((48, 64, 96, 96, 128, 128, 192), (7, 5, 5, 5, 5, 5, 5), (1, 3)),
    "large": ((64, 96, 128, 128, 192, 192, 256, 256), (7, 5, 5, 5, 5, 5, 5, 5), (1, 3, 5)),
}


def recipe(space: "Grid", size: str, field: Field, task: "Task") -> Recipe:
    """The recipe of a named size.

    Hidden fields are regular, which loses nothing: any equivariant function of a finite group factors through them; of
    infinite groups they are functions on the circle or the sphere up to a frequency. Widths count expanded channels, so
    networks of every group cost the same time and a larger group has fewer parameters.

    Raises:
        UnknownName: no recipe has this size.
    """
    if space.d == 3:
        return volume_recipe(size, field, task)
    if size not in SIZES:
        raise UnknownName("size", size, SIZES)
    widths, kernels, halve = SIZES[size]
    smallest = min(space.nominal_shape())
    while halve and smallest >> len(halve) < 4:
        halve = halve[:-1]
    local: tuple[dict[str, Any], ...] = tuple({"kernel_size": k} for k in kernels)
    hidden = hidden_of(field)
    dropout = 0.3 if task.name == "classify" else 0.0
    return Recipe(widths, halve, local, hidden, dropout)


# options of `derive` that are no fields of the recipe: name -> (recipe, value) -> recipe
OPTIONS: dict[str, Callable[[Recipe, Any], Recipe]] = {
    "block": block_option,
    "illumination": illumination_option,
    "nonlinearity": nonlinearity_option,
    "restrict": restrict_option,
    "scales": scales_option,
    "shift": shift_option,
}


PLAIN = (None, "dense", "approximate")  # what blocks and shifts are anyway


def adapt(recipe: Recipe, options: dict[str, Any]) -> Recipe:
    """The recipe under the options that grids know; the others go to the head.

    Args:
        recipe: with its own fields replaced already.
        options: by name, such as block="separable".
    """
    others = {}
    for name, value in options.items():
        if name in OPTIONS:
            recipe = OPTIONS[name](recipe, value)
        else:
            others[name] = value
    if any("lift" in local for local in recipe.local):
        beside = [f"{name}={options[name]!r}" for name in ("block", "shift") if options.get(name) not in PLAIN]
        if beside:
            raise FieldError(
                f"networks of several scales have dense blocks and padded borders, so scales=… does not go with "
                f"{' and '.join(beside)}. Fix: leave one of them out."
            )
    return replace(recipe, options={**recipe.options, **others})
