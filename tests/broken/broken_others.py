"""Networks on volumes, hexagons, lines and points that lose a symmetry on purpose, and more on images and graphs."""

import torch
from broken_graphs import neighbours, pooled
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Sequential, Signal
from erlangen.graphs import Graph, Graphs, batch_signals
from erlangen.grids import Grid, HexGrid
from erlangen.point import EquivariantLinear, Point

SHIFTS = Grid(2).field("C1", "1 trivial")
CUBE = Grid(3).field("O", "1 trivial")
LINE = Grid(1).field("D1", "1 trivial")
HEX = HexGrid(6).field("C6", "1 trivial")
CLOUD = Point().field("O(3)", "6 standard")
FORCES = CLOUD.with_rep("standard")


class Mean(nn.Module):
    """Mean over all positions."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).mean(2)


class Wrapped(EquivariantModule):
    """Any module, declared as equivariant."""

    def __init__(self, module: nn.Module, in_field: Field, out_field: Field) -> None:
        super().__init__(in_field, out_field)
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x)


class Place(nn.Module):
    """Adds a parameter with its own value at every position."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.randn(shape))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.place


# images, under shifts


def torus_conv(c: int, d: int, **options) -> nn.Conv2d:
    return nn.Conv2d(c, d, 3, padding=1, padding_mode="circular", **options)


def zero_padding() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), torus_conv(4, 4), Mean(), nn.Linear(4, 3))


def stride_under_shifts() -> nn.Module:
    return nn.Sequential(torus_conv(1, 4), nn.ReLU(), torus_conv(4, 4, stride=2), nn.ReLU(), Mean())


def pooling_under_shifts() -> nn.Module:
    return nn.Sequential(torus_conv(1, 4), nn.ReLU(), nn.MaxPool2d(2), Mean())


def flatten_under_shifts() -> nn.Module:
    return nn.Sequential(torus_conv(1, 4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 256, 3))


def windows_under_shifts() -> nn.Module:
    return nn.Sequential(torus_conv(1, 4), nn.ReLU(), nn.AdaptiveMaxPool2d(4), Mean())


# images, under turns


class Resize(nn.Module):
    """Reads the pixels at indices that are rounded down."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        i = torch.arange(self.size) * x.shape[-1] // self.size
        return x[..., i, :][..., i]


def oblong(image: nn.Module) -> nn.Module:
    """A symmetric network behind a convolution that is wider than high."""
    return nn.Sequential(image, nn.ReLU(), Mean(), nn.Linear(4, 3))


class BrightestRow(nn.Module):
    """The row of the greatest sum: rows and columns are treated differently."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(3).amax(2)


# volumes


def symmetric3d(c: int, d: int, **options) -> nn.Conv3d:
    """A convolution with a filter of one value at the centre and one around it."""
    conv = nn.Conv3d(c, d, 3, **options)
    with torch.no_grad():
        away = torch.tensor([1.0, 0.0, 1.0])
        distance = (away[:, None, None] + away[:, None] + away).long()
        conv.weight.copy_(torch.randn(d, c, 4)[..., distance] / 5)
    return conv


class VoxelBlur(nn.Module):
    """Smooths by as many millimetres along each axis, on voxels that are not cubes."""

    def __init__(self, spacing: tuple[float, float, float] = (2.5, 1.0, 1.0)) -> None:
        super().__init__()
        t = torch.arange(-2.0, 3.0)
        lines = [torch.exp(-0.5 * (t * s / 1.5) ** 2) for s in spacing]
        a, b, c = (line / line.sum() for line in lines)
        self.register_buffer("filter", a[:, None, None] * b[:, None] * c)

    def forward(self, x: Tensor) -> Tensor:
        w = self.filter.expand(x.shape[1], 1, -1, -1, -1)
        return functional.conv3d(x, w, padding=2, groups=x.shape[1])


def volume(layer: nn.Module) -> nn.Module:
    return nn.Sequential(symmetric3d(1, 4, padding=1), nn.ReLU(), layer, nn.ReLU(), Mean())


# lines


def symmetric1d(c: int, d: int, **options) -> nn.Conv1d:
    conv = nn.Conv1d(c, d, 3, **options)
    with torch.no_grad():
        conv.weight.copy_((conv.weight + conv.weight.flip(2)) / 2)
    return conv


class Causal(nn.Module):
    """A convolution that sees the past only."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 4, 3))

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv1d(functional.pad(x, (2, 0)), self.weight)


class LastState(nn.Module):
    """Reads the line with a recurrent network."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRU(4, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.cell(x.transpose(1, 2))[0][:, -1]


def line(layer: nn.Module, *rest: nn.Module) -> nn.Module:
    return nn.Sequential(symmetric1d(1, 4, padding=1), nn.ReLU(), layer, *(rest or (Mean(),)))


# hexagons


def hexagons(middle: nn.Module) -> nn.Module:
    """Layers of the hexagonal lattice around one that is declared to be such."""
    space, hidden = HEX.space, HEX.with_rep("2 regular")
    return Sequential(
        space.linear(HEX, hidden, kernel_size=3), Wrapped(middle, hidden, hidden), space.nonlinearity(hidden)
    )


