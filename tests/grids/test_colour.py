"""Colour as a symmetry of the fibre: permutations, hue, illumination."""

import numpy as np
import pytest
import torch

from erlangen import Classify, Grid, Predict, Segment, audit, derive
from erlangen.blueprint import Field, network_from
from erlangen.errors import DomainError, NonlinearityError, UnknownName
from erlangen.grids import (
    BatchNorm,
    Conv,
    IlluminationNorm,
    LayerNorm,
    Nonlinearity,
    Pool,
    colour_field,
    hue_matrix,
    hue_turn,
    lighting,
)
from erlangen.solve import solve
from erlangen.testing import check

FIELDS = [("C4", "permutations", 24), ("D4", "hue 3", 24), ("C2", "hue 6", 12), ("D1", "hue 5", 10), ("C1", "hue 2", 2)]


def change(net, field: Field, x: torch.Tensor) -> float:
    """The worst relative change of the output over all elements of a group."""
    with torch.no_grad():
        y = net(x)
        return max(float((net(field.act(g, x)) - y).norm() / y.norm()) for g in field.group.elements)


@pytest.mark.parametrize(("point", "colour", "order"), FIELDS)
def test_fields_of_colour(point, colour, order):
    """A product of a point group and a group of colours; a representation, that keeps grey pixels grey."""
    field = colour_field(Grid(2), point, colour)
    group = field.group
    assert group.order == order
    assert [f.name for f, _ in group.factors] == [point, "S3" if colour == "permutations" else f"C{colour[4:]}"]
    matrices = field.rep.matrices()
    assert np.allclose(matrices @ np.ones(3), 1)
    for g in group.elements:
        for h in group.generators.values():
            assert np.allclose(matrices[g] @ matrices[h], matrices[group.compose(g, h)])


def test_the_second_factor_moves_channels_only():
    field = colour_field(Grid(2), "C4", "permutations")
    x = torch.rand(1, 3, 4, 4)
    turn, *exchanges = field.group.generators.values()
    assert torch.equal(field.act(turn, x), torch.rot90(x, -1, (2, 3)))
    for g in exchanges:
        moved = field.act(g, x)
        assert sorted(moved[0, :, 0, 1].tolist()) == sorted(x[0, :, 0, 1].tolist())
        assert not torch.equal(moved, x)


