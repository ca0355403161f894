"""Stranded profiles: counts along the sequence, where the reverse complement swaps tracks instead of leaving them.

Simulated sequences of 256 letters with 0 to 3 motifs, each of which leaves a sharp peak on either strand and a wide
bump in a track without strand (`erlangen.data.motifs`). The tracks are "regular + trivial": the reverse complement
reverses all three, exchanges the first two and leaves the third where it is. Arms, at equal epochs and order of
examples:

    plain                  the network without the symmetry, three scalar tracks
    flipped                + every training example on a random strand, its tracks turned as one block of channels, the
                           plain flip of several packages: right for a single stranded pair, wrong here
    augmented              + the same, every track by its own representation
    ..., post-hoc          outputs brought back from both strands and averaged at test time
    conjoined              averaged over both strands in training too
    RC                     layers of the reverse complement, equal expanded width: half the parameters
    RC, wide               the same with as many parameters as plain

Pearson correlation of predicted rates with counts over all places of the test part, by track ("stranded": mean of the
two) and with the noise-free rates ("rates"); "ceiling" is the correlation of the true rates with the counts. swap: the
largest relative difference between the prediction of a reverse complement and the swapped prediction.

    python benchmarks/dna_profile.py --out runs/dna_profile.json
    python benchmarks/dna_profile.py --smoke

Last run (`--threads 1 --size tiny --examples 500 --seeds 3`, a busy core of an EPYC without AMX, torch
2.13.0; correlations, mean ± standard deviation over seeds; minutes):

                            stranded      unstranded           rates            loss     swap  parameters  minutes
    plain                0.462 ± 0.006  0.433 ± 0.014  0.604 ± 0.016  0.321 ± 0.004    6e-01      13,891     1.75
    flipped              0.349 ± 0.024  0.392 ± 0.006  0.491 ± 0.017  0.343 ± 0.003    8e-01      13,891     1.60
    augmented            0.568 ± 0.008  0.495 ± 0.010  0.724 ± 0.008  0.283 ± 0.001    5e-01      13,891     1.47
    plain, post-hoc      0.509 ± 0.002  0.475 ± 0.015  0.666 ± 0.010  0.300 ± 0.002        0      13,891     1.75
    augmented, post-hoc  0.600 ± 0.009  0.516 ± 0.012  0.761 ± 0.008  0.272 ± 0.001        0      13,891     1.47
    conjoined            0.507 ± 0.009  0.453 ± 0.012  0.653 ± 0.003  0.301 ± 0.003        0      13,891     1.87
    RC                   0.557 ± 0.010  0.487 ± 0.013  0.712 ± 0.008  0.292 ± 0.001    6e-07       6,946     1.22
    RC, wide             0.525 ± 0.025  0.468 ± 0.007  0.675 ± 0.023  0.303 ± 0.004    8e-07      13,204     2.09
    ceiling of the three tracks: 0.752 ± 0.001

So with 500 sequences and tiny networks the exact swap is had by RC layers and by averaging alike, and averaging the
augmented network predicts best; the plain flip of channels is worst of all.
"""

import argparse
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from cells import Cells, spread, use_threads
from torch import Tensor, nn

import erlangen as eg
from erlangen.adapt import Conjoin
from erlangen.data.motifs import profile_rates
from erlangen.learn.recipe import settings_for

TRAINED = {  # name -> (group, width or 0 for as many parameters as plain, augmentation, conjoined in training)
    "plain": ("C1", 1.0, None, False),
    "flipped": ("C1", 1.0, "flip", False),
    "augmented": ("C1", 1.0, "RC", False),
    "conjoined": ("C1", 1.0, None, True),
    "RC": ("RC", 1.0, None, False),
    "RC, wide": ("RC", 0.0, None, False),
}
POSTHOC = ", post-hoc"
ROWS = ("plain", "flipped", "augmented", "plain, post-hoc", "augmented, post-hoc", "conjoined", "RC", "RC, wide")
SCALARS = eg.Profile("3 trivial")


def both_strands(data: eg.data.Dataset) -> eg.data.Dataset:
    """Every training example on both strands, its tracks turned as one block: channels reversed, places reversed."""
    x, y = data.train.signals, data.train.targets
    train = eg.data.TensorSplit(torch.cat([x, x.flip(1, 2)]), torch.cat([y, y.flip(1, 2)]))
    return replace(data, train=train)


