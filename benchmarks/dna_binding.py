"""Binding of transcription factors: is it better to build the reverse complement in, to show it, or to average over it?

100 letters of human DNA, bound or not (FastSK's CTCF, RAD21, EP300 and JUND: about 2,000 training and 2,000 test
sequences each). All arms are the same derived architecture with the same recipe, epochs and order of examples:

    plain                  the network without the symmetry (group C1)
    augmented              + every training sequence on a random strand
    plain, post-hoc        the plain network, outputs averaged over both strands at test time
    augmented, post-hoc    the augmented network, the same: post-hoc conjoining, the strongest arm of Zhou et al. 2022
    conjoined              averaged over both strands in training too
    RC                     layers of the reverse complement, equal expanded width: half the parameters
    RC, wide               the same with as many parameters as plain

Area under the ROC curve on the test part; flips: share of test sequences whose class depends on the strand that is
read; change: the largest relative change of an output between the strands; minutes of training. With fewer training
sequences the epochs grow as the square root of the share. `--validation` holds a quarter of the training part out and
reports that instead (to tune by). The area of the content of G and C alone is printed for comparison.

    python benchmarks/dna_binding.py --out runs/dna_binding.json
    python benchmarks/dna_binding.py --smoke

Last run (`--threads 1 --examples 0`: all training sequences; three seeds, ± is over seeds, intervals over factors and
seeds in pairs):

                            CTCF   RAD21   EP300    JUND             mean  flips, %   change  parameters  minutes
    plain                 0.9766  0.9868  0.9848  0.9595  0.9769 ± 0.0011      5.70    9e+00     103,042     0.20
    augmented             0.9800  0.9912  0.9864  0.9650  0.9807 ± 0.0007      3.45    5e+00     103,042     0.21
    plain, post-hoc       0.9799  0.9902  0.9866  0.9667  0.9809 ± 0.0005      0.00    0e+00     103,042     0.20
    augmented, post-hoc   0.9823  0.9928  0.9873  0.9680  0.9826 ± 0.0002      0.00    0e+00     103,042     0.21
    conjoined             0.9821  0.9929  0.9866  0.9680  0.9824 ± 0.0008      0.00    0e+00     103,042     0.32
    RC                    0.9826  0.9929  0.9868  0.9656  0.9820 ± 0.0006      0.00    1e-05      51,522     0.22
    RC, wide              0.9822  0.9930  0.9873  0.9677  0.9825 ± 0.0007      0.00    2e-05     101,492     0.32
    RC - augmented: +0.0013, 95 % interval +0.0002 to +0.0024 over 12 pairs
    RC - augmented, post-hoc: -0.0006, 95 % interval -0.0017 to +0.0004 over 12 pairs
    RC, wide - augmented: +0.0019, 95 % interval +0.0009 to +0.0029 over 12 pairs
    RC, wide - augmented, post-hoc: -0.0001, 95 % interval -0.0006 to +0.0005 over 12 pairs
    G + C alone           0.7553  0.7536  0.6777  0.8450  0.7579
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from cells import Cells, spread
from torch import Tensor, nn

import erlangen as eg
from erlangen.adapt import Conjoin
from erlangen.learn import judge_symmetry
from erlangen.learn.metrics import area_under_curve
from erlangen.learn.recipe import settings_for

FACTORS = ("CTCF", "RAD21", "EP300", "JUND")
TRAINED = {  # name -> (group, width or 0 for as many parameters as plain, augmentation, conjoined in training)
    "plain": ("C1", 1.0, None, False),
    "augmented": ("C1", 1.0, "RC", False),
    "conjoined": ("C1", 1.0, None, True),
    "RC": ("RC", 1.0, None, False),
    "RC, wide": ("RC", 0.0, None, False),
}
ROWS = ("plain", "augmented", "plain, post-hoc", "augmented, post-hoc", "conjoined", "RC", "RC, wide")
POSTHOC = ", post-hoc"


def train(factor: str, arm: str, seed: int, given: argparse.Namespace, examples: int | None) -> dict[str, Any]:
    """Train one arm once; what its network says on the part to report, alone and averaged over both strands."""
    data = eg.data.load(f"fastsk-{factor.lower()}", validation=0.25 if given.validation else 0.0, seed=seed)
    if data.fallback:
        print(data.summary(), flush=True)
    everything = len(data.train)
    judged, nothing = data.validation if given.validation else data.test, data.test.take([])
    part = data.train.take(slice(0, examples))
    data = replace(data, train=part, validation=nothing, test=nothing)
    group, width, augment, both = TRAINED[arm]
    build = partial(eg.derive, task=data.task, size=given.size, **options(given))
    width = width or equal_width(build, data)
    torch.manual_seed(seed)
    net = build(data.field(group), width=width)
    model = Conjoin(net, data.field("RC")) if both else net
    epochs = given.epochs or settings_for("strand", "classify").epochs or 1
    epochs = round(epochs * (everything / len(part)) ** 0.5)
    start = time.perf_counter()
    run = eg.fit(model, data, seed=seed, epochs=epochs, augment=augment, precision=given.precision, progress=False)
    found: dict[str, Any] = {"seconds": time.perf_counter() - start, "epochs": run.metrics["epochs"]}
    found |= {"parameters": run.metrics["parameters"], "examples": len(part), "fallback": data.fallback}
    found |= judge(model, data.field("RC"), judged)
    if group == "C1" and not both:
        found |= {
            f"{k}{POSTHOC}": v for k, v in judge(Conjoin(net, data.field("RC")), data.field("RC"), judged).items()
        }
    return found


def equal_width(build: Callable[..., nn.Module], data: eg.data.Dataset) -> float:
    """The width at which the network of RC has as many parameters as the plain one has at width 1, or just fewer."""
    most = parameters(build(data.field("C1"), width=1.0))
    widths = [1.0 + 0.02 * i for i in range(51)]
    return max(w for w in widths if parameters(build(data.field("RC"), width=w)) <= most)


def parameters(net: nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(p.numel() for p in net.parameters())


def options(given: argparse.Namespace) -> dict[str, Any]:
    """What is given to `derive` besides the size."""
    return {} if given.block is None else {"block": given.block}


@torch.no_grad()
def judge(model: nn.Module, field: eg.Field, split: Any) -> dict[str, float]:
    """Area under the curve, flips between the strands, and the largest relative change of an output."""
    model.eval()
    x, y = split.signals, split.targets
    here, there = (torch.cat([model(part) for part in z.split(500)]) for z in (x, field.act(1, x)))
    return {
        "area": area_under_curve(here[:, 1] - here[:, 0], y),
        "flips": float((here.argmax(1) != there.argmax(1)).float().mean()),
        "change": float(((here - there).norm(dim=1) / here.norm(dim=1).clamp(min=1e-6)).max()),
        "content": area_under_curve(content(x), y),
    }


def content(x: Tensor) -> Tensor:
    """Share of G and C, the simplest of all scores."""
    return x[:, 1:3].sum((1, 2)) / x.sum((1, 2))


def main() -> None:
    """Train what is missing, print the tables."""
    parser = argparse.ArgumentParser(description="binding of transcription factors: seven ways with two strands")
    parser.add_argument("--out", type=Path, default=None, help="JSON file of finished cells")
    parser.add_argument("--factors", nargs="+", default=list(FACTORS), choices=[*FACTORS, "SIN3A"])
    parser.add_argument("--arms", nargs="+", default=list(TRAINED), choices=list(TRAINED))
    parser.add_argument("--examples", type=int, nargs="+", default=[500, 0], help="training sequences; 0 is all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--epochs", type=int, default=None, help="None: the recipe's; with fewer examples as many steps"
    )
    parser.add_argument("--size", default="small")
    parser.add_argument("--block", default=None)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--smoke", action="store_true", help="seconds instead of minutes: that it runs")
    given = parser.parse_args()
    if given.smoke:
        given.factors, given.examples, given.seeds, given.epochs, given.size = ["CTCF"], [64], 1, 1, "tiny"
    torch.set_num_threads(given.threads)
    cells = Cells(given.out)
    for examples in given.examples:
        for seed in range(given.seeds):
            for factor in given.factors:
                for arm in given.arms:
                    name = key(factor, arm, seed, examples, given)
                    done = cells.get(name, partial(train, factor, arm, seed, given, examples or None))
                    print(f"{name}: area {done['area']:.4f}, {done['seconds']:.0f} s", flush=True)
        table(cells, examples, given)


def table(cells: Cells, examples: int, given: argparse.Namespace) -> None:
    """One row an arm: area by factor (mean over seeds), mean over factors ± sd over seeds, and what it cost."""
    print(f"\n{examples or 'all'} training sequences, {given.seeds} seeds")
    head = " ".join(f"{factor:>7s}" for factor in given.factors)
    print(f"{'':20s} {head} {'mean':>16s} {'flips, %':>9s} {'change':>8s} {'parameters':>11s} {'minutes':>8s}")
    scores: dict[str, list[float]] = {}
    for row in ROWS:
        arm, suffix = row.removesuffix(POSTHOC), POSTHOC if row.endswith(POSTHOC) else ""
        if arm not in given.arms:
            continue
        found = [
            [cells.found[key(factor, arm, seed, examples, given)] for factor in given.factors]
            for seed in range(given.seeds)
        ]
        areas = [[cell[f"area{suffix}"] for cell in of_seed] for of_seed in found]
        every = [cell for of_seed in found for cell in of_seed]
        by_factor = " ".join(f"{mean(column):7.4f}" for column in zip(*areas, strict=True))
        print(
            f"{row:20s} {by_factor} {spread([mean(of_seed) for of_seed in areas], 4):>16s} "
            f"{100 * mean(c[f'flips{suffix}'] for c in every):>9.2f} {max(c[f'change{suffix}'] for c in every):>8.0e} "
            f"{every[0]['parameters']:>11,} {mean(c['seconds'] for c in every) / 60:>8.2f}"
        )
        scores[row] = [area for of_seed in areas for area in of_seed]
    for ours in ("RC", "RC, wide"):
        for theirs in ("augmented", "augmented, post-hoc"):
            if ours in scores and theirs in scores and len(scores[ours]) > 1:
                gap = judge_symmetry(scores[ours], scores[theirs])
                interval = f"95 % interval {gap.low:+.4f} to {gap.high:+.4f} over {len(scores[ours])} pairs"
                print(f"{ours} - {theirs}: {gap.gain:+.4f}, {interval}")
    plain = [cells.found[key(factor, given.arms[0], 0, examples, given)]["content"] for factor in given.factors]
    print(f"{'G + C alone':20s} " + " ".join(f"{area:7.4f}" for area in plain) + f" {mean(plain):>7.4f}\n", flush=True)


def key(factor: str, arm: str, seed: int, examples: int, given: argparse.Namespace) -> str:
    """The name of a cell."""
    words = [factor, arm, f"{examples or 'all'} examples", f"seed {seed}", given.size, given.precision]
    words += [f"{given.epochs} epochs"] if given.epochs else []
    words += [given.block] if given.block else []
    return ", ".join(words + (["validation"] if given.validation else []))


if __name__ == "__main__":
    main()
