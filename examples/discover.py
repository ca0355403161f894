"""Symmetries that nobody declared: of a formula, of two networks, of two sets of digits.

python examples/discover.py
"""

import torch
from torch import nn

import erlangen as eg


def interval(x: torch.Tensor) -> torch.Tensor:
    """What all observers agree on about two events (t, x, y, z), with time in units of its own."""
    a, b = x.unflatten(1, (2, 4)).unbind(1)
    metric = torch.tensor([4.0, -1.0, -1.0, -1.0], dtype=x.dtype)
    return torch.stack([(metric * a * a).sum(1), (metric * a * b).sum(1)], 1)


def main() -> None:
    """Look at all of them."""
    torch.manual_seed(0)
    print(eg.discover(interval, torch.randn(256, 8), vectors=4, samples=256))

    image = eg.Grid(2, (14, 14)).field("C4", 1)
    derived = eg.derive(image, eg.Classify(10), size="tiny")
    plain = nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(800, 10))
    for network in (derived, plain):
        print(f"\n{eg.discover(network, torch.rand(64, 1, 14, 14))}")

    for name in ("mnist-5k", "mnist-rot-5k"):
        print(f"\n{name}: {eg.discover(eg.data.load(name))}")


if __name__ == "__main__":
    main()
