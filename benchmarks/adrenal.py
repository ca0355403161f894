"""AdrenalMNIST3D: does a network of the cube's rotations classify glands as well as a CNN, and hold when they turn?

1,188 masks of 28³ voxels to learn from, 298 to report; 77 % are normal, so the loss weighs the classes by their inverse
frequencies, and the area under the ROC curve (AUC) and the balanced accuracy are reported: as the glands lie in the
file, each turned by its own random rotation of the cube, and each by its own random rotation by any angle (linear
interpolation; four draws each). Every arm has the same blocks, recipe and minutes of training:

    plain              group C1 at the same channels: the same time a step
    plain + cube       + every training gland turned by a random element of O, fresh every step
    plain + angles     + every training gland turned by a random rotation, fresh every step
    small + angles     the plain network with as many parameters as the derived one, + angles
    derived O          derive(field("O"), …)
    derived O + angles + every training gland turned by a random rotation

The last weights (their running average) count; the validation part of 98 glands is too small to choose by and is left
out, except with `--validation`, which reports it in place of the test part (to tune by).

    python benchmarks/adrenal.py --out runs/adrenal.json
    python benchmarks/adrenal.py --smoke

Last run (`--threads 1 --width 0.5 --minutes 3 --seeds 3 --arms plain "plain + cube" "derived O"`, a core of an EPYC
without AMX, torch 2.13.0; per cent, AUC and balanced accuracy, mean ± standard deviation over the seeds):

                  parameters  epochs                   upright                      cube                     angles
    plain            220,082       9   87.0 ± 1.1 / 77.2 ± 2.4   77.8 ± 1.3 / 69.4 ± 1.2   75.1 ± 1.2 / 64.2 ± 3.0
    plain + cube     220,082      10   86.8 ± 0.4 / 77.1 ± 1.2   86.4 ± 0.3 / 77.3 ± 0.7   85.7 ± 0.7 / 61.3 ± 0.6
    derived O         10,788       7   88.9 ± 0.3 / 81.5 ± 2.4   88.9 ± 0.3 / 81.5 ± 2.4   85.1 ± 2.7 / 67.9 ± 15.5

At equal parameters, both shown turned glands (`--arms "small + angles" "derived O + angles"`, the same otherwise):

                        parameters  epochs                   upright                      cube                angles
    small + angles           9,666      24   86.3 ± 0.6 / 62.7 ± 2.7   86.1 ± 0.9 / 63.0 ± 5.7   86.5 ± 0.3 / 78.1 ± 0.4
    derived O + angles      10,788       6  86.6 ± 2.4 / 68.2 ± 15.8  86.6 ± 2.4 / 68.2 ± 15.8   87.3 ± 1.9 / 78.0 ± 0.6
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from cells import Cells, spread, use_threads
from torch import Tensor, nn

import erlangen as eg
from erlangen.adapt import augmentation
from erlangen.blueprint import precision
from erlangen.data import TensorSplit
from erlangen.learn import area_under_curve

STEM = {"kernel_size": 4, "stride": 2, "padding": 1}  # 28 -> 14 voxels, exact: (28 + 2 - 4) mod 2 = 0
LAYERS: dict[str, Any] = {
    "widths": (48, 96, 96, 192),
    "coarsen_after": (1,),
    "local": (STEM, {"kernel_size": 3}, {"kernel_size": 3}, {"kernel_size": 3}),
    "dropout": 0.0,  # few invariants reach the head of a large group, and none is to spare
}
ARMS: dict[str, tuple[str, float, str | None]] = {  # name -> (group, width, augmentation)
    "plain": ("C1", 1.0, None),
    "plain + cube": ("C1", 1.0, "O"),
    "plain + angles": ("C1", 1.0, "rotation"),
    "small + angles": ("C1", 0.2, "rotation"),
    "derived O": ("O", 1.0, None),
    "derived O + angles": ("O", 1.0, "rotation"),
}
POSES = {"upright": None, "cube": "O", "angles": "rotation"}
DRAWS = 4


def train(arm: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Train one arm once and score it in every pose."""
    data = eg.data.load("adrenal")
    group, width, augment = ARMS[arm]
    counts = torch.bincount(data.train.targets, minlength=2)
    task = eg.Classify(2, weights=tuple((len(data.train) / 2 / counts).tolist()))
    judged = data.validation if given.validation else data.test
    nothing = data.test.take([])
    data = replace(data, validation=nothing, test=nothing)
    if given.smoke:
        data, judged = replace(data, train=data.train.subset(32)), judged.subset(24)
    torch.manual_seed(seed)
    net = eg.derive(data.field(group), task, "small", width=width * given.width, **LAYERS)
    length = {"epochs": given.epochs} if given.epochs else {"minutes": given.minutes}
    recipe = {"batch_size": 16, "lr": given.lr, "weight_decay": 0.05, "ema": 0.99}
    run = eg.fit(net, data, seed=seed, augment=augment, progress=False, **length, **recipe)
    found = {k: run.metrics[k] for k in ("parameters", "multiplications", "epochs", "seconds", "train_loss")}
    return found | scores(run.model, judged, 1 if given.smoke else DRAWS)


