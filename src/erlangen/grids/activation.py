"""Which nonlinearity a block of a derived network has: `derive(..., nonlinearity=...)`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from erlangen.blueprint import EquivariantModule, Field, Recipe, Sequential
from erlangen.errors import FieldError, UnknownName
from erlangen.grids.fourier_nonlinearity import FourierNonlinearity
from erlangen.grids.nonlinearity import Nonlinearity, Pointwise
from erlangen.grids.sampling import holds_functions
from erlangen.point import Gate, gated
from erlangen.symmetry import FiniteGroup


def sampled(field: Field, function: str = "gelu", samples: int | None = None) -> EquivariantModule:
    """Pointwise on the samples of functions; channels that the group permutes are such samples already.

    Args:
        field: type of input and output.
        function: name of it.
        samples: as in `FourierNonlinearity`, for channels that are not permuted.

    Raises:
        FieldError: samples of channels that are permuted.
    """
    if not field.rep.is_permutation:
        return FourierNonlinearity(field, function, samples)
    if samples is not None:
        raise FieldError(
            f"{field.rep} of {field.group} is permuted, its channels are the samples already, so samples={samples} "
            "says nothing. Fix: leave samples out."
        )
    return Pointwise(field, function)


def after_norm(field: Field, function: str = "relu", offset: float = -0.75) -> EquivariantModule:
    """`Nonlinearity` with an offset for copies of root mean square 1: with 0 it would be the identity on them at first.

    Args:
        field: type of input and output.
        function: for permuted copies.
        offset: of the others.
    """
    return Nonlinearity(field, function, offset)


KINDS: dict[str, Callable[..., EquivariantModule]] = {
    "pointwise": Pointwise,
    "norm": after_norm,
    "gated": Gate,
    "fourier": sampled,
}


def default_nonlinearity(field: Field) -> EquivariantModule:
    """The nonlinearity of a field whose layer names none.

    Irreps of an infinite group that hold functions are sampled. All others have ReLU on permuted copies and norm-ReLU
    on the rest.
    """
    infinite = not isinstance(field.group, FiniteGroup)
    return FourierNonlinearity(field) if infinite and holds_functions(field.rep) else after_norm(field)


def dense_block(
    in_field: Field, out_field: Field, nonlinearity: "str | dict[str, Any] | None" = None, **local: Any
) -> EquivariantModule:
    """σ ∘ norm ∘ B with a group convolution B and a nonlinearity of a named kind; the bias of B is left to the norm.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        nonlinearity: "pointwise", "norm" (with ReLU on permuted copies), "gated" (the convolution makes one more
            channel for every copy that is not permuted) or "fourier"; or a mapping with the kind as "kind" and its
            options, such as {"kind": "fourier", "samples": 24}; None takes the default of the space.
        local: options of the convolution.

    Raises:
        UnknownName: no such kind.
    """
    space = in_field.space
    wide, last = activated(out_field, nonlinearity)
    return Sequential(space.linear(in_field, wide, **{"bias": False, **local}), space.norm(wide), last)


def activated(out_field: Field, nonlinearity: "str | dict[str, Any] | None" = None) -> tuple[Field, EquivariantModule]:
    """The nonlinearity of a named kind, and the field that it takes.

    Args:
        out_field: type of its output.
        nonlinearity: as `dense_block` takes it.

    Raises:
        UnknownName: no such kind.
    """
    options = {"kind": nonlinearity} if isinstance(nonlinearity, str) else dict(nonlinearity or {})
    kind = options.pop("kind", None)
    if kind is None:
        return out_field, out_field.space.nonlinearity(out_field)
    _check(kind)
    return gated(out_field) if kind == "gated" else out_field, KINDS[kind](out_field, **options)


def nonlinearity_option(recipe: Recipe, value: "str | dict[str, Any]") -> Recipe:
    """The recipe with nonlinearities of this kind.

    Args:
        recipe: any.
        value: as `dense_block` takes it.

    Raises:
        UnknownName: no such kind.
    """
    _check(value if isinstance(value, str) else str(dict(value).get("kind")))
    local = tuple({**local, "nonlinearity": value} for local in recipe.local)
    return replace(recipe, local=local, options={**recipe.options, "nonlinearity": value})


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise UnknownName("nonlinearity", kind, KINDS)
