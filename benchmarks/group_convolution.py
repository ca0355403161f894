"""Does a group convolution cost more than the plain convolution it expands to, and how does it compare with escnn?

One regular→regular layer, kernel 5, batch 16, forward + backward (weights and input), two threads, medians after
warm-up, the arms of a cell in turn so that drift of the machine hits all of them alike:

    plain     torch.nn.Conv2d of the same expanded width, channels_last, float32
    erlangen  grids.Conv, float32
    escnn     R2Conv with its default (incomplete) basis, float32
    auto      grids.Conv under erlangen.precision("auto")
    escnn16   R2Conv under torch.autocast bfloat16
    export    exported layer against plain convolution, inference

Floor: 3·B·n²·C²·k² multiply-adds of the convolution, forward and both gradients; every arm does them. Kernel expansion
moves C²·k² numbers three times. How to install escnn: benchmarks/README.md.

    python benchmarks/group_convolution.py            # prints the table; --quick for two cells

Last run (two cores of a Xeon with AMX, torch 2.13.0, escnn 1.0.11; milliseconds, and seconds of construction):

    cell                plain  ours/plain  ours/escnn  escnn/auto  escnn  escnn16  auto  export/plain  build s  theirs s
    C4, 8 fields, 28²     5.4        0.92        0.69         4.1    7.3      3.8   1.8          1.01    0.010      0.03
    C4, 16 fields, 28²   17.9        0.99        0.77         4.9   23.0      7.8   4.7          1.01    0.001      0.04
    D4, 8 fields, 28²    19.6        1.00        0.76         5.2   25.8      8.4   5.0          0.98    0.001      1.62
    D4, 16 fields, 28²   78.1        1.02        0.86         6.0   92.7     20.1  15.4          1.00    0.001      0.09
    C4, 8 fields, 64²    32.1        1.01        0.70         6.3   46.5     12.7   7.3          1.00    0.001      0.01
    C4, 16 fields, 64²  109.7        0.97        0.77         5.4  137.4     42.9  25.3          1.02    0.001      0.04
    D4, 8 fields, 64²   105.0        0.98        0.77         5.0  133.5     39.8  26.8          1.00    0.001      0.04
    D4, 16 fields, 64²  386.3        1.01        0.85         6.7  461.4    101.9  68.8          1.00    0.006      0.09
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import torch
from torch import nn

import erlangen as eg
from erlangen.grids import Conv


def step(
    module: nn.Module, make_input: Callable[[], torch.Tensor], wrap: Callable = lambda x: x, low: str | None = None
) -> Callable[[], None]:
    """One training step of a layer on fixed data."""
    x = make_input().requires_grad_()
    parameters = [p for p in module.parameters() if p.requires_grad]

    def forward() -> torch.Tensor:
        y = module(wrap(x))
        return y.tensor if hasattr(y, "tensor") else y

    def run() -> None:
        if low == "auto":
            with eg.precision("auto"):
                y = forward()
        elif low == "autocast":
            with torch.autocast("cpu", dtype=torch.bfloat16):
                y = forward()
        else:
            y = forward()
        torch.autograd.grad(y, [x, *parameters], torch.ones_like(y))

    return run


def medians(arms: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Milliseconds of every arm, the arms in turn."""
    times: dict[str, list[float]] = {name: [] for name in arms}
    for i in range(rounds + 3):
        for name, run in arms.items():
            start = time.perf_counter()
            run()
            if i >= 3:
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(t) for name, t in times.items()}


def cell(group: str, fields: int, n: int, rounds: int, peer: bool) -> dict[str, float]:
    """All arms of one cell."""
    space = eg.Grid(2, (n, n))
    field = space.field(group, f"{fields} regular")
    start = time.perf_counter()
    ours = Conv(field, field, 5, bias=False)
    construction = time.perf_counter() - start
    width = field.size

    def signal() -> torch.Tensor:
        return torch.randn(16, width, n, n).contiguous(memory_format=torch.channels_last)

    plain = nn.Conv2d(width, width, 5, padding=2, bias=False).to(memory_format=torch.channels_last)
    arms = {"plain": step(plain, signal), "erlangen": step(ours, signal), "auto": step(ours, signal, low="auto")}
    peer_construction = float("nan")
    if peer:
        from escnn import gspaces
        from escnn import nn as enn

        act = gspaces.rot2dOnR2(int(group[1:])) if group[0] == "C" else gspaces.flipRot2dOnR2(int(group[1:]))
        kind = enn.FieldType(act, fields * [act.regular_repr])
        start = time.perf_counter()
        theirs = enn.R2Conv(kind, kind, 5, padding=2, bias=False)
        peer_construction = time.perf_counter() - start

        def wrap(x: torch.Tensor) -> "enn.GeometricTensor":
            return enn.GeometricTensor(x, kind)

        def contiguous() -> torch.Tensor:
            return torch.randn(16, width, n, n)

        arms |= {"escnn": step(theirs, contiguous, wrap), "escnn16": step(theirs, contiguous, wrap, "autocast")}
    result = medians(arms, rounds)
    exported = ours.export().to(memory_format=torch.channels_last)
    x = signal()
    with torch.no_grad():
        result |= {
            f"{k}_forward": v
            for k, v in medians({"plain": lambda: plain(x), "export": lambda: exported(x)}, rounds).items()
        }
    return result | {"build": construction, "build_escnn": peer_construction}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="group convolution against plain convolution and escnn")
    parser.add_argument("--quick", action="store_true", help="two small cells")
    parser.add_argument("--no-peer", action="store_true", help="leave escnn out")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(2)
    with eg.precision("auto"):
        pass  # measure the cost table before the clock runs
    cells = [(g, f, n) for n in (28, 64) for g in ("C4", "D4") for f in (8, 16)]
    print(
        "| cell | plain ms | erlangen / plain | erlangen / escnn | escnn / auto | escnn ms | escnn16 ms | auto ms "
        "| export / plain | build s | escnn build s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for group, fields, n in cells[:2] if arguments.quick else cells:
        r = cell(group, fields, n, arguments.rounds, not arguments.no_peer)
        escnn = r.get("escnn", float("nan"))
        print(
            f"| {group}, {fields} fields, {n}² | {r['plain']:.1f} | {r['erlangen'] / r['plain']:.2f} "
            f"| {r['erlangen'] / escnn:.2f} "
            f"| {escnn / r['auto']:.1f} | {escnn:.1f} | {r.get('escnn16', float('nan')):.1f} | {r['auto']:.1f} "
            f"| {r['export_forward'] / r['plain_forward']:.2f} | {r['build']:.3f} | {r['build_escnn']:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
