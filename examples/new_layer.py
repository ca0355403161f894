"""A new layer for a symmetry that nobody has built one for: say how the parts may be exchanged, and the layer follows.

Six sensors lie on a board in two rows of three. The columns may be exchanged at will, and so may the rows; nothing
else. The program finds every linear map that respects this, explains it, builds a layer out of it, and lets the
conformance suite judge the layer.

    python examples/new_layer.py
"""

import torch
from torch import Tensor, nn

import erlangen as eg
from erlangen.point import EquivariantLinear, Point
from erlangen.symmetry import Group
from erlangen.testing import check

moves = {"shift": "(0 1 2)(3 4 5)", "swap": "(0 1)(3 4)", "rows": "(0 3)(1 4)(2 5)"}
board = Group.from_permutations(moves, name="board")
readings = Point().field(board, "standard")  # one number a sensor
found = eg.solve(readings.rep, readings.rep)


class BoardLayer(eg.EquivariantModule):
    """y = W x + b, where W is any equivariant matrix: as many weights as there are independent ones."""

    def __init__(self) -> None:
        super().__init__(readings, readings)
        self.register_buffer("basis", torch.from_numpy(found.basis), persistent=False)
        self.weight, self.bias = nn.Parameter(torch.randn(found.dim)), nn.Parameter(torch.zeros(1))

    def matrix(self) -> Tensor:
        """W = Σ_d weight_d basis_d."""
        return torch.einsum("d,doi->oi", self.weight, self.basis.to(self.weight.dtype))

    def forward(self, x: Tensor) -> Tensor:
        """[batch, 6] to [batch, 6]."""
        return nn.functional.linear(x, self.matrix(), self.bias.expand(6))

    def export(self) -> nn.Module:
        """An ordinary linear layer."""
        plain = nn.Linear(6, 6)
        plain.weight.data, plain.bias.data = self.matrix().detach(), self.bias.detach().expand(6).clone()
        return plain


def main() -> None:
    """Print what was found, and what the suite says of the layer; then the same layer, and a network, ready made."""
    torch.manual_seed(0)
    print(f"{board} has {board.order} elements\n\n{found}\n\n{found.explain()}\n")
    print(check(BoardLayer()), "\n")
    print(check(EquivariantLinear(readings, readings), only=["complete", "equivariance in float64"]), "\n")
    print(eg.derive(readings, eg.Classify(3), size="tiny").plan)


if __name__ == "__main__":
    main()
