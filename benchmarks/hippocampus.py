"""Hippocampus: is a U-shaped network of the cube's rotations as good as a plain one, and what is left when it turns?

180 crops of brain scans of about 36 × 50 × 35 voxels to learn from and 60 to report; every voxel is background (0),
the front (1) or the back part (2) of the hippocampus. The pose is nearly fixed, and front and back differ by little but
their place: a network that may look at the pose has it easy as long as the pose is the usual one. Dice coefficients,
means over the cases: as the crops lie in the file, each turned by its own random rotation of the cube, and each by its
own random rotation by any angle (linear interpolation; voxels from outside of the crop do not count; two draws each).
Every arm has the same blocks (size "small"), recipe, loss (cross entropy + soft Dice) and minutes of training:

    plain              group C1 at the same channels: the same time a step
    plain + cube       + every batch turned by a random element of O, fresh every step
    plain + angles     + every training crop turned by a random rotation (its cube is larger than the crop)
    small + angles     the plain network with as many parameters as the derived one, + angles
    derived O          derive(field("O"), …)
    derived O + angles + every training crop turned by a random rotation

The weights that are best on the 20 validation crops count. `--validation` reports those crops in place of the test part
(to tune by).

    python benchmarks/hippocampus.py --out runs/hippocampus.json
    python benchmarks/hippocampus.py --smoke

Last run (`--threads 1 --coarse --minutes 3`: all layers but the head on voxels of 2 mm; a core of an EPYC without AMX,
torch 2.13.0, three seeds; Dice of front / back, per cent, means; standard deviations over seeds up to 4 of the first
two and of the derived network, up to 12 of the small one, up to 37 of the last row, where one seed in three learnt):

                        parameters  epochs       upright          cube        angles
    plain                1,246,150       3   84.5 / 83.3    10.9 / 8.2     8.7 / 7.4
    plain + cube         1,246,150       3   71.7 / 68.4   70.3 / 68.2   59.1 / 54.8
    plain + angles       1,246,150       2   49.2 / 58.7   47.5 / 58.7   50.4 / 60.9
    small + angles          59,975       7   58.3 / 62.6   62.1 / 64.0   64.8 / 64.0
    derived O               60,500       3   77.3 / 78.1   77.3 / 78.1   53.2 / 62.6
    derived O + angles      60,500       2   11.5 / 22.3   11.5 / 22.3   20.9 / 23.4

On the fine grid, where the first field holds one regular copy, the derived network learns nothing in that time.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from cells import Cells, spread, use_threads
from torch import nn

import erlangen as eg
from erlangen.adapt import augmentation
from erlangen.blueprint import precision
from erlangen.data import RaggedSplit
from erlangen.learn import dice_coefficients

ARMS: dict[str, tuple[str, float, str | None]] = {  # name -> (group, width, augmentation)
    "plain": ("C1", 1.0, None),
    "plain + cube": ("C1", 1.0, "O"),
    "plain + angles": ("C1", 1.0, "rotation"),
    "small + angles": ("C1", 0.22, "rotation"),
    "derived O": ("O", 1.0, None),
    "derived O + angles": ("O", 1.0, "rotation"),
}
LAYERS: dict[str, Any] = {  # all but the head on voxels of 2 mm, for machines without fast bfloat16
    "widths": (32, 64, 64, 128, 128),
    "coarsen_after": (-1, 0, 2),
}
POSES = {"upright": None, "cube": "O", "angles": "rotation"}
DRAWS = 2


def train(arm: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Train one arm once and score it in every pose."""
    data = eg.data.load("hippocampus")
    if data.fallback:
        print(data.summary(), flush=True)
    group, width, augment = ARMS[arm]
    judged = data.validation if given.validation else data.test
    data = replace(data, test=data.test.take([]))
    if given.smoke:
        few = data.train.take(range(4))
        data, judged = replace(data, train=few, validation=few.take([0])), judged.take([0])
    torch.manual_seed(seed)
    layers = LAYERS if given.coarse else {}
    net = eg.derive(data.field(group), data.task, "small", width=width * given.width, **layers)
    length = {"epochs": given.epochs} if given.epochs else {"minutes": given.minutes}
    recipe = {"batch_size": 2, "lr": given.lr, "weight_decay": 0.01, "ema": 0.99}
    run = eg.fit(net, data, seed=seed, augment=augment, progress=False, **length, **recipe)
    found = {k: run.metrics[k] for k in ("parameters", "multiplications", "epochs", "seconds", "validation_dice")}
    return found | scores(run.model, judged, 1 if given.smoke else DRAWS)


