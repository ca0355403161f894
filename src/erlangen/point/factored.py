"""A bilinear layer that stays cheap when the input is wide: it multiplies a few mixtures of it, copy by copy."""

from copy import deepcopy

from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, check_channels
from erlangen.errors import FieldError
from erlangen.point.forms import checked_products, pair_maps
from erlangen.point.linear import EquivariantLinear, check_pair
from erlangen.point.products import Pair, Products
from erlangen.symmetry import Component, Representation

LARGEST_MAP = 1024  # entries of a bilinear map; larger triples of components are left out


class FactoredBilinear(EquivariantModule):
    """x ↦ Σ_k w_k B(u_k, v_k) with linear equivariant u = U x and v = V x: products copy by copy, cheap and documented.

    Each pair of component types of the input has rank/√(ab) products, where a and b are their channels, so the layer
    reaches sums of that many where `EquivariantBilinear` reaches all. Triples of components of more than 1,024 entries
    (such as three tensors of rank 2 in four dimensions) are left out.

    Law: f(ρ_in(g) x) = ρ_out(g) f(x), f(t x) = t² f(x).

    Args:
        in_field: type of the input, a field on `Point`.
        out_field: type of the output, of the same group.
        rank: products of each pair of types of one channel; larger types have fewer.
        partial: leave terms of the output that no product can feed at zero, for sums with other layers.

    Raises:
        NoEquivariantMap: a term of the output that no product can feed.
        FieldError: fields of different groups or of other domains, complex representations, or rank < 1.
    """

    def __init__(self, in_field: Field, out_field: Field, rank: int = 32, *, partial: bool = False) -> None:
        super().__init__(in_field, out_field)
        check_pair(in_field, out_field, "FactoredBilinear")
        if rank < 1:
            raise FieldError(f"a bilinear layer needs rank >= 1, got {rank}. Fix: rank=32")
        kinds: list[Component] = []
        for _, component in in_field.rep.terms:
            if component not in kinds:
                kinds.append(component)
        self.rank = rank
        pairs: list[Pair] = []
        pieces: list[list[tuple[int, int, int]]] = [[] for _ in kinds]  # of every type: (pair, side, channels)
        for i, a in enumerate(kinds):
            for j in range(i, len(kinds)):
                b = kinds[j]
                maps = pair_maps(a, b, out_field.rep, LARGEST_MAP)
                if not maps:
                    continue
                copies = max(1, int(rank / (a.size * b.size) ** 0.5))
                pieces[i].append((len(pairs), 0, copies * a.size))
                pieces[j].append((len(pairs), 1, copies * b.size))
                pairs.append(Pair(copies, a.size, b.size, maps))
        self.products = checked_products(pairs, in_field, out_field, partial and bool(pairs))
        order = [piece for of_type in pieces for piece in of_type]
        self.sizes = [size for _, _, size in order]
        self.places = [[order.index(p) for p in order if p[1] == side] for side in (0, 1)]
        for side in (0, 1):
            self.places[side].sort(key=lambda at: order[at][0])
        terms = tuple((sum(n for _, _, n in of) // c.size, c) for of, c in zip(pieces, kinds, strict=True))
        factors = Representation(in_field.group, terms)
        self.factors = EquivariantLinear(in_field, in_field.with_rep(factors), bias=False)

    def reset_parameters(self, gain: float = 1.0) -> None:
        """Unit gain."""
        self.factors.reset_parameters()
        self.products.reset_parameters(gain)

    def feeds(self) -> list[bool]:
        """For every term of the output, whether some product reaches it."""
        return [bool(total) for total in self.products.summands]

    def forward(self, x: Float[Tensor, "b c_in"]) -> Float[Tensor, "b c_out"]:
        """Factors, products, mixtures."""
        check_channels(self.in_field, x.shape[1], "FactoredBilinear")
        return _multiplied(self.factors(x), self.sizes, self.places, self.products)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Factors, products, contractions and mixtures."""
        return self.factors.multiplications(shape) + self.products.multiplications()

    def export(self) -> nn.Module:
        """One `nn.Linear` for the factors, then products and matrices."""
        return _PlainFactored(self)

    def extra_repr(self) -> str:
        """Fields and rank."""
        return f"{self.in_field.rep} -> {self.out_field.rep} of {self.in_field.group}, rank {self.rank}"


class _PlainFactored(nn.Module):
    """The plain-torch form of `FactoredBilinear`."""

    def __init__(self, layer: FactoredBilinear) -> None:
        super().__init__()
        self.factors, self.products = layer.factors.export(), deepcopy(layer.products)
        self.sizes, self.places = list(layer.sizes), [list(p) for p in layer.places]

    def forward(self, x: Tensor) -> Tensor:
        return _multiplied(self.factors(x), self.sizes, self.places, self.products)


def _multiplied(factors: Tensor, sizes: list[int], places: list[list[int]], products: Products) -> Tensor:
    parts = factors.split(sizes, dim=1)
    return products([parts[k] for k in places[0]], [parts[k] for k in places[1]])
