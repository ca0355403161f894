"""Equivariant multilayer perceptrons: sizes, hidden representations, and the named network."""

from contextlib import suppress
from typing import TYPE_CHECKING

from erlangen.blueprint import EquivariantModule, Field, Recipe, Sequential
from erlangen.errors import FieldError, NoEquivariantMap, UnknownName
from erlangen.point.linear import EquivariantLinear, check_pair
from erlangen.point.quadratic import EquivariantQuadratic
from erlangen.solve import solve
from erlangen.symmetry import Component, FiniteGroup, Representation

if TYPE_CHECKING:
    from erlangen.blueprint import Task

# hidden channels, blocks, rank of the products
SIZES: dict[str, tuple[int, int, int]] = {
    "tiny": (64, 2, 24),
    "small": (192, 3, 64),
    "medium": (384, 4, 96),
    "large": (512, 6, 128),
}
REGULAR = 64  # a finite group up to this order gets regular hidden fields
WIDEST = 64  # channels of the largest hidden component; larger tensor products are left out


def recipe(size: str, field: Field, task: "Task") -> Recipe:
    """The recipe of a named size.

    Raises:
        UnknownName: no recipe has this size.
    """
    if size not in SIZES:
        raise UnknownName("size", size, SIZES)
    channels, blocks, rank = SIZES[size]
    unit = hidden_unit(field.rep, task.out_rep(field.group))
    return Recipe((channels,) * blocks, (), ({"rank": rank, "early": True},) * blocks, unit, options={"rank": rank})


def hidden_unit(rep_in: Representation, rep_out: Representation) -> Representation:
    """The hidden representation that suits a group, an input and an output, in good proportions.

    A small finite group gets its regular representation, which loses nothing. Any other gets trivial channels for
    invariants and the components of input and output, each about as many channels; and the tensor square of an input
    component unless `pairings_suffice`.

    Args:
        rep_in: representation of the input.
        rep_out: representation of the output.
    """
    group = rep_in.group
    if isinstance(group, FiniteGroup) and len(group.table) <= REGULAR * (1 if rep_in.is_permutation else 2):
        return group.regular if len(group.table) > 1 else group.trivial
    kinds = _distinct(rep_in + rep_out)
    for component in _distinct(rep_in):
        if component.size**2 <= WIDEST and not pairings_suffice(component):
            square = (_once(component) * _once(component)).terms[0][1]
            kinds += [] if square in kinds else [square]
    terms = [(2 * WIDEST, group.trivial.terms[0][1]), *((max(1, WIDEST // c.size), c) for c in kinds)]
    return Representation(group, tuple(terms))


def pairings_suffice(component: Component) -> bool:
    """Whether all invariants of four vectors v of a Lie group are products of invariants of two, as |v|² for O(n).

    Then products of pairs reach everything that is of degree four; else (determinants of SL(n), the ε of SO(1,3), solid
    harmonics of finite groups) tensor squares are needed on the way.

    Args:
        component: ρ.

    Source: Weyl 1946, The Classical Groups, chapter II (first fundamental theorem for the orthogonal group).
    """
    rep = _once(component)
    if not component.group.algebra:
        return False
    pairings = solve(rep, rep.dual).dim
    square = rep * rep
    return pairings > 0 and solve(square, square.dual).dim <= 3 * pairings**2


def scaled(unit: Representation, channels: int) -> Representation:
    """About as many channels of a unit, term by term, at least one copy of each.

    Args:
        unit: the proportions.
        channels: how many in all.

    Raises:
        FieldError: the unit has no channels.
    """
    if not unit.size:
        raise FieldError("a hidden field of no channels. Fix: name a representation, such as 'regular'")
    factor = channels / unit.size
    return Representation(unit.group, tuple((max(1, round(m * factor)), c) for m, c in unit.terms))


def between(in_field: Field, out_field: Field, rank: int | None = None) -> EquivariantModule:
    """A linear map, with a bilinear one beside it where that adds something.

    From and to permuted channels it is linear: pointwise functions already make nonlinear invariants of them.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        rank: of the bilinear map; 0 for none; None for 64.
    """
    moved = all(c.is_permutation and not c.is_trivial for _, c in out_field.rep.terms)
    if rank == 0 or moved:
        return EquivariantLinear(in_field, out_field)
    if in_field.rep.is_permutation:
        with suppress(NoEquivariantMap):
            return EquivariantLinear(in_field, out_field)
    return EquivariantQuadratic(in_field, out_field, 64 if rank is None else rank)


def reached(in_field: Field, out_field: Field, rank: int | None = None) -> Field:
    """The output without the terms that no map of `between` can feed; all of it if there is no other.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        rank: of the bilinear map.
    """
    kept = []
    for m, component in out_field.rep.terms:
        with suppress(NoEquivariantMap):
            between(in_field, out_field.with_rep(_once(component)), rank)
            kept.append((m, component))
    return out_field.with_rep(Representation(out_field.group, tuple(kept))) if kept else out_field


class EquivariantMLP(Sequential):
    """The equivariant multilayer perceptron: products of the input, gated residual steps, products of the result.

    The first and the last map are linear plus bilinear, the steps between are gated. Before training the whole is a
    polynomial of the input, which does not grow with the number of steps.

    Args:
        in_field: type of the input, a field on `Point`.
        out_field: type of the output, of the same group.
        channels: of every hidden layer; or the hidden representation itself, or its string form.
        layers: hidden layers.
        bilinear: whether the maps have bilinear parts; without them a network from vectors has no invariants.
        rank: of the bilinear parts.

    Raises:
        NoEquivariantMap: some layer would be constantly zero.
        FieldError: fields that do not fit.

    Law: f(ρ_in(g) x) = ρ_out(g) f(x).

    Source: Finzi, Welling, Wilson 2021, arXiv 2104.09459, section 5 (there with other hidden fields).
    """

    def __init__(
        self,
        in_field: Field,
        out_field: Field,
        channels: "int | str | Representation" = 192,
        layers: int = 3,
        bilinear: bool = True,
        rank: int = 64,
    ) -> None:
        check_pair(in_field, out_field, "EquivariantMLP")
        if layers < 1:
            raise FieldError(f"a network needs at least one hidden layer, got layers={layers}")
        if isinstance(channels, int):
            hidden = scaled(hidden_unit(in_field.rep, out_field.rep), channels)
        else:
            hidden = in_field.group.representation(channels)
        used = rank if bilinear else 0
        now, blocks = in_field, []
        for _ in range(layers):
            blocks.append(in_field.space.block(now, in_field.with_rep(hidden), rank=used, early=True))
            now = blocks[-1].out_field
        super().__init__(*blocks, between(now, out_field, used))


def _distinct(rep: Representation) -> list[Component]:
    """The components of a representation that are neither trivial nor too large, once each."""
    found: list[Component] = []
    for _, component in rep.terms:
        if not component.is_trivial and component.size <= WIDEST and component not in found:
            found.append(component)
    return found


def _once(component: Component) -> Representation:
    return Representation(component.group, ((1, component),))
