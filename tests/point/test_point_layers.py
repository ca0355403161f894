"""What single layers on a point are: complete, exact in float64, loud where no map exists."""

import copy
import pickle

import numpy as np
import pytest
import torch

from erlangen.blueprint import Field, Regress
from erlangen.errors import DomainError, FieldError, NoEquivariantMap, NonlinearityError, UnknownName
from erlangen.grids import Grid
from erlangen.point import (
    EquivariantBilinear,
    EquivariantLinear,
    EquivariantMLP,
    EquivariantQuadratic,
    FactoredBilinear,
    Gate,
    Nonlinearity,
    Point,
    PointReadout,
    gated,
)
from erlangen.solve import invariants, solve
from erlangen.symmetry import Group


def field(group: "str | Group", rep: str) -> Field:
    return Point().field(group, rep)


@pytest.mark.parametrize(
    ("group", "rep_in", "rep_out", "maps", "biases"),
    [
        ("O(3)", "standard*standard", "standard*standard", 3, 1),
        ("O(3)", "2 standard", "3 standard", 6, 0),
        ("SO(3)", "standard*standard", "standard^3", 6, 1),
        ("SO(1,3)", "standard*standard", "standard*standard", 4, 1),
        ("S(5)", "standard*standard", "standard*standard", 15, 2),
        ("S(5)", "standard*standard", "standard", 5, 1),
        ("D6", "regular", "regular", 12, 1),
    ],
)
def test_free_weights_number_the_equivariant_maps(
    group: str, rep_in: str, rep_out: str, maps: int, biases: int
) -> None:
    layer = EquivariantLinear(field(group, rep_in), field(group, rep_out))
    assert layer.weight.numel() == maps
    assert (0 if layer.bias is None else layer.bias.numel()) == biases
    assert layer.hom_dimension() == maps + biases


