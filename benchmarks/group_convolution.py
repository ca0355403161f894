"""Does a group convolution cost more than the plain convolution it expands to, and how does it compare with escnn?

One regular→regular layer, forward + backward (weights and input): in the plane kernel 5, batch 16; in space kernel 3,
batch 2. Medians after warm-up, the arms of a cell in turn so that drift of the machine hits all of them alike; freed
memory is kept in the process, as `fit` does:

    plain     torch.nn.Conv2d or Conv3d of the same expanded width, channels_last, float32
    erlangen  grids.Conv, float32
    escnn     R2Conv or R3Conv with its default (incomplete) basis, float32
    auto      grids.Conv under erlangen.precision("auto")
    escnn16   the peer under torch.autocast bfloat16
    export    exported layer against plain convolution, inference

Floor: 3·B·n²·C²·k² multiply-adds of the convolution, forward and both gradients; every arm does them. Kernel expansion
moves C²·k² numbers three times. How to install escnn: benchmarks/README.md.

    python benchmarks/group_convolution.py                       # prints the table; --quick for two cells
    python benchmarks/group_convolution.py --only C8 D8 O        # groups
    OMP_NUM_THREADS=1 python benchmarks/group_convolution.py --threads 1 --clock cpu --out cells.json   # a busy machine

Last run of C8, D8 and O (one busy core, CPU time, 11 rounds):

    cell                plain  ours/plain  ours/escnn  escnn/auto  escnn  escnn16  auto  export/plain  build s  theirs s
    C8, 8 fields, 28²    34.6        1.04        0.86         4.8   41.9     12.0   8.7          1.00    0.010      1.55
    C8, 16 fields, 28²  135.3        1.02        0.90         5.9  152.9     31.6  25.8          1.00    0.002      0.08
    D8, 8 fields, 28²   136.9        1.02        0.90         6.0  155.7     34.6  26.0          1.00    0.012      0.16
    D8, 16 fields, 28²  552.0        1.00        0.90         6.2  613.2    109.7  98.4          1.00    0.001      0.20
    O, 2 fields, 16³     14.5        1.04        0.58         4.9   25.7     14.2   5.2          1.00    0.002      0.66
    O, 4 fields, 16³     54.2        1.03        0.70         6.1   80.1     24.1  13.2          1.00    0.002      0.14

Last run of C4 and D4, before freed memory was kept (two cores of a Xeon with AMX, torch 2.13.0, escnn 1.0.11;
milliseconds, and seconds of construction):

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
from pathlib import Path
from typing import Any

import torch
from cells import Cells
from torch import nn

import erlangen as eg
from erlangen.allocator import freed_memory_kept
from erlangen.grids import Conv

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
PLAIN = {2: nn.Conv2d, 3: nn.Conv3d}
LAST = {2: torch.channels_last, 3: torch.channels_last_3d}
CELLS = {  # group, fields, shape, batch, kernel
    **{
        f"{group}, {fields} fields, {n}²": (group, fields, (n, n), 16, 5)
        for n, groups in ((28, ("C4", "D4", "C8", "D8")), (64, ("C4", "D4")))
        for group in groups
        for fields in (8, 16)
    },
    **{f"O, {fields} fields, 16³": ("O", fields, (16, 16, 16), 2, 3) for fields in (2, 4)},
}
SMOKE = {"C8, 1 field, 8²": ("C8", 1, (8, 8), 2, 3), "O, 1 field, 5³": ("O", 1, (5, 5, 5), 1, 3)}


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


def medians(arms: dict[str, Callable[[], None]], rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """Milliseconds of every arm, the arms in turn."""
    times: dict[str, list[float]] = {name: [] for name in arms}
    with freed_memory_kept():  # as in training
        for i in range(rounds + 3):
            for name, run in arms.items():
                start = clock()
                run()
                if i >= 3:
                    times[name].append(1e3 * (clock() - start))
    return {name: statistics.median(t) for name, t in times.items()}


def escnn_layer(group: str, fields: int, d: int, kernel: int) -> tuple[nn.Module, Callable]:
    """The peer's layer, and what wraps its input."""
    from escnn import gspaces
    from escnn import nn as enn

    if d == 3:
        act = gspaces.octaOnR3()
    else:
        act = gspaces.rot2dOnR2(int(group[1:])) if group[0] == "C" else gspaces.flipRot2dOnR2(int(group[1:]))
    kind = enn.FieldType(act, fields * [act.regular_repr])
    layer = (enn.R2Conv if d == 2 else enn.R3Conv)(kind, kind, kernel, padding=kernel // 2, bias=False)
    return layer, lambda x: enn.GeometricTensor(x, kind)


def cell(
    group: str, fields: int, shape: tuple[int, ...], batch: int, kernel: int, *, rounds: int, peer: bool, clock: str
) -> dict[str, Any]:
    """All arms of one cell."""
    d, tick = len(shape), CLOCKS[clock]
    space = eg.Grid(d, shape)
    field = space.field(group, f"{fields} regular")
    start = tick()
    ours = Conv(field, field, kernel, bias=False)
    construction = tick() - start
    width = field.size

    def contiguous() -> torch.Tensor:
        return torch.randn(batch, width, *shape)

    def signal() -> torch.Tensor:
        return contiguous().contiguous(memory_format=LAST[d])

    # pyrefly: ignore[no-matching-overload]  # torch's stubs leave memory_format out
    plain = PLAIN[d](width, width, kernel, padding=kernel // 2, bias=False).to(memory_format=LAST[d])
    arms = {"plain": step(plain, signal), "erlangen": step(ours, signal), "auto": step(ours, signal, low="auto")}
    sizes = {"parameters": ours.hom_dimension(), "parameters_plain": plain.weight.numel()}
    peer_construction = float("nan")
    if peer:
        start = tick()
        theirs, wrap = escnn_layer(group, fields, d, kernel)
        peer_construction = tick() - start
        sizes["parameters_escnn"] = sum(p.numel() for p in theirs.parameters())
        arms |= {"escnn": step(theirs, contiguous, wrap), "escnn16": step(theirs, contiguous, wrap, "autocast")}
    result: dict[str, Any] = medians(arms, rounds, tick)
    # pyrefly: ignore[no-matching-overload]
    exported = ours.export().to(memory_format=LAST[d])
    x = signal()
    with torch.no_grad():
        pair = medians({"plain": lambda: plain(x), "export": lambda: exported(x)}, rounds, tick)
    result |= {f"{k}_forward": v for k, v in pair.items()}
    return result | sizes | {"build": construction, "build_escnn": peer_construction}


def row(name: str, r: dict[str, Any]) -> str:
    """A line of the table."""
    theirs, theirs16 = (r.get(arm, float("nan")) for arm in ("escnn", "escnn16"))
    return (
        f"| {name} | {r['plain']:.1f} | {r['erlangen'] / r['plain']:.2f} | {r['erlangen'] / theirs:.2f} "
        f"| {theirs / r['auto']:.1f} | {theirs:.1f} | {theirs16:.1f} | {r['auto']:.1f} "
        f"| {r['export_forward'] / r['plain_forward']:.2f} | {r['build']:.3f} | {r['build_escnn']:.2f} "
        f"| {r['parameters']:,} | {r.get('parameters_escnn', 0):,} |"
    )


def main() -> None:
    """Fill the cells, print the table."""
    parser = argparse.ArgumentParser(description="group convolution against plain convolution and escnn")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--quick", action="store_true", help="two small cells")
    parser.add_argument("--smoke", action="store_true", help="tiny cells, without the peer")
    parser.add_argument("--only", nargs="+", default=None, help="groups")
    parser.add_argument("--no-peer", action="store_true", help="leave escnn out")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=tuple(CLOCKS), default="wall")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(arguments.threads)
    with eg.precision("auto"):
        pass  # measure the cost table before the clock runs
    cells, peer = Cells(arguments.out), not (arguments.no_peer or arguments.smoke)
    wanted = SMOKE if arguments.smoke else dict(list(CELLS.items())[: 2 if arguments.quick else None])
    rounds = 2 if arguments.smoke else arguments.rounds
    print(
        "| cell | plain ms | erlangen / plain | erlangen / escnn | escnn / auto | escnn ms | escnn16 ms | auto ms "
        "| export / plain | build s | escnn build s | parameters | escnn's |\n" + "|---" * 13 + "|"
    )
    for name, words in wanted.items():
        if arguments.only and words[0] not in arguments.only:
            continue
        options = {"rounds": rounds, "peer": peer, "clock": arguments.clock}
        found = cells.get(
            f"{name}, {arguments.threads} threads, {arguments.clock}",
            lambda words=words, options=options: cell(*words, **options),
        )
        print(row(name, found), flush=True)


if __name__ == "__main__":
    main()
