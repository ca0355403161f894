"""Linear and bilinear maps side by side: the first and the last layer of an equivariant perceptron."""

from contextlib import suppress

from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field
from erlangen.errors import NoEquivariantMap
from erlangen.point.factored import FactoredBilinear
from erlangen.point.linear import EquivariantLinear


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
