"""Blocks that separate space from channels: a convolution of every channel or copy, then mixing at every point."""

from math import inf
from typing import Any

from erlangen.blueprint import EquivariantModule, Field, Sequential
from erlangen.errors import FieldError, UnknownName
from erlangen.grids.depthwise import DepthwiseConv
from erlangen.grids.mixing import Mixing
from erlangen.grids.nonlinearity import Nonlinearity
from erlangen.grids.residual import Residual
from erlangen.symmetry import Representation

SPATIAL = ("channels", "fields")


def separable_block(
    in_field: Field,
    out_field: Field,
    kernel_size: "int | tuple[int, ...]" = 5,
    *,
    spatial: str = "channels",
    expansion: float = 2.0,
    gain: float = 0.25,
    padding_mode: str = "zeros",
) -> EquivariantModule:
    """A residual step: convolution of every channel or copy, norm, mixing to more copies, GELU, mixing back.

    Args:
        in_field: type of the input.
        out_field: type of the output; the way around is the identity where it is `in_field`, else a mixing.
        kernel_size: taps of the convolution.
        spatial: "channels", a depthwise convolution with one kernel a copy; "fields", every equivariant convolution of
            a copy with itself, which has |G| times the parameters.
        expansion: how many times as many copies carry the nonlinearity.
        gain: share of the variance that the step adds before training.
        padding_mode: "zeros" or "circular".

    Law: f(g·x) = g·f(x).

    Raises:
        FieldError: no copy is left between the two mixings; "fields" with copies of several kinds.
        UnknownName: no such `spatial`.

    Source: Liu et al. 2022, arXiv 2201.03545 (the order of the layers); Knigge, Romero, Bekkers 2022, arXiv 2110.13059.
    """
    if not 0 < expansion < inf:
        raise FieldError(f"expansion={expansion} leaves no copies for the nonlinearity. Fix: a positive number, as 2.")
    terms = tuple((max(1, round(expansion * m)), c) for m, c in out_field.rep.terms)
    middle = out_field.with_rep(Representation(out_field.group, terms))
    space = in_field.space
    permuted = middle.rep.is_permutation
    body = Sequential(
        _over_space(in_field, spatial, kernel_size, {} if padding_mode == "zeros" else {"padding_mode": padding_mode}),
        space.norm(in_field),
        Mixing(in_field, middle),
        Nonlinearity(middle, "gelu") if permuted else space.nonlinearity(middle),
        Mixing(middle, out_field, bias=False, gain=4 * gain if permuted else gain),
    )
    around = None if in_field.rep == out_field.rep else Mixing(in_field, out_field, bias=False)
    return Residual(body, around)


def _over_space(
    field: Field, spatial: str, kernel_size: "int | tuple[int, ...]", padding: dict[str, str]
) -> EquivariantModule:
    """The part of a separable block that reads the neighbours of a point."""
    if spatial not in SPATIAL:
        raise UnknownName("spatial part", spatial, SPATIAL)
    if spatial == "channels":
        return DepthwiseConv(field, kernel_size, **padding)
    copies = field.rep.terms[0][0]
    return field.space.linear(field, field, kernel_size=kernel_size, groups=copies, bias=False, **padding)


def is_lifting(in_field: Field, out_field: Field) -> bool:
    """Whether some kind of copy in the output is new, so that it has to come from a convolution over space."""
    have = {c for _, c in in_field.rep.terms}
    return any(c not in have for _, c in out_field.rep.terms)


def stem_options(local: dict[str, Any]) -> dict[str, Any]:
    """The options of a separable block that a convolution has too."""
    return {name: value for name, value in local.items() if name in ("kernel_size", "padding_mode")}
