"""The head of a network on a point: one equivariant map to the output representation."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Task, check_channels
from erlangen.point.architectures import between


class PointReadout(EquivariantModule):
    """A linear map, and where it is needed a bilinear one, to what the task asks for.

    Numbers and classes are copies of the trivial representation, so their head is invariant; `Predict` names any other
    representation, such as "standard*standard" for an inertia tensor.

    Law: f(g·x) = ρ_out(g) f(x); ρ_out(g) = 1 for invariant tasks.

    Args:
        field: type of the input.
        task: decides the output representation.
        dropout: share of the input dropped in training, whole copies at a time.
        rank: of the bilinear map; 0 for none; None decides by the representations.

    Raises:
        NoEquivariantMap: neither a linear nor a bilinear map reaches some term of the output.
    """

    def __init__(self, field: Field, task: Task, dropout: float = 0.0, rank: int | None = None) -> None:
        super().__init__(field, Field(field.space, task.out_rep(field.group)))
        self.map = between(field, self.out_field, rank)
        self.dropout = dropout
        copy = [i for i, (_, c) in enumerate(field.rep.copies()) for _ in range(c.size)]
        self.copies = copy[-1] + 1
        self.register_buffer("copy", torch.tensor(copy), persistent=False)  # of which each channel is part

    def forward(self, x: Float[Tensor, "b c"]) -> Float[Tensor, "b k"]:
        """Drop copies in training, then the map."""
        check_channels(self.in_field, x.shape[1], "PointReadout")
        if self.training and self.dropout:
            kept = functional.dropout(x.new_ones(x.shape[0], self.copies), self.dropout)
            x = x * kept[:, self.copy]
        return self.map(x)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the map."""
        return self.map.multiplications(shape)

    def export(self) -> nn.Module:
        """The plain form of the map."""
        return self.map.export()

    def extra_repr(self) -> str:
        """Fields."""
        return f"{self.in_field.rep} -> {self.out_field.rep} of {self.in_field.group}"
