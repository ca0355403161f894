"""What does a trained network gain, and pay, when it is made equivariant from outside?

An ordinary network is trained, without augmentation, and then symmetrised by every method that its group has. Columns:
the score on test data as they are ("upright") and moved by random elements of the group ("moved"), the largest relative
error |F(g·x) - g·F(x)| / |F(x)| over all (or 24 random) elements and 64 examples, how many test examples had ties, and
how many passes of the ordinary network a pass takes, by count and by the clock.

    mnist-rot    images, D4: a CNN with zero padding, pooling and a flat head; accuracy, invariant
    digits       mnist, C4: the same network trained on upright digits, which the turned ones are not
    fastsk-ctcf  letters of DNA, RC: a CNN; accuracy, invariant
    profiles     simulated stranded counts, RC: a CNN whose two output tracks the group swaps; mean squared error
    vectors      five vectors in space to one, y = Σ |x|² x, O(3): a perceptron; mean squared error, equivariant

    python benchmarks/symmetrize.py --threads 1
    python benchmarks/symmetrize.py --smoke

Measured (one thread of a machine that did other work: the last column is rough; 2,000 test examples, vectors 2,400):

                    upright      moved     error           ties  passes    time
    mnist-rot, D4, 29,290 parameters, 27 s of training
      network       91.30 %    74.65 %   1.5e+00              –      ×1    ×1.0
      average       79.85 %    79.85 %   1.5e-07              –      ×8   ×19.1  exact
      canonical     75.15 %    75.15 %   0.0e+00     2 of 4,000      ×1    ×2.2  exact
      weighted      79.90 %    79.90 %   1.6e-07              –      ×8   ×23.5  exact
    digits, C4, 29,290 parameters, 30 s of training
      network       98.45 %    40.10 %   1.9e+00              –      ×1    ×0.8
      average       65.35 %    65.35 %   1.1e-07              –      ×4    ×5.9  exact
      canonical     81.80 %    81.80 %   0.0e+00     0 of 4,000      ×1    ×0.8  exact
      weighted      69.95 %    69.95 %   1.0e-07              –      ×4    ×5.0  exact
    fastsk-ctcf, RC, 4,034 parameters, 5 s of training
      network       90.85 %    90.85 %   1.6e+00              –      ×1    ×0.8
      average       90.70 %    90.70 %   0.0e+00              –      ×2    ×1.6  exact
      canonical     90.75 %    90.75 %   0.0e+00    18 of 4,000      ×1    ×1.0  exact
      weighted      90.80 %    90.80 %   0.0e+00              –      ×2    ×1.8  exact
    profiles, RC, 11,299 parameters, 10 s of training
      network         0.342      0.342   7.0e-02              –      ×1    ×1.3
      average        0.3419     0.3419   0.0e+00              –      ×2    ×2.9  exact
      canonical      0.3421     0.3421   0.0e+00     6 of 2,000      ×1    ×1.8  exact
      weighted       0.3419     0.3419   0.0e+00              –      ×2    ×1.7  exact
    vectors, O(3), 18,947 parameters, 8 s of training
      network        0.3732       0.38   1.7e+00              –      ×1    ×1.0
      average        0.1877     0.1872   5.0e-01              –     ×32   ×59.8  approximate
      canonical      0.4004     0.4004   1.3e-06     0 of 4,800      ×1    ×7.8  exact
      frames         0.2501     0.2501   1.4e-06     0 of 4,800      ×8    ×9.6  exact
      weighted       0.2112     0.2112   7.7e-07              –     ×40   ×43.6  exact

Exactness is certain, accuracy is not: versions that the network never saw (mirrored and upside-down digits) drag an
average down on data as they are, and up on moved ones; a canonical form shows one pose of each image, which may be one
that the network does not know. Where the data have the symmetry (CTCF, profiles) hardly anything changes; where it is
right and the network did not find it (vectors), frames and weighted frames cut the error by 33 and 43 %, while one
canonical pose raises it by 7 %.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from cells import use_threads
from torch import Tensor, nn

import erlangen as eg
from erlangen.adapt import DegenerateFrames, RandomElement
from erlangen.adapt.turn import RandomMatrix
from erlangen.learn import evaluate

EXAMPLES = 64  # for the error
ELEMENTS = 24  # of groups that cannot be listed
TEST = 2000


@dataclass(frozen=True)
class Case:
    """One network to symmetrise.

    Args:
        data: to train and judge on.
        field: what the network reads, with the group.
        out_field: what it answers; None where the task of the data says so.
        model: the network, not trained yet.
        epochs: of the training.
        methods: of `symmetrize`.
        score: name of the metric.
    """

    data: Any
    field: eg.Field
    out_field: eg.Field | None
    model: nn.Module
    epochs: int
    methods: tuple[str, ...]
    score: str = "accuracy"


def images(name: str, group: str, smoke: bool) -> Case:
    """An ordinary CNN on 28 × 28 grey images."""
    data = eg.data.load(name, validation=0)
    data = replace(data, train=data.train.subset(200 if smoke else 6000), test=data.test.subset(200 if smoke else TEST))
    layers: list[nn.Module] = []
    for before, after in ((1, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 9, 10))
    return Case(data, data.field(group), None, model, 1 if smoke else 6, ("average", "canonical", "weighted"))


def binding(name: str, smoke: bool) -> Case:
    """An ordinary CNN on one-hot letters."""
    data = eg.data.load(name, validation=0.0)
    data = replace(
        data, train=data.train.subset(64) if smoke else data.train, test=data.test.subset(200 if smoke else TEST)
    )
    model = nn.Sequential(
        nn.Conv1d(4, 64, 15, padding=7),
        nn.ReLU(),
        nn.AdaptiveMaxPool1d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(64, 2),
    )
    return Case(data, data.field("RC"), None, model, 1 if smoke else 10, ("average", "canonical", "weighted"))


def tracks(smoke: bool) -> Case:
    """An ordinary CNN on letters with an answer for every letter and strand."""
    data = eg.data.load("profiles", **({"train": 64, "test": 64} if smoke else {}))
    outputs = data.task.out_rep(data.field("RC").group).size
    model = nn.Sequential(
        nn.Conv1d(4, 32, 15, padding=7),
        nn.ReLU(),
        nn.Conv1d(32, 32, 9, padding=4),
        nn.ReLU(),
        nn.Conv1d(32, outputs, 1),
    )
    return Case(data, data.field("RC"), None, model, 1 if smoke else 6, ("average", "canonical", "weighted"), "mse")


def vectors(smoke: bool) -> Case:
    """An ordinary perceptron on five vectors side by side, to one vector."""
    generator = torch.Generator().manual_seed(0)
    field = eg.Point().field("O(3)", "5 standard")
    x = torch.randn(500 if smoke else 12000, 15, generator=generator)
    v = x.unflatten(1, (5, 3))
    y = (v.square().sum(2, keepdim=True) * v).sum(1) / 5
    data = eg.data.from_arrays(x, y, field, eg.Predict("standard"), name="vectors")
    model = nn.Sequential(nn.Linear(15, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 3))
    ways = ("average", "canonical", "frames", "weighted")
    return Case(data, field, field.with_rep("standard"), model, 1 if smoke else 20, ways, "mse")


CASES: dict[str, Callable[[bool], Case]] = {
    "mnist-rot": lambda smoke: images("mnist-rot", "D4", smoke),
    "digits": lambda smoke: images("mnist", "C4", smoke),
    "fastsk-ctcf": lambda smoke: binding("fastsk-ctcf", smoke),
    "profiles": tracks,
    "vectors": vectors,
}


def elements(field: eg.Field) -> list[Any]:
    """All of a finite group, 24 random ones of another."""
    group: Any = field.group
    return list(group.elements) if group.is_listed else group.sample(ELEMENTS, torch.Generator().manual_seed(1))


@torch.no_grad()
def largest_error(model: nn.Module, x: Tensor, field: eg.Field, out: eg.Field) -> float:
    """max |F(g·x) - g·F(x)| / |F(x)| over elements and examples."""
    here = model(x)
    size = here.flatten(1).norm(dim=1)
    gaps = [(model(field.act(g, x)) - out.act(g, here)).flatten(1).norm(dim=1) / size for g in elements(field)]
    return float(torch.stack(gaps).max())


def moved_test(case: Case) -> Any:
    """The test data, every example moved by its own random element, targets with it."""
    test, task = case.data.test, case.data.task
    kind = RandomElement if case.field.group.is_listed else RandomMatrix
    move = kind(case.field, task)
    streams = [torch.Generator().manual_seed(5) for _ in range(2)]
    return replace_split(test, move(test.signals, streams[0]), move.targets(test.targets, streams[1]))


def replace_split(test: Any, signals: Tensor, targets: Tensor) -> Any:
    """A split with other signals and targets."""
    return type(test)(signals, targets)


@torch.no_grad()
def seconds(model: nn.Module, x: Tensor) -> float:
    """Of one pass, at best of five."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    found = []
    for _ in range(5):
        start = clock()
        model(x)
        found.append(clock() - start)
    return min(found)


