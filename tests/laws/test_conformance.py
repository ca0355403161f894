"""Every layer of every domain keeps every law of the conformance suite."""

from collections.abc import Callable
from importlib import import_module
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

import erlangen
from erlangen import Classify, Graphs, Grid, Predict, Regress, Segment, derive
from erlangen.blueprint import EquivariantModule, Field, Network, Sequential
from erlangen.errors import LawError, NoEquivariantMap
from erlangen.graphs import (
    GraphConvolution,
    GraphIsomorphism,
    GraphReadout,
    MessagePassing,
    NodeActivation,
    NodeLinear,
    NodeNorm,
    NodeReadout,
    SetLinear,
)
from erlangen.grids import (
    BatchNorm,
    Conv,
    DenseReadout,
    DepthwiseConv,
    Flatten,
    FourierNonlinearity,
    IlluminationNorm,
    InvariantReadout,
    LayerNorm,
    Mixing,
    Nonlinearity,
    Pointwise,
    PolyphasePool,
    Pool,
    PoolEveryScale,
    Restrict,
    Restricted,
    ScaleConv,
    ScaleGrid,
    ScaleLift,
    ScalePool,
    SpectralConv,
    colour_field,
    point_matrices,
    wide_resnet,
)
from erlangen.point import (
    CopyNorm,
    EquivariantBilinear,
    EquivariantLinear,
    EquivariantMLP,
    EquivariantQuadratic,
    Gate,
    Point,
    PointReadout,
)
from erlangen.point import Nonlinearity as PointNonlinearity
from erlangen.point.factored import FactoredBilinear
from erlangen.symmetry import FiniteGroup, Group, Representation
from erlangen.testing import LAWS, Subject, check

pytestmark = pytest.mark.filterwarnings("ignore")
MACHINERY = ("compile", "torch.export", "vmap")  # seconds, and the same for every representation

Build = Callable[[], EquivariantModule]


def image(group: str, rep: str = "2 regular", d: int = 2) -> Field:
    return Grid(d).field(group, rep)


def nodes(channels: int = 5) -> Field:
    return Graphs().field(None, channels)


def vectors(group: "str | Group", rep: str) -> Field:
    return Point().field(group, rep)


def scales(group: str = "C4", rep: str = "1 regular") -> Field:
    return ScaleGrid(2, 3, 2, (9, 9)).field(group, rep)


def restricted_chain() -> EquivariantModule:
    lift = Conv(image("D4", "1 trivial"), image("D4"))
    smaller = Restrict(lift.out_field, "D1")
    return Restricted(Sequential(lift, smaller, Conv(smaller.out_field, smaller.out_field)))


ROUND = "2 irrep(0) + 2 irrep(1) + 2 irrep(2)"
SOLID = "1 irrep(0,0) + 1 irrep(1,1) + 1 irrep(2,0)"
HEXAGON = Group.from_permutations({"turn": "(0 1 2 3 4 5)", "mirror": "(1 5)(2 4)"}, name="hexagon")

