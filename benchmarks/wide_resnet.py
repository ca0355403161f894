"""How long does it take to build WideResNet-28-10 with a symmetry, and to run it once?

Every arm in a fresh process, seconds of construction (imports and the lookup of the group not counted for either), of
one forward pass of four images of 32², parameters. `erlangen` is `wide_resnet(field, Classify(10), 28, 10)`, `escnn`
the same layers and widths from its modules with their default initialisation. Target: D8 in less than 3 s.

    python benchmarks/wide_resnet.py --out wide.json            # --smoke: WideResNet-10-1 with D4, without the peer
    python benchmarks/wide_resnet.py --out wide.json --peer     # and escnn (needs its own environment, see README.md)

Last run (one busy core, torch 2.13.0, escnn 1.0.11 with its cache on disk filled; escnn expands its kernels while it is
built, here for evaluation, erlangen at every forward pass unless exported):

    network        arm       built s  forward of 4 s  parameters
    WRN-28-10 D8   erlangen     0.10            1.00   1,526,270
    WRN-28-10 D8   escnn       11.92            0.71   1,525,460
    WRN-28-10 D4   erlangen     0.11            0.83   4,560,708
    WRN-28-10 D4   escnn       24.92            0.53   3,050,920
"""

import argparse
import multiprocessing
import time
from pathlib import Path
from typing import Any

import torch
from cells import Cells

GROUPS = ("C1", "C4", "D4", "D8")


def ours(group: str, depth: int, widen: int) -> dict[str, Any]:
    """Build and run the library's network."""
    import erlangen as eg
    from erlangen.grids.wide_resnet import wide_resnet

    field = eg.Grid(2, (32, 32)).field(group, 3)
    start = time.perf_counter()
    net = wide_resnet(field, eg.Classify(10), depth, widen).eval()
    built = time.perf_counter() - start
    return {"built": built, **run(net, torch.randn(4, 3, 32, 32))}


def theirs(group: str, depth: int, widen: int) -> dict[str, Any]:
    """Build and run the same network of escnn's modules."""
    from escnn import gspaces
    from escnn import nn as enn

    order = int(group[1:])
    act = gspaces.rot2dOnR2(order) if group[0] == "C" else gspaces.flipRot2dOnR2(order)
    regular = act.regular_repr

    class Block(torch.nn.Module):
        def __init__(self, before: Any, after: Any) -> None:
            super().__init__()
            self.first = enn.SequentialModule(enn.InnerBatchNorm(before), enn.ReLU(before))
            self.body = enn.SequentialModule(
                enn.R2Conv(before, after, 3, padding=1, bias=False),
                enn.InnerBatchNorm(after),
                enn.ReLU(after),
                enn.R2Conv(after, after, 3, padding=1, bias=False),
            )
            self.around = None if before == after else enn.R2Conv(before, after, 1, bias=False)

        def forward(self, x: Any) -> Any:
            y = self.first(x)
            return (x if self.around is None else self.around(y)) + self.body(y)

    start = time.perf_counter()

    def hidden(channels: int) -> Any:
        return enn.FieldType(act, max(1, round(channels / regular.size)) * [regular])

    image, now = enn.FieldType(act, 3 * [act.trivial_repr]), hidden(16)
    steps: list[Any] = [enn.R2Conv(image, now, 3, padding=1, bias=False)]
    for stage in range(3):
        if stage:
            steps.append(enn.PointwiseAvgPoolAntialiased(now, sigma=0.66, stride=2))
        for _ in range((depth - 4) // 6):
            after = hidden(16 * widen * 2**stage)
            steps.append(Block(now, after))
            now = after
    steps += [enn.InnerBatchNorm(now), enn.ReLU(now), enn.GroupPooling(now)]
    net = torch.nn.Sequential(*steps).eval()
    built = time.perf_counter() - start
    return {"built": built, **run(net, enn.GeometricTensor(torch.randn(4, 3, 32, 32), image))}


def run(net: torch.nn.Module, x: Any) -> dict[str, Any]:
    """Seconds of one forward pass, and parameters."""
    with torch.no_grad():
        start = time.perf_counter()
        net(x)
    return {"forward": time.perf_counter() - start, "parameters": sum(p.numel() for p in net.parameters())}


def apart(build: Any, *words: Any) -> dict[str, Any]:
    """The result of a function in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(build, words)


def main() -> None:
    """Fill the cells, print the table."""
    parser = argparse.ArgumentParser(description="construction of WideResNet-28-10 with a symmetry")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--peer", action="store_true", help="escnn in the same run")
    parser.add_argument("--groups", nargs="+", default=GROUPS)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    depth, widen = (10, 1) if arguments.smoke else (28, 10)
    cells = Cells(arguments.out)
    print("| network | arm | built s | forward of 4 s | parameters |\n|---|---|---|---|---|")
    for group in ("D4",) if arguments.smoke else arguments.groups:
        arms = {"erlangen": ours} | ({"escnn": theirs} if arguments.peer and group != "C1" else {})
        for arm, build in arms.items():
            name = f"WRN-{depth}-{widen} {group}"
            words = (build, group, depth, widen)
            r = cells.get(f"{name} {arm}", lambda words=words: apart(*words))
            print(f"| {name} | {arm} | {r['built']:.2f} | {r['forward']:.2f} | {r['parameters']:,} |", flush=True)


if __name__ == "__main__":
    main()
