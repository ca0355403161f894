"""Is the symmetry right for the labels? Accuracy per class, confused pairs, motions that turn one class into another.

An invariant network gives x and g·x the same label. If g turns samples of one class into samples of another (a mirrored
2 and a 5, say), no invariant network can tell the two apart, however well it is trained.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from erlangen.audit.probe import Probe
from erlangen.blueprint import Action

PAIRS = 3  # the most confused pairs are looked at
FEWEST = 5  # samples a class needs before its neighbours are counted
NEIGHBOURS = 256  # at most this many samples a class


@dataclass(frozen=True)
class Pair:
    """Two classes that the network confuses.

    Args:
        first: a class.
        second: the other one.
        mistakes: samples of either that were given the other's label.
        samples: samples of both.
    """

    first: int
    second: int
    mistakes: int
    samples: int


@dataclass(frozen=True)
class LookAlike:
    """How often a moved sample of one class looks most like another class.

    Args:
        first: class of the samples that are moved.
        second: the other class.
        action: the motion.
        moved: share of samples of `first` whose nearest neighbour, once moved, is of `second`.
        still: the same share without motion.
        samples: how many samples were moved.
    """

    first: int
    second: int
    action: str
    moved: float
    still: float
    samples: int

    def words(self) -> str:
        """The finding as a sentence."""
        return (
            f"{self.action}: {self.moved:.0%} of {self.samples} samples of class {self.first} look most like class "
            f"{self.second} once moved ({self.still:.0%} before). Where {self.action} truly turns {self.first} into "
            f"{self.second}, an invariant network cannot tell them apart: leave {self.action} out of the group."
        )


@dataclass(frozen=True)
class Transition:
    """Samples of one class that the network takes for another once they are moved.

    Args:
        first: their class, which the network got right without motion.
        second: the label most of them get once moved.
        action: the motion.
        share: of the samples that get that label.
        samples: how many samples there were.
    """

    first: int
    second: int
    action: str
    share: float
    samples: int

    def words(self) -> str:
        """The finding as a sentence."""
        return (
            f"{self.action}: {self.share:.0%} of {self.samples} rightly labelled samples of class {self.first} are "
            f"labelled {self.second} once moved. If {self.action} truly turns {self.first} into {self.second}, leave "
            f"{self.action} out of the group; if not, the network has not learnt it."
        )


@dataclass(frozen=True)
class ClassReport:
    """Labels class by class.

    Args:
        accuracy: of every class that occurs, on samples as they are.
        count: samples of every class.
        pairs: the most confused pairs.
        look_alikes: motions of the declared group that turn one class of a confused pair into the other.
        transitions: motions under which the network takes most samples of one class for another.
    """

    accuracy: dict[int, float]
    count: dict[int, int]
    pairs: tuple[Pair, ...]
    look_alikes: tuple[LookAlike, ...]
    transitions: tuple[Transition, ...]


def class_report(
    predicted: Tensor, targets: Tensor, probe: Probe, actions: list[Action], moved: dict[str, Tensor]
) -> ClassReport:
    """Tabulate labels, and look at the most confused pairs.

    Args:
        predicted: [n] classes the network gave.
        targets: [n] true classes; -1 is left out.
        probe: the samples, for their looks; images only.
        actions: exact elements of the declared group.
        moved: [n] classes the network gave to the moved samples, by action.
    """
    changed = transitions(predicted, targets, moved)
    known = targets >= 0
    predicted, targets = predicted[known], targets[known]
    classes = targets.unique().tolist()
    accuracy = {c: float((predicted[targets == c] == c).double().mean()) for c in classes}
    count = {c: int((targets == c).sum()) for c in classes}
    pairs = confused(predicted, targets, classes)
    seen: list[LookAlike] = []
    signals = [chunk.signal for chunk in probe.chunks]
    if bool(known.all()) and all(isinstance(s, Tensor) for s in signals):
        x = torch.cat(signals)
        for pair in pairs:
            for a, b in ((pair.first, pair.second), (pair.second, pair.first)):
                alike = look_alikes(x[targets == a][:NEIGHBOURS], x[targets == b][:NEIGHBOURS], a, b, actions)
                seen += sorted(alike, key=lambda found: -found.moved)[:1]
    return ClassReport(accuracy, count, tuple(pairs), tuple(seen), tuple(changed))


def transitions(predicted: Tensor, targets: Tensor, moved: dict[str, Tensor]) -> list[Transition]:
    """Pairs of classes of which the first is mostly taken for the second once moved, each with its worst motion."""
    found = []
    for c in targets[targets >= 0].unique().tolist():
        right = (targets == c) & (predicted == c)
        if int(right.sum()) < FEWEST:
            continue
        for label, given in moved.items():
            other = int(given[right].mode().values)
            share = float((given[right] == other).double().mean())
            if other != c and share > 0.5:
                found.append(Transition(c, other, label, share, int(right.sum())))
    best: dict[tuple[int, int], Transition] = {}
    for t in sorted(found, key=lambda t: -t.share):
        best.setdefault((t.first, t.second), t)
    return list(best.values())[: 2 * PAIRS]


def confused(predicted: Tensor, targets: Tensor, classes: list[int]) -> list[Pair]:
    """The most confused pairs of classes, worst first."""
    found = []
    for i, a in enumerate(classes):
        for b in classes[i + 1 :]:
            mistakes = int(((targets == a) & (predicted == b)).sum() + ((targets == b) & (predicted == a)).sum())
            if mistakes:
                found.append(Pair(a, b, mistakes, int(((targets == a) | (targets == b)).sum())))
    return sorted(found, key=lambda p: -p.mistakes / p.samples)[:PAIRS]


def look_alikes(x: Tensor, y: Tensor, first: int, second: int, actions: list[Action]) -> list[LookAlike]:
    """Motions after which most samples of one class have their nearest neighbour in the other.

    Args:
        x: [n, …] samples of the class `first`.
        y: [m, …] samples of the class `second`.
        first: number of that class.
        second: number of the other class.
        actions: the motions.

    Nearest by Euclidean distance of the samples as they are; a sample is not its own neighbour. A motion is reported if
    the share of neighbours in the other class rises above a half, and by more than a quarter and four standard errors
    of a difference of shares: many pairs and motions are tried, so two standard errors would often be chance.
    """
    if len(x) < FEWEST or len(y) < FEWEST:
        return []
    mine, other = x.flatten(1), y.flatten(1)
    own = torch.eye(len(x), dtype=torch.bool)

    def share(moved: Tensor) -> float:
        here = torch.cdist(moved, mine).masked_fill(own, float("inf")).min(1).values
        return float((torch.cdist(moved, other).min(1).values < here).double().mean())

    still = share(mine)
    least = max(0.25, 4 * (0.5 / len(x)) ** 0.5)
    found = []
    for action in actions:
        turned = action.move(x, None)
        if turned.shape != x.shape:
            continue
        moved = share(turned.flatten(1))
        if moved > 0.5 and moved > still + least:
            found.append(LookAlike(first, second, action.label, moved, still, len(x)))
    return found
