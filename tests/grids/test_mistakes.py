"""Input that does not fit a network on a grid, and declarations that mean nothing, are explained."""

import numpy as np
import pytest
import torch

from erlangen import Classify, Grid, Segment, Strand, audit, derive
from erlangen.errors import DataError, DomainError, FieldError, UnknownName
from erlangen.grids import (
    Conv,
    HexGrid,
    IlluminationNorm,
    PolyphasePool,
    Pool,
    Restrict,
    SpectralConv,
    rotate,
    to_hexagon,
    wide_resnet,
)
from erlangen.grids.strand import one_hot

PLANE = Grid(2, (8, 8))
IMAGE = PLANE.field("C4", 1)
WRONG = {
    "whole numbers": (torch.ones(1, 1, 8, 8, dtype=torch.uint8), r"real numbers, got torch.uint8. Fix: x.float"),
    "no batch": (torch.zeros(1, 8, 8), r"\[B, 1, y, x\].* shape \[1, 8, 8\]. Fix: add the batch axis"),
    "one axis more": (torch.zeros(1, 1, 1, 8, 8), r"\[1, 1, 1, 8, 8\]"),
    "an array": (np.zeros((1, 1, 8, 8)), "takes a tensor, got ndarray"),
    "two channels": (torch.zeros(1, 2, 8, 8), "got 2 channels"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_signals_that_do_not_fit(wrong: str) -> None:
    signal, message = WRONG[wrong]
    hidden = IMAGE.with_rep("1 regular")
    layers = (Conv(IMAGE, hidden), Pool(IMAGE), PolyphasePool(IMAGE), SpectralConv(IMAGE, hidden, 2))
    for layer in (*layers, IlluminationNorm(IMAGE), derive(IMAGE, Classify(2), "tiny").eval()):
        with pytest.raises(FieldError, match=message):
            layer(signal)


def test_float64_needs_a_network_of_float64() -> None:
    net = derive(IMAGE, Classify(2), "tiny").eval()
    x = torch.randn(1, 1, 8, 8, dtype=torch.float64)
    with pytest.raises(FieldError, match=r"Fix: x.float\(\), or network.double"):
        net(x)
    assert net.double()(x).dtype == torch.float64


def test_options_that_exclude_each_other() -> None:
    for options in ({"block": "separable"}, {"block": "residual"}, {"shift": "exact"}):
        with pytest.raises(FieldError, match="does not go with"):
            derive(IMAGE, Classify(2), "tiny", scales=2, **options)
    with pytest.raises(FieldError, match="letters have one size"):
        derive(Strand().field("RC", "letters"), Classify(2), "tiny", scales=2)
    with pytest.raises(UnknownName, match="block, illumination, nonlinearity, restrict, scales, shift"):
        derive(IMAGE, Classify(2), "tiny", kernel_size=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width"),
        ({"coarsen_after": (9,)}, "names a block"),
        ({"dropout": 1.5}, "share in"),
    ],
)
def test_options_that_mean_nothing(options: dict, message: str) -> None:
    with pytest.raises(FieldError, match=message):
        derive(IMAGE, Classify(2), "tiny", **options)


def test_declarations_that_mean_nothing() -> None:
    for words in (12, (12.5, 12), (12,), (0, 3)):
        with pytest.raises(DomainError, match="positive whole sizes"):
            Grid(2, words)
    for spacing in (2.0, (1, float("inf"), 1), (1, 1)):
        with pytest.raises(DomainError, match="positive finite spacings"):
            Grid(3, (8, 8, 8), spacing)
    with pytest.raises(DomainError, match="a group is named"):
        PLANE.field(4, 1)
    with pytest.raises(FieldError, match="at least one class"):
        Classify(0)
    with pytest.raises(FieldError, match="channels on both sides"):
        Conv(IMAGE, IMAGE.with_rep(0))


def test_groups_that_a_grid_has_not() -> None:
    """The message lists those that it has, also those that turn points to places in between."""
    for name in ("O", "Q7"):
        with pytest.raises(DomainError, match=r"D4; and, exact on those .* SO\(2\), O\(2\)"):
            Grid(2).field(name)
    with pytest.raises(DomainError, match=r"Oh; and, exact on those .* SO\(3\), O\(3\)"):
        Grid(3).field("C8")
    with pytest.raises(DomainError, match=r"It has C1, C2, D1, D2\.$"):
        Grid(2, (4, 5)).field("C4")


def test_values_outside_of_a_hexagon() -> None:
    net = derive(HexGrid(4).field("C6", 1), Segment(2), "tiny", depth=1)
    with pytest.raises(FieldError, match="corners"):
        audit(net, torch.ones(2, 1, 9, 9))


@pytest.mark.parametrize("per", ["image", "channel"])
@pytest.mark.parametrize("unit", [1e-30, 1e-12, 1e19, 1e30])
def test_light_in_any_unit(unit: float, per: str) -> None:
    layer, x = IlluminationNorm(PLANE.field("C4", 3), per), torch.rand(2, 3, 8, 8)
    x[1] = 0
    assert torch.allclose(layer(x * unit), layer(x), atol=1e-6)
    assert not layer(x)[1].any()


def test_letters_may_be_bytes() -> None:
    assert torch.equal(one_hot([b"ACGn", b"TTAC"]), one_hot(["ACGn", "TTAC"]))
    assert torch.equal(one_hot(b"AC"), one_hot("AC"))
    with pytest.raises(DataError, match="is not among ACGTN"):
        one_hot(b"AC\xff")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block": {"kind": "separable", "foo": 1}}, "option that its layers do not know.*foo"),
        ({"block": {"kind": "residual", "spatial": "fields"}}, "option that its layers do not know.*spatial"),
        ({"nonlinearity": {"kind": "fourier", "samples": 24}}, "samples=24 says nothing"),
        ({"expansion": 1.5}, "whole number"),
        ({"restrict": {0.9: "C4"}}, "names block 0.9"),
        ({"restrict": {"a": "C4"}}, "names block 'a'"),
        ({"local": {"kernel_size": 3, "groups": 0}}, "at least 1"),
    ],
)
def test_options_that_no_layer_has(options: dict, message: str) -> None:
    with pytest.raises(FieldError, match=message):
        derive(Grid(2, (16, 16)).field("D4", 1), Classify(2), "tiny", **options)


