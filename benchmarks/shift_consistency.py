"""Does a classifier say the same of an image and of the image shifted? FashionMNIST, random shifts of any length.

Arms, all of the same widths, kernels, steps and training images, without symmetry but that of shifts (group C1):

    zeros, max          what everybody has: zero padding, maximum over 2×2
    zeros, blur         zero padding, anti-aliased pooling (the default of `derive`)
    circular, max       circular padding, maximum over 2×2
    circular, maxblur   circular padding, maximum and a binomial filter (as in Zhang 2019, arXiv 1904.11486)
    exact               shift="exact": circular padding, polyphase pooling of the maximum, filtered
    exact, blur         the same without the maximum
    exact, plain        the same without either (as in Chaman & Dokmanić 2021, arXiv 2011.14214)
    exact, D1           shift="exact", with left-right mirrors besides

"+ shifts" trains an arm with every image shifted at random, circularly. `same` is the share of test images whose class
is the same under two random circular shifts, `moved` the error on circularly shifted images, `frame` the share of
images whose class is the same after a true shift by up to 3 pixels, in which what leaves the frame is lost and zeros
come in; `change` the worst relative change of the outputs under a circular shift by one pixel.

    python benchmarks/shift_consistency.py --out runs/shift_consistency.json
    python benchmarks/shift_consistency.py --smoke

Last run (`--size tiny --threads 1`: 10,000 images, three seeds):

    %                      parameters  minutes           error           moved            same           frame   change
    zeros, max                 39,610      0.7    11.42 ± 0.27    51.71 ± 2.40    53.92 ± 1.78    84.41 ± 3.61  7.8e-01
    zeros, blur                39,610      2.3    11.07 ± 0.20    52.89 ± 3.94    52.88 ± 2.15    87.47 ± 3.82  4.4e-01
    zeros, blur + shifts       39,610      2.3    16.60 ± 0.55    15.67 ± 0.56    91.76 ± 0.57    92.35 ± 2.44  4.1e-01
    circular, max              39,610      0.7    11.53 ± 0.05    14.43 ± 0.75    91.73 ± 1.18    86.82 ± 2.47  7.6e-01
    circular, maxblur          39,610      2.1    10.79 ± 0.10    12.78 ± 0.27    94.11 ± 0.39    90.38 ± 2.93  4.5e-01
    exact                      39,610      2.0    11.10 ± 0.32    10.99 ± 0.64   100.00 ± 0.00    92.12 ± 3.26  1.9e-07
    exact, blur                39,610      1.7    11.59 ± 0.02    11.54 ± 0.32   100.00 ± 0.00    91.73 ± 3.53  9.0e-02
    exact, plain               39,610      1.4    13.52 ± 0.21    13.48 ± 0.69   100.00 ± 0.00    90.23 ± 3.67  1.3e-07
    exact, D1                  19,810      2.8    12.56 ± 0.27    12.24 ± 0.59   100.00 ± 0.00    91.62 ± 4.00  8.3e-02
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from cells import Cells, spread
from torch import Tensor, nn

import erlangen as eg
from erlangen.data import TensorSplit

ARMS: dict[str, dict[str, Any]] = {
    "zeros, max": {"coarsen": {"kind": "max"}},
    "zeros, blur": {},
    "zeros, blur + shifts": {"shifts": True},
    "circular, max": {"circular": True, "coarsen": {"kind": "max"}},
    "circular, maxblur": {"circular": True, "coarsen": {"kind": "maxblur"}},
    "exact": {"shift": "exact"},
    "exact, blur": {"shift": "exact", "coarsen": {"kind": "blur"}},
    "exact, plain": {"shift": "exact", "coarsen": {"kind": "plain"}},
    "exact, D1": {"shift": "exact", "group": "D1"},
}


def build(data: "eg.data.Dataset", arm: dict[str, Any], size: str, seed: int) -> nn.Module:
    """The network of an arm, untrained."""
    options = {k: v for k, v in arm.items() if k in ("coarsen", "shift")}
    field = data.field(arm.get("group", "C1"))
    torch.manual_seed(seed)
    if arm.get("circular"):
        recipe = field.space.recipe(size, field, data.task)
        options["local"] = [{**local, "padding_mode": "circular"} for local in recipe.local]
    return eg.derive(field, data.task, size, **options)


def train(
    data: "eg.data.Dataset", arm: dict[str, Any], count: int, seed: int, steps: int, size: str, judged: int
) -> dict[str, Any]:
    """Train one arm; its errors, its consistency, parameters and minutes."""
    part = data.train.subset(count, seed)
    if arm.get("shifts"):
        x, y = part.batch(torch.arange(len(part)))
        generator = torch.Generator().manual_seed(seed)
        copies = [shifted(x, generator) for _ in range(8)]  # eight shifts of every image, each epoch an eighth of them
        part = TensorSplit(torch.cat(copies), y.repeat(8))
    net = build(data, arm, size, seed)
    generator = torch.Generator().manual_seed(1000 + seed)
    x, y = data.test.batch(torch.randperm(len(data.test), generator=generator)[:judged])
    run = eg.fit(
        net, replace(data, train=part), seed=seed, epochs=max(1, round(steps * 64 / len(part))), progress=False
    )
    m = run.metrics
    return {
        "error": 100 * m["test_error"],
        "same": consistency(run.model, x, seed),
        "change": change(run.model, x),
        "moved": 100 * float((classes(run.model, shifted(x, generator)) != y).float().mean()),
        "frame": frame(run.model, x, generator),
        "parameters": m["parameters"],
        "minutes": m["seconds"] / 60,
    }


@torch.no_grad()
def classes(model: nn.Module, x: Tensor) -> Tensor:
    """The classes a network gives to images, in parts."""
    model.eval()
    return torch.cat([model(part).argmax(1) for part in x.split(256)])


def consistency(model: nn.Module, x: Tensor, seed: int) -> float:
    """Share of images, in per cent, with one class under two random circular shifts."""
    generator = torch.Generator().manual_seed(seed)
    one, two = (classes(model, shifted(x, generator)) for _ in range(2))
    return 100 * float((one == two).float().mean())


@torch.no_grad()
def change(model: nn.Module, x: Tensor) -> float:
    """max |f(t·x) - f(x)| / |f(x)| over images and shifts by one pixel."""
    model.eval()
    worst = 0.0
    for part in x.split(256):
        y = model(part)
        for axis in (2, 3):
            worst = max(worst, float(((model(part.roll(1, axis)) - y).norm(dim=1) / y.norm(dim=1)).max()))
    return worst


def shifted(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every image rolled by its own random shift."""
    n, _, h, w = x.shape
    dy, dx = (torch.randint(m, (n, 1), generator=generator) for m in (h, w))
    rows, columns = (torch.arange(h) - dy) % h, (torch.arange(w) - dx) % w
    return x[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)