EVERY_LAW: dict[str, Build] = {
    "lift": lambda: Conv(image("D4", "2 trivial"), image("D4"), 5),
    "conv mixed": lambda: Conv(image("D4", "1 standard + 1 trivial"), image("D4", "1 regular + 1 standard")),
    "conv even": lambda: Conv(image("C4"), image("C4"), 4, padding=2),
    "conv strided": lambda: Conv(image("C4"), image("C4"), 3, stride=2),
    "conv strided 4": lambda: Conv(image("D4", "1 regular"), image("D4", "1 regular"), 4, stride=4, padding=0),
    "conv dilated": lambda: Conv(image("D4"), image("D4"), 3, dilation=2, groups=2),
    "conv circular": lambda: Conv(image("C2"), image("C2"), (3, 5), padding_mode="circular", bias=False),
    "conv 1-D": lambda: Conv(image("D1", d=1), image("D1", "2 trivial + 1 regular", d=1), 5),
    "pool 3-D": lambda: Pool(image("O", "1 regular + 1 standard", 3)),
    "conv 3-D": lambda: Conv(image("C4", "1 regular", 3), image("C4", "1 regular", 3)),
    "conv of eighth turns": lambda: Conv(image("C8"), image("C8", "1 regular + 1 standard"), 3),
    "conv of eighth turns, strided": lambda: Conv(image("D8", "1 trivial"), image("D8", "1 regular"), 3, stride=2),
    "conv of all turns": lambda: Conv(image("SO(2)", ROUND), image("SO(2)", "1 irrep(0) + 1 irrep(1)"), 5),
    "conv of all turns in space": lambda: Conv(image("O(3)", SOLID, 3), image("O(3)", "irrep(0,0) + irrep(1,1)", 3)),
    "depthwise of all turns": lambda: DepthwiseConv(image("O(2)", "irrep(0,0) + irrep(1,1)"), 3),
    "spectral of eighth turns": lambda: SpectralConv(image("C8", "1 regular"), image("C8", "1 standard"), 2),
    "conv of thirds by spectra": lambda: Conv(image("D3", "1 regular"), image("D3", "1 trivial"), 5, method="spectra"),
    "mixing of all turns": lambda: Mixing(image("SO(3)", "2 trivial + 2 standard", 3), image("SO(3)", "standard", 3)),
    "Fourier nonlinearity": lambda: FourierNonlinearity(image("SO(2)", ROUND)),
    "Fourier nonlinearity on the sphere": lambda: FourierNonlinearity(image("O(3)", SOLID, 3), "elu"),
    "Fourier nonlinearity of D4": lambda: FourierNonlinearity(image("D4", "2 trivial + 4 standard"), "relu"),
    "gate on a grid": lambda: Gate(image("SO(2)", ROUND)),
    "batch norm of irreps": lambda: BatchNorm(image("O(3)", SOLID, 3)),
    "norm-ReLU of irreps": lambda: Nonlinearity(image("O(2)", "irrep(0,0) + irrep(1,0) + 2 irrep(1,1)")),
    "readout of irreps": lambda: InvariantReadout(image("SO(2)", ROUND), Classify(3)),
    "depthwise": lambda: DepthwiseConv(image("D4", "1 regular + 1 trivial"), 5),
    "depthwise mixed": lambda: DepthwiseConv(image("D4", "regular + 2 standard + sign"), 3, padding_mode="circular"),
    "depthwise 1-D": lambda: DepthwiseConv(image("D1", d=1), 7),
    "depthwise 3-D": lambda: DepthwiseConv(image("C4", "1 regular", 3), 3),
    "mixing": lambda: Mixing(image("D4", "1 standard + 1 regular"), image("D4", "1 regular + 1 trivial")),
    "mixing in blocks": lambda: Mixing(image("D4"), image("D4", "3 regular"), form="blocks"),
    "mixing in complex blocks": lambda: Mixing(image("C4"), image("C4", "1 regular"), form="blocks", bias=False),
    "conv by spectra": lambda: Conv(image("D4"), image("D4", "1 regular"), 5, method="spectra"),
    "conv by spectra, circular": lambda: Conv(
        image("C4"), image("C4", "1 standard"), 3, padding_mode="circular", method="spectra"
    ),
    "conv by spectra, 1-D": lambda: Conv(image("D1", d=1), image("D1", d=1), 4, padding=2, method="spectra"),
    "conv by spectra, 3-D": lambda: Conv(image("C4", "1 regular", 3), image("C4", "1 regular", 3), method="spectra"),
    "spectral": lambda: SpectralConv(image("D4", "1 standard"), image("D4", "1 regular + 1 standard"), 2),
    "spectral 1-D": lambda: SpectralConv(image("D1", d=1), image("D1", d=1), 3, bias=False),
    "separable block": lambda: Grid(2).block(image("D4"), image("D4"), kind="separable"),
    "separable block, wider": lambda: Grid(2).block(image("C4"), image("C4", "3 regular"), kind="separable"),
    "network of separable blocks": lambda: derive(image("C4", "1 trivial"), Classify(3), "tiny", block="separable"),
    "wide residual network": lambda: wide_resnet(image("D4", "1 trivial"), Classify(3), 10, 1),
    "batch norm": lambda: BatchNorm(image("D4", "2 regular + 1 standard")),
    "layer norm": lambda: LayerNorm(image("D4", "2 regular + 1 standard")),
    "pointwise": lambda: Pointwise(image("D4"), "gelu"),
    "pointwise odd": lambda: Pointwise(image("D4", "1 sign + 1 standard"), "tanh"),
    "nonlinearity": lambda: Nonlinearity(image("D4", "2 regular + 2 standard + 1 sign")),
    "blur pool": lambda: Pool(image("D4")),
    "blur pool 3": lambda: Pool(image("C4", "1 standard"), 3),
    "max pool": lambda: Pool(image("D4"), 2, "max"),
    "max blur pool": lambda: Pool(image("D4"), 2, "maxblur"),
    "polyphase pool": lambda: PolyphasePool(image("D4")),
    "polyphase pool 3": lambda: PolyphasePool(image("C4", "1 standard"), 3, "plain"),
    "polyphase max 3-D": lambda: PolyphasePool(image("C4", "1 regular", 3), 2, "max"),
    "restricted chain": lambda: restricted_chain(),
    "network shift": lambda: derive(image("C4", "1 trivial"), Segment(2), "tiny", shift="exact"),
    "network restricted": lambda: derive(image("D4", "1 trivial"), Classify(2), "tiny", restrict={0: "C4", 1: "C2"}),
    "scale lift": lambda: ScaleLift(image("D4", "2 trivial"), ScaleGrid(2, 3).field("D4", "1 regular + 1 standard")),
    "scale conv": lambda: ScaleConv(scales(), scales(), depth=2),
    "scale pool": lambda: ScalePool(scales()),
    "pool every scale": lambda: PoolEveryScale(scales("D4", "1 standard")),
    "network scales": lambda: derive(image("C4", "1 trivial"), Classify(2), "tiny", scales=2),
    "illumination norm": lambda: IlluminationNorm(image("D4", "1 standard + 1 trivial")),
    "illumination norm per channel": lambda: IlluminationNorm(colour_field(Grid(2), "C4"), "channel"),
    "conv of colours": lambda: Conv(
        colour_field(Grid(2), "C2", "hue 4"), colour_field(Grid(2), "C2", "hue 4").with_rep(1)
    ),
    "network of colours": lambda: derive(
        colour_field(Grid(2), "C2"), Classify(2), "tiny", widths=(24, 24), illumination="image"
    ),
    "invariant readout": lambda: InvariantReadout(image("D4", "2 regular + 1 standard"), Classify(3)),
    "dense readout": lambda: DenseReadout(image("D4"), Predict("1 standard + 1 trivial")),
    "block": lambda: Grid(2).block(image("D4", "1 standard"), image("D4")),
    "network classify": lambda: derive(image("C4", "1 trivial"), Classify(3), "tiny"),
    "network regress 1-D": lambda: derive(image("D1", "1 trivial", 1), Regress(2), "tiny"),
    "network segment": lambda: derive(image("D4", "1 trivial"), Segment(2), "tiny"),
    "network predict": lambda: derive(image("D2", "1 trivial"), Predict("1 standard"), "tiny"),
    "graph convolution": lambda: GraphConvolution(nodes(), nodes(3)),
    "graph convolution mean": lambda: GraphConvolution(nodes(3), nodes(), normalise="mean", residual=True),
    "graph convolution sum": lambda: GraphConvolution(nodes(), nodes(), normalise="sum", dropout=0.5),
    "graph isomorphism": lambda: GraphIsomorphism(nodes(), nodes(3)),
    "graph isomorphism max": lambda: GraphIsomorphism(nodes(), nodes(3), reduce="max", norm=False),
    "message passing": lambda: MessagePassing(nodes(), nodes(3)),
    "message passing max": lambda: MessagePassing(nodes(), nodes(3), reduce="max", residual=True),
    "node linear": lambda: NodeLinear(nodes(), nodes(3)),
    "set linear": lambda: SetLinear(nodes(), nodes(3)),
    "node activation": lambda: NodeActivation(nodes(), "silu"),
    "node norm batch": lambda: NodeNorm(nodes()),
    "node norm graph": lambda: NodeNorm(nodes(), "graph"),
    "node norm layer": lambda: NodeNorm(nodes(), "layer"),
    "graph readout": lambda: GraphReadout(nodes(), Classify(3), pool="sum+mean+max"),
    "node readout": lambda: NodeReadout(nodes(), Segment(3), head="convolution"),
    "linear C4": lambda: EquivariantLinear(
        vectors("C4", "2 regular + 1 standard"), vectors("C4", "1 standard + 1 regular")
    ),
    "linear S4": lambda: EquivariantLinear(vectors("S4", "standard^2"), vectors("S4", "standard^2 + 2 trivial")),
    "linear hexagon": lambda: EquivariantLinear(vectors(HEXAGON, "2 standard"), vectors(HEXAGON, "standard*standard")),
    "linear SO(3)": lambda: EquivariantLinear(
        vectors("SO(3)", "2 standard + 1 trivial"), vectors("SO(3)", "standard^2")
    ),
    "linear O(3)": lambda: EquivariantLinear(vectors("O(3)", "standard^3"), vectors("O(3)", "3 standard"), bias=False),
    "linear O(1,3)": lambda: EquivariantLinear(vectors("O(1,3)", "4 standard"), vectors("O(1,3)", "2 standard")),
    "bilinear SO(3)": lambda: EquivariantBilinear(
        vectors("SO(3)", "2 standard"), vectors("SO(3)", "1 standard + 2 trivial")
    ),
    "factored O(5)": lambda: FactoredBilinear(vectors("O(5)", "2 standard"), vectors("O(5)", "2 trivial"), 4),
    "quadratic O(3)": lambda: EquivariantQuadratic(
        vectors("O(3)", "2 standard + trivial"), vectors("O(3)", "standard^2"), 4
    ),
    "gate": lambda: Gate(vectors("SO(3)", "5 trivial + 2 standard + 1 standard^2")),
    "nonlinearity on vectors": lambda: PointNonlinearity(vectors("D4", "2 regular + 1 standard + 1 trivial")),
    "copy norm": lambda: CopyNorm(vectors("O(3)", "2 standard + 3 trivial")),
    "point readout": lambda: PointReadout(vectors("O(3)", "2 standard + 3 trivial"), Regress(2)),
    "mlp S4": lambda: EquivariantMLP(vectors("S4", "2 standard"), vectors("S4", "standard + trivial"), 24, layers=2),
    "mlp O(3)": lambda: EquivariantMLP(
        vectors("O(3)", "5 standard"), vectors("O(3)", "standard^2"), 24, layers=1, rank=4
    ),
    "mlp SO(1,3)": lambda: EquivariantMLP(
        vectors("SO(1,3)", "4 standard"), vectors("SO(1,3)", "trivial"), 24, layers=1, rank=4
    ),
    "network on points": lambda: derive(vectors("D4", "2 standard"), Classify(3), "tiny"),
    "network on graphs": lambda: derive(nodes(), Classify(2), "tiny"),
    "network on nodes": lambda: derive(nodes(), Segment(2), "tiny"),
}


