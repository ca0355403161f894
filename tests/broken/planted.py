"""The catalogue: networks with one planted defect, and clean networks, over all domains."""

from collections.abc import Callable
from typing import Any, NamedTuple

import broken_graphs as graphs
import broken_images as images
import broken_others as others
import broken_strands as strands
import torch
from broken_images import symmetric_conv
from broken_others import Mean, Place, hexagons, line, particles, symmetric1d, symmetric3d, volume
from torch import Tensor, nn

from erlangen.adapt import symmetrize
from erlangen.blueprint import Classify, Field, Regress, Segment, derive
from erlangen.grids import PolyphasePool


class Case(NamedTuple):
    """One network.

    Args:
        build: makes it.
        data: name of the samples.
        field: what they live on.
        guilty: part of the name of the worst layer; empty for a clean network.
        cause: part of the reason.
        out: type of the output, if it has to be declared.
    """

    build: Callable[[], nn.Module]
    data: str
    field: Field
    guilty: str = ""
    cause: str = ""
    out: Field | None = None


def samples(name: str) -> Any:
    """Samples of a domain, always the same."""
    g = torch.Generator().manual_seed(0)
    shapes = {"image": (4, 1, 16, 16), "odd image": (4, 1, 15, 15), "volume": (4, 1, 8, 8, 8), "line": (8, 1, 20)}
    if name in shapes:
        return torch.rand(shapes[name], generator=g)
    if name == "hexagons":
        return others.HEX.space.sample_signal(others.HEX, 4, generator=g)
    if name == "strand":
        return nn.functional.one_hot(torch.randint(4, (8, 40), generator=g), 4).float().transpose(1, 2)
    if name == "cloud":
        return torch.randn(8, 18, generator=g)
    return others.molecules() if name == "molecules" else graphs.graphs()


def image(*layers: nn.Module, first: int = 4) -> nn.Module:
    """Layers behind a symmetric convolution."""
    return nn.Sequential(symmetric_conv(1, first, padding=1), nn.ReLU(), *layers)


def norm_of_channels(n: int) -> nn.Module:
    """A batch norm with a weight of its own for every channel."""
    norm = nn.BatchNorm2d(n)
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(0.5, 2, n))
    return norm


class Dense(nn.Module):
    """One layer of a dense block: joins what it makes to what it is given."""

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.conv(x).relu()], 1)


class Squeeze(nn.Module):
    """Weighs channels by their means over the map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weigh(x.mean((2, 3))).sigmoid()[..., None, None]


class BothStrands(nn.Module):
    """The mean of what a network says of a strand and of its reverse complement."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv1d(4, 6, 7), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(6, 2))

    def forward(self, x: Tensor) -> Tensor:
        return (self.net(x) + self.net(x.flip(1, 2))) / 2


C4, D4 = images.FIELD, images.FIELD.space.field("D4", "1 trivial")
S, CUBE, LINE, HEX, CLOUD = others.SHIFTS, others.CUBE, others.LINE, others.HEX, others.CLOUD

