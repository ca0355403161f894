"""Is a separable block faster than a dense group convolution, and is a network of them as accurate in equal minutes?

Speed: one training step (forward, gradients of weights and input) at 16 regular fields of D4 on 28², kernel 5, batch
16, and at 4 regular fields of O on 16³, kernel 3, batch 2; the arms of a cell in turn, best and median of the rounds:

    dense32      grids.Conv, float32, channels_last: one layer, no norm and no nonlinearity
    dense        grids.Conv under erlangen.precision("auto")
    block        dense convolution, norm, ReLU, "auto"
    separable32  depthwise convolution, norm, mixing to twice the copies, GELU, mixing back, residual sum; float32
    separable    the same, "auto"
    fields       the same, "auto", with every equivariant convolution of a copy with itself instead of a depthwise one
    torch        the exported block: the same layers as plain torch modules, "auto"

The target is dense32 ≥ 3 × separable. Floor of the separable block: every pass over the signal reads and writes
2 · 2 bytes a number in bfloat16; the plan of the block makes 8 passes at the width of the signal and 8 at twice that.

Accuracy: rotated MNIST with C4 and AdrenalMNIST3D with O in equal minutes: derive(..., "small"), and the same with
separable blocks of either kind, 1.5 times as wide.

    python benchmarks/separable_block.py --out separable.json                 # speed
    python benchmarks/separable_block.py --out separable.json --minutes 8     # speed and accuracy

Last run of the speed (one core, ms; the last two columns are dense32/separable32 and dense32/separable):

    cell                dense32  dense  block  separable32  separable  fields  torch  / 32  / auto
    D4, 16 fields, 28²    133.3   24.4   28.6         72.2       30.5    27.5   73.8   1.8     4.4
    O, 4 fields, 16³       52.2   11.8   14.6         24.7       14.8    14.8   73.7   2.1     3.5

Last run of the accuracy (`--threads 1 --minutes 3 --seeds 1`; a core of an EPYC without AMX, where bfloat16 gains
nothing and the separable networks come through fewer epochs; one seed, error in per cent):

    data       network    parameters  epochs  test error
    mnist-rot  dense         162,330       2        3.02
    mnist-rot  separable      93,544       1        4.18
    mnist-rot  fields        102,094       1        4.20
    adrenal    dense          21,127       3       20.13
    adrenal    separable      12,310       2       15.77
    adrenal    fields         21,004       2       19.13

Dense blocks stay the default: in the plane they are ahead, and 298 glands with one seed decide nothing.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from cells import Cells, spread, use_threads

import erlangen as eg
from erlangen.allocator import freed_memory_kept
from erlangen.grids import Conv
from erlangen.grids.blocks import build_block

SHAPES = {  # group, fields, size, batch, kernel
    "D4, 16 fields, 28²": ("D4", 16, (28, 28), 16, 5),
    "O, 4 fields, 16³": ("O", 4, (16, 16, 16), 2, 3),
}
SMOKE = {"D4, 2 fields, 8²": ("D4", 2, (8, 8), 2, 5), "O, 1 field, 6³": ("O", 1, (6, 6, 6), 1, 3)}
ARMS = ("dense32", "dense", "block", "separable32", "separable", "fields", "torch")
TASKS = {"mnist-rot": "C4", "adrenal": "O"}
NETWORKS: dict[str, dict[str, Any]] = {
    "dense": {},
    "separable": {"block": "separable", "width": 1.5},
    "fields": {"block": {"kind": "separable", "spatial": "fields"}, "width": 1.5},
}


def training_step(module: torch.nn.Module, x: torch.Tensor, mode: str) -> Callable[[], None]:
    """One step on fixed data."""
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    wanted = [x, *module.parameters()]

    def run() -> None:
        with eg.precision(mode):
            y = module(x)
        torch.autograd.grad(y, wanted, torch.ones_like(y))

    return run


def speed(group: str, copies: int, shape: tuple[int, ...], batch: int, kernel: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of every arm, best and median, the arms in turn."""
    field = eg.Grid(len(shape), shape).field(group, f"{copies} regular")
    last = torch.channels_last if len(shape) == 2 else torch.channels_last_3d
    x = torch.randn(batch, field.size, *shape).contiguous(memory_format=last)
    conv = Conv(field, field, kernel, bias=False)
    block = build_block(field, field, kernel_size=kernel)
    separable = build_block(field, field, "separable", kernel_size=kernel)
    fields = build_block(field, field, "separable", kernel_size=kernel, spatial="fields")
    modules = {"dense32": conv, "dense": conv, "block": block}
    modules |= {"separable32": separable, "separable": separable, "fields": fields}
    modules["torch"] = separable.export().train()
    steps = {arm: training_step(modules[arm], x, "float32" if arm.endswith("32") else "auto") for arm in ARMS}
    times: dict[str, list[float]] = {arm: [] for arm in ARMS}
    with freed_memory_kept():  # as in training
        for i in range(rounds + 2):
            for arm, run in steps.items():
                start = time.perf_counter()
                run()
                if i >= 2:
                    times[arm].append(1e3 * (time.perf_counter() - start))
    return {
        "best": {a: min(t) for a, t in times.items()},
        "median": {a: statistics.median(t) for a, t in times.items()},
    }


def accuracy(name: str, group: str, arm: str, seed: int, minutes: float) -> dict[str, Any]:
    """Test metrics of a network of these blocks after so many minutes."""
    data = eg.data.load(name)
    torch.manual_seed(seed)
    run = eg.fit(eg.derive(data.field(group), data.task, "small", **NETWORKS[arm]), data, seed=seed, minutes=minutes)
    return {key: value for key, value in run.metrics.items() if isinstance(value, (int, float))}


def main() -> None:
    """Fill the cells, print the tables."""
    parser = argparse.ArgumentParser(description="separable blocks against dense group convolutions")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--minutes", type=float, default=0.0, help="of every training; 0 trains nothing")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="small shapes, no training")
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    with eg.precision("auto"):
        pass  # the cost table is measured before the clock runs
    cells = Cells(arguments.out)
    print("| cell | " + " | ".join(f"{arm} ms" for arm in ARMS) + " | dense32 / separable32 | dense32 / separable |")
    print("|---" * (len(ARMS) + 3) + "|")
    for name, cell in (SMOKE if arguments.smoke else SHAPES).items():
        rounds = 2 if arguments.smoke else arguments.rounds
        best = cells.get(f"speed {name}", lambda cell=cell, rounds=rounds: speed(*cell, rounds=rounds))["best"]
        ratios = [best["dense32"] / best[arm] for arm in ("separable32", "separable")]
        print(f"| {name} | " + " | ".join(f"{best[a]:.1f}" for a in ARMS) + f" | {ratios[0]:.1f} | {ratios[1]:.1f} |")
    if not arguments.minutes:
        return
    print("\n| data | network | parameters | epochs | test error % |\n|---|---|---|---|---|")
    for data, group in TASKS.items():
        for arm in NETWORKS:
            runs = []
            for seed in range(arguments.seeds):
                key = f"accuracy {data} {arm} {arguments.minutes:g} minutes seed {seed}"
                words = (data, group, arm, seed, arguments.minutes)
                runs.append(cells.get(key, lambda words=words: accuracy(*words)))
            errors = spread([100 * r["test_error"] for r in runs])
            size, epochs = runs[0]["parameters"], runs[0]["epochs"]
            print(f"| {data} | {arm} | {size:,.0f} | {epochs:.0f} | {errors} |", flush=True)


if __name__ == "__main__":
    main()