def scores(model: nn.Module, split: TensorSplit, draws: int) -> dict[str, float]:
    """AUC and balanced accuracy in every pose, means over the draws."""
    found = {}
    for pose, name in POSES.items():
        turned = augmentation(name, eg.Grid(3))
        rows = []
        for draw in range(draws if turned is not None else 1):
            stream = torch.Generator().manual_seed(draw)
            x = split.signals if turned is None else turned(split.signals, stream)
            rows.append(score(margins(model, x), split.targets))
        found[f"auc {pose}"], found[f"balanced {pose}"] = torch.tensor(rows).mean(0).tolist()
    return found


@torch.no_grad()
def margins(model: nn.Module, x: Tensor) -> Tensor:
    """By how much class 1 is preferred, [N]."""
    model.eval()
    with precision("auto"):
        outputs = torch.cat([model(part) for part in x.split(32)]).float()
    return outputs[:, 1] - outputs[:, 0]


def score(margin: Tensor, target: Tensor) -> tuple[float, float]:
    """AUC and balanced accuracy."""
    hits = ((margin > 0) == (target == 1)).double()
    return area_under_curve(margin, target), float((hits[target == 0].mean() + hits[target == 1].mean()) / 2)


def main() -> None:
    """Train what is missing, print the table."""
    parser = argparse.ArgumentParser(description="adrenal glands: the rotations of the cube, built in or shown")
    parser.add_argument("--out", type=Path, default=None, help="JSON file of finished cells")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=8.0, help="of training, for every arm")
    parser.add_argument("--epochs", type=int, default=None, help="in place of minutes")
    parser.add_argument("--width", type=float, default=1.0, help="of all arms, for machines without fast bfloat16")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--smoke", action="store_true", help="seconds instead of minutes: that it runs")
    given = parser.parse_args()
    if given.smoke:
        given.seeds, given.epochs = 1, 1
    use_threads(given.threads)
    cells = Cells(given.out)
    for seed in range(given.seeds):
        for arm in given.arms:
            done = cells.get(key(arm, seed, given), partial(train, arm, seed, given))
            print(f"{key(arm, seed, given)}: AUC {done['auc upright']:.4f}, {done['seconds']:.0f} s", flush=True)
    table(cells, given)


def key(arm: str, seed: int, given: argparse.Namespace) -> str:
    """The name of a cell."""
    length = f"{given.epochs} epochs" if given.epochs else f"{given.minutes:g} minutes"
    words = [arm, length, f"lr {given.lr:g}", f"seed {seed}"]
    words += [f"width {given.width:g}"] if given.width != 1.0 else []
    return ", ".join([*words, "validation"] if given.validation else words)


def table(cells: Cells, given: argparse.Namespace) -> None:
    """One row an arm: what it cost, then AUC and balanced accuracy in every pose, mean ± sd over seeds."""
    head = " ".join(f"{f'{what} {pose}':>17s}" for pose in POSES for what in ("AUC", "balanced"))
    print(f"\n{'arm':19s} {'parameters':>10s} {'epochs':>6s} {'minutes':>7s} {head}")
    for arm in given.arms:
        names = [key(arm, seed, given) for seed in range(given.seeds)]
        first = cells.found[names[0]]
        values = " ".join(
            f"{spread([100 * v for v in cells.column(names, f'{what} {pose}')], 1):>17s}"
            for pose in POSES
            for what in ("auc", "balanced")
        )
        print(
            f"{arm:19s} {first['parameters']:>10,} {first['epochs']:>6.0f} {first['seconds'] / 60:>7.1f} {values}",
            flush=True,
        )


if __name__ == "__main__":
    main()
