"""Equivariant multilayer perceptrons: sizes, hidden representations, and the named network."""

from itertools import pairwise
from typing import TYPE_CHECKING

from erlangen.blueprint import EquivariantModule, Field, Recipe, Sequential
from erlangen.errors import FieldError, UnknownName
from erlangen.point.bilinear import EquivariantQuadratic
from erlangen.point.linear import EquivariantLinear, check_pair
from erlangen.symmetry import Component, FiniteGroup, Group, Representation

if TYPE_CHECKING:
    from erlangen.blueprint import Task

# hidden channels, blocks, rank of the products
SIZES: dict[str, tuple[int, int, int]] = {
    "tiny": (64, 2, 16),
    "small": (128, 3, 24),
    "medium": (256, 3, 32),
    "large": (384, 4, 48),
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
    return Recipe((channels,) * blocks, (), ({"rank": rank},) * blocks, unit, options={"rank": rank})


def hidden_unit(rep_in: Representation, rep_out: Representation) -> Representation:
    """The hidden representation whose copies suit a group, an input and an output.

    A small finite group gets its regular representation, which loses nothing. Any other gets trivial channels for
    invariants, the components of input and output, and tensor products of two of them, each about as many channels:
    every polynomial equivariant map is made of such products.

    Args:
        rep_in: representation of the input.
        rep_out: representation of the output.
    """
    group = rep_in.group
    if isinstance(group, FiniteGroup) and len(group.table) <= REGULAR:
        return group.regular if len(group.table) > 1 else group.trivial
    base: list[Component] = []
    for _, component in (*rep_in.terms, *rep_out.terms):
        if not component.is_trivial and component.size <= WIDEST and component not in base:
            base.append(component)
    kinds = list(base)
    for i, a in enumerate(base):
        for b in base[i:]:
            product = _once(group, a) * _once(group, b)
            if product.size <= WIDEST and product.terms[0][1] not in kinds:
                kinds.append(product.terms[0][1])
    terms = [(2 * WIDEST, group.trivial.terms[0][1]), *((max(1, WIDEST // c.size), c) for c in kinds)]
    return Representation(group, tuple(terms))


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


def first_map(in_field: Field, out_field: Field, rank: int | None = None) -> EquivariantModule:
    """A linear map, with a bilinear one beside it where that adds something.

    Between permuted channels it is linear: pointwise functions already make nonlinear invariants of them.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        rank: of the bilinear map; 0 for none; None for 32.
    """
    moved = all(c.is_permutation and not c.is_trivial for _, c in out_field.rep.terms)
    permuted = in_field.rep.is_permutation and out_field.rep.is_permutation
    if rank == 0 or permuted or moved:
        return EquivariantLinear(in_field, out_field)
    return EquivariantQuadratic(in_field, out_field, 32 if rank is None else rank)


class EquivariantMLP(Sequential):
    """The equivariant multilayer perceptron: blocks of linear and bilinear maps with gates, then one more map.

    Args:
        in_field: type of the input, a field on `Point`.
        out_field: type of the output, of the same group.
        channels: of every hidden layer; or the hidden representation itself, or its string form.
        layers: hidden layers.
        bilinear: whether the maps have bilinear parts; without them a network from vectors has no invariants.
        rank: products for every pair of components, in channels.

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
        channels: "int | str | Representation" = 256,
        layers: int = 3,
        bilinear: bool = True,
        rank: int = 32,
    ) -> None:
        check_pair(in_field, out_field, "EquivariantMLP")
        if layers < 1:
            raise FieldError(f"a network needs at least one hidden layer, got layers={layers}")
        if isinstance(channels, int):
            hidden = scaled(hidden_unit(in_field.rep, out_field.rep), channels)
        else:
            hidden = in_field.group.representation(channels)
        used = rank if bilinear else 0
        fields = [in_field, *[in_field.with_rep(hidden)] * layers]
        blocks = [in_field.space.block(a, b, rank=used) for a, b in pairwise(fields)]
        super().__init__(*blocks, first_map(fields[-1], out_field, used))


def _once(group: Group, component: Component) -> Representation:
    return Representation(group, ((1, component),))
