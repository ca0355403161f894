"""Does a convolution that knows the reverse complement cost more than the plain one, and than those of its peers?

One layer, 15 taps, padding that keeps the length, batch 32: forward + backward (weights and input), medians after
warm-up, the arms in turn so that drift of the machine hits all alike. C is the number of channels in and out as
expanded, C/2 fields.

    plain      torch.nn.Conv1d of C channels, float32
    erlangen   grids.Conv, C/2 regular fields, float32: every equivariant kernel, C²·15/2 weights
    auto       the same under erlangen.precision("auto")
    equirc     RegToRegConv of equirc 1.0.0, the same space of kernels
    irrep      IrrepToIrrepConv of equirc, half even and half odd channels, the same space in another basis
    rcps       RCPS of rcps-pytorch 0.0.2: the two strands never mix, a quarter of the weights and half the work
    conjoined  the plain layer on both strands, averaged
    export     the exported layer against plain, inference

Floor: 3·B·L·C²·15 multiplications of the convolution, forward and both gradients (conjoined: twice, rcps: half).
"error": the largest relative change of an output under the reverse complement, in float32.

    python benchmarks/rc_convolution.py --out runs/rc_convolution.json --peers FOLDER
    python benchmarks/rc_convolution.py --smoke

FOLDER is where the peers were installed: pip install --no-deps --target FOLDER equirc rcps-pytorch einops

Last run (one core; plain in ms, the others divided by it, plain/auto how many times faster):

    cell         plain ms  erlangen  equirc  irrep  rcps  conjoined  plain/auto  export  error
      64 × 1000      89.4      0.84    0.90   0.93  0.73       2.13         5.2    1.00  8e-07
     128 × 1000     284.2      0.88    1.02   1.04  0.67       2.17         5.5    1.00  1e-06
     256 × 1000    1080.6      0.93    0.97   1.00  0.58       1.99         6.1    1.00  2e-06
     64 × 10000    1275.7      0.76    1.00   1.00  0.82       2.17         5.5    1.00  8e-07
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from cells import Cells
from torch import nn

import erlangen as eg
from erlangen.grids import Conv
from erlangen.grids.strand import Strand

TAPS, BATCH = 15, 32
SIZES = ((64, 1000), (128, 1000), (256, 1000), (64, 10_000))
PEERS = ("equirc", "irrep", "rcps")


def layers(channels: int, peers: bool) -> dict[str, nn.Module]:
    """The arms, by name."""
    half, padding = channels // 2, TAPS // 2
    field = Strand().field("RC", f"{half} regular")
    found: dict[str, nn.Module] = {"plain": nn.Conv1d(channels, channels, TAPS, padding=padding, bias=False)}
    found["erlangen"] = Conv(field, field, TAPS, bias=False)
    if peers:
        from equirc.pytorch_rclayers import IrrepToIrrepConv, RegToRegConv
        from rcps import RCPS

        found["equirc"] = RegToRegConv(half, half, TAPS, padding=padding)
        found["irrep"] = IrrepToIrrepConv(half, half, half, half, TAPS, padding=padding)
        found["rcps"] = RCPS(half, half, TAPS, padding="same")
    return found


def step(run: Callable[[torch.Tensor], torch.Tensor], module: nn.Module, x: torch.Tensor, auto: bool) -> None:
    """Forward and backward on fixed data."""
    if auto:
        with eg.precision("auto"):
            y = run(x)
    else:
        y = run(x)
    torch.autograd.grad(y, [x, *(p for p in module.parameters() if p.requires_grad)], torch.ones_like(y))


def medians(arms: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Milliseconds of every arm, the arms in turn."""
    times: dict[str, list[float]] = {name: [] for name in arms}
    for i in range(rounds + 2):
        for name, run in arms.items():
            start = time.perf_counter()
            run()
            if i >= 2:
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(t) for name, t in times.items()}


