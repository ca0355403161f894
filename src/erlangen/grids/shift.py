"""`derive(..., shift="exact")`: networks on periodic grids that no circular shift can change.

Every convolution wraps around, polyphase pooling takes the place of the pooling that keeps samples 0, 2, 4, …, and the
heads pool over all points.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from erlangen.blueprint import Field, Recipe
from erlangen.errors import FieldError, UnknownName
from erlangen.grids.coarsen import Pool, Upsample
from erlangen.grids.polyphase import PolyphasePool, PolyphaseUpsample

if TYPE_CHECKING:
    from erlangen.blueprint import EquivariantModule

SHIFTS = ("exact", "approximate")


def shift_option(recipe: Recipe, value: str) -> Recipe:
    """The recipe of a network that keeps circular shifts as well as asked.

    Args:
        recipe: of a grid.
        value: "exact": circular padding and polyphase pooling; "approximate": as the recipe is, padded with zeros and
            anti-aliased.

    Raises:
        UnknownName: another word.
        FieldError: a block that changes the period.
    """
    _check(value)
    if value == "approximate":
        return recipe
    for i, options in enumerate(recipe.local):
        taps, padded = options.get("kernel_size", 3), options.get("padding_mode", "circular")
        if padded != "circular" or any(k % 2 == 0 for k in (taps if isinstance(taps, tuple | list) else (taps,))):
            raise FieldError(
                f"block {i} has padding_mode={padded!r} and kernel_size={taps!r}, and shift='exact' wants circular "
                "padding and odd kernels: another padding or an even kernel changes the period. Fix: an odd kernel."
            )
        if {"padding", "stride"} & set(options):
            raise FieldError(f"block {i} has a padding or a stride of its own; with shift='exact' leave them out.")
    local = tuple({"padding_mode": "circular", **options} for options in recipe.local)
    return replace(recipe, local=local, coarsen={"shift": "exact", **recipe.coarsen})


def coarsening(field: Field, shift: str = "approximate", **options: Any) -> "EquivariantModule":
    """Local pooling on a grid: `PolyphasePool` where shifts are to be exact, else `Pool`.

    Args:
        field: type of input and output.
        shift: "exact" or "approximate".
        options: of that layer. Polyphase pooling takes the maximum before the filter, unless `kind` says otherwise or
            the channels are not permuted.
    """
    _check(shift)
    return PolyphasePool(field, **_with_kind(field, options)) if shift == "exact" else Pool(field, **options)


def refinement(field: Field, shift: str = "approximate", **options: Any) -> "EquivariantModule":
    """The way back from `coarsening` with the same options."""
    _check(shift)
    if shift == "exact":
        return PolyphaseUpsample(field, **_with_kind(field, options))
    return Upsample(field, options.get("stride", 2))


def _check(shift: str) -> None:
    if shift not in SHIFTS:
        raise UnknownName("kind of shift equivariance", shift, SHIFTS)


def _with_kind(field: Field, options: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "maxblur" if field.rep.is_permutation else "blur", **options}
