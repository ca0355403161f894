"""From which kernel size on is a convolution by the Fourier transform faster, and does the cost model know?

One training step (forward, gradients of weights and input) of regular→regular layers, the arms of a cell in turn, best
of the rounds: `direct` is grids.Conv in float32, `auto` the same under erlangen.precision("auto"), `fft` is
grids.FFTConv(method="fft"). The last column is what FFTConv(method="auto") takes in float32 and under "auto", with a
star where another way was more than 1.3 × faster.

    python benchmarks/fft_convolution.py --out fft.json         # prints the table; --smoke for one small cell

Last run (one core, ms):

    layer                            direct ms  auto ms  fft ms  takes in float32  takes under auto
    C4, 4 fields, 32×32, kernel 5          3.8      1.7    12.1            direct            direct
    C4, 4 fields, 32×32, kernel 9         10.0      3.5    14.6            direct            direct
    C4, 4 fields, 32×32, kernel 13        18.4      6.1    17.7               fft            direct
    C4, 4 fields, 32×32, kernel 17        92.6      9.7    17.3               fft            direct
    C4, 4 fields, 32×32, kernel 21       136.6     13.8    24.1               fft            direct
    D4, 8 fields, 28×28, kernel 5         34.1      7.8    44.3            direct            direct
    D4, 8 fields, 28×28, kernel 9        109.7     18.9    52.7          direct *            direct
    D4, 8 fields, 28×28, kernel 13       248.3     38.6    83.5               fft            direct
    D4, 8 fields, 28×28, kernel 17       782.5     70.6   105.4               fft            direct
    D4, 8 fields, 28×28, kernel 21      1087.0    107.6   124.9               fft            direct
    O, 1 fields, 16×16×16, kernel 3        5.8      2.0    44.9            direct            direct
    O, 1 fields, 16×16×16, kernel 5       20.1      5.1    44.3            direct            direct
    O, 1 fields, 16×16×16, kernel 7       48.7     11.3    60.8            direct            direct
    O, 1 fields, 16×16×16, kernel 9      127.5     23.8    65.9          direct *            direct
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from cells import Cells

import erlangen as eg
from erlangen.grids import Conv
from erlangen.grids.fft import FFTConv

ARMS = ("direct", "auto", "fft")
CELLS = [("C4", 4, (32, 32), 16, k) for k in (5, 9, 13, 17, 21)]
CELLS += [("D4", 8, (28, 28), 16, k) for k in (5, 9, 13, 17, 21)]
CELLS += [("O", 1, (16, 16, 16), 2, k) for k in (3, 5, 7, 9)]
SMOKE = [("C4", 1, (12, 12), 2, 5)]


def cell(group: str, fields: int, shape: tuple[int, ...], batch: int, kernel: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of every arm, and what the cost model takes."""
    field = eg.Grid(len(shape), shape).field(group, f"{fields} regular")
    conv, fft = Conv(field, field, kernel, bias=False), FFTConv(field, field, kernel, bias=False, method="fft")
    chosen = FFTConv(field, field, kernel, bias=False)
    plain = torch.randn(batch, field.size, *shape)
    last = plain.contiguous(memory_format=torch.channels_last if len(shape) == 2 else torch.channels_last_3d)

    def step(module: torch.nn.Module, x: torch.Tensor, mode: str) -> Callable[[], None]:
        x = x.clone(memory_format=torch.preserve_format).requires_grad_()

        def run() -> None:
            with eg.precision(mode):
                y = module(x)
            torch.autograd.grad(y, [x, *module.parameters()], torch.ones_like(y))

        return run

    steps = {"direct": step(conv, last, "float32"), "auto": step(conv, last, "auto"), "fft": step(fft, plain, "auto")}
    best = dict.fromkeys(ARMS, float("inf"))
    for i in range(rounds + 1):
        for arm, run in steps.items():
            start = time.perf_counter()
            run()
            best[arm] = min(best[arm], 1e3 * (time.perf_counter() - start)) if i else float("inf")
    takes = [chosen.uses_fft(shape, dtype) for dtype in (torch.float32, torch.bfloat16)]
    return best | {"takes": takes}


def main() -> None:
    """Fill the cells, print the table."""
    parser = argparse.ArgumentParser(description="convolution directly and by the Fourier transform")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with eg.precision("auto"):
        pass  # the cost table is measured before the clock runs
    cells = Cells(arguments.out)
    print("| layer | direct ms | auto ms | fft ms | takes in float32 | takes under auto |\n|---|---|---|---|---|---|")
    for group, fields, shape, batch, kernel in SMOKE if arguments.smoke else CELLS:
        name = f"{group}, {fields} fields, {'×'.join(map(str, shape))}, kernel {kernel}"
        words = (group, fields, shape, batch, kernel, arguments.rounds)
        r = cells.get(name, lambda words=words: cell(*words))
        found = []
        for arm, takes in zip(("direct", "auto"), r["takes"], strict=True):
            mine, other = (r["fft"], r[arm]) if takes else (r[arm], r["fft"])
            found.append(("fft" if takes else "direct") + (" *" if mine > 1.3 * other else ""))
        times = " | ".join(f"{r[arm]:.1f}" for arm in ARMS)
        print(f"| {name} | {times} | {found[0]} | {found[1]} |", flush=True)


if __name__ == "__main__":
    main()