LONG = {
    "network shift",
    "network of separable blocks",
    "network scales",
    "network restricted",
    "network of colours",
    "network regress 1-D",
    "network predict",
    "network segment",
    "network on nodes",
    "mlp O(3)",
    "mlp S4",
    "mlp SO(1,3)",
    "wide residual network",
}  # whole networks whose layers are all looked at by themselves
VARIANTS = {
    *("conv even", "conv strided", "conv strided 4", "conv dilated", "conv circular", "conv mixed", "conv of colours"),
    *(
        "conv of eighth turns",
        "conv of eighth turns, strided",
        "conv of thirds by spectra",
        "conv by spectra, circular",
    ),
    *("conv by spectra, 1-D", "depthwise mixed", "depthwise 1-D", "mixing in complex blocks", "mixing of all turns"),
    *("spectral 1-D", "spectral of eighth turns", "separable block, wider", "blur pool 3", "max blur pool"),
    *("polyphase pool 3", "polyphase max 3-D", "readout of irreps", "linear S4", "linear hexagon", "linear SO(3)"),
    *("linear O(3)", "linear O(1,3)", "graph convolution mean", "graph convolution sum", "graph isomorphism max"),
    *("message passing max", "node norm layer", "Fourier nonlinearity on the sphere", "Fourier nonlinearity of D4"),
    *("pointwise odd", "illumination norm per channel", "network on graphs", "network on points"),
}  # layers of a class that is there under another name too


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in EVERY_LAW])
def test_every_layer_keeps_every_law(name: str, left_to_slow: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    check(EVERY_LAW[name](), skip=left_to_slow if name in VARIANTS else ())


def test_variants_are_variants() -> None:
    """For every layer whose machinery is left to `--slow`, one of the same class is looked at in full."""
    assert set(EVERY_LAW) >= VARIANTS
    full = {type(EVERY_LAW[name]()) for name in EVERY_LAW if name not in VARIANTS | LONG}
    assert {type(EVERY_LAW[name]()) for name in VARIANTS} <= full


def layer_classes() -> set[type]:
    """Every class of layers in every folder of the package that has a `space.py`, public or not."""
    found = set()
    for folder in Path(erlangen.__path__[0]).glob("*/space.py"):
        for file in folder.parent.glob("*.py"):
            module = import_module(f"erlangen.{folder.parent.name}.{file.stem}".removesuffix(".__init__"))
            classes = [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, EquivariantModule)]
            found |= {c for c in classes if c.__module__ == module.__name__}
    return found


