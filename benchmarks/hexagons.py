"""Rotated MNIST on hexagonal cells: what do turns by 60° bring over turns by 90° on squares, and over no turns at all?

Every arm has the same channel widths, trains for the same minutes on the same 12,000 images, each turned by a random
angle every time it is seen, and is judged on the same 50,000. The hexagons hold 721 cells, the squares 784 pixels; they
are sampled from the pixels, by cubic interpolation. "lattice" is the worst relative change of the outputs under the
exact turns of the lattice, by 60° or 90°; "flips" the share of test images whose class changes under a turn by any
angle.

    python benchmarks/hexagons.py --out runs/hexagons.json
    python benchmarks/hexagons.py --smoke

Last run (`--threads 1 --size tiny --minutes 1.5 --arms "hexagons, p6" "squares, p4" "squares, plain"`; a core of an
EPYC without AMX, torch 2.13.0, three seeds, mean ± standard deviation):

                     parameters  epochs       error, %       flips, %    lattice
    hexagons, p6          5,693       7    3.85 ± 0.33    1.35 ± 0.40    7.5e-07
    squares, p4          11,478      10    3.04 ± 0.28    1.18 ± 0.15    7.6e-07
    squares, plain       39,610      12    5.02 ± 0.12    2.63 ± 0.21    2.9e-01

At equal channels p6 has half of the parameters of p4, and in these minutes fewer epochs: turns by 60° do not pay here.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from cells import Cells, spread, use_threads

import erlangen as eg
from erlangen.grids import rotate
from erlangen.grids.hexagon import turn_cells

ARMS: dict[str, tuple[str, str]] = {  # name -> (data, group)
    "hexagons, p6": ("mnist-rot-hex", "C6"),
    "hexagons, p3": ("mnist-rot-hex", "C3"),
    "hexagons, plain": ("mnist-rot-hex", "C1"),
    "squares, p4": ("mnist-rot", "C4"),
    "squares, plain": ("mnist-rot", "C1"),
}


def train(arm: str, seed: int, minutes: float, size: str, most: int | None, validation: bool) -> dict[str, Any]:
    """Train one arm; its errors, parameters and minutes."""
    name, group = ARMS[arm]
    data = eg.data.load(name, validation=2000)
    if most is not None:
        data = replace(data, train=data.train.subset(most), test=data.test.subset(most))
    data = replace(data, test=data.validation if validation else data.test, validation=data.test.take([]))
    torch.manual_seed(seed)
    net = eg.derive(data.field(group), data.task, size)
    run = eg.fit(net, data, seed=seed, minutes=minutes, progress=False)
    m = run.metrics
    x, _ = data.test.batch(torch.arange(min(1000, len(data.test))))
    return {
        "error": 100 * m["test_error"],
        "parameters": m["parameters"],
        "minutes": m["seconds"] / 60,
        "epochs": m["epochs"],
        "lattice": change(run.model, data.field("C6" if name == "mnist-rot-hex" else "C4"), x[:64]),
        "flips": flips(run.model, x, rotate if name == "mnist-rot" else turn_cells),
    }


@torch.no_grad()
def change(model: torch.nn.Module, field: "eg.Field", x: torch.Tensor) -> float:
    """max_g |f(g·x) - f(x)| / |f(x)| over the elements of the group."""
    model.eval()
    y = model(x)
    moved = [model(field.act(g, x)) for g in field.group.elements]
    return max(float((z - y).norm() / y.norm()) for z in moved)


@torch.no_grad()
def flips(model: torch.nn.Module, x: torch.Tensor, turn: Any) -> float:
    """Share of signals, in per cent, whose class changes under a turn, averaged over 15°, 30°, …, 345°."""
    model.eval()
    before = model(x).argmax(1)
    after = [model(turn(x, float(angle), "bicubic")).argmax(1) for angle in range(15, 360, 15)]
    return 100 * sum(float((a != before).float().mean()) for a in after) / len(after)


def main() -> None:
    """Train what is missing, print the table."""
    parser = argparse.ArgumentParser(description="rotated MNIST on hexagons and on squares")
    parser.add_argument("--out", type=Path, default=None, help="JSON file of finished cells")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=8.0, help="of training, for every run")
    parser.add_argument("--size", default="small")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--validation", action="store_true", help="report the 2,000 held-out training images instead")
    parser.add_argument("--smoke", action="store_true", help="seconds instead of hours: that it runs, not what it says")
    given = parser.parse_args()
    most = None
    if given.smoke:
        given.seeds, given.minutes, given.size, most = 1, 0.01, "tiny", 128
    use_threads(given.threads)
    cells = Cells(given.out)
    for seed in range(given.seeds):
        for arm in given.arms:
            name = key(arm, seed, given)
            done = cells.get(name, partial(train, arm, seed, given.minutes, given.size, most, given.validation))
            print(f"{name}: {done['error']:.2f} % error after {done['epochs']:.0f} epochs", flush=True)
    print(f"\n{'':16s} {'parameters':>10s} {'epochs':>7s} {'error, %':>14s} {'flips, %':>14s} {'lattice':>10s}")
    for arm in given.arms:
        names = [key(arm, seed, given) for seed in range(given.seeds)]
        epochs = cells.column(names, "epochs")
        print(
            f"{arm:16s} {cells.column(names, 'parameters')[0]:>10,} {sum(epochs) / len(epochs):>7.0f} "
            f"{spread(cells.column(names, 'error')):>14s} {spread(cells.column(names, 'flips')):>14s} "
            f"{max(cells.column(names, 'lattice')):>10.1e}"
        )


def key(arm: str, seed: int, given: argparse.Namespace) -> str:
    """The name of a cell."""
    words = [arm, f"seed {seed}", f"{given.minutes:g} minutes", given.size, f"{given.threads} threads"]
    return ", ".join(words + (["validation"] if given.validation else []))


if __name__ == "__main__":
    main()