def rows(name: str, case: Case) -> None:
    """Train, then print one line for the network itself and one a method."""
    run = eg.fit(case.model, case.data, seed=0, epochs=case.epochs, augment=None, progress=False)
    model, task, moved = run.model.eval(), case.data.task, moved_test(case)
    x = case.data.test.signals[:EXAMPLES]
    size, took = run.metrics["parameters"], run.metrics["seconds"]
    print(f"{name}, {case.field.group}, {size:,} parameters, {took:.0f} s of training")
    arms: dict[str, Any] = {"network": model}
    for method in case.methods:
        arms[method] = eg.symmetrize(model, case.field, method, task=task, out_field=case.out_field, samples=32)
    out, alone = arms[case.methods[0]].out_field, seconds(model, x)
    for arm, net in arms.items():
        scores = [evaluate(net, split, task)[case.score] for split in (case.data.test, moved)]
        shown = [f"{100 * s:.2f} %" if case.score == "accuracy" else f"{s:.4g}" for s in scores]
        ties = f"{net.degenerate:,} of {net.seen:,}" if getattr(net, "seen", 0) else "–"
        law = "" if arm == "network" else "exact" if net.exact else "approximate"
        passes, cost = f"×{getattr(net, 'cost', 1):g}", f"×{seconds(net, x) / alone:.1f}"
        error = largest_error(net, x, case.field, out)
        print(
            f"  {arm:10s} {shown[0]:>10s} {shown[1]:>10s} {error:>9.1e} {ties:>14s} {passes:>7s} {cost:>7s}  {law}",
            flush=True,
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="networks made equivariant from outside")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--smoke", action="store_true", help="seconds instead of minutes: that it runs")
    given = parser.parse_args()
    use_threads(given.threads)
    warnings.simplefilter("ignore", DegenerateFrames)  # they are counted
    print(f"  {'':10s} {'upright':>10s} {'moved':>10s} {'error':>9s} {'ties':>14s} {'passes':>7s} {'time':>7s}")
    for name in given.cases:
        torch.manual_seed(0)
        rows(name, CASES[name](given.smoke))


if __name__ == "__main__":
    main()