def test_one_mapping_is_for_every_block() -> None:
    network = derive(IMAGE, Classify(2), "tiny", local={"kernel_size": 3})
    sizes = {m.kernel_size for m in network.modules() if isinstance(m, Conv)}
    assert sizes == {(3, 3), (1, 1)}


@pytest.mark.parametrize("name", ["C5x", "xC4", ""])
def test_half_a_product_of_groups(name: str) -> None:
    with pytest.raises(UnknownName, match=f"unknown group '{name}'"):
        Grid(2, (8, 8)).symmetries(name)


def test_numbers_of_numpy_are_numbers() -> None:
    hidden = IMAGE.with_rep("1 regular")
    assert Conv(IMAGE, hidden, np.int64(3)).kernel_size == (3, 3)
    with pytest.raises(DomainError, match="kernel_size needs"):
        Conv(IMAGE, hidden, True)


def test_groups_and_sizes_that_layers_cannot_serve() -> None:
    field = Grid(2).field("D4", "1 regular")
    with pytest.raises(DomainError, match="got a Subgroup"):
        Restrict(field, next(iter(field.group.subgroups)))
    with pytest.raises(FieldError, match="Fix: a finite group"):
        wide_resnet(Grid(2).field("SO(2)", "irrep(0)"), Classify(2), 10)
    with pytest.raises(DomainError, match="nothing to pool"):
        Pool(IMAGE)(torch.zeros(1, 1, 0, 0))
    with pytest.raises(DomainError, match="whole radius"):
        to_hexagon(torch.zeros(1, 1, 8, 8), 2.5)
    with pytest.raises(DomainError, match=r"takes images \[B, C, height, width\]"):
        to_hexagon(torch.zeros(1, 8, 8))
    with pytest.raises(DomainError, match="one for each of 2 signals, got 3"):
        to_hexagon(torch.zeros(2, 1, 8, 8), degrees=torch.zeros(3))


def test_places_are_computed_in_full_precision() -> None:
    field = Grid(2, (33, 33)).field("C8", 1)
    x = torch.rand(1, 1, 33, 33, generator=torch.Generator().manual_seed(0))
    for moved in (lambda x: field.act(1, x), lambda x: rotate(x, 90.0)):
        low, full = moved(x.bfloat16()), moved(x)
        assert low.dtype == torch.bfloat16
        assert (low - full).norm() < 0.005 * full.norm()


def test_no_examples_have_a_gradient_too() -> None:
    layer = SpectralConv(IMAGE, IMAGE, 2)
    layer(torch.zeros(0, 1, 8, 8)).sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in layer.parameters())