def frame(model: nn.Module, x: Tensor, generator: torch.Generator, most: int = 3) -> float:
    """Share of images, in per cent, with one class before and after a shift out of the frame."""
    padded = nn.functional.pad(x, (most,) * 4)
    h, w = x.shape[2:]
    before = classes(model, x)
    same = []
    for _ in range(4):
        dy, dx = (int(torch.randint(2 * most + 1, (), generator=generator)) for _ in range(2))
        same.append((classes(model, padded[:, :, dy : dy + h, dx : dx + w]) == before).float().mean())
    return 100 * float(torch.stack(same).mean())


def main() -> None:
    """Train what is missing, print the table."""
    parser = argparse.ArgumentParser(description="consistency of classifiers under shifts")
    parser.add_argument("--out", type=Path, default=None, help="JSON file of finished cells")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--count", type=int, default=10000, help="training images")
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--size", default="small")
    parser.add_argument("--judged", type=int, default=4000, help="test images whose consistency is measured")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--smoke", action="store_true", help="seconds instead of hours: that it runs, not what it says")
    given = parser.parse_args()
    if given.smoke:
        given.seeds, given.count, given.steps, given.size, given.judged = 1, 64, 2, "tiny", 64
    torch.set_num_threads(given.threads)
    data = eg.data.load("fashion-mnist", validation=1000)
    data = replace(data, validation=data.test.take([]), test=data.test.subset(200) if given.smoke else data.test)
    cells = Cells(given.out)
    for seed in range(given.seeds):
        for arm in given.arms:
            name = key(arm, seed, given)
            done = cells.get(
                name, partial(train, data, ARMS[arm], given.count, seed, given.steps, given.size, given.judged)
            )
            print(f"{name}: {done['error']:.2f} % error, {done['same']:.2f} % the same", flush=True)
    columns = ("error", "moved", "same", "frame")
    head = "".join(f"{c:>16s}" for c in columns)
    print(f"\n{'%':22s} {'parameters':>10s} {'minutes':>8s}{head} {'change':>8s}")
    for arm in given.arms:
        names = [key(arm, seed, given) for seed in range(given.seeds)]
        minutes = cells.column(names, "minutes")
        row = "".join(f"{spread(cells.column(names, c)):>16s}" for c in columns)
        print(
            f"{arm:22s} {cells.column(names, 'parameters')[0]:>10,} {sum(minutes) / len(minutes):>8.1f}{row} "
            f"{max(cells.column(names, 'change')):>8.1e}"
        )


def key(arm: str, seed: int, given: argparse.Namespace) -> str:
    """The name of a cell."""
    return f"{arm}, {given.count} images, seed {seed}, {given.steps} steps, {given.size}"


if __name__ == "__main__":
    main()