BROKEN = {
    "zero padding under shifts": Case(others.zero_padding, "image", S, "0", "zero padding"),
    "stride under shifts": Case(others.stride_under_shifts, "image", S, "2", "aliasing"),
    "pooling under shifts": Case(others.pooling_under_shifts, "image", S, "2", "pooling with stride 2"),
    "flatten under shifts": Case(others.flatten_under_shifts, "image", S, "2", "flattening"),
    "fixed windows under shifts": Case(others.windows_under_shifts, "image", S, "2", "windows stay"),
    "resize by rounded indices": Case(
        lambda: image(others.Resize(10), symmetric_conv(4, 4), Mean()), "image", C4, "2", "do not lie symmetrically"
    ),
    "upsampling to the nearest pixel": Case(
        lambda: image(nn.Upsample((10, 10)), symmetric_conv(4, 4), Mean()), "image", C4, "2", "do not lie symmetrically"
    ),
    "oblong filters": Case(
        lambda: others.oblong(nn.Conv2d(1, 4, (3, 5), padding=(1, 2))), "image", C4, "0", "filters change by"
    ),
    "rows and columns": Case(
        lambda: image(others.BrightestRow(), nn.Linear(4, 3)), "image", C4, "2", "order of its axes"
    ),
    "ordinary convolution of volumes": Case(
        lambda: volume(nn.Conv3d(4, 4, 3, padding=1)), "volume", CUBE, "2", "filters change by"
    ),
    "pooling of volumes off the centre": Case(
        lambda: volume(nn.MaxPool3d(3, stride=2)), "volume", CUBE, "2", "pooling with stride 2 on size 8"
    ),
    "voxels that are no cubes, smoothed": Case(
        lambda: volume(others.VoxelBlur()), "volume", CUBE, "2", "filters 'filter' [5, 5, 5] change"
    ),
    "voxels that are no cubes, pooled": Case(
        lambda: volume(nn.MaxPool3d((1, 2, 2))), "volume", CUBE, "2", "windows of 1×2×2"
    ),
    "flattened volume": Case(
        lambda: nn.Sequential(symmetric3d(1, 2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 3)),
        "volume",
        CUBE,
        "2",
        "flattening",
    ),
    "places in a volume": Case(lambda: volume(Place(8, 8, 8)), "volume", CUBE, "2", "own value at every position"),
    "causal convolution": Case(lambda: line(others.Causal()), "line", LINE, "2", "filters 'weight' [4, 4, 3] change"),
    "recurrent network on a line": Case(
        lambda: line(others.LastState(), nn.Linear(4, 2)), "line", LINE, "2.cell", "reads positions in order"
    ),
    "stride on a line": Case(lambda: line(symmetric1d(4, 4, stride=2)), "line", LINE, "2", "stride 2 on size 20"),
    "places on a line": Case(
        lambda: line(Place(4, 20), nn.ReLU(), Mean()), "line", LINE, "2", "own value at every position"
    ),
    "ordinary convolution of hexagons": Case(
        lambda: hexagons(nn.Conv2d(12, 12, 3, padding=1, bias=False)), "hexagons", HEX, "steps.1", "its law"
    ),
    "square windows on hexagons": Case(lambda: hexagons(others.SquareBlur()), "hexagons", HEX, "steps.1", "its law"),
    "ordinary norm on hexagons": Case(
        lambda: hexagons(norm_of_channels(12)), "hexagons", HEX, "steps.1", "differs between the channels"
    ),
    "coordinates mixed with particles": Case(
        lambda: particles(others.WrongAxis()), "cloud", CLOUD, "1", "coordinates with particles", others.FORCES
    ),
    "rectified vectors": Case(
        lambda: particles(nn.ReLU(), others.Lengths()), "cloud", CLOUD, "1", "pointwise nonlinearity"
    ),
    "bias on vectors": Case(lambda: particles(Place(12), others.Lengths()), "cloud", CLOUD, "1", "is not invariant"),
    "linear layer on coordinates": Case(
        lambda: particles(nn.Linear(12, 5)), "cloud", CLOUD, "1", "ordinary linear layer"
    ),
    "top-k, ties by index": Case(others.TopKNetwork, "molecules", others.ATOMS, "select", "breaks ties by index"),
    "top-k in forward": Case(others.TopKInForward, "molecules", others.ATOMS, "after score", "breaks ties by index"),
    "first node": Case(others.FirstNode, "molecules", others.ATOMS, "after inner, before head", "order in which nodes"),
    "neighbours by number": Case(others.Weighted, "graphs", graphs.FIELD, "mix", "order in which nodes"),
    "places of nodes": Case(
        lambda: others.Attention(True),
        "molecules",
        others.ATOMS,
        "after inner, before attend",
        "position embedding 'code'",
    ),
}