class SquareBlur(nn.Module):
    """The mean over 3×3 cells of the box, which is no neighbourhood of the hexagonal lattice."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, 3, stride=1, padding=1)


# points


def particles(layer: nn.Module, *rest: nn.Module) -> nn.Module:
    """Six particles (x, y, z) to one vector or to invariants."""
    return nn.Sequential(EquivariantLinear(CLOUD, CLOUD.with_rep("4 standard")), layer, *rest)


class WrongAxis(nn.Module):
    """Means over coordinates mixed with particles: [x1, y1, z1, x2, …] taken for [3, N]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), 3, -1).mean(2)


class RightAxis(nn.Module):
    """The mean over particles."""

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), -1, 3).mean(1)


class Lengths(nn.Module):
    """The length of every vector."""

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), -1, 3).norm(dim=2)


class Gram(nn.Module):
    """All inner products."""

    def forward(self, x: Tensor) -> Tensor:
        v = x.reshape(len(x), -1, 3)
        return (v @ v.transpose(1, 2)).flatten(1)


# graphs and sets

ATOMS = Graphs().field(None, 4)


def molecules(n: int = 6, nodes: int = 8) -> Signal:
    """Rings whose nodes are of two kinds, so that many are alike."""
    g = torch.Generator().manual_seed(0)
    made = []
    for _ in range(n):
        kinds = functional.one_hot(torch.randint(2, (nodes,), generator=g), 4).float()
        ring = torch.arange(nodes)
        edges = torch.stack([torch.cat([ring, ring.roll(-1)]), torch.cat([ring.roll(-1), ring])])
        made.append(Signal(kinds, Graph.from_edges(edges, nodes)))
    return batch_signals(made)


def messages(x: Tensor, on: Graph) -> Tensor:
    """Sum of the neighbours."""
    row = torch.repeat_interleave(torch.arange(len(x)), on.ptr.diff().long())
    return x.new_zeros(x.shape).index_add(0, row, x[on.col.long()])


class TopK(nn.Module):
    """Keeps the three nodes of each graph that score highest; equal scores are ranked by number."""

    def __init__(self, nodes: int = 8) -> None:
        super().__init__()
        self.nodes, self.score = nodes, nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = self.score(x).reshape(-1, self.nodes).topk(3, dim=1).indices
        keep = torch.zeros(len(x) // self.nodes, self.nodes, dtype=x.dtype).scatter(1, kept, 1.0)
        return x * keep.reshape(-1, 1)


class TopKNetwork(nn.Module):
    """Drops nodes, then lets neighbours speak."""

    def __init__(self) -> None:
        super().__init__()
        self.select, self.head = TopK(), nn.Linear(4, 3)

    def forward(self, signal: Signal) -> Tensor:
        x = self.select(signal.x)
        return pooled(self.head(x + messages(x, signal.on)).relu(), signal.on)


class TopKInForward(nn.Module):
    """The same without a module of its own."""

    def __init__(self, nodes: int = 8) -> None:
        super().__init__()
        self.nodes, self.score, self.head = nodes, nn.Linear(4, 1), nn.Linear(4, 3)

    def forward(self, signal: Signal) -> Tensor:
        x = signal.x
        kept = self.score(x).reshape(-1, self.nodes).topk(3, dim=1).indices
        keep = torch.zeros(len(x) // self.nodes, self.nodes, dtype=x.dtype).scatter(1, kept, 1.0).reshape(-1, 1)
        y = self.head(x * keep + messages(x * keep, signal.on))
        return pooled(y.relu(), signal.on)


class FirstNode(nn.Module):
    """Reads a graph off its first node."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.head = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, signal: Signal) -> Tensor:
        x = self.inner(signal.x + messages(signal.x, signal.on)).relu()
        return self.head(x[signal.on.graph_ptr[:-1].long()])


class Weighted(nn.Module):
    """Weighs the four neighbours by their place in the list."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.mix, self.head = nn.Linear(5, 8), nn.Linear(4, 1), nn.Linear(5, 3)

    def forward(self, signal: Signal) -> Tensor:
        x = self.mix(neighbours(signal).transpose(1, 2))[..., 0]
        return pooled(self.head(x).relu(), signal.on)


class SetNetwork(nn.Module):
    """Deep Sets by hand: right. Points are pooled by a sum, a maximum, or sorted channel by channel."""

    def __init__(self, pool: str) -> None:
        super().__init__()
        self.pool = pool
        self.inner, self.head = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, signal: Signal) -> Tensor:
        x = self.inner(signal.x).relu().reshape(signal.on.num_graphs, -1, 8)
        if self.pool == "sorted":
            weights = torch.linspace(-1, 1, x.shape[1])[:, None]
            return self.head((x.sort(dim=1).values * weights).sum(1))
        return self.head(x.amax(1) if self.pool == "maximum" else x.sum(1))


class Attention(nn.Module):
    """Attention among the nodes of each graph, without places: right; with places: wrong."""

    def __init__(self, places: bool, nodes: int = 8) -> None:
        super().__init__()
        self.nodes, self.places = nodes, places
        self.inner, self.attend, self.head = (
            nn.Linear(4, 8),
            nn.MultiheadAttention(8, 2, batch_first=True),
            nn.Linear(8, 3),
        )
        self.code = nn.Parameter(torch.randn(nodes, 8))

    def forward(self, signal: Signal) -> Tensor:
        x = self.inner(signal.x).reshape(-1, self.nodes, 8)
        x = x + self.code if self.places else x
        return self.head(self.attend(x, x, x, need_weights=False)[0]).mean(1)