@torch.no_grad()
def scores(model: nn.Module, split: RaggedSplit, draws: int) -> dict[str, float]:
    """Dice of both labels in every pose, means over cases and draws."""
    model.eval()
    found = {}
    for pose, name in POSES.items():
        turned = augmentation(name, eg.Grid(3), None, eg.Segment(3))
        rows = []
        for case in range(len(split)):
            x, y = split.batch([case])
            for draw in range(draws if turned is not None else 1):
                place = 1000 * draw + case
                if turned is not None:
                    moved = turned(x, torch.Generator().manual_seed(place))
                    labels = turned.targets(y, torch.Generator().manual_seed(place))
                else:
                    moved, labels = x, y
                with precision("auto"):
                    output = model(moved)
                rows.append(dice_coefficients(output.argmax(1), labels, 3)[0])
        front, back = torch.stack(rows).nanmean(0).tolist()
        found[f"front {pose}"], found[f"back {pose}"], found[f"dice {pose}"] = front, back, (front + back) / 2
    return found


def main() -> None:
    """Train what is missing, print the table."""
    parser = argparse.ArgumentParser(description="hippocampus: the rotations of the cube, built in or shown")
    parser.add_argument("--out", type=Path, default=None, help="JSON file of finished cells")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=12.0, help="of training, for every arm")
    parser.add_argument("--epochs", type=int, default=None, help="in place of minutes")
    parser.add_argument("--width", type=float, default=1.0, help="of all arms, for machines without fast bfloat16")
    parser.add_argument("--coarse", action="store_true", help="all layers but the head at half the resolution")
    parser.add_argument("--lr", type=float, default=3e-3)
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
            print(f"{key(arm, seed, given)}: Dice {done['dice upright']:.4f}, {done['seconds']:.0f} s", flush=True)
    table(cells, given)


def key(arm: str, seed: int, given: argparse.Namespace) -> str:
    """The name of a cell."""
    length = f"{given.epochs} epochs" if given.epochs else f"{given.minutes:g} minutes"
    words = [arm, length, f"lr {given.lr:g}", f"seed {seed}"]
    words += [f"width {given.width:g}"] if given.width != 1.0 else []
    words += ["coarse"] if given.coarse else []
    return ", ".join([*words, "validation"] if given.validation else words)


def table(cells: Cells, given: argparse.Namespace) -> None:
    """One row an arm: what it cost, then Dice in every pose, mean ± sd over seeds."""
    head = " ".join(f"{f'{what} {pose}':>15s}" for pose in POSES for what in ("front", "back"))
    print(f"\n{'arm':19s} {'parameters':>10s} {'epochs':>6s} {'minutes':>7s} {head}")
    for arm in given.arms:
        names = [key(arm, seed, given) for seed in range(given.seeds)]
        first = cells.found[names[0]]
        values = " ".join(
            f"{spread([100 * v for v in cells.column(names, f'{what} {pose}')], 1):>15s}"
            for pose in POSES
            for what in ("front", "back")
        )
        print(
            f"{arm:19s} {first['parameters']:>10,} {first['epochs']:>6.0f} {first['seconds'] / 60:>7.1f} {values}",
            flush=True,
        )


if __name__ == "__main__":
    main()
