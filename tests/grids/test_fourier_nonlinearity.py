"""Functions that irreps hold, sampled; gates; and which nonlinearity a block gets."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from erlangen import Classify, Grid, Predict, Regress, Segment, derive
from erlangen.blueprint import network_from
from erlangen.errors import FieldError, NonlinearityError, UnknownName
from erlangen.grids import BatchNorm, FourierNonlinearity, InvariantReadout, LayerNorm, Nonlinearity
from erlangen.grids.hidden import hidden_of
from erlangen.grids.sampling import ORBITS, _sphere, holds_functions, sampling
from erlangen.point import Gate

FUNCTIONS = {
    "C8": "2 irrep(0) + 2 irrep(1) + 2 irrep(2) + 2 irrep(3) + 2 irrep(4)",
    "C5": "irrep(0) + irrep(2)",
    "D4": "irrep(0,0) + 2 irrep(1,1)",
    "D8": "3 irrep(0,0) + 3 irrep(1,0) + 6 irrep(1,1) + 3 irrep(1,3)",
    "SO(2)": "2 irrep(0) + 2 irrep(1) + 2 irrep(3)",
    "O(2)": "2 irrep(0,0) + 2 irrep(1,1) + 2 irrep(1,2)",
    "SO(3)": "2 irrep(0) + 2 irrep(1) + 2 irrep(2)",
    "O(3)": "irrep(0,0) + irrep(1,1) + irrep(2,0) + irrep(3,1)",
    "O": "2 trivial + 4 standard",
}
SPACE = ("SO(3)", "O(3)", "O")


def field_of(name: str, rep: "str | None" = None):
    return Grid(3 if name in SPACE else 2).field(name, rep or FUNCTIONS[name])


def error(module, elements, seed: int = 0) -> float:
    """The worst |f(ρ(g) x) - ρ(g) f(x)| / |f(x)| of a module that acts at every point."""
    before, after = module.in_field.rep, module.out_field.rep
    d = module.in_field.space.d
    x = torch.randn(64, before.size, *(1,) * d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        y = module(x)
        return max(float((module(before.apply(g, x)) - after.apply(g, y)).norm() / y.norm()) for g in elements)


def exact_elements(field):
    return field.space.exact_elements(field.group) or list(field.group.elements)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("function", ["relu", "gelu", "tanh"])
def test_exact_where_the_samples_are_permuted(name, function):
    layer = FourierNonlinearity(field_of(name), function).double()
    assert error(layer, exact_elements(layer.in_field)) < 1e-12
    group = layer.in_field.group
    if group.order is not None:  # a finite group is sampled at all of its elements
        assert error(layer, group.elements) < 1e-12


@settings(max_examples=25, deadline=None)
@given(frequency=st.integers(1, 4), quarters=st.integers(3, 8), turn=st.integers(0, 31))
def test_turns_by_whole_samples_are_exact_and_others_alias(frequency, quarters, turn):
    """C(n) is exact for n samples; the error beyond is small and the samples are told in the plan."""
    rep = " + ".join(f"irrep({k})" for k in range(frequency + 1))
    layer = FourierNonlinearity(field_of("SO(2)", rep), "gelu", samples=4 * quarters).double()
    angle = 2 * np.pi * turn / (4 * quarters)
    g = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert error(layer, [g]) < 1e-12
    assert layer.exact_when((8, 8)) == (True, f"for C{4 * quarters}, up to aliasing beyond")


@pytest.mark.parametrize(
    ("name", "samples"), [("SO(2)", (8, 12, 16, 32)), ("O(2)", (8, 12, 32)), ("SO(3)", (14, 26, 50))]
)
def test_more_samples_cost_more_and_alias_less(name, samples):
    layers = [FourierNonlinearity(field_of(name), "elu", samples=n).double() for n in samples]
    elements = layers[0].in_field.group.sample(6, torch.Generator().manual_seed(0))
    errors = [error(layer, elements) for layer in layers]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 8
    prices = [layer.multiplications((8,) * layer.in_field.space.d) for layer in layers]
    assert prices == sorted(prices)
    assert prices[0] * samples[-1] == prices[-1] * samples[0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_there_and_back_is_the_identity(name):
    found = sampling(field_of(name).rep)
    assert np.allclose(found.back @ found.there, np.eye(sum(found.sizes)), atol=1e-12)
    assert np.mean(found.there**2) * sum(found.sizes) == pytest.approx(1.0, rel=0.2)


def test_all_functions_on_a_finite_group_are_its_regular_field():
    """With every irrep as often as it is large nothing is cut off: ReLU of the samples, in another basis."""
    rep = "irrep(0,0) + irrep(1,0) + irrep(0,2) + irrep(1,2) + 2 irrep(1,1)"
    field = field_of("D4", rep)
    found = sampling(field.rep)
    assert found.there.shape == (8, 8)
    layer = FourierNonlinearity(field, "relu").double()
    x = torch.randn(5, 8, 1, 1, dtype=torch.float64)
    there = torch.from_numpy(found.there)
    samples = torch.einsum("sc,bcyx->bsyx", there, x)
    assert torch.allclose(torch.einsum("sc,bcyx->bsyx", there, layer(x)), samples.relu(), atol=1e-12)
    for g in field.group.elements:  # ρ moves samples as the regular representation does
        moved = torch.einsum("sc,bcyx->bsyx", there, field.rep.apply(g, x))
        assert torch.allclose(moved, field.group.regular.apply(g, samples), atol=1e-12)


@pytest.mark.parametrize("count", ORBITS)
def test_sums_over_the_orbits_are_means(count):
    """Means of monomials on the sphere: x² 1/3, x⁴ 1/5, x²y² 1/15, x¹⁰ 1/11."""
    points, weights = _sphere(count)
    x, y, _ = points.numpy().T
    assert len(points) == count
    assert weights.min() > 0
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ x**2 == pytest.approx(1 / 3)
    assert weights @ x**4 == pytest.approx(1 / 5)
    assert weights @ (x * y) ** 2 == pytest.approx(1 / 15)
    assert abs(weights @ x**10 - 1 / 11) < (1e-12 if count == 50 else 0.1)


def test_a_pointwise_function_of_a_constant():
    """A function that is constant on the group stays so: σ(c) for every c."""
    field = field_of("SO(2)", "irrep(0) + irrep(1) + irrep(2)")
    found = sampling(field.rep)
    x = torch.zeros(1, 5, 1, 1)
    x[:, 0] = 2.0
    scale = float(found.there[0, 0])
    y = FourierNonlinearity(field, "tanh")(x)
    assert y[0, 0, 0, 0].item() == pytest.approx(np.tanh(2.0 * scale) / scale, rel=1e-5)
    assert y[:, 1:].abs().max() < 1e-6


# what other layers do with irreps


NORMED = {
    "SO(2)": "2 irrep(0) + irrep(1) + 3 irrep(4)",
    "O(2)": "irrep(0,0) + 2 irrep(1,0) + standard + irrep(1,3)",
    "SO(3)": "2 trivial + irrep(1) + irrep(2)",
    "O(3)": "irrep(0,1) + 2 trivial + irrep(1,0) + 2 standard",
    "SO(2)xS3": "trivial + first(irrep(2)) + second(standard) + first(standard)*second(standard)",
}


@pytest.mark.parametrize("name", NORMED)
@pytest.mark.parametrize("training", [True, False])
def test_norms_gates_and_readouts_commute_with_every_element(name, training):
    """Whatever acts at a point and asks norms only is exact for the whole group."""
    field = Grid(3 if name in SPACE else 2).field(name, NORMED[name])
    elements = [*field.group.sample(4, torch.Generator().manual_seed(0)), *field.group.generators.values()]
    for module in (
        BatchNorm(field),
        LayerNorm(field),
        Nonlinearity(field),
        Gate(field),
        InvariantReadout(field, Regress(2)),
    ):
        module.double().train(training)
        for p in module.parameters():
            nn.init.normal_(p)
        before, after = module.in_field.rep, module.out_field.rep
        x = torch.randn(8, before.size, *(4,) * field.space.d, dtype=torch.float64)
        with torch.no_grad():
            y = module(x)
            for g in elements:
                got, want = module(before.apply(g, x)), after.apply(g, y)
                assert (got - want).abs().max() <= 1e-12 * max(1.0, float(want.abs().max()))


def test_a_gate_opens_and_closes():
    field = field_of("SO(2)", "irrep(0) + irrep(1)")
    gate = Gate(field)
    assert gate.in_field.rep == field.group.representation("2 irrep(0) + irrep(1)")
    x = torch.randn(2, 4, 5, 5)
    x[:, 0] = 30.0
    assert torch.allclose(gate(x)[:, 1:], x[:, 2:], atol=1e-5)
    x[:, 0] = -30.0
    assert gate(x)[:, 1:].abs().max() < 1e-6
    assert gate.multiplications((5, 5)) == 2 * 25


def test_a_single_permuted_channel_is_not_lost_in_a_layer_norm():
    field = field_of("SO(2)", "irrep(0) + irrep(1)")
    x = torch.randn(2, 3, 4, 4)
    assert LayerNorm(field)(x)[:, 0].abs().min() > 0


# derived networks


@pytest.mark.parametrize("name", ["C8", "D6", "SO(2)", "O(2)", "SO(3)", "O(3)", "SO(2)xS3", "C4xSO(2)"])
@pytest.mark.parametrize("task", [Classify(3), Segment(2)], ids=["classify", "segment"])
def test_derived_networks_are_exact_on_the_part_that_maps_pixels_to_pixels(name, task):
    torch.manual_seed(0)
    d = 3 if name in SPACE else 2
    field = Grid(d).field(name, 1)
    net = derive(field, task, "tiny", width=0.5).double().eval()
    x = torch.randn(2, 1, *(12,) * d, dtype=torch.float64)
    with torch.no_grad():
        y = net(x)
        for g in field.space.exact_elements(field.group)[:6]:
            got, want = net(field.act(g, x)), net.out_field.act(g, y) if task.dense else y
            assert (got - want).norm() <= 1e-10 * want.norm()
        assert torch.allclose(net.export().eval()(x), y, atol=1e-10)
    again = network_from(net.declaration)
    assert sum(p.numel() for p in again.parameters()) == sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("kind", ["pointwise", "norm", "gated", "fourier", {"kind": "fourier", "samples": 24}])
def test_blocks_take_the_nonlinearity_they_are_given(kind):
    field = Grid(2).field("SO(2)", 1)
    if kind == "pointwise":
        with pytest.raises(NonlinearityError, match=r"irrep\(1\) of SO\(2\)"):
            derive(field, Classify(3), "tiny", nonlinearity=kind)
        derive(Grid(2).field("C8", 1), Classify(3), "tiny", nonlinearity=kind)
        return
    net = derive(field, Classify(3), "tiny", nonlinearity=kind)
    name = kind if isinstance(kind, str) else kind["kind"]
    expected = {"norm": Nonlinearity, "gated": Gate, "fourier": FourierNonlinearity}[name]
    found = [m for m in net.modules() if isinstance(m, expected)]
    assert len(found) == 4  # three blocks, and the one before the head
    if isinstance(kind, dict):
        assert all(m.samples == 24 for m in found)
        assert net.plan.multiplications > derive(field, Classify(3), "tiny").plan.multiplications
    assert net(torch.randn(2, 1, 16, 16)).shape == (2, 3)
    assert network_from(net.declaration).declaration == net.declaration


def test_hidden_fields_hold_functions():
    for name in ("SO(2)", "O(2)", "SO(3)", "O(3)"):
        field = Grid(3 if name in SPACE else 2).field(name, 1)
        assert holds_functions(field.group.representation(hidden_of(field)))
    assert hidden_of(Grid(2).field("C8", 1)) == "regular"
    hue = Grid(2).field("C4xSO(2)", "trivial + second(standard)")
    assert hidden_of(hue) == "first(regular) + first(regular)*second(standard)"


def test_vectors_out():
    net = derive(Grid(2).field("O(2)", 1), Predict("standard + trivial"), "tiny")
    assert net(torch.randn(1, 1, 16, 16)).shape == (1, 3, 16, 16)


def test_mistakes():
    with pytest.raises(FieldError, match="each with its mean"):
        FourierNonlinearity(field_of("SO(2)", "2 irrep(0) + 3 irrep(1)"))
    with pytest.raises(FieldError, match="each with its mean"):
        FourierNonlinearity(field_of("SO(2)", "irrep(1)"))
    with pytest.raises(FieldError, match=r"hold irrep\(1\) 1 times"):
        FourierNonlinearity(field_of("SO(2)", "irrep(0) + 2 irrep(1)"))
    with pytest.raises(FieldError, match=r"irrep\(1,0\) 0 times"):
        FourierNonlinearity(field_of("O(3)", "irrep(0,0) + irrep(1,0)"))
    with pytest.raises(FieldError, match="a multiple of 4 rotations"):
        FourierNonlinearity(field_of("SO(2)"), samples=10)
    with pytest.raises(FieldError, match="do not tell the 7 coefficients"):
        FourierNonlinearity(field_of("SO(2)", "irrep(0) + irrep(1) + irrep(2) + irrep(3)"), samples=4)
    with pytest.raises(FieldError, match="at 14, 26, 50 points"):
        FourierNonlinearity(field_of("SO(3)"), samples=30)
    with pytest.raises(FieldError, match="its 8 elements"):
        FourierNonlinearity(field_of("C8"), samples=16)
    with pytest.raises(UnknownName, match="Did you mean 'gelu'"):
        FourierNonlinearity(field_of("C8"), "gellu")
    image = Grid(2).field("SO(2)", 1)
    with pytest.raises(UnknownName, match="Did you mean 'gated'"):
        derive(image, Classify(2), "tiny", nonlinearity="gate")
    for options in ({"block": "residual", "nonlinearity": "gated"}, {"nonlinearity": "gated", "block": "residual"}):
        with pytest.raises(FieldError, match="nonlinearities of their own"):
            derive(image, Classify(2), "tiny", **options)
    with pytest.raises(FieldError, match="channels"):
        FourierNonlinearity(field_of("SO(2)"))(torch.zeros(1, 3, 4, 4))
