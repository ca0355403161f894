"""Rotated MNIST: how far does a derived network get in how many minutes, beside an ordinary CNN and escnn?

12,000 training and 50,000 test images. Every cell is one training of so many minutes with a schedule of that length;
test error of the last (averaged) weights:

    small      the default: derive(field, task, "small") with group C4, random rotations
    wide       group C4, wider (`WIDE`) and pooled earlier, random warps: turns, changes of size, shears, elastic
    eight      the same widths under turns by 45°, group C8: half the parameters, twice the directions
    plain      group C1 with the channels of `wide`, so four times the parameters, and the same warps
    escnn      C8, the layers of escnn's tutorial, widths scaled to the parameters of `wide`, and the same warps

All arms share the loop, batches of 64, AdamW, the schedule and the average over steps; bfloat16 where it is faster.
`--networks 2 --threads 1` trains two at a time, one a core, and averages their answers. `--validation` reports 16,000
turned copies of the 8,000 digits that are in neither part (to choose recipes by).

    python benchmarks/rotated_mnist.py --out runs/rotated_mnist.json --minutes 15 --arms small plain
    python benchmarks/rotated_mnist.py --out runs/rotated_mnist.json --minutes 60 --arms wide --seeds 3
    PYTHONPATH=src python benchmarks/rotated_mnist.py --out runs/rotated_mnist.json     # the curve; escnn: README.md
    python benchmarks/rotated_mnist.py --smoke

Last runs of an hour on two cores (`--threads 1 --arms wide eight --minutes 120`: 120 minutes of one core of an EPYC
without AMX, float32):

    arm     parameters  minutes  epochs  test error, %                      averaged, %   change under C4  flips, %
    wide       682,298      120      47  0.86 (one seed)                    0.764                   8e-07       0.0
    eight      238,634      120      65  0.80 ± 0.02 (0.774, 0.804, 0.814)  0.76 ± 0.02             8e-07       0.0

(averaged: `--turns 2`, upright and turned by 45°: 0.736, 0.776, 0.766.) Of the last 50 % more epochs nothing is seen:
on a busier machine, 47 of them in as many minutes, `eight` came to 0.80 ± 0.02, averaged 0.77 ± 0.03. Two networks of
half the minutes, one a core (`--networks 2 --minutes 60`, 32 epochs each, 477,268 parameters in all), are no better:
0.88 and 0.86, averaged 0.85 and 0.81, together 0.78. The three of 120 minutes together (`--networks 3 --minutes 120`):
0.702, which is three hours of two cores.

The curve (`--threads 1 --validation`, minutes of one core of the same processor, one seed, error in per cent):

    minutes            2        4        8       16
    wide            6.37     3.67     2.28     1.31
    eight           4.17     3.48     2.43     1.42
    plain          11.64     6.46     4.28     2.39
    escnn          43.99    26.89     5.77     3.67    (704,517 parameters; 0.07, 0.14, 0.34, 0.7 epochs)

Last run of the default for 80 epochs, and of its plain twin for as long (two cores of a Xeon with AMX, torch 2.13.0):

    group  parameters  multiplications  epochs  minutes  test error  worst error under C4  flip rate
    C4        151,482       85,577,216      80     14.9      0.90 %               9.4e-07      0.0 %
    C1        605,898       85,578,656      79     14.9      1.19 %               7.8e-01      0.5 %
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cells import Cells, spread, use_threads
from torch import Tensor, nn

import erlangen as eg
from erlangen.allocator import freed_memory_kept
from erlangen.grids import rotate

KERNELS = [{"kernel_size": k} for k in (7, 5, 5, 5, 5, 5)]
WIDE = {"widths": [64, 128, 128, 128, 192, 192], "coarsen_after": [0, 3], "local": KERNELS}
GROUPS = {"small": "C4", "wide": "C4", "eight": "C8", "plain": "C1"}
ARMS = (*GROUPS, "escnn")
TUTORIAL = (24, 48, 48, 96, 96, 64)  # fields of its six convolutions


class Peer(nn.Module):
    """escnn's tutorial network for C8, on plain tensors.

    Args:
        width: multiplies the numbers of fields.
    """

    def __init__(self, width: float = 1.0) -> None:
        from escnn import gspaces
        from escnn import nn as enn

        super().__init__()
        act = gspaces.rot2dOnR2(8)
        self.input = now = enn.FieldType(act, [act.trivial_repr])
        steps: list[nn.Module] = [enn.MaskModule(now, 29, margin=1)]
        for i, fields in enumerate(TUTORIAL):
            then = enn.FieldType(act, max(1, round(fields * width)) * [act.regular_repr])
            steps.append(enn.R2Conv(now, then, 7 if i == 0 else 5, padding=(1, 2, 2, 2, 2, 1)[i], bias=False))
            steps += [enn.InnerBatchNorm(then), enn.ReLU(then, inplace=True)]
            if i in (1, 3):
                steps.append(enn.PointwiseAvgPoolAntialiased(then, sigma=0.66, stride=2))
            now = then
        steps.append(enn.PointwiseAvgPoolAntialiased(now, sigma=0.66, stride=1, padding=0))
        steps.append(enn.GroupPooling(now))
        self.body = enn.SequentialModule(*steps)
        left = steps[-1].out_type.size
        self.wrap = lambda x: enn.GeometricTensor(x, self.input)
        self.head = nn.Sequential(nn.Linear(left, 64), nn.BatchNorm1d(64), nn.ELU(inplace=True), nn.Linear(64, 10))

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images [B, 1, 28, 28], which get one row and one column more: its strides need odd sizes."""
        y = self.body(self.wrap(nn.functional.pad(x, (0, 1, 0, 1)))).tensor
        return self.head(y.mean((2, 3)))


