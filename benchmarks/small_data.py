"""FashionMNIST from 1,000 to 10,000 images: does a mirror in the network beat mirrored images, and do turns help?

Arms, all of the same channel widths, the same steps and so about the same time:

    plain          an ordinary CNN (group C1)
    plain + flips  the same, every training image mirrored or not at random
    D1             derived for left-right mirrors
    D4             derived for mirrors and turns by 90°, though clothes hang upright
    D4 to D1       turns in the first blocks only (features may be turned, clothes may not)

Every run trains for the same number of steps, so that 1,000 images are seen ten times as often as 10,000. The subsets
of one seed are nested. The error is on all 10,000 test images, with the last weights.

    python benchmarks/small_data.py --out runs/small_data.json
    python benchmarks/small_data.py --smoke

Last run (`--threads 1 --size tiny --counts 1000 5000 --arms plain "plain + flips" D1 --steps 800 --seeds 2`, a core of
an EPYC without AMX, torch 2.13.0; error in per cent, mean ± standard deviation, minutes of processor time):

                   parameters  minutes         1,000         5,000
    plain              39,610      0.6  15.22 ± 0.40  12.75 ± 0.45
    plain + flips      39,610      0.6  15.68 ± 0.26  13.00 ± 0.41
    D1                 21,218      0.7  16.17 ± 0.44  13.47 ± 0.76

Mirrors help nobody in so few steps: the plain network is ahead, the derived one has half of its parameters.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from cells import Cells, spread, use_threads

import erlangen as eg

ARMS: dict[str, dict[str, Any]] = {
    "plain": {"group": "C1"},
    "plain + flips": {"group": "C1", "augment": "D1"},
    "D1": {"group": "D1"},
    "D4": {"group": "D4"},
    "D4 to D1": {"group": "D4", "options": {"restrict": {2: "D1"}}},
}


def train(data: "eg.data.Dataset", arm: dict[str, Any], count: int, seed: int, steps: int, size: str) -> dict[str, Any]:
    """Train one arm on `count` images; its test error, parameters and minutes."""
    part = replace(data, train=data.train.subset(count, seed))
    torch.manual_seed(seed)
    net = eg.derive(data.field(arm["group"]), data.task, size, **arm.get("options", {}))
    epochs = max(1, round(steps * 64 / count))
    run = eg.fit(net, part, seed=seed, epochs=epochs, augment=arm.get("augment"), progress=False)
    m = run.metrics
    return {"error": 100 * m["test_error"], "parameters": m["parameters"], "minutes": m["seconds"] / 60}


def main() -> None:
    """Train what is missing, print the table."""
    parser = argparse.ArgumentParser(description="small data: derived networks against plain ones with flips")
    parser.add_argument("--out", type=Path, default=None, help="JSON file of finished cells")
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 2000, 5000, 10000])
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--size", default="small")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--validation", action="store_true", help="report 5,000 held-out training images instead")
    parser.add_argument("--smoke", action="store_true", help="seconds instead of hours: that it runs, not what it says")
    given = parser.parse_args()
    if given.smoke:
        given.counts, given.seeds, given.steps, given.size = [64], 1, 2, "tiny"
    use_threads(given.threads)
    data = eg.data.load("fashion-mnist", validation=5000)
    print(data.summary(), flush=True)
    data = judged(data, given.validation, 200 if given.smoke else None)
    cells = Cells(given.out)
    for seed in range(given.seeds):
        for count in given.counts:
            for arm in given.arms:
                name = key(arm, count, seed, given)
                done = cells.get(name, partial(train, data, ARMS[arm], count, seed, given.steps, given.size))
                print(f"{name}: {done['error']:.2f} % error, {done['minutes']:.1f} minutes", flush=True)
    table(cells, given)


def judged(data: "eg.data.Dataset", validation: bool, most: int | None) -> "eg.data.Dataset":
    """The data with what errors are reported on as its test split, and nothing to choose weights by."""
    test = data.validation if validation else data.test
    return replace(data, test=test if most is None else test.subset(most), validation=test.take([]))


def key(arm: str, count: int, seed: int, given: argparse.Namespace) -> str:
    """The name of a cell."""
    words = [arm, f"{count} images", f"seed {seed}", f"{given.steps} steps", given.size]
    return ", ".join(words + (["validation"] if given.validation else []))


def table(cells: Cells, given: argparse.Namespace) -> None:
    """Mean ± standard deviation of the test error over seeds."""
    print(f"\n{'error, %':14s} {'parameters':>10s} {'minutes':>8s}" + "".join(f"{n:>16,}" for n in given.counts))
    for arm in given.arms:
        names = [[key(arm, count, seed, given) for seed in range(given.seeds)] for count in given.counts]
        minutes = cells.column((n for row in names for n in row), "minutes")
        parameters = cells.column(names[0], "parameters")[0]
        errors = "".join(f"{spread(cells.column(row, 'error')):>16s}" for row in names)
        print(f"{arm:14s} {parameters:>10,} {sum(minutes) / len(minutes):>8.1f}{errors}")


if __name__ == "__main__":
    main()