def test_the_matrix_is_what_the_certificate_expands() -> None:
    one, two = (
        field("O(3)", "2 trivial + 3 standard + 1 standard*standard"),
        field("O(3)", "1 standard*standard + 2 standard"),
    )
    layer = EquivariantLinear(one, two).double()
    torch.nn.init.normal_(layer.bias)
    matrix = solve(one.rep, two.rep).expand(layer.weight)
    bias = invariants(two.rep).expand(layer.bias)[:, 0]
    x = torch.randn(4, one.size, dtype=torch.float64)
    torch.testing.assert_close(layer(x), x @ matrix.T + bias, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(layer.matrix(), matrix, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("rep", ["standard*standard", "5 standard + 8 trivial", "2 standard^3"])
def test_initial_gain_is_one(rep: str) -> None:
    torch.manual_seed(1)
    one = field("SO(3)", f"40 trivial + 20 standard + {rep}")
    x = torch.randn(2000, one.size)
    for build in (EquivariantLinear, EquivariantQuadratic):
        sizes = [build(one, one)(x).square().mean().item() for _ in range(4)]
        assert 0.5 < sum(sizes) / 4 < 2.0, build


def test_casts_start_from_float64() -> None:
    """A layer built in float32 and cast is as exact as one built in float64; there and back loses nothing."""
    one = field("SO(1,3)", "2 standard*standard")
    layer = EquivariantQuadratic(one, one, 4)
    layer = copy.deepcopy(layer.bfloat16()).double()
    g = one.group.words(1, torch.Generator().manual_seed(0), length=1)[0]
    x = torch.randn(3, one.size, dtype=torch.float64)
    with torch.no_grad():
        moved, want = layer(one.act(g, x)), one.act(g, layer(x))
    assert float((moved - want).abs().max() / want.abs().max()) < 1e-12
    again = pickle.loads(pickle.dumps(layer)).float().double()
    with torch.no_grad():
        moved = again(one.act(g, x))
    assert float((moved - want).abs().max() / want.abs().max()) < 1e-12


def test_a_bilinear_layer_is_complete() -> None:
    """dim Hom(Sym²(2 V), 1) = 3 inner products; Sym²(V) → V is 0 for SO(3), and one cross product for two vectors."""
    two = field("SO(3)", "2 standard")
    assert EquivariantBilinear(two, two.with_rep("trivial")).hom_dimension() == 3
    cross = EquivariantBilinear(two, two.with_rep("standard")).double()
    assert cross.hom_dimension() == 1
    x = torch.randn(5, 6, dtype=torch.float64)
    want = torch.linalg.cross(x[:, :3], x[:, 3:])
    got = cross(x)
    torch.testing.assert_close(got * (want[0, 0] / got[0, 0]), want)
    # every quadratic invariant of two vectors and a scalar: 3 inner products and the square of the scalar
    assert EquivariantBilinear(field("O(3)", "trivial + 2 standard"), field("O(3)", "trivial")).hom_dimension() == 4


def test_a_factored_layer_reaches_what_the_complete_one_does() -> None:
    """Fitted by least squares on its mixture, enough products give any invariant quadratic form of three vectors."""
    torch.manual_seed(0)
    three = field("O(3)", "3 standard")
    layer = FactoredBilinear(three, three.with_rep("6 trivial"), rank=64).double()
    x = torch.randn(200, 9, dtype=torch.float64)
    gram = x.view(-1, 3, 3) @ x.view(-1, 3, 3).mT
    rows, columns = np.triu_indices(3)
    want = gram[:, rows, columns]
    solution = torch.linalg.lstsq(layer(x), want).solution
    torch.testing.assert_close(layer(x) @ solution, want, rtol=1e-8, atol=1e-8)


def test_the_lorentz_product_is_found() -> None:
    """The only quadratic invariant of a four-vector is t² - x² - y² - z², up to a factor."""
    layer = EquivariantBilinear(field("SO(1,3)", "standard"), field("SO(1,3)", "trivial")).double()
    x = torch.randn(7, 4, dtype=torch.float64)
    want = (x.square() * torch.tensor([1.0, -1, -1, -1])).sum(1, keepdim=True)
    got = layer(x)
    torch.testing.assert_close(got * (want[0] / got[0]), want)


def test_layers_say_what_does_not_exist() -> None:
    vectors, scalars = field("O(3)", "2 standard"), field("O(3)", "3 trivial")
    with pytest.raises(NoEquivariantMap, match=r"dim Hom_G = 0.*EquivariantQuadratic"):
        EquivariantLinear(vectors, scalars)
    with pytest.raises(NoEquivariantMap, match="products of"):
        EquivariantBilinear(scalars, vectors)
    with pytest.raises(NoEquivariantMap, match="not even a quadratic one"):
        EquivariantQuadratic(scalars, vectors)
    with pytest.raises(NoEquivariantMap):
        PointReadout(field("SL(3)", "2 standard"), Regress(1))  # the determinant of three vectors is cubic
    with pytest.raises(NonlinearityError, match=r"no invariant quadratic form.*Gate"):
        Nonlinearity(field("SL(3)", "1 standard"))


def test_layers_refuse_what_does_not_fit() -> None:
    vectors = field("O(3)", "2 standard")
    with pytest.raises(FieldError, match="one group"):
        EquivariantLinear(vectors, field("SO(3)", "standard"))
    with pytest.raises(FieldError, match=r"fields on Point\(\)"):
        EquivariantLinear(Grid(2).field("C4", 1), Grid(2).field("C4", 1))
    with pytest.raises(FieldError, match=r"complex.*real form"):
        EquivariantLinear(field("SU(2)", "standard"), field("SU(2)", "standard"))
    with pytest.raises(FieldError, match=r"6 channels\), got 5"):
        EquivariantLinear(vectors, vectors)(torch.randn(2, 5))
    with pytest.raises(FieldError, match="rank >= 1"):
        FactoredBilinear(vectors, vectors, rank=0)
    with pytest.raises(FieldError, match=r"Fix: FactoredBilinear"):
        EquivariantBilinear(field("O(3)", "2000 standard"), field("O(3)", "trivial"))
    with pytest.raises(FieldError, match="at least one hidden layer"):
        EquivariantMLP(vectors, vectors, layers=0)
    with pytest.raises(UnknownName, match=r"nonlinearity 'sillu'.*Did you mean 'silu'"):
        Gate(vectors, "sillu")
    with pytest.raises(DomainError, match="cannot be coarsened"):
        Point().coarsen(vectors)


def test_gates() -> None:
    two = field("O(3)", "3 trivial + 2 standard")
    assert gated(two).rep == two.group.representation("5 trivial + 2 standard")
    assert gated(field("D6", "2 regular")) == field("D6", "2 regular")
    gate = Gate(two)
    closed = torch.cat([torch.full((1, 2), -50.0), torch.zeros(1, 3), torch.ones(1, 6)], dim=1)
    assert torch.equal(gate(closed)[:, 3:].round(decimals=6), torch.zeros(1, 6))
    assert gate.multiplications(()) == 6


def test_multiplications_count_blocks_only() -> None:
    one = field("O(3)", "10 trivial + 10 standard")
    assert EquivariantLinear(one, one).multiplications(()) == 100 + 900
    plain = EquivariantLinear(one, one).export()
    assert isinstance(plain, torch.nn.Linear)
    assert plain.weight.numel() == 1600
