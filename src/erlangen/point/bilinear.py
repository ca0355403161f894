"""Bilinear layers: products of a signal with itself, as a linear layer cannot make invariants of vectors.

`EquivariantBilinear` is complete: it reaches every equivariant quadratic map. `FactoredBilinear` is a subset that stays
cheap when the input is wide: it mixes the input into a few factors first and multiplies those copy by copy.
"""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, check_channels
from erlangen.errors import FieldError, NoEquivariantMap
from erlangen.point.linear import EquivariantLinear, check_pair
from erlangen.point.products import Pair, Products
from erlangen.solve import solve, solve_bilinear
from erlangen.symmetry import Component, Representation

LARGEST_MAP = 1024  # entries of a bilinear map; larger triples of components are left out of factored layers
LARGEST_PRODUCT = 1 << 22  # numbers an example that a complete layer may need


class EquivariantBilinear(EquivariantModule):
    """x ↦ B(x, x) for every equivariant bilinear map B: complete, for inputs of few copies.

    A pair of different copies has a weight for every map of Hom(ρ_i ⊗ ρ_j, ρ_out), a copy with itself one for every
    symmetric map; the others vanish on the diagonal.

    Law: f(ρ_in(g) x) = ρ_out(g) f(x), f(t x) = t² f(x).

    Args:
        in_field: type of the input, a field on `Point`.
        out_field: type of the output, of the same group.

    Raises:
        NoEquivariantMap: a term of the output that no product can feed.
        FieldError: fields of different groups or of other domains, complex representations, or too many products.
    """

    def __init__(self, in_field: Field, out_field: Field) -> None:
        super().__init__(in_field, out_field)
        check_pair(in_field, out_field, "EquivariantBilinear")
        pairs: list[Pair] = []
        columns: list[tuple[np.ndarray, np.ndarray]] = []
        terms = list(in_field.rep.slices())
        for i, (first, m, a) in enumerate(terms):
            one = np.arange(first.start, first.stop).reshape(m, a.size)
            for second, n, b in terms[i:]:
                two = np.arange(second.start, second.stop).reshape(n, b.size)
                j, k = (x.ravel() for x in np.indices((m, n)))
                if first == second:
                    even = {c: symmetric_maps(basis) for c, basis in _maps(a, a, out_field.rep).items()}
                    even = {c: basis for c, basis in even.items() if len(basis)}
                    self._collect(pairs, columns, (a, a), (one, one), even)
                    j, k = j[j < k], k[j < k]
                self._collect(pairs, columns, (a, b), (one[j], two[k]), _maps(a, b, out_field.rep))
        self.products = _checked(pairs, in_field, out_field, partial=False)
        for i, (left, right) in enumerate(columns):
            self.register_buffer(f"left_{i}", torch.from_numpy(left.ravel().copy()), persistent=False)
            self.register_buffer(f"right_{i}", torch.from_numpy(right.ravel().copy()), persistent=False)
        self.count = len(columns)

    @staticmethod
    def _collect(
        pairs: list[Pair],
        columns: list[tuple[np.ndarray, np.ndarray]],
        kinds: tuple[Component, Component],
        channels: tuple[np.ndarray, np.ndarray],
        maps: dict[int, np.ndarray],
    ) -> None:
        copies = len(channels[0])
        if not copies or not maps:
            return
        a, b = kinds
        size = copies * a.size * b.size
        if size > LARGEST_PRODUCT:
            raise FieldError(
                f"the complete bilinear layer multiplies {copies:,} pairs of {a} and {b}, {size:,} numbers an example. "
                f"Fix: FactoredBilinear(in_field, out_field, rank=32), or fewer copies."
            )
        pairs.append(Pair(copies, a.size, b.size, maps))
        columns.append(channels)

    def forward(self, x: Float[Tensor, "b c_in"]) -> Float[Tensor, "b c_out"]:
        """Multiply every pair of copies, and mix."""
        check_channels(self.in_field, x.shape[1], "EquivariantBilinear")
        return self.products(*_picked(self, x, self.count))

    def hom_dimension(self) -> int:
        """The dimension of all equivariant quadratic maps, Hom_G(Sym²(ρ_in), ρ_out)."""
        return sum(w.numel() for w in self.products.weights)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Products, contractions and mixtures."""
        return self.products.multiplications()

    def export(self) -> nn.Module:
        """Gathers, products and matrices."""
        return _PlainBilinear(self)

    def extra_repr(self) -> str:
        """Fields and free weights."""
        return f"{self.in_field.rep} -> {self.out_field.rep} of {self.in_field.group}, {self.hom_dimension()} weights"


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
                maps = _maps(a, b, out_field.rep, LARGEST_MAP)
                if not maps:
                    continue
                copies = max(1, int(rank / (a.size * b.size) ** 0.5))
                pieces[i].append((len(pairs), 0, copies * a.size))
                pieces[j].append((len(pairs), 1, copies * b.size))
                pairs.append(Pair(copies, a.size, b.size, maps))
        self.products = _checked(pairs, in_field, out_field, partial and bool(pairs))
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


class EquivariantQuadratic(EquivariantModule):
    """x ↦ W x + b + B(x, x): a linear and a bilinear layer side by side, each feeding the terms it can.

    Law: f(g·x) = g·f(x).

    Args:
        in_field: type of the input, a field on `Point`.
        out_field: type of the output, of the same group.
        rank: of the `FactoredBilinear`.

    Raises:
        NoEquivariantMap: a term of the output that neither can feed.
        FieldError: as for the two layers.
    """

    def __init__(self, in_field: Field, out_field: Field, rank: int = 32) -> None:
        super().__init__(in_field, out_field)
        self.linear = EquivariantLinear(in_field, out_field, partial=True)
        self.bilinear: FactoredBilinear | None = None
        with suppress(NoEquivariantMap):
            self.bilinear = FactoredBilinear(in_field, out_field, rank, partial=True)
        products = [False] * len(out_field.rep.terms) if self.bilinear is None else self.bilinear.feeds()
        for (_, component), *fed in zip(out_field.rep.terms, self.linear.feeds(), products, strict=True):
            if not any(fed):
                hint = f"leave {component} out, or reach it over a hidden field, such as a tensor product of the input"
                raise NoEquivariantMap(in_field, f"{component}, not even a quadratic one", hint)
        self.reset_parameters()

    def reset_parameters(self, gain: float = 1.0) -> None:
        """Unit gain, shared by the two summands."""
        share = gain if self.bilinear is None else gain * 0.5**0.5
        self.linear.reset_parameters(share)
        if self.bilinear is not None:
            self.bilinear.reset_parameters(share)

    def forward(self, x: Float[Tensor, "b c_in"]) -> Float[Tensor, "b c_out"]:
        """The sum."""
        return self.linear(x) if self.bilinear is None else self.linear(x) + self.bilinear(x)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of both."""
        both = self.linear.multiplications(shape)
        return both if self.bilinear is None else both + self.bilinear.multiplications(shape)

    def export(self) -> nn.Module:
        """The sum of the plain forms."""
        linear = self.linear.export()
        return linear if self.bilinear is None else _Sum(linear, self.bilinear.export())


