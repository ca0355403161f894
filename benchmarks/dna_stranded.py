"""Negative control: what happens where the reverse complement is the WRONG symmetry, and does anybody notice?

Splice junctions and promoters are read on one strand: their reverse complement has another label. Arms as in
dna_binding.py, at equal widths, epochs and order of examples:

    plain       the network without the symmetry: derive(..., depth=4, words=1, dropout=0.1), as all of them
    augmented   + every training sequence on a random strand, with its label: a lie
    conjoined   the plain network, averaged over both strands in training and at test time
    RC          layers of the reverse complement, invariant head
    exchanged   for "stranded-motifs" (a motif on this strand or on the other) alone: the same layers, with classes that
                the reverse complement exchanges, the symmetry that these data do have

"motifs" (simulated) and CTCF are the positive control: there the reverse complement is right. Accuracy over folds
(splice, promoters) or seeds (the others); "moved" is the accuracy of the same network on the other strand of the test
sequences, with the labels of the first. Below each table stands what the paired scores of RC and plain say.

    python benchmarks/dna_stranded.py --out runs/dna_stranded.json --report runs/dna_stranded.html
    python benchmarks/dna_stranded.py --smoke

Last run (`--threads 1 --size tiny --seeds 5 --sets splice promoters stranded-motifs`, a core of an EPYC without AMX,
torch 2.13.0; per cent, mean ± standard deviation over folds or seeds; seconds of processor time):

    splice             accuracy         moved   flips  parameters  seconds
    plain          89.21 ± 1.00  52.50 ± 0.53   46.57      33,283     38.3
    augmented      78.95 ± 3.42  81.21 ± 2.12   17.92      33,283     28.7
    conjoined      84.94 ± 2.07  84.94 ± 2.07    0.00      33,283     39.8
    RC             83.61 ± 3.44  83.61 ± 3.44    0.00      17,827     37.7
    RC is the WRONG symmetry for splice: 0.836 with it, 0.892 without (95 % interval of the gain -0.093 to -0.019).

    promoters (11 test sequences a fold)
    plain          83.64 ± 9.96     63.64 ± 21     38.18      33,218      1.1
    augmented        72.73 ± 13     80.00 ± 16     21.82      33,218      1.0
    conjoined        80.00 ± 15     80.00 ± 15      0.00      33,218      1.3
    RC               89.09 ± 12     89.09 ± 12      0.00      17,762      0.9
    Whether promoters have the symmetry RC is undecided.

    stranded-motifs
    plain          98.67 ± 0.20   1.16 ± 0.24   98.41      33,218     30.3
    augmented      50.47 ± 0.78  50.02 ± 0.93   45.39      33,218     32.4
    conjoined      50.19 ± 1.43  50.19 ± 1.43    0.00      33,218     45.3
    RC             50.96 ± 0.72  50.96 ± 0.72    0.00      17,762     34.6
    exchanged      98.19 ± 0.26   1.81 ± 0.26  100.00      16,609     29.0
    RC is the WRONG symmetry for stranded-motifs: 0.510 with it, 0.987 without.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from cells import Cells, spread, use_threads
from torch import nn

import erlangen as eg
from erlangen.adapt import Conjoin
from erlangen.learn import Judgement, judge_symmetry
from erlangen.report import Section, write_report

SETS = {  # name -> whether folds (else seeds) are the pairs
    "splice": True,
    "promoters": True,
    "stranded-motifs": False,
    "motifs": False,
    "fastsk-ctcf": False,
}
DEEP = {"depth": 4, "words": 1, "dropout": 0.1}  # where a motif stands counts: twice the blocks of the default
ARMS = ("plain", "augmented", "conjoined", "RC", "exchanged")


def prepared(name: str, pair: int, smoke: bool) -> eg.data.Dataset:
    """The data of one fold or seed, all of what is not tested to train on."""
    option = {"fold": pair} if SETS[name] else {"seed": pair}
    data = eg.data.load(name, validation=0.0, **option)
    if data.fallback:
        print(data.summary(), flush=True)
    if smoke:
        data = replace(data, train=data.train.subset(64), test=data.test.subset(min(64, len(data.test))))
    return data


def train(name: str, arm: str, pair: int, given: argparse.Namespace) -> tuple[nn.Module, dict[str, Any]]:
    """One network of one arm, and its scores."""
    data = prepared(name, pair, given.smoke)
    torch.manual_seed(pair)
    field = data.field("RC" if arm in ("RC", "exchanged") else "C1")
    task = replace(data.task, rep="regular") if arm == "exchanged" else data.task
    net = eg.derive(field, task, given.size, **DEEP)
    model = Conjoin(net, data.field("RC")) if arm == "conjoined" else net
    augment = "RC" if arm == "augmented" else None
    start = time.perf_counter()
    test, data = data.test, replace(data, test=data.test.take([]))
    run = eg.fit(model, data, seed=pair, epochs=given.epochs, augment=augment, progress=False)
    seconds = time.perf_counter() - start
    model.eval()
    with torch.no_grad():
        here, there = model(test.signals).argmax(1), model(data.field("RC").act(1, test.signals)).argmax(1)
    return model, {
        "accuracy": float((here == test.targets).float().mean()),
        "moved": float((there == test.targets).float().mean()),
        "flips": float((here != there).float().mean()),
        "parameters": run.metrics["parameters"],
        "seconds": seconds,
    }


def main() -> None:
    """Train what is missing, print the tables and what they say, write the report."""
    parser = argparse.ArgumentParser(description="a symmetry that the data do not have")
    parser.add_argument("--out", type=Path, default=None, help="JSON file of finished cells")
    parser.add_argument("--report", type=Path, default=None, help="HTML page with audits of the first fold")
    parser.add_argument("--sets", nargs="+", default=list(SETS)[:4], choices=list(SETS))
    parser.add_argument("--seeds", type=int, default=10, help="folds or seeds, at most 10 folds")
    parser.add_argument("--epochs", type=int, default=None, help="None: the recipe's")
    parser.add_argument("--size", default="small")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--smoke", action="store_true", help="seconds instead of minutes: that it runs")
    given = parser.parse_args()
    if given.smoke:
        given.sets, given.seeds, given.epochs, given.size = ["stranded-motifs"], 2, 1, "tiny"
    use_threads(given.threads)
    cells, said, rows = Cells(given.out), [], []
    for name in given.sets:
        arms = [arm for arm in ARMS if arm != "exchanged" or name == "stranded-motifs"]
        for pair in range(given.seeds):
            for arm in arms:
                cell = key(name, arm, pair, given)
                done = cells.get(cell, lambda n=name, a=arm, p=pair: train(n, a, p, given)[1])
                print(f"{cell}: {100 * done['accuracy']:.2f} %, {done['seconds']:.0f} s", flush=True)
        rows += table(cells, name, arms, given)
        said.append(judgement(cells, name, given))
        print(f"{said[-1]}\n", flush=True)
    if given.report is not None:
        report(given, rows, said)


def table(cells: Cells, name: str, arms: list[str], given: argparse.Namespace) -> list[dict[str, Any]]:
    """Print one row an arm, and give the rows of the report."""
    print(f"{name}, {given.seeds} {'folds' if SETS[name] else 'seeds'}")
    print(f"{'':10s} {'accuracy, %':>14s} {'moved, %':>14s} {'flips, %':>9s} {'parameters':>11s} {'seconds':>8s}")
    rows = []
    for arm in arms:
        names = [key(name, arm, pair, given) for pair in range(given.seeds)]
        right, moved, flips = ([100 * v for v in cells.column(names, k)] for k in ("accuracy", "moved", "flips"))
        found = cells.found[names[0]]
        print(
            f"{arm:10s} {spread(right):>14s} {spread(moved):>14s} {sum(flips) / len(flips):>9.2f} "
            f"{found['parameters']:>11,} {found['seconds']:>8.1f}"
        )
        rows.append({"data": name, "arm": arm, "accuracy, %": spread(right), "on the other strand, %": spread(moved)})
    return rows


def judgement(cells: Cells, name: str, given: argparse.Namespace) -> Judgement:
    """What the scores of RC and plain say about these data."""
    pairs = range(given.seeds)
    scores = {arm: cells.column([key(name, arm, i, given) for i in pairs], "accuracy") for arm in ("RC", "plain")}
    return judge_symmetry(scores["RC"], scores["plain"], "RC", name)


def report(given: argparse.Namespace, rows: list[dict[str, Any]], said: list[Judgement]) -> None:
    """A page with the table, the judgements and an audit of plain and RC on the first fold of every set."""
    sections = []
    for name, judged in zip(given.sets, said, strict=True):
        data = prepared(name, 0, given.smoke)
        for arm in ("plain", "RC"):
            audit = eg.audit(train(name, arm, 0, given)[0], data, in_field=data.field("RC"), samples=256)
            sections.append(Section(f"{name}: {arm}", audit, note=judged.words))
    words = " ".join(judged.words for judged in said)
    command = f"python benchmarks/dna_stranded.py --seeds {given.seeds} --size {given.size}"
    path = write_report(given.report, "Is it a symmetry?", sections, rows, {"command": command}, words)
    print(f"report   {path}")


def key(name: str, arm: str, pair: int, given: argparse.Namespace) -> str:
    """The name of a cell."""
    words = [name, arm, f"{'fold' if SETS[name] else 'seed'} {pair}", given.size]
    return ", ".join(words + ([f"{given.epochs} epochs"] if given.epochs else []))


if __name__ == "__main__":
    main()