def test_no_layer_is_forgotten() -> None:
    """Each layer of each domain is among those above, as a whole or inside another; the exception has its own test."""
    classes = layer_classes()
    assert {Conv, SetLinear, EquivariantLinear, Network} < classes
    used = {type(part) for build in EVERY_LAW.values() for part in build().modules()}
    assert classes - used == {EquivariantModule, Flatten}


def test_flatten_loses_the_symmetry_and_nothing_else() -> None:
    with pytest.raises(LawError) as error:
        check(Flatten(image("C4", "1 trivial"), Classify(2), (32, 32)))
    assert set(error.value.laws) == {f"equivariance in {mode}" for mode in ("float32", "float64", "training")}


REPRESENTATIONS = ("3 trivial", "2 regular", "standard", "sign", "2 quotient(C1)", "standard + sign + regular")
SWEEP = [
    (d, group, a, b, kernel)
    for (d, group), (a, b), kernel in product(
        [(1, "D1"), (2, "C1"), (2, "C2"), (2, "C4"), (2, "D1"), (2, "D2"), (2, "D4"), (3, "C4v"), (3, "Th")],
        [(a, b) for i, a in enumerate(REPRESENTATIONS) for b in (REPRESENTATIONS[i], REPRESENTATIONS[(i + 2) % 6])],
        (1, 2, 3),
    )
    if "sign" not in a + b or group != "C1"
]