class _Sum(nn.Module):
    """Two modules side by side."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x) + self.second(x)


class _PlainBilinear(nn.Module):
    """The plain-torch form of `EquivariantBilinear`."""

    def __init__(self, layer: EquivariantBilinear) -> None:
        super().__init__()
        self.count, self.products = layer.count, _copied(layer.products)
        for name, buffer in layer.named_buffers(recurse=False):
            self.register_buffer(name, buffer.clone())

    def forward(self, x: Tensor) -> Tensor:
        return self.products(*_picked(self, x, self.count))


class _PlainFactored(nn.Module):
    """The plain-torch form of `FactoredBilinear`."""

    def __init__(self, layer: FactoredBilinear) -> None:
        super().__init__()
        self.factors, self.products = layer.factors.export(), _copied(layer.products)
        self.sizes, self.places = list(layer.sizes), [list(p) for p in layer.places]

    def forward(self, x: Tensor) -> Tensor:
        return _multiplied(self.factors(x), self.sizes, self.places, self.products)


def _copied(products: Products) -> Products:
    from copy import deepcopy

    return deepcopy(products)


def _picked(module: nn.Module, x: Tensor, count: int) -> tuple[list[Tensor], list[Tensor]]:
    """The channels of the left and the right copy of every pair."""
    lefts = [x.index_select(1, module.get_buffer(f"left_{i}")) for i in range(count)]
    return lefts, [x.index_select(1, module.get_buffer(f"right_{i}")) for i in range(count)]


def _multiplied(factors: Tensor, sizes: list[int], places: list[list[int]], products: Products) -> Tensor:
    parts = factors.split(sizes, dim=1)
    return products([parts[k] for k in places[0]], [parts[k] for k in places[1]])


def _maps(a: Component, b: Component, out: Representation, largest: int | None = None) -> dict[int, np.ndarray]:
    """For every term c of the output that can be fed, a basis of Hom(a ⊗ b, c): [d, c.size, a.size, b.size]."""
    left, right = (Representation(out.group, ((1, c),)) for c in (a, b))
    found = {}
    for i, (_, c) in enumerate(out.terms):
        if largest is not None and a.size * b.size * c.size > largest:
            continue
        basis = bilinear_basis(left, right, Representation(out.group, ((1, c),)))
        if len(basis):
            found[i] = basis
    return found


def bilinear_basis(left: Representation, right: Representation, out: Representation) -> np.ndarray:
    """An orthonormal basis of the equivariant bilinear maps, [dim, size_out, size_left, size_right].

    Args:
        left: representation of the first argument.
        right: representation of the second argument.
        out: representation of the output.

    Law: invariant forms are Hom(ρ_left ⊗ ρ_right, 1) = Hom(ρ_right, ρ_left*), a much smaller problem to solve.
    """
    if out.is_trivial and out.size == 1:
        basis = solve(right, left.dual).basis
    elif left.is_trivial and left.size == 1:
        basis = solve(right, out).basis
    else:
        basis = solve_bilinear(left, right, out).basis
    flat = basis.reshape(len(basis), out.size * left.size * right.size)
    if not len(flat):
        return flat.reshape(0, out.size, left.size, right.size)
    largest = np.take_along_axis(flat, np.abs(flat).argmax(axis=1)[:, None], axis=1)
    return (flat * np.sign(largest)).reshape(-1, out.size, left.size, right.size)


def symmetric_maps(basis: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the symmetric maps among equivariant bilinear ones, B(u, v) = B(v, u).

    Args:
        basis: [d, size_out, n, n], orthonormal.

    Returns:
        [d', size_out, n, n].
    """
    if not len(basis):
        return basis
    even = (basis + basis.swapaxes(2, 3)) / 2
    # exchanging the arguments maps the space to itself, so this is a projection of it: singular values are 0 or 1
    _, values, rows = np.linalg.svd(even.reshape(len(even), -1), full_matrices=False)
    return rows[values > 0.5].reshape(-1, *basis.shape[1:])


def _checked(pairs: Sequence[Pair], in_field: Field, out_field: Field, partial: bool) -> Products:
    terms = out_field.rep.terms
    products = Products(pairs, [(m, c.size) for m, c in terms])
    for (_, component), total in zip(terms, products.summands, strict=True):
        if not total and not partial:
            hint = f"leave {component} out, or use EquivariantQuadratic if a linear map can feed it"
            raise NoEquivariantMap(f"products of {in_field}", component, hint)
    return products
