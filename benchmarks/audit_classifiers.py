"""What do ordinary image classifiers respect, before and after training? Shifts, rotation, scale and colour.

Residual networks that differ only in their border and in how they halve the size, a ConvNeXt-like network and a vision
transformer, on FashionMNIST in random colours (32×32 with a dark rim), all trained alike without augmentation.

    same      share of test images, in per cent, whose class is the same under two random circular shifts
    frame     the same after a true shift by up to 3 pixels, with dark pixels coming in
    shift-x … Lie derivative ‖L f‖/‖f‖ per pixel, per radian, per log size, per radian of hue, per log of saturation
    by kind   which kinds of layers add to the derivative along shift-x, ‖df·L f_i‖/‖f‖ summed over layers of a kind

    python benchmarks/audit_classifiers.py --out runs/audit_classifiers.json
    python benchmarks/audit_classifiers.py --smoke

Last run (`--threads 1 --widths 8 16 32 --steps 400 --samples 16`). As the literature says: a filter before the stride
makes shifts harmless more often (with zeros around 42 → 48 %, circular 82 → 98 %), the strongest polyphase component
always (100 %), and true shifts by a few pixels gain as much (69 → 85 %, 71 → 96 %); most of what is left comes out of
pointwise nonlinearities; networks respond far more once they are trained; the transformer is no better at shifts:

                                          accuracy     same    frame  shift-x rotation    scale      hue   satur.
    ResNet, stride             random          9.6    100.0     99.7   0.0202   0.1788   0.2666   0.0304   0.0416
    ResNet, blur               random          9.6     99.7     99.7   0.0067   0.0323   0.1108   0.0393   0.0548
    ResNet, circular stride    random          9.6    100.0    100.0   0.0178   0.1700   0.2936   0.0269   0.0407
    ResNet, circular blur      random          9.6     99.9    100.0   0.0058   0.0320   0.2154   0.0419   0.0597
    ResNet, circular polyphase random          9.6    100.0    100.0   0.0529   0.4183   0.6732   0.0545   0.0447
    ConvNeXt-like              random          9.1     99.3    100.0   0.0343   0.2948   0.5610   0.0608   0.0511
    ViT-like                   random         10.6     90.8     92.8   0.0558   0.3785   1.0124   0.0936   0.0697
    ResNet, stride             400 steps      83.8     42.4     68.8   0.2483   2.2821   4.2861   0.0240   0.0290
    ResNet, blur               400 steps      84.6     48.2     84.7   0.2112   2.3848   2.5166   0.0226   0.0275
    ResNet, circular stride    400 steps      85.1     82.3     70.7   0.3079   2.3201   4.3861   0.0262   0.0266
    ResNet, circular blur      400 steps      84.1     98.0     95.8   0.2779   2.8230   3.0680   0.0285   0.0262
    ResNet, circular polyphase 400 steps      83.3    100.0     97.1   0.2814   2.5236   3.7616   0.0278   0.0351
    ConvNeXt-like              400 steps      82.4     26.6     44.1   0.2448   1.8280   2.1220   0.0226   0.0337
    ViT-like                   400 steps      77.7     27.7     49.2   0.2858   1.9819   3.6451   0.0308   0.0256

    the trained ones by kind, along shift-x
    ResNet, stride              ReLU 0.7912, Conv2d 0.7860
    ResNet, blur                ReLU 0.5684, Conv2d 0.4370, BlurPool 0.1423
    ResNet, circular stride     ReLU 0.5745, Conv2d 0.2647
    ResNet, circular blur       ReLU 0.5086, BlurPool 0.1041
    ResNet, circular polyphase  ReLU 0.6070, PolyphasePool 0.1416
    ConvNeXt-like               Conv2d 0.8095, LayerNorm2d 0.4047, GELU 0.0901
    ViT-like                    TransformerEncoderLayer 0.3911, Conv2d 0.2951, code 0.1488, LayerNorm 0.0012
"""

import argparse
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import torch
from cells import Cells
from torch import Tensor, nn

import erlangen as eg

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "audit"))
from ordinary import ARMS

GENERATORS = ("shift-x", "rotation", "scale", "hue", "saturation")
FIELD = eg.Grid(2).field("C1", 3)