def test_hues():
    """120° takes red to green to blue; turns compose; grey stays."""
    assert np.array_equal(hue_matrix(120), [[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    assert np.allclose(hue_matrix(40) @ hue_matrix(50), hue_matrix(90))
    assert np.allclose(hue_matrix(77) @ np.ones(3), 1)
    assert np.linalg.det(hue_matrix(77)) == pytest.approx(1)


@pytest.mark.parametrize(("point", "colour"), [("C4", "permutations"), ("D1", "hue 3"), ("C2", "hue 6")])
def test_layers_keep_every_law(point, colour):
    image = colour_field(Grid(2), point, colour)
    hidden = image.with_rep("1 regular")
    check(Conv(image, hidden), skip=("compile",))
    few = ["equivariance in float32", "equivariance in float64", "equivariance in training", "output", "plain export"]
    for layer in (
        Conv(hidden, image, bias=False),
        BatchNorm(hidden),
        LayerNorm(image),
        Nonlinearity(image),
        Pool(image),
    ):
        check(layer, only=few)
    check(IlluminationNorm(image))


@pytest.mark.parametrize(("point", "colour"), [("C4", "permutations"), ("D4", "hue 3"), ("C2", "hue 6")])
def test_networks_are_exact_and_not_blind(point, colour):
    """No element of the product changes the classes; other changes of colour do."""
    torch.manual_seed(0)
    field = colour_field(Grid(2), point, colour)
    net = derive(field, Classify(3), "tiny", widths=(48, 48, 48)).eval()
    x = torch.rand(4, 3, 12, 12)
    with torch.no_grad():
        net(torch.rand(8, 3, 12, 12))
        other = (net(hue_turn(45).move(x, None)) - net(x)).norm() / net(x).norm()
    assert change(net, field, x) <= 1e-5 < 1e-4 < other
    again = network_from(net.declaration)
    again.load_state_dict(net.state_dict())
    with torch.no_grad():
        assert torch.equal(again.eval()(x), net(x))


def test_dense_outputs_turn_their_colours_along():
    torch.manual_seed(0)
    field = colour_field(Grid(2), "C2", "permutations")
    net = derive(field, Segment(2), "tiny").eval()
    x = torch.rand(2, 3, 12, 12)
    with torch.no_grad():
        y = net(x)
        for g in field.group.elements:
            assert torch.allclose(net(field.act(g, x)), net.out_field.act(g, y), atol=1e-5)


def test_audit_of_colours():
    """Every element of the product is tried; a network without the symmetry of colours is found out."""
    torch.manual_seed(0)
    x, field = torch.rand(8, 3, 12, 12), colour_field(Grid(2), "C4", "permutations")
    assert audit(derive(field, Classify(3), "tiny"), x).verdict == "exact"
    plain = audit(derive(Grid(2).field("C4", 3), Classify(3), "tiny"), x, in_field=field)
    assert plain.verdict != "exact"
    assert plain.max_error > 1e-3


@pytest.mark.parametrize("per", ["image", "channel"])
def test_light(per):
    """No factor of the light changes the output: one for an image, or one for each channel."""
    torch.manual_seed(0)
    net = derive(colour_field(Grid(2), "C4"), Classify(3), "tiny", illumination=per).eval()
    x = torch.rand(4, 3, 12, 12)
    factors = torch.tensor([0.01, 0.5, 3.0, 100.0]).view(-1, 1, 1, 1)
    if per == "channel":
        factors = factors * torch.tensor([0.3, 1.0, 2.0]).view(1, 3, 1, 1)
    with torch.no_grad():
        assert torch.allclose(net(x * factors), net(x), atol=1e-5)
        assert torch.equal(net(4 * x), net(x))  # by a power of two, not even rounding differs
        assert torch.isfinite(net(torch.zeros(1, 3, 12, 12))).all()
    found = audit(net, x, actions=[lighting(2), lighting(0.3)])
    assert found.verdict == "exact"
    assert audit(derive(Grid(2).field("C4", 3), Classify(3), "tiny"), x, actions=[lighting(2)]).verdict != "exact"


def test_mistakes():
    with pytest.raises(UnknownName, match="hue 3"):
        colour_field(Grid(2), "C4", "hues")
    with pytest.raises(UnknownName, match="hue 3"):
        colour_field(Grid(2), "C4", "hue 1")
    with pytest.raises(DomainError, match="does not have the symmetry C4"):
        colour_field(Grid(2, (4, 6)), "C4")
    image = colour_field(Grid(2), "C4", "hue 6")
    with pytest.raises(NonlinearityError, match="per='image'"):
        IlluminationNorm(image, "channel")
    with pytest.raises(UnknownName, match="channel"):
        IlluminationNorm(image, "pixel")
    with pytest.raises(UnknownName, match="channel"):
        derive(image, Classify(2), "tiny", illumination="pixel")
    with pytest.raises(DomainError, match="positive factor"):
        lighting(0.0)
    derive(image, Predict("1 regular"), "tiny")


@pytest.mark.parametrize("colour", ["hue 4", "hue 6"])
def test_biases_that_are_no_sums_of_channels(colour):
    """White is kept by every rotation of hues, whatever the angle."""
    field = colour_field(Grid(2, (12, 12)), "C4", colour)
    network = derive(field, Predict(field.rep), "tiny").double()
    for bias in (p for n, p in network.named_parameters() if n.endswith("bias")):
        torch.nn.init.normal_(bias)
    x = torch.randn(2, field.size, 12, 12, dtype=torch.float64)
    found = network.eval()(x)
    for g in range(field.group.order):
        moved = network(field.act(g, x))
        assert (moved - field.act(g, found)).abs().max() <= 1e-12 * found.abs().max()
    layer = Conv(Grid(2).field("C8", 1), Grid(2).field("C8", "standard*standard"), 3)
    assert layer.bias is not None
    assert len(layer.bias) == solve(layer.out_field.group.trivial, layer.out_field.rep).dim
