"""Which layers a block of a derived network is made of: `derive(..., block=...)`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from erlangen.blueprint import EquivariantModule, Field, Recipe
from erlangen.errors import FieldError, UnknownName
from erlangen.grids.activation import dense_block
from erlangen.grids.separable import is_lifting, separable_block, stem_options
from erlangen.grids.wide_resnet import residual_block


def separable(in_field: Field, out_field: Field, **local: Any) -> EquivariantModule:
    """Depthwise convolution and mixing at every point; a dense block where the output has new kinds of copies."""
    if is_lifting(in_field, out_field):
        return dense_block(in_field, out_field, **stem_options(local))
    return separable_block(in_field, out_field, **local)


def residual(in_field: Field, out_field: Field, **local: Any) -> EquivariantModule:
    """Two convolutions added to the signal; a dense block where the output has new kinds of copies."""
    return (dense_block if is_lifting(in_field, out_field) else residual_block)(in_field, out_field, **local)


BLOCKS: dict[str, Callable[..., EquivariantModule]] = {
    "dense": dense_block,
    "residual": residual,
    "separable": separable,
}


def build_block(in_field: Field, out_field: Field, kind: str = "dense", **local: Any) -> EquivariantModule:
    """A block of a named kind between two fields.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        kind: "dense", a group convolution, norm and nonlinearity; "separable", a depthwise group convolution, norm and
            mixing at every point, added to the signal; "residual", two convolutions added to the signal.
        local: options of its layers, such as `kernel_size`.

    Raises:
        UnknownName: no such kind.
        FieldError: a nonlinearity for blocks that have their own.
    """
    if kind not in BLOCKS:
        raise UnknownName("block", kind, sorted(BLOCKS))
    if kind != "dense" and "nonlinearity" in local:
        raise FieldError(f"{kind} blocks have nonlinearities of their own. Fix: leave out nonlinearity=… or block=…")
    return BLOCKS[kind](in_field, out_field, **local)


def block_option(recipe: Recipe, value: "str | dict[str, Any]") -> Recipe:
    """The recipe with blocks of this kind.

    Args:
        recipe: any.
        value: the name of the kind; or a mapping with the name as "kind" and options of that block, such as
            {"kind": "separable", "spatial": "fields"}.

    Raises:
        UnknownName: no such kind.
    """
    options = {"kind": value} if isinstance(value, str) else dict(value)
    if options.get("kind") not in BLOCKS:
        raise UnknownName("block", str(options.get("kind")), sorted(BLOCKS))
    return replace(recipe, local=tuple({**local, **options} for local in recipe.local))
