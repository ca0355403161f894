"""Networks on DNA that read the two strands differently on purpose, and the right one without the fault."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Sequential
from erlangen.grids import Conv
from erlangen.grids.strand import Strand

SPACE = Strand(40)
FIELD = SPACE.field("RC", "letters")
HIDDEN = FIELD.with_rep("4 regular")
TRACKS = "regular + trivial"


def layers(*inside: EquivariantModule) -> list[EquivariantModule]:
    """Letters to hidden fields, and what follows."""
    return [Conv(FIELD, HIDDEN, 7), SPACE.nonlinearity(HIDDEN), *inside]


def right() -> nn.Module:
    return Sequential(*layers(Conv(HIDDEN, HIDDEN, 5)))


class Wrapped(EquivariantModule):
    """Any module, declared as equivariant."""

    def __init__(self, module: nn.Module, in_field: Field, out_field: Field) -> None:
        super().__init__(in_field, out_field)
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x)


def ordinary_convolution() -> nn.Module:
    return Sequential(*layers(Wrapped(nn.Conv1d(8, 8, 5, padding=2), HIDDEN, HIDDEN)))


class SameEven(Conv):
    """An even kernel with one zero more on the right than on the left, as padding='same' has it."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv1d(functional.pad(x, (1, 2)), self.kernel())


def same_padding_of_an_even_kernel() -> nn.Module:
    return Sequential(*layers(SameEven(HIDDEN, HIDDEN, 4, bias=False)))


def stride_off_the_centre() -> nn.Module:
    return Sequential(*layers(Conv(HIDDEN, HIDDEN, 3, stride=2, padding=1, inexact="allow")))


def pooling_off_the_centre() -> nn.Module:
    return Sequential(*layers(Wrapped(nn.MaxPool1d(3), HIDDEN, HIDDEN)))


class OneWay(nn.Module):
    """A recurrent network that reads from left to right only."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRU(8, 8, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.cell(x.transpose(1, 2))[0].transpose(1, 2)


def one_way() -> nn.Module:
    return Sequential(*layers(Wrapped(OneWay(), HIDDEN, HIDDEN)))


def ordinary_norm() -> nn.Module:
    norm = nn.BatchNorm1d(8)
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(0.5, 2, 8))
    return Sequential(*layers(Wrapped(norm, HIDDEN, HIDDEN)))


def tracks_flipped_as_one_block() -> nn.Module:
    """The last layer exchanges the first track with the last, as a plain flip of the channels does."""
    turned = FIELD.with_rep("involution(2,1,0)")
    return Sequential(*layers(Wrapped(Conv(HIDDEN, turned, 5), HIDDEN, FIELD.with_rep(TRACKS))))
