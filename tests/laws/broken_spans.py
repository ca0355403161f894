"""More layers that each break something on purpose: too few maps, positions that matter, other domains and groups."""

from typing import Any

import torch
from broken_layers import REGULAR, Healthy
from torch import Tensor, nn

from erlangen import Graphs
from erlangen.blueprint import EquivariantModule, Field, Signal
from erlangen.point import Point
from erlangen.symmetry import Group

NODES = Graphs().field(None, 2)
TURNS = Group.from_lie_algebra({"xy": [[0, -1, 0], [1, 0, 0], [0, 0, 0]], "yz": [[0, 0, 0], [0, 0, -1], [0, 1, 0]]})
BOOST = Group.from_lie_algebra({"boost": [[0, 1], [1, 0]]}, {"flip": [[1, 0], [0, -1]]}, compact=False)


class Tied(Healthy):
    """Two of the four equivariant maps always come together."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 0.5, -0.25]))

    def kernel(self) -> Tensor:
        weight = torch.cat([self.weight, self.weight[1:2]])
        return torch.stack([weight.roll(g) for g in range(4)])[:, :, None, None]

    def hom_dimension(self) -> int:
        return 4


class HalfABias(EquivariantModule):
    """The identity of "2 trivial", mixed, with a bias for one channel only."""

    def __init__(self) -> None:
        super().__init__(REGULAR.with_rep(2), REGULAR.with_rep(2))
        self.weight, self.bias = nn.Parameter(torch.randn(2, 2)), nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, self.weight[:, :, None, None], torch.cat([self.bias, self.bias.new_zeros(1)]))

    def export(self) -> nn.Module:
        plain = nn.Conv2d(2, 2, 1).to(self.weight)
        with torch.no_grad():
            plain.weight.copy_(self.weight[:, :, None, None])
            plain.bias.copy_(torch.cat([self.bias, self.bias.new_zeros(1)]))
        return plain


class Doubled(Healthy):
    """Every map twice, and no claim about how many there are."""

    hom_dimension = None  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.second = nn.Parameter(torch.ones(4))

    def kernel(self) -> Tensor:
        return torch.stack([(self.weight + self.second).roll(g) for g in range(4)])[:, :, None, None]


class DeadWeight(Healthy):
    """A parameter on which nothing depends."""

    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.Parameter(torch.ones(3))

    def hom_dimension(self) -> int:
        return 8


class SilentZero(EquivariantModule):
    """A trivial channel beside the regular ones, constantly zero."""

    incomplete = "the trivial channel was forgotten"

    def __init__(self) -> None:
        super().__init__(REGULAR, REGULAR.with_rep("1 regular + 1 trivial"))
        self.inner = Healthy()

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        return torch.cat([y, torch.zeros_like(y[:, :1])], dim=1)

    def export(self) -> nn.Module:
        inner = self.inner.export()
        plain = nn.Conv2d(4, 5, 1).to(self.inner.weight)
        with torch.no_grad():
            plain.weight.zero_()[:4] = inner.weight
            plain.bias.zero_()[:4] = inner.bias
        return plain


class DarkCorners(Healthy):
    """Weaker away from the centre: every turn keeps it, no shift does."""

    def forward(self, x: Tensor) -> Tensor:
        squares = [torch.linspace(-1, 1, n, dtype=x.dtype).square() for n in x.shape[2:]]
        return super().forward(x) * torch.exp(-squares[0][:, None] - squares[1][None, :])


class NeedsOneLayout(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.view(x.shape[0], 4 * x.shape[2] * x.shape[3]).view(x.shape))


class HoldsAFloatTable(Healthy):
    """Adds a constant that no cast of the module reaches."""

    table = torch.zeros(4, 4, 1, 1)

    def kernel(self) -> Tensor:
        return super().kernel() + self.table


class DropsAndBreaks(Healthy):
    """Drops channels in training, and treats them differently besides."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.dropout(super().forward(x))
        return y * torch.linspace(1, 2, 4, dtype=y.dtype)[:, None, None] if self.training else y


class BranchesInTraining(Healthy):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return -y if self.training and x.sum() < -1e9 else y


class SeesOtherGraphs(EquivariantModule):
    """Subtracts the mean over all nodes of a batch, whatever graph they belong to."""

    def __init__(self) -> None:
        super().__init__(NODES, NODES)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, signal: Signal) -> Signal:
        x, on = signal
        return Signal(self.scale * (x - x.sum(0) / max(len(x), 1)), on)

    def export(self) -> nn.Module:
        return _PlainOtherGraphs(self.scale)


class _PlainOtherGraphs(nn.Module):
    def __init__(self, scale: Tensor) -> None:
        super().__init__()
        self.scale = nn.Parameter(scale.detach().clone())

    def forward(self, signal: Signal) -> Signal:
        x, on = signal
        return Signal(self.scale * (x - x.sum(0) / max(len(x), 1)), on)


class Vectors(EquivariantModule):
    """y = w x for vectors of an infinite matrix group: all there is, if the group mixes all coordinates."""

    def __init__(self, group: Group, stretch: Any = 1.0) -> None:
        field = Field(Point(), group.representation("standard"))
        super().__init__(field, field)
        self.register_buffer(
            "stretch", torch.as_tensor(stretch, dtype=torch.float64).float().expand(field.size).clone()
        )
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * self.stretch.to(x.dtype) * x

    def export(self) -> nn.Module:
        plain = nn.Linear(len(self.stretch), len(self.stretch), bias=False).to(self.weight)
        with torch.no_grad():
            plain.weight.copy_(torch.diag(self.weight * self.stretch))
        return plain


def stretched_vectors() -> EquivariantModule:
    """No rotation keeps a stretch along z."""
    return Vectors(TURNS, [1.0, 1.0, 1.001])


def mirrored_boosts() -> EquivariantModule:
    """Boosts keep the exchange of the two light cones, a change of sign of space does not keep boosts."""
    return Vectors(BOOST, [1.0, -1.0])


EQUIVARIANCE = {f"equivariance in {mode}" for mode in ("float32", "float64", "training")}
MORE_CONTROLS: dict[Any, set[str]] = {
    Tied: {"complete"},
    HalfABias: {"complete"},
    Doubled: {"free parameters"},
    DeadWeight: {"free parameters"},
    SilentZero: {"output"},
    DarkCorners: {"translation"},
    NeedsOneLayout: {"memory formats"},
    HoldsAFloatTable: {"bfloat16"},
    DropsAndBreaks: {"equivariance in training"},
    BranchesInTraining: {"compile"},
    SeesOtherGraphs: {"batch"},
    stretched_vectors: EQUIVARIANCE | {"complete"},
    mirrored_boosts: EQUIVARIANCE | {"complete"},
}
