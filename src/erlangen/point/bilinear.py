"""The complete bilinear layer: products of a signal with itself, as no linear layer makes invariants of vectors."""

from copy import deepcopy

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, check_channels
from erlangen.errors import FieldError
from erlangen.point.forms import checked_products, pair_maps, symmetric_maps
from erlangen.point.linear import check_pair
from erlangen.point.products import Pair
from erlangen.symmetry import Component

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
                    even = {c: symmetric_maps(basis) for c, basis in pair_maps(a, a, out_field.rep).items()}
                    even = {c: basis for c, basis in even.items() if len(basis)}
                    self._collect(pairs, columns, (a, a), (one, one), even)
                    j, k = j[j < k], k[j < k]
                self._collect(pairs, columns, (a, b), (one[j], two[k]), pair_maps(a, b, out_field.rep))
        self.products = checked_products(pairs, in_field, out_field, partial=False)
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


class _PlainBilinear(nn.Module):
    """The plain-torch form of `EquivariantBilinear`."""

    def __init__(self, layer: EquivariantBilinear) -> None:
        super().__init__()
        self.count, self.products = layer.count, deepcopy(layer.products)
        for name, buffer in layer.named_buffers(recurse=False):
            self.register_buffer(name, buffer.clone())

    def forward(self, x: Tensor) -> Tensor:
        return self.products(*_picked(self, x, self.count))


def _picked(module: nn.Module, x: Tensor, count: int) -> tuple[list[Tensor], list[Tensor]]:
    """The channels of the left and the right copy of every pair."""
    lefts = [x.index_select(1, module.get_buffer(f"left_{i}")) for i in range(count)]
    return lefts, [x.index_select(1, module.get_buffer(f"right_{i}")) for i in range(count)]