def network(arm: str, data: eg.data.Dataset) -> nn.Module:
    """The network of an arm."""
    if arm == "escnn":
        wanted = weights(network("wide", data))
        low, high = 0.1, 1.5  # parameters grow with the width
        for _ in range(6):
            middle = (low + high) / 2
            low, high = (middle, high) if weights(Peer(middle)) < wanted else (low, middle)
        return Peer(high)
    if arm == "small":
        return eg.derive(data.field(GROUPS[arm]), data.task, "small")
    return eg.derive(data.field(GROUPS[arm]), data.task, "small", **WIDE)


def weights(net: nn.Module) -> int:
    """How many parameters it has."""
    return sum(p.numel() for p in net.parameters())


def unused_digits(data: eg.data.Dataset) -> eg.data.Dataset:
    """The data with two turned copies of the digits that are in neither part instead of the test part."""
    from erlangen.data.digits import digit_split
    from erlangen.data.rotated import read_mnist, rotate

    images, labels, _ = read_mnist()
    chosen = np.random.default_rng(0).permutation(len(labels))[62000:]
    random = np.random.default_rng(12345)
    turned = [rotate(images[chosen], random.uniform(0, 360, len(chosen))) for _ in range(2)]
    return replace(data, test=digit_split(np.concatenate(turned), np.concatenate([labels[chosen]] * 2)))


@torch.no_grad()
def answers(model: nn.Module, test: Any, turns: int) -> Tensor:
    """Class probabilities [N, 10] of a split, averaged over turns by i · 90°/n; C4 does the rest."""
    found = []
    model.eval()
    with freed_memory_kept():  # as in training
        for x, _ in test.batches(128):
            seen = [model(rotate(x, 90.0 * i / turns, "bicubic") if i else x).softmax(1) for i in range(turns)]
            found.append(torch.stack(seen).mean(0))
    return torch.cat(found)


def error(probabilities: Tensor, test: Any) -> float:
    """Share of wrong answers."""
    return float((probabilities.argmax(1) != test.batch(torch.arange(len(test)))[1]).double().mean())


def digits(given: argparse.Namespace) -> eg.data.Dataset:
    """The data, with the part to report as its test part."""
    data = eg.data.load("mnist-rot-5k" if given.smoke else "mnist-rot")
    return unused_digits(data) if given.validation else data


