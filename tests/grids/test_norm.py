"""Norms: their second derivatives, signals far from zero, representations that they cannot serve."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from erlangen import Classify, Grid, Predict, derive
from erlangen.errors import NonlinearityError
from erlangen.grids import BatchNorm, HexGrid, InvariantReadout, LayerNorm, Nonlinearity
from erlangen.grids.hexagon.lattice import hexagon, masked


@pytest.mark.parametrize("rep", ["1 trivial", "1 regular", "1 standard + 2 trivial"])
@pytest.mark.parametrize("share", [1.0, 0.7])
def test_the_gradient_in_training_has_the_right_gradient(rep: str, share: float) -> None:
    norm = BatchNorm(Grid(2).field("C4", rep)).double()
    x = torch.randn(3, norm.in_field.size, 2, 2, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in norm.named_parameters()]
    weights = [(p + 0.3 * torch.randn_like(p)).detach() for p in norm.parameters()]

    class Normalise(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = norm

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm.normalise(x, share)

    def call(x: torch.Tensor, *given: torch.Tensor) -> torch.Tensor:
        return functional_call(Normalise(), {f"norm.{n}": w for n, w in zip(names, given, strict=True)}, (x,))

    inputs = (x, *(w.requires_grad_() for w in weights))
    assert torch.autograd.gradcheck(call, inputs)
    assert torch.autograd.gradgradcheck(call, inputs)


def test_the_second_derivative_is_that_of_torch() -> None:
    ours, plain = BatchNorm(Grid(2).field("C4", 1)).double(), nn.BatchNorm2d(1).double()
    x = torch.randn(3, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    found = []
    for norm in (ours, plain):
        (first,) = torch.autograd.grad((norm(x) ** 3).sum(), x, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), x)[0])
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("far", [10.0, 2345.0, 12345.0, 1e6])
def test_signals_far_from_zero(far: float) -> None:
    """float32 knows the signal to far · 6e-8; squares of it would lose everything."""
    norm = BatchNorm(Grid(2).field("C4", "2 regular"))
    x = far + torch.randn(4, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    y = norm(x)
    exact = x.double().unflatten(1, (2, 4))
    mean = exact.mean((0, 2, 3, 4), keepdim=True)
    spread = exact.var((0, 2, 3, 4), correction=0, keepdim=True)
    expected = ((exact - mean) / (spread + norm.eps).sqrt()).flatten(1, 2)
    assert (y - expected).abs().max() < 1e-5 + 1e-6 * far
    assert (norm.running_var > 0).all()


@pytest.mark.parametrize("far", [0.0, 10.0, 12345.0, 1e6])
def test_signals_on_a_hexagon_far_from_zero(far: float) -> None:
    """The zeros outside of the cells take nothing of the precision away."""
    field = HexGrid(5).field("C6", "2 regular + 1 standard")
    norm, alive = field.space.norm(field), hexagon(11)
    x = torch.randn(4, 14, 11, 11, generator=torch.Generator().manual_seed(0))
    x[:, :12] += far
    y = norm(masked(x))[:, :12, alive].unflatten(1, (2, 6))
    exact = x[:, :12, alive].double().unflatten(1, (2, 6))
    mean = exact.mean((0, 2, 3), keepdim=True)
    spread = exact.var((0, 2, 3), correction=0, keepdim=True)
    assert (y - (exact - mean) / (spread + norm.batch.eps).sqrt()).abs().max() < 1e-5 + 1e-6 * far
    assert torch.allclose(norm.batch.running_mean[:2], 0.1 * mean.flatten().float(), rtol=1e-5, atol=1e-6)


def test_the_gradient_on_a_hexagon_in_training() -> None:
    field = HexGrid(1).field("C3", "1 regular + 1 standard")
    norm = field.space.norm(field).double()
    x = torch.randn(3, 5, 3, 3, dtype=torch.float64, requires_grad=True)
    live = hexagon(3)
    weights = torch.randn(3, 5, 3, 3, dtype=torch.float64)

    def expected(x: torch.Tensor) -> torch.Tensor:
        cells = x[..., live]
        scalar, vector = cells[:, :3], cells[:, 3:]
        scalar = scalar - scalar.mean()
        scalar = scalar / (scalar.square().mean() + norm.batch.eps).sqrt()
        vector = vector / (vector.square().mean() + norm.batch.eps).sqrt()
        return torch.cat([scalar, vector], 1)

    (found,) = torch.autograd.grad((norm(masked(x)) * weights).sum(), x)
    (wanted,) = torch.autograd.grad((expected(x) * weights[..., live]).sum(), x)
    assert torch.allclose(found, wanted, atol=1e-12)


def test_statistics_of_a_hexagon_are_never_negative() -> None:
    field = HexGrid(3).field("C6", "1 regular")
    norm = field.space.norm(field)
    y = norm(masked(torch.full((2, 6, 7, 7), 5000.0)))
    assert y.isfinite().all()
    assert (norm.batch.running_var >= 0).all()


def test_representations_that_change_norms_are_refused() -> None:
    field = Grid(2, (12, 12)).field("C4xSO(1,3)", "trivial + second(standard)")
    for layer in (BatchNorm, LayerNorm, Nonlinearity, lambda f: InvariantReadout(f, Classify(2))):
        with pytest.raises(NonlinearityError, match=r"does not leave alone\. Fix: an orthogonal"):
            layer(field)
    with pytest.raises(NonlinearityError, match="does not leave alone"):
        derive(field, Classify(2), "tiny")


def test_norms_of_nothing_in_float16() -> None:
    nothing = torch.zeros(1, 4, 3, 3, dtype=torch.float16)
    assert torch.equal(Nonlinearity(Grid(2).field("D4", "2 standard")).half()(nothing), nothing)


def test_fresh_networks_of_turned_copies_are_not_linear() -> None:
    field = Grid(2, (12, 12)).field("D4", "1 standard")
    network = derive(field, Predict("standard"), "tiny", hidden="2 standard").double().eval()
    x, y = torch.randn(2, 1, 2, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        gap = network(x + y) - network(x) - network(y) + network(0 * x)
        assert gap.norm() > 0.05 * network(x + y).norm()
