"""What every layer adds to the Lie derivative: the three ways agree, the parts sum to the whole, culprits stand out."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from erlangen.audit import audit, contributions
from erlangen.audit.carry import Carrier
from erlangen.audit.contribution import METHODS, _injected
from erlangen.audit.flow import flows_of
from erlangen.audit.lie import lie_derivative
from erlangen.audit.record import record
from erlangen.audit.sites import led_defects
from erlangen.errors import UnknownName
from erlangen.grids import Grid

FIELD = Grid(2).field("C1", 2)


class Branched(nn.Module):
    """A residual network with a layer used twice and in place, a position embedding, and code between the layers."""

    def __init__(self, padding: str = "zeros", position: float = 0.1) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1, padding_mode=padding)
        self.norm, self.act = nn.BatchNorm2d(4), nn.SiLU(inplace=True)
        self.second = nn.Conv2d(4, 4, 3, padding=1, padding_mode=padding)
        self.position = nn.Parameter(position * torch.randn(4, 8, 8))
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.norm(self.first(x)))
        y = self.act(self.second(y) + y) + self.position
        return self.head(functional.gelu(y).mean((2, 3)))


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(1)
    return torch.rand(4, 2, 8, 8, dtype=torch.float64)


def made(**options) -> nn.Module:
    torch.manual_seed(0)
    return Branched(**options).double().eval()


def test_the_three_ways_agree(x):
    found = {
        method: {
            (c.generator, c.layer, c.kind): c
            for c in contributions(made(), x, in_field=FIELD, method=method, dtype=torch.float64)
            if c.contribution > 1e-8
        }
        for method in METHODS
    }
    exact = found["forward"]
    assert len(exact) > 20
    for method in METHODS:
        assert found[method].keys() == exact.keys()
        for key, c in found[method].items():
            assert c.contribution == pytest.approx(exact[key].contribution, rel=1e-6, abs=1e-8)
            assert c.share == pytest.approx(exact[key].share, rel=1e-6, abs=1e-6)


@torch.no_grad()
def test_the_parts_sum_to_the_derivative_of_the_network(x):
    net = made()
    calls, output = record(net, x, Carrier(FIELD.group, x))
    for flow in flows_of(FIELD, x, ("shift-x", "rotation", "scale")):
        sites = led_defects(net, x, calls, output, flow, (None, None), duals=True)
        total = sum(_injected(net, x, calls, site, "forward", output) for site in sites)
        whole = lie_derivative(net, x, flow, (None, None), "forward")
        assert whole.norm() > 1e-3
        assert (total - whole).norm() <= 1e-10 * whole.norm()


def largest(net: nn.Module, x: Tensor, generator: str) -> str:
    found = contributions(net, x, in_field=FIELD, generators=(generator,), dtype=torch.float64, sampling="fourier")
    return max(found, key=lambda c: c.contribution).layer


def test_culprits_stand_out(x):
    assert largest(made(padding="zeros", position=0.0), x, "shift-x") in ("first", "second")
    assert largest(made(padding="circular", position=1.0), x, "shift-x") == "after act, before head"
    assert largest(made(padding="circular", position=0.0), x, "shift-x") == "act"  # aliasing of the nonlinearity


def test_many_outputs_are_projected(x):
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 200, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x).mean((2, 3))

    torch.manual_seed(0)
    net = Wide()
    kept = [
        contributions(net, x, in_field=FIELD, generators=("shift-x",), method=m, dtype=torch.float64)
        for m in ("backward", "forward")
    ]
    (estimate, *_), (exact, *_) = kept
    assert estimate.layer == exact.layer == "conv"
    assert estimate.contribution == pytest.approx(exact.contribution, rel=0.3)
    assert estimate.share == pytest.approx(1.0)


def test_unknown_way(x):
    with pytest.raises(UnknownName, match="backward"):
        contributions(made(), x, in_field=FIELD, method="backwards")


def test_networks_without_gradients_are_followed_by_differences(x):
    class Leaves(nn.Module):
        """Leaves torch on the way."""

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 3, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return torch.from_numpy(self.conv(x).detach().numpy().mean((2, 3)))

    torch.manual_seed(0)
    net = Leaves()
    with pytest.raises(NotImplementedError, match="method='differences'"):
        contributions(net, x, in_field=FIELD)
    found = audit(net, x, in_field=FIELD)
    (part, *_) = [c for c in found.contributions if c.generator == "shift-x"]
    assert (part.layer, part.kind) == ("conv", "Conv2d")
    assert part.share == pytest.approx(1.0, abs=1e-3)
