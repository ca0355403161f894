"""When is a convolution through products of spectra faster than the direct one, and does the cost model know?

One training step (forward, gradients of weights and input) in float32, channels_last, the arms of a cell in turn, best
of the rounds:

    torch    torch.nn.Conv2d or Conv3d of the same expanded width
    direct   grids.Conv(method="direct")
    spectra  grids.Conv(method="spectra")
    auto     grids.Conv, which asks the measured table; with a star where another way was more than 1.3 × faster

Floor of the direct way: 3·B·n^d·C²·k^d multiplications. That of spectra is printed beside it in per cent of these:
products of channels, and with transforms. "error" is that of rounding, torch's and ours against float64.

    python benchmarks/spectra.py --threads 1 --out spectra.json         # prints the table; --smoke for one small cell

Last run (`--rounds 3`, a core of an EPYC without AMX, the other one busy, torch 2.13.0):

    layer                                  torch ms  spectra   auto  torch/auto  takes      piece  work, %    errors
    C4, 4 fields, 16 of 32×32, kernel 5        12.7     19.3   13.8        0.92  direct        34   7 / 65  4e-7 / 3e-7
    C4, 4 fields, 16 of 32×32, kernel 9        31.8     23.1   23.2        1.37  spectra       36   2 / 28  6e-7 / 4e-7
    C4, 4 fields, 16 of 32×32, kernel 13       79.0     27.7   20.0        3.95  spectra       38   1 / 20  9e-7 / 4e-7
    C4, 16 fields, 64 of 14×14, kernel 3       39.0     34.4   41.7        0.93  direct        15  20 / 38  4e-7 / 3e-7
    C4, 16 fields, 64 of 14×14, kernel 5      108.1     44.5   42.9        2.52  spectra       16   9 / 18  7e-7 / 3e-7
    C4, 16 fields, 64 of 14×14, kernel 7      221.9     61.3   61.5        3.61  spectra       17   5 / 11  9e-7 / 3e-7
    C4, 48 fields, 64 of 7×7, kernel 3         78.5     58.9   60.1        1.31  spectra        8  27 / 33  7e-7 / 4e-7
    C4, 48 fields, 64 of 7×7, kernel 5        309.5    100.8   92.8        3.34  spectra        9  11 / 15  1e-6 / 4e-7
    D4, 8 fields, 16 of 28×28, kernel 3        59.6     86.8   61.9        0.96  direct        29  18 / 54  4e-7 / 4e-7
    D4, 8 fields, 16 of 28×28, kernel 5       142.8     91.3  107.7        1.33  spectra       30   7 / 26  7e-7 / 4e-7
    D4, 8 fields, 16 of 28×28, kernel 7       262.7    114.3  116.6        2.25  spectra       31   4 / 18  1e-6 / 4e-7
    D4, 8 fields, 16 of 28×28, kernel 9       355.5    109.3  106.5        3.34  spectra       32   3 / 15  1e-6 / 4e-7
    D4, 8 fields, 16 of 28×28, kernel 13      719.3    207.7  201.2        3.58  spectra       34   1 / 13  2e-6 / 5e-7
    D4, 16 fields, 16 of 28×28, kernel 3      221.0    197.1  211.7        1.04  direct        16  24 / 45  6e-7 / 3e-7
    D4, 16 fields, 16 of 28×28, kernel 5      477.4    199.4  196.0        2.44  spectra       18  11 / 22  1e-6 / 4e-7
    D4, 16 fields, 16 of 28×28, kernel 7      933.6    262.5  273.4        3.42  spectra       20   7 / 15  1e-6 / 4e-7
    O, 1 fields, 2 of 16×16×16, kernel 3       12.5     20.2   13.9        0.90  direct        10  13 / 68  4e-7 / 2e-7
    O, 1 fields, 2 of 16×16×16, kernel 5       66.9     40.7   63.6        1.05  direct *      12   5 / 43  9e-7 / 3e-7
    O, 1 fields, 2 of 16×16×16, kernel 7      235.0    121.2  237.7        0.99  direct *      10   8 / 42  1e-6 / 4e-7
    O, 4 fields, 2 of 16×16×16, kernel 3      156.5    233.8  205.1        0.76  direct        10  13 / 38  9e-7 / 3e-7
    O, 4 fields, 2 of 16×16×16, kernel 5      944.0    347.5  327.8        2.88  spectra        8  12 / 27  2e-6 / 3e-7
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from cells import Cells

import erlangen as eg
from erlangen.allocator import freed_memory_kept
from erlangen.grids import Conv
from erlangen.grids.convolve import THIN, find_tiles, training_work

ARMS = ("torch", "direct", "spectra", "auto")
PLAIN = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}
CELLS = [("C4", 4, (32, 32), 16, k) for k in (5, 9, 13)]
CELLS += [("C4", 16, (14, 14), 64, k) for k in (3, 5, 7)]
CELLS += [("C4", 48, (7, 7), 64, k) for k in (3, 5)]
CELLS += [("D4", 8, (28, 28), 16, k) for k in (3, 5, 7, 9, 13)]
CELLS += [("D4", 16, (28, 28), 16, k) for k in (3, 5, 7)]
CELLS += [("O", 1, (16, 16, 16), 2, k) for k in (3, 5, 7)]
CELLS += [("O", 4, (16, 16, 16), 2, k) for k in (3, 5)]
SMOKE = [("C4", 1, (12, 12), 2, 5)]


def cell(group: str, fields: int, shape: tuple[int, ...], batch: int, kernel: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of every arm, the work of the two ways, and their errors of rounding."""
    d = len(shape)
    field = eg.Grid(d, shape).field(group, f"{fields} regular")
    layers = {way: Conv(field, field, kernel, bias=False, method=way) for way in ARMS[1:]}
    for layer in layers.values():
        layer.load_state_dict(layers["direct"].state_dict())
    plain = PLAIN[d](field.size, field.size, kernel, padding=kernel // 2, bias=False)
    plain.load_state_dict(layers["direct"].export().state_dict())
    last = torch.channels_last if d == 2 else torch.channels_last_3d
    x = torch.randn(batch, field.size, *shape).contiguous(memory_format=last)
    with torch.no_grad():
        exact = plain.double()(x.double())
        plain.float().to(memory_format=last)
        errors = [float((net(x) - exact).norm() / exact.norm()) for net in (plain, layers["spectra"])]

    def step(module: torch.nn.Module) -> Callable[[], None]:
        signal = x.clone(memory_format=torch.preserve_format).requires_grad_()

        def run() -> None:
            y = module(signal)
            torch.autograd.grad(y, [signal, *module.parameters()], torch.ones_like(y))

        return run

    steps = {"torch": step(plain)} | {way: step(layer) for way, layer in layers.items()}
    best = dict.fromkeys(ARMS, float("inf"))
    with freed_memory_kept():
        for i in range(rounds + 1):
            for arm, run in steps.items():
                start = time.perf_counter()
                run()
                best[arm] = min(best[arm], 1e3 * (time.perf_counter() - start)) if i else float("inf")
    words = (shape, (kernel,) * d, (kernel // 2,) * d, False, batch, field.size, field.size)
    tiles = find_tiles(*words, "spectra")
    if tiles is None:
        raise SystemExit(f"no tiles for {words}")
    work, direct = (
        training_work(tiles, batch, field.size, field.size),
        3 * batch * layers["direct"].multiplications(shape),
    )
    parts = [100 * work["frequencies"] / direct, 100 * (work["frequencies"] + work["product"] / THIN) / direct]
    return best | {"takes": find_tiles(*words) is not None, "parts": parts, "errors": errors, "length": tiles[0].length}


def main() -> None:
    """Fill the cells, print the table."""
    parser = argparse.ArgumentParser(description="convolution directly and through products of spectra")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    eg.blueprint.operator_costs()  # measured before the clock runs
    cells = Cells(arguments.out)
    print("| layer | torch ms | direct | spectra | auto | torch/auto | takes | piece | work, % | errors |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for group, fields, shape, batch, kernel in SMOKE if arguments.smoke else CELLS:
        name = f"{group}, {fields} fields, {batch} of {'×'.join(map(str, shape))}, kernel {kernel}"
        words = (group, fields, shape, batch, kernel, arguments.rounds)
        r = cells.get(name, lambda words=words: cell(*words))
        mine, other = (r["spectra"], r["direct"]) if r["takes"] else (r["direct"], r["spectra"])
        takes = ("spectra" if r["takes"] else "direct") + (" *" if mine > 1.3 * other else "")
        times = " | ".join(f"{r[arm]:.1f}" for arm in ARMS)
        parts, errors = " / ".join(f"{p:.0f}" for p in r["parts"]), " / ".join(f"{e:.0e}" for e in r["errors"])
        print(
            f"| {name} | {times} | {r['torch'] / r['auto']:.2f} | {takes} | {r['length']} | {parts} | {errors} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