CLEAN = {
    "plain, symmetric filters": Case(images.good_plain, "image", C4),
    "plain, under D4": Case(images.good_plain, "image", D4),
    "batch norm, evaluated": Case(lambda: image(nn.BatchNorm2d(4), Mean()), "image", D4),
    "instance norm": Case(lambda: image(nn.InstanceNorm2d(4), symmetric_conv(4, 4), Mean()), "image", D4),
    "group norm and dropout": Case(lambda: image(nn.GroupNorm(2, 4), nn.Dropout(), Mean()), "image", D4),
    "dense block": Case(lambda: image(Dense(symmetric_conv(4, 4, padding=1)), Mean(), nn.Linear(8, 2)), "image", D4),
    "squeeze and excitation": Case(lambda: image(Squeeze(4), Mean()), "image", D4),
    "stride on an odd size": Case(lambda: image(symmetric_conv(4, 4, stride=2), Mean()), "odd image", C4),
    "centred upsampling": Case(
        lambda: image(nn.Upsample(scale_factor=2, mode="bilinear"), symmetric_conv(4, 2)), "image", D4
    ),
    "circular under shifts": Case(
        lambda: nn.Sequential(others.torus_conv(1, 4), nn.ReLU(), others.torus_conv(4, 4), Mean()), "image", S
    ),
    "polyphase under shifts": Case(
        lambda: nn.Sequential(others.torus_conv(1, 4), nn.ReLU(), PolyphasePool(S.with_rep(4)), Mean()), "image", S
    ),
    "derived, C4": Case(lambda: derive(C4, Classify(3), "tiny"), "image", C4),
    "derived, D4, segmentation": Case(lambda: derive(D4, Segment(2), "tiny"), "image", D4),
    "derived and exported": Case(lambda: derive(C4, Classify(3), "tiny").eval().export(), "image", C4),
    "symmetrised": Case(
        lambda: symmetrize(
            nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 3)),
            D4,
            method="average",
            task=Classify(3),
        ),
        "image",
        D4,
    ),
    "volumes, plain": Case(lambda: volume(symmetric3d(4, 4, padding=1)), "volume", CUBE),
    "volumes, derived": Case(lambda: derive(CUBE, Classify(2), "tiny"), "volume", CUBE),
    "lines, plain": Case(lambda: line(symmetric1d(4, 4)), "line", LINE),
    "lines, derived": Case(lambda: derive(LINE, Classify(2), "tiny"), "line", LINE),
    "hexagons, derived": Case(lambda: derive(HEX, Classify(2), "tiny"), "hexagons", HEX),
    "hexagons, segmentation": Case(lambda: derive(HEX, Segment(2), "tiny"), "hexagons", HEX),
    "strands, by hand": Case(strands.right, "strand", strands.FIELD),
    "strands, both averaged": Case(BothStrands, "strand", strands.FIELD),
    "strands, derived": Case(lambda: derive(strands.FIELD, Classify(2), "tiny"), "strand", strands.FIELD),
    "points, lengths": Case(lambda: particles(others.Lengths(), nn.Linear(4, 3)), "cloud", CLOUD),
    "points, inner products": Case(
        lambda: nn.Sequential(others.Gram(), nn.Linear(36, 8), nn.GELU(), nn.Linear(8, 1)), "cloud", CLOUD
    ),
    "points, mean of particles": Case(lambda: particles(others.RightAxis()), "cloud", CLOUD, out=others.FORCES),
    "points, derived": Case(lambda: derive(CLOUD, Regress(1), "tiny"), "cloud", CLOUD),
    "graphs, sums": Case(graphs.SumNetwork, "graphs", graphs.FIELD),
    "graphs, derived": Case(lambda: derive(graphs.FIELD, Classify(3), "tiny"), "graphs", graphs.FIELD),
    "graphs, derived, nodes": Case(lambda: derive(graphs.FIELD, Segment(3), "tiny"), "graphs", graphs.FIELD),
    "sets, sum": Case(lambda: others.SetNetwork("sum"), "molecules", others.ATOMS),
    "sets, maximum": Case(lambda: others.SetNetwork("maximum"), "molecules", others.ATOMS),
    "sets, sorted": Case(lambda: others.SetNetwork("sorted"), "molecules", others.ATOMS),
    "sets, attention": Case(lambda: others.Attention(False), "molecules", others.ATOMS),
}