def train(arm: str, minutes: float, seed: int, given: argparse.Namespace) -> tuple[dict[str, Any], Tensor | None]:
    """One training, what it gave, and its averaged answers if more than its own are asked for."""
    use_threads(given.threads)
    data = digits(given)
    torch.manual_seed(seed)
    net = network(arm, data)
    augment = "rotation" if arm == "small" else "warp"
    out = None if given.out is None or arm == "escnn" else given.out.with_suffix("") / f"{arm}-{minutes:g}-{seed}"
    run = eg.fit(net, data, seed=seed, minutes=minutes, augment=augment, out=out, progress=False)
    found = {key: run.metrics[key] for key in ("test_error", "seconds", "epochs", "parameters")}
    averaged = answers(run.model, data.test, given.turns) if max(given.turns, given.networks) > 1 else None
    if averaged is not None:
        found["averaged"] = error(averaged, data.test)
    if arm != "escnn" and not given.smoke:
        audit = eg.audit(run.model, data.test, in_field=data.field("C4"), samples=256, layers=False)
        found |= {"change": audit.max_error, "flips": audit.flip_rate or 0.0}
    print(f"{arm}, {minutes:g} minutes, seed {seed}: {100 * found['test_error']:.2f} % error", flush=True)
    return found, averaged


def cell(arm: str, minutes: float, number: int, given: argparse.Namespace) -> dict[str, Any]:
    """One network; or several, each trained in a process of its own at the same time, whose answers are averaged."""
    seeds = range(number * given.networks, (number + 1) * given.networks)
    if given.networks == 1:
        return train(arm, minutes, number, given)[0]
    with ProcessPoolExecutor(given.networks, get_context("spawn")) as pool:
        trained = [job.result() for job in [pool.submit(train, arm, minutes, seed, given) for seed in seeds]]
    each = [found for found, _ in trained]
    together = torch.stack([averaged for _, averaged in trained if averaged is not None]).mean(0)
    found = {key: sum(one[key] for one in each) / len(each) for key in ("test_error", "seconds", "epochs", "averaged")}
    found |= {"parameters": sum(one["parameters"] for one in each), "together": error(together, digits(given).test)}
    worst = {key: max(one[key] for one in each) for key in ("change", "flips") if key in each[0]}
    return found | worst | {"each": each}


def main() -> None:
    """Train what is not there yet, print the table."""
    parser = argparse.ArgumentParser(description="rotated MNIST, error against minutes of training")
    parser.add_argument("--out", type=Path, default=None, help="JSON file of finished cells")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 2.0, 4.0, 8.0, 16.0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument(
        "--turns", type=int, default=1, help="also average the answers over so many turns, C(4n) in all"
    )
    parser.add_argument(
        "--networks", type=int, default=1, help="train so many at a time, each in a process, and average their answers"
    )
    parser.add_argument("--validation", action="store_true", help="report unused digits instead of the test part")
    parser.add_argument("--smoke", action="store_true", help="seconds instead of hours: that it runs, not what it says")
    given = parser.parse_args()
    use_threads(given.threads)
    if given.smoke:
        given.minutes, given.seeds, given.arms = [0.02], 1, [a for a in given.arms if a != "escnn"]
    cells = Cells(given.out)
    tail = f"{given.threads} threads" + (f", {given.turns} turns" if given.turns > 1 else "")
    tail += f", {given.networks} networks" if given.networks > 1 else ""
    tail += ", validation" if given.validation else ""
    print("arm     parameters  minutes  epochs  test error, %  averaged, %  together, %  change under C4  flips, %")
    for arm in given.arms:
        for minutes in given.minutes:
            found = [
                cells.get(
                    f"{arm}, {minutes:g} minutes, seed {seed}, {tail}",
                    lambda arm=arm, minutes=minutes, seed=seed: cell(arm, minutes, seed, given),
                )
                for seed in range(given.seeds)
            ]
            change = f"{max(c['change'] for c in found):.0e}" if "change" in found[0] else "–"
            averaged, together = (
                spread([100 * c[key] for c in found], 3) if key in found[0] else "–" for key in ("averaged", "together")
            )
            flips = f"{100 * max(c['flips'] for c in found):.1f}" if "flips" in found[0] else "–"
            own = spread([100 * c["test_error"] for c in found], 3)
            print(
                f"{arm:6s}  {found[0]['parameters']:10,}  {minutes:7g}  {found[0]['epochs']:6.0f}  {own:>13s}  "
                f"{averaged:>11s}  {together:>11s}  {change:>15s}  {flips:>8s}"
            )


if __name__ == "__main__":
    main()