def coloured(split: Any, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images [count, 3, 32, 32] in random colours, with their classes."""
    generator = torch.Generator().manual_seed(seed)
    x, y = split.batch(torch.randperm(len(split), generator=generator)[:count])
    colour = 0.25 + 0.75 * torch.rand(len(x), 3, 1, 1, generator=generator)
    return nn.functional.pad(x, (2,) * 4) * colour, y


def train(net: nn.Module, x: Tensor, y: Tensor, steps: int, batch: int, seed: int) -> None:
    """Adam with a cosine schedule, no augmentation."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, max(2, steps))
    net.train()
    for _ in range(steps):
        picked = torch.randint(len(x), (batch,), generator=generator)
        loss = nn.functional.cross_entropy(net(x[picked]), y[picked])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    net.eval()


@torch.no_grad()
def classes(net: nn.Module, x: Tensor) -> Tensor:
    """The classes given to images, in parts."""
    return torch.cat([net(part).argmax(1) for part in x.split(128)])


def rolled(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every image under a circular shift of its own."""
    n, _, h, w = x.shape
    dy, dx = (torch.randint(m, (n, 1), generator=generator) for m in (h, w))
    rows, columns = (torch.arange(h) - dy) % h, (torch.arange(w) - dx) % w
    return x[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)


def framed(x: Tensor, generator: torch.Generator, most: int = 3) -> Tensor:
    """All images under one true shift, zeros coming in."""
    dy, dx = (int(torch.randint(2 * most + 1, (), generator=generator)) for _ in range(2))
    padded = nn.functional.pad(x, (most,) * 4)
    return padded[:, :, dy : dy + x.shape[2], dx : dx + x.shape[3]]


def look(net: nn.Module, x: Tensor, y: Tensor, samples: int) -> dict[str, Any]:
    """Accuracy, consistency, Lie derivatives, and the kinds of layers that add to the one along x."""
    net.eval()
    generator = torch.Generator().manual_seed(0)
    clean = classes(net, x)
    one, two = (classes(net, rolled(x, generator)) for _ in range(2))
    frames = [float((classes(net, framed(x, generator)) == clean).float().mean()) for _ in range(4)]
    found: dict[str, Any] = {
        "accuracy": 100 * float((clean == y).float().mean()),
        "same": 100 * float((one == two).float().mean()),
        "frame": 100 * sum(frames) / len(frames),
    }
    for d in eg.audit.lie_derivatives(net, x[:samples], in_field=FIELD, generators=GENERATORS):
        found[d.generator] = d.error
    kinds: Counter[str] = Counter()
    for c in eg.audit.contributions(net, x[:samples], in_field=FIELD, generators=("shift-x",)):
        kinds[c.kind] += c.contribution
    found["kinds"] = dict(kinds.most_common(4))
    return found


def cell(arm: str, trained: bool, given: argparse.Namespace) -> dict[str, Any]:
    """One row of the table."""
    data = eg.data.load("fashion-mnist", validation=1000)
    torch.manual_seed(given.seed)
    net = ARMS[arm](tuple(given.widths), 3, 10)
    x, y = coloured(data.train, given.count, given.seed)
    if trained:
        train(net, x, y, given.steps, 64, given.seed)
    else:
        net.train()
        with torch.no_grad():
            for _ in range(20):  # the running statistics of the norms, so that signals pass
                net(x[:64])
    found = look(net, *coloured(data.test, given.judged, 1000 + given.seed), given.samples)
    return {**found, "parameters": sum(p.numel() for p in net.parameters())}


def main() -> None:
    """Compute what is missing, print the tables."""
    parser = argparse.ArgumentParser(description="symmetries of ordinary classifiers")
    parser.add_argument("--out", type=Path, default=None, help="JSON file of finished cells")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--widths", nargs="+", type=int, default=[16, 32, 64])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=20000, help="training images")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--judged", type=int, default=1000, help="test images")
    parser.add_argument("--samples", type=int, default=32, help="test images for derivatives")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--smoke", action="store_true", help="seconds instead of minutes: that it runs")
    given = parser.parse_args()
    if given.smoke:
        given.count, given.steps, given.judged, given.samples, given.widths = 64, 2, 32, 4, [4, 8]
    torch.set_num_threads(given.threads)
    cells = Cells(given.out)
    rows = []
    for trained in (False, True):
        for arm in given.arms:
            state = f"{given.steps} steps" if trained else "random"
            name = f"{arm}, {state}, widths {given.widths}, seed {given.seed}"
            rows.append((arm, state, cells.get(name, partial(cell, arm, trained, given))))
            print(name, rows[-1][2], flush=True)
    columns = ("accuracy", "same", "frame")
    print("\n" + f"{'':28s} {'':10s} {'parameters':>10s}" + "".join(f"{c:>11s}" for c in (*columns, *GENERATORS)))
    for arm, state, found in rows:
        numbers = "".join(f"{found[c]:11.1f}" for c in columns) + "".join(f"{found[g]:11.4f}" for g in GENERATORS)
        print(f"{arm:28s} {state:10s} {found['parameters']:>10,}{numbers}")
    print("\nby kind, along shift-x")
    for arm, state, found in rows:
        print(f"{arm:28s} {state:10s} " + ", ".join(f"{kind} {value:.4f}" for kind, value in found["kinds"].items()))


if __name__ == "__main__":
    main()