def fixed_taps(matrix: np.ndarray, kernel: int) -> int:
    """How many taps of a k^d stencil a point matrix leaves in place."""
    d = len(matrix)
    taps = np.stack(np.meshgrid(*[np.arange(kernel) - (kernel - 1) / 2] * d, indexing="ij"), -1).reshape(-1, d)
    return int((np.abs(taps @ matrix.T - taps) < 1e-9).all(axis=1).sum())


def hom_dimension(group: FiniteGroup, d: int, a: Representation, b: Representation, kernel: int) -> int:
    """dim Hom = 1/|G| Σ_g χ_a(g) χ_b(g) · #{taps that g leaves in place}, by Burnside's lemma."""
    fixed = np.array([fixed_taps(m, kernel) for m in point_matrices(group, d)])
    return round(float((a.character * b.character * fixed).sum()) / group.order)


@pytest.mark.parametrize(("d", "group", "a", "b", "kernel"), SWEEP)
def test_convolutions_are_complete(d: int, group: str, a: str, b: str, kernel: int) -> None:
    """The free parameters are all equivariant kernels (counted by characters) and all invariant biases."""
    fields = [image(group, rep, d) for rep in (a, b)]
    g = fields[0].group
    assert isinstance(g, FiniteGroup)
    kernels = hom_dimension(g, d, fields[0].rep, fields[1].rep, kernel)
    biases = round(float(fields[1].rep.character.sum()) / g.order)
    try:
        conv = Conv(*fields, kernel)
    except NoEquivariantMap:  # for the whole layer, or for some channels of its output, which would be constant
        blocks = [Representation(g, ((1, block),)) for _, c in fields[1].rep.terms for block in c.blocks]
        assert 0 in [hom_dimension(g, d, fields[0].rep, block, kernel) for block in blocks]
        return
    assert sum(p.numel() for p in conv.parameters()) == kernels + biases