def train(arm: str, examples: int, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Train one arm once, and what its network says about the test part, alone and averaged over both strands."""
    everything = eg.data.load("profiles", seed=seed, length=given.length, validation=0.0)
    data = replace(everything, train=everything.train.take(slice(0, examples)), test=everything.test.take([]))
    group, width, augment, both = TRAINED[arm]
    epochs = given.epochs or settings_for("strand", "profile").epochs or 1
    epochs = round(epochs * (len(everything.train) / len(data.train)) ** 0.5)
    if augment == "flip":
        data, augment, epochs = both_strands(data), None, max(1, epochs // 2)
    field = data.field(group)
    width = width or equal_width(data, given.size)
    torch.manual_seed(seed)
    net = eg.derive(field, data.task if group == "RC" else SCALARS, given.size, width=width)
    model = Conjoin(net, data.field("RC"), data.task) if both else net
    start = time.perf_counter()
    run = eg.fit(model, data, seed=seed, epochs=epochs, augment=augment, precision=given.precision, progress=False)
    found: dict[str, Any] = {"seconds": time.perf_counter() - start, "epochs": run.metrics["epochs"]}
    found |= {"parameters": run.metrics["parameters"]} | judge(model, everything, seed, given.length)
    if group == "C1" and not both:
        averaged = judge(Conjoin(net, data.field("RC"), data.task), everything, seed, given.length)
        found |= {f"{name}{POSTHOC}": value for name, value in averaged.items()}
    return found


def equal_width(data: eg.data.Dataset, size: str) -> float:
    """The width at which the network of RC has as many parameters as the plain one has at width 1, or just fewer."""

    def parameters(net: nn.Module) -> int:
        return sum(p.numel() for p in net.parameters())

    most = parameters(eg.derive(data.field("C1"), SCALARS, size))
    widths = [1.0 + 0.02 * i for i in range(51)]
    return max(w for w in widths if parameters(eg.derive(data.field("RC"), data.task, size, width=w)) <= most)


@torch.no_grad()
def judge(model: nn.Module, data: eg.data.Dataset, seed: int, length: int) -> dict[str, float]:
    """Correlations by track, deviance, and how far the prediction of the other strand is from the swapped one."""
    model.eval()
    x, counts, field = data.test.signals, data.test.targets, data.field("RC")
    tracks = eg.blueprint.Field(data.space, data.task.out_rep(field.group))
    logs, there = (torch.cat([model(part) for part in z.split(200)]) for z in (x, field.act(1, x)))
    rates, true = logs.exp(), torch.from_numpy(profile_rates("test", length=length, seed=seed, validation=0.0)).float()
    swapped = tracks.act(1, logs)
    return {
        "stranded": (correlation(rates[:, 0], counts[:, 0]) + correlation(rates[:, 1], counts[:, 1])) / 2,
        "unstranded": correlation(rates[:, 2], counts[:, 2]),
        "rates": mean(correlation(rates[:, i], true[:, i]) for i in range(3)),
        "ceiling": mean(correlation(true[:, i], counts[:, i]) for i in range(3)),
        "loss": float(data.task.loss(logs, counts)),
        "swap": float(((there - swapped).flatten(1).norm(dim=1) / swapped.flatten(1).norm(dim=1)).max()),
    }


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson correlation over everything."""
    return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]).double())[0, 1])


def main() -> None:
    """Train what is missing, print the tables."""
    parser = argparse.ArgumentParser(description="stranded profiles of counts")
    parser.add_argument("--out", type=Path, default=None, help="JSON file of finished cells")
    parser.add_argument("--arms", nargs="+", default=list(TRAINED), choices=list(TRAINED))
    parser.add_argument("--examples", type=int, nargs="+", default=[500, 2000], help="training sequences")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=None, help="on all sequences; None: the recipe's")
    parser.add_argument("--size", default="small")
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--smoke", action="store_true", help="seconds instead of minutes: that it runs")
    given = parser.parse_args()
    if given.smoke:
        given.examples, given.seeds, given.epochs, given.size, given.length = [32], 1, 1, "tiny", 64
    use_threads(given.threads)
    cells = Cells(given.out)
    for examples in given.examples:
        for seed in range(given.seeds):
            for arm in given.arms:
                name = key(arm, examples, seed, given)
                done = cells.get(name, partial(train, arm, examples, seed, given))
                print(f"{name}: stranded {done['stranded']:.4f}, {done['seconds']:.0f} s", flush=True)
        table(cells, examples, given)


def table(cells: Cells, examples: int, given: argparse.Namespace) -> None:
    """One row an arm, means ± sd over seeds."""
    print(f"\n{examples} training sequences, {given.seeds} seeds")
    print(
        f"{'':20s} {'stranded':>15s} {'unstranded':>15s} {'rates':>15s} {'loss':>15s} {'swap':>8s} "
        f"{'parameters':>11s} {'minutes':>8s}"
    )
    for row in ROWS:
        arm, suffix = row.removesuffix(POSTHOC), POSTHOC if row.endswith(POSTHOC) else ""
        if arm not in given.arms:
            continue
        names = [key(arm, examples, seed, given) for seed in range(given.seeds)]
        columns = ("stranded", "unstranded", "rates", "loss")
        scores = " ".join(f"{spread(cells.column(names, c + suffix), 4):>15s}" for c in columns)
        print(
            f"{row:20s} {scores} {max(cells.column(names, f'swap{suffix}')):>8.0e} "
            f"{cells.column(names, 'parameters')[0]:>11,} {mean(cells.column(names, 'seconds')) / 60:>8.2f}"
        )
    names = [key(given.arms[0], examples, seed, given) for seed in range(given.seeds)]
    print(f"ceiling of the three tracks: {spread(cells.column(names, 'ceiling'), 4)}\n", flush=True)


def key(arm: str, examples: int, seed: int, given: argparse.Namespace) -> str:
    """The name of a cell."""
    words = [arm, f"{examples} examples", f"seed {seed}", given.size, f"{given.length} letters", given.precision]
    return ", ".join(words + ([f"{given.epochs} epochs"] if given.epochs else []))


if __name__ == "__main__":
    main()
