"""Image networks that lose a symmetry on purpose, and the plain one without the fault."""

import torch
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, Sequential
from erlangen.grids import Grid

FIELD = Grid(2).field("C4", "1 trivial")
HIDDEN = FIELD.with_rep("4 regular")


def symmetric_conv(in_channels: int, out_channels: int, **options) -> nn.Conv2d:
    """An ordinary convolution whose filters are invariant under D4."""
    conv = nn.Conv2d(in_channels, out_channels, 3, **options)
    with torch.no_grad():
        w = sum(conv.weight.rot90(k, (2, 3)) for k in range(4)) / 4
        conv.weight.copy_((w + w.transpose(2, 3)) / 2)
    return conv


class GlobalMean(nn.Module):
    """Mean over all positions."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def good_plain() -> nn.Module:
    return nn.Sequential(
        symmetric_conv(1, 4, padding=1), nn.ReLU(), nn.MaxPool2d(2), symmetric_conv(4, 8, padding=1), nn.ReLU(),
        GlobalMean(), nn.Linear(8, 10),
    )  # fmt: skip


def stride_on_even() -> nn.Module:
    return nn.Sequential(symmetric_conv(1, 4, padding=1, stride=2), nn.ReLU(), GlobalMean(), nn.Linear(4, 10))


def declared_stride_on_even() -> nn.Module:
    space = FIELD.space
    return Sequential(
        space.linear(FIELD, HIDDEN, kernel_size=3),
        space.nonlinearity(HIDDEN),
        space.linear(HIDDEN, HIDDEN, kernel_size=3, stride=2, padding=1, inexact="allow"),
    )


def uneven_padding() -> nn.Module:
    return nn.Sequential(
        nn.ZeroPad2d((2, 0, 1, 1)), symmetric_conv(1, 4), nn.ReLU(), symmetric_conv(4, 4), nn.AdaptiveAvgPool2d(4),
        nn.MaxPool2d(4), nn.Flatten(), nn.Linear(4, 10),
    )  # fmt: skip


def flattened() -> nn.Module:
    return nn.Sequential(symmetric_conv(1, 4, padding=1), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(64, 10))


class FlattenInForward(nn.Module):
    """Flattens with a function instead of a module."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = symmetric_conv(1, 4, padding=1), nn.Linear(4 * 16 * 16, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).relu().flatten(1))


class PositionEmbedding(nn.Module):
    """Adds a parameter with its own value at every pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.second = symmetric_conv(1, 4, padding=1), symmetric_conv(4, 4, padding=1)
        self.place = nn.Parameter(torch.randn(1, 4, 16, 16))
        self.head = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.second(self.conv(x) + self.place).relu().mean((2, 3)))


class PositionModule(nn.Module):
    """The same as a module of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.randn(4, 16, 16))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.place


def position_module() -> nn.Module:
    return nn.Sequential(symmetric_conv(1, 4, padding=1), PositionModule(), nn.ReLU(), GlobalMean())


class OrdinaryInside(nn.Module):
    """Equivariant layers with an ordinary convolution between them."""

    def __init__(self, middle: nn.Module) -> None:
        super().__init__()
        space = FIELD.space
        self.lift = space.linear(FIELD, HIDDEN, kernel_size=3)
        self.middle = middle
        self.last = space.linear(HIDDEN, HIDDEN, kernel_size=3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.middle(self.lift(x).relu()).relu()).mean((2, 3)).reshape(len(x), 4, 4).mean(2)


def misaligned_pool() -> nn.Module:
    return nn.Sequential(symmetric_conv(1, 4), nn.MaxPool2d(3, stride=2), nn.ReLU(), GlobalMean())


class AlwaysTraining(nn.BatchNorm2d):
    """Batch statistics even in evaluation mode."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.batch_norm(x, None, None, self.weight, self.bias, True)


def training_norm() -> nn.Module:
    return nn.Sequential(symmetric_conv(1, 4, padding=1), AlwaysTraining(4), nn.ReLU(), GlobalMean())


class ShiftedBias(EquivariantModule):
    """Adds one bias a channel, different for every orientation of a regular field."""

    def __init__(self, field: Field) -> None:
        super().__init__(field, field)
        self.bias = nn.Parameter(torch.arange(field.size) / field.size)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias[:, None, None]


def wrong_bias() -> nn.Module:
    space = FIELD.space
    return Sequential(
        space.linear(FIELD, HIDDEN, kernel_size=3), ShiftedBias(HIDDEN), space.linear(HIDDEN, HIDDEN, kernel_size=3)
    )


class Noisy(nn.Module):
    """Draws random numbers in evaluation mode."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, 0.5, training=True)


def noisy() -> nn.Module:
    return nn.Sequential(symmetric_conv(1, 4, padding=1), Noisy(), GlobalMean())