def cell(channels: int, length: int, rounds: int, peers: bool) -> dict[str, Any]:
    """All arms of one cell: milliseconds, weights, errors."""
    torch.manual_seed(0)
    made = layers(channels, peers)
    x = torch.randn(BATCH, channels, length, requires_grad=True)
    plain = made["plain"]

    def conjoined(x: torch.Tensor) -> torch.Tensor:
        there, here = plain(x.flip(1, 2)), plain(x)
        return (here + there.flip(1, 2)) / 2

    arms: dict[str, Callable[[], Any]] = {n: partial(step, m, m, x, False) for n, m in made.items()}
    arms["auto"] = partial(step, made["erlangen"], made["erlangen"], x, True)
    arms["conjoined"] = partial(step, conjoined, plain, x, False)
    found: dict[str, Any] = {"milliseconds": medians(arms, rounds)}
    exported, still = made["erlangen"].eval().export(), x.detach()
    with torch.no_grad():
        forward = {"plain": partial(plain, still), "export": partial(exported, still)}
        found["forward"] = medians(forward, rounds)
        found["errors"] = {name: error(name, module, still[:4]) for name, module in made.items()}
    found["weights"] = {name: sum(p.numel() for p in m.parameters()) for name, m in made.items()}
    return found


def error(name: str, module: nn.Module, x: torch.Tensor) -> float:
    """Relative change of the output: the strands of a regular field are neighbours here, mirrored halves in peers."""
    channels, half = x.shape[1], x.shape[1] // 2
    swap = torch.arange(channels).flip(0)  # peers: the i-th channel from the front and from the back
    sign = torch.ones(channels)
    if name == "erlangen":
        swap = torch.arange(channels).view(-1, 2).flip(1).flatten()
    if name == "irrep":
        swap, sign[half:] = torch.arange(channels), -1.0

    def act(z: torch.Tensor) -> torch.Tensor:
        return z[:, swap].flip(2) * sign[:, None]

    y, moved = module(x), module(act(x))
    return float((moved - act(y)).norm() / y.norm())


def main() -> None:
    """Time what is missing, print the table."""
    parser = argparse.ArgumentParser(description="reverse-complement convolution against plain and peers")
    parser.add_argument("--out", type=Path, default=None, help="JSON file of finished cells")
    parser.add_argument("--peers", type=Path, default=None, help="folder with equirc, rcps-pytorch and einops")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--smoke", action="store_true", help="one small cell")
    given = parser.parse_args()
    if given.peers is not None:
        sys.path.insert(0, str(given.peers))
    torch.set_num_threads(given.threads)
    with eg.precision("auto"):
        pass  # measure the cost table before the clock runs
    sizes, rounds = (((16, 200),), 3) if given.smoke else (SIZES, given.rounds)
    cells = Cells(given.out)
    columns = ["erlangen", *(PEERS if given.peers else ()), "conjoined"]
    head = " ".join(f"{name + '/plain':>15s}" for name in columns)
    print(f"{'cell':14s} {'plain ms':>9s} {head} {'plain/auto':>11s} {'export/plain':>13s} {'error':>8s}")
    for channels, length in sizes:
        name = f"{channels} × {length}, {given.threads} threads" + (", peers" if given.peers else "")
        found = cells.get(name, partial(cell, channels, length, rounds, given.peers is not None))
        ms, forward = found["milliseconds"], found["forward"]
        ratios = " ".join(f"{ms[name] / ms['plain']:>15.2f}" for name in columns)
        print(
            f"{channels:>4d} × {length:<7d} {ms['plain']:>9.1f} {ratios} {ms['plain'] / ms['auto']:>11.1f} "
            f"{forward['export'] / forward['plain']:>13.2f} {found['errors']['erlangen']:>8.0e}",
            flush=True,
        )
        rest = {k: f"{v:.0e}" for k, v in found["errors"].items() if k not in ("plain", "erlangen")}
        print(f"{'':14s} weights {found['weights']}" + (f", errors of peers {rest}" if rest else ""), flush=True)


if __name__ == "__main__":
    main()