@pytest.mark.parametrize(("d", "group", "a", "b", "kernel"), [case for i, case in enumerate(SWEEP) if i % 3 == 0])
def test_convolutions_are_exact(d: int, group: str, a: str, b: str, kernel: int) -> None:
    """f(g·x) = g·f(x) at even, odd and unequal sizes, in both precisions, and the exported form agrees."""
    try:
        conv = Conv(image(group, a, d), image(group, b, d), kernel)
    except NoEquivariantMap:
        pytest.skip("the layer would be constantly zero, and is refused")
    check(
        conv,
        only=[
            "output",
            "equivariance in float32",
            "equivariance in float64",
            "plain export",
            "free parameters",
            "complete",
        ],
    )


@pytest.mark.parametrize("group", ["C1", "C2", "C4", "D1", "D2", "D4"])
@pytest.mark.parametrize("rep", ["3 trivial", "2 regular", "standard", "2 quotient(C1) + standard"])
def test_other_layers_for_every_group(group: str, rep: str) -> None:
    field = image(group, rep)
    layers = [BatchNorm(field), LayerNorm(field), Nonlinearity(field), Pool(field), InvariantReadout(field, Regress(2))]
    for layer in layers:
        check(layer, skip=(*MACHINERY, "deepcopy", "pickle", "repr"))


BEYOND = [
    ("C8", 2, {}),
    ("C8", 2, {"hidden": "trivial + standard + irrep(2)", "nonlinearity": "fourier"}),
    ("SO(2)", 2, {}),
    ("SO(2)", 2, {"block": "residual"}),
    ("O(2)", 2, {"nonlinearity": "gated"}),
    ("O(2)", 2, {"nonlinearity": "norm", "shift": "exact"}),
    ("SO(3)", 3, {"nonlinearity": "gated"}),
    ("O(3)", 3, {"block": "separable"}),
]


@pytest.mark.parametrize(("group", "d", "options"), BEYOND)
def test_networks_of_groups_beyond_the_grid(group: str, d: int, options: dict) -> None:
    net = derive(image(group, "1 trivial", d), Classify(2), "tiny", width=0.5, **options)
    # polyphase pooling chooses: where two choices are nearly even, the roundings of bfloat16 decide
    rounded = ("bfloat16", "bfloat16 autocast") if options.get("shift") == "exact" else ()
    check(net, shape=(10,) * d, skip=(*MACHINERY, *rounded, "gradients"))


@pytest.mark.parametrize("size", ["small", "medium"])
@pytest.mark.parametrize("group", ["C4", "D4"])
@pytest.mark.slow
def test_large_networks(size: str, group: str) -> None:
    # finite differences through so many ReLUs straddle a kink sooner or later; every layer keeps that law by itself
    check(derive(image(group, "1 trivial"), Classify(10), size), skip=(*MACHINERY, "gradients"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conv mixed", "nonlinearity", "network classify", "graph convolution"])
def test_inductor(name: str) -> None:
    """The real compiler, not only the tracer."""
    subject = Subject(EVERY_LAW[name]())
    x = subject.signal()
    torch._dynamo.reset()
    compiled = torch.compile(subject.fresh(), fullgraph=True)
    with torch.no_grad():
        got, want = compiled(x), subject.module(x)
    got, want = (y if isinstance(y, torch.Tensor) else y.x for y in (got, want))
    assert (got - want).abs().max() <= 1e-4 * want.abs().max()


def test_laws_have_names_that_users_can_skip() -> None:
    assert set(MACHINERY) <= set(LAWS)
