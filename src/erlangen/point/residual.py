"""A residual step: what a layer of an equivariant perceptron adds to its signal."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, Sequential, check_channels
from erlangen.point.linear import EquivariantLinear
from erlangen.point.nonlinearity import Gate, gated
from erlangen.point.norm import CopyNorm


class GatedResidual(EquivariantModule):
    """x ↦ x + a · σ(W x + b), with one learned weight a for each copy.

    The signal keeps a linear way through, so that products before and after the steps make exact polynomials, and the
    steps add what is no polynomial.

    Law: f(ρ(g) x) = ρ(g) f(x).

    Args:
        field: type of input and output.
        start: the weights a before training.
        norm: whether to normalise x before W.
        function: the pointwise function of the `Gate`.

    Source: He et al. 2016, arXiv 1603.05027 (identity ways); Bachlechner et al. 2021, arXiv 2003.04887 (weights a).
    """

    def __init__(self, field: Field, *, start: float = 0.1, norm: bool = False, function: str = "silu") -> None:
        super().__init__(field, field)
        steps: list[EquivariantModule] = [CopyNorm(field)] if norm else []
        self.step = Sequential(*steps, EquivariantLinear(field, gated(field), partial=True), Gate(field, function))
        copy = [i for i, (_, c) in enumerate(field.rep.copies()) for _ in range(c.size)]
        self.weight = nn.Parameter(torch.full((copy[-1] + 1,), start))
        self.register_buffer("copy", torch.tensor(copy), persistent=False)  # of which each channel is part

    def forward(self, x: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        """One step."""
        check_channels(self.in_field, x.shape[1], "GatedResidual")
        return x + self.weight[self.copy] * self.step(x)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the step, and one a channel."""
        return self.step.multiplications(shape) + self.in_field.size

    def export(self) -> nn.Module:
        """The step in plain torch, and the sum."""
        return _PlainResidual(self.step.export(), self.weight.detach()[self.copy])

    def extra_repr(self) -> str:
        """The field."""
        return f"{self.in_field.rep} of {self.in_field.group}"


class _PlainResidual(nn.Module):
    """The plain-torch form of `GatedResidual`."""

    def __init__(self, step: nn.Module, weight: Tensor) -> None:
        super().__init__()
        self.step, self.weight = step, nn.Parameter(weight.clone())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight * self.step(x)
