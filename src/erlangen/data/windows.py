"""Windows of a genome as examples, read from disk when a batch asks for them."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.blueprint import Classify, Task
from erlangen.data.bed import Interval, read_bed
from erlangen.data.dataset import Dataset
from erlangen.data.fasta import Genome
from erlangen.data.split import Indices, Split
from erlangen.data.targets import checked_targets, labels, numbers
from erlangen.errors import DataError, UnknownName

OUTSIDE = ("refuse", "pad")


class WindowSplit(Split):
    """Windows of one width around intervals of a genome; only the letters of the current batch are in memory.

    Args:
        genome: where the letters are.
        intervals: one an example; the window has its middle, and is read along its strand.
        targets: [N] labels, or values.
        width: letters a window.
        outside: "refuse" windows that leave their contig, or "pad" them with N.

    Raises:
        DataError: an interval or its window leaves the contig; as many targets as intervals are needed.
        UnknownName: an interval lies on a contig that the genome does not have.
    """

    def __init__(
        self, genome: Genome, intervals: Sequence[Interval], targets: Tensor, width: int, outside: str = "refuse"
    ) -> None:
        super().__init__(targets)
        if outside not in OUTSIDE:
            raise UnknownName("way to treat windows outside", outside, OUTSIDE)
        if len(intervals) != len(targets):
            raise DataError(f"{len(intervals)} intervals but {len(targets)} targets")
        if width < 1:
            raise DataError(f"windows of {width} letters are empty")
        self.genome, self.width, self.outside = genome, width, outside
        self.intervals = list(intervals)
        for interval in self.intervals:
            genome.check(interval.contig, interval.start, interval.stop)
            window = interval.window(width)
            if outside == "refuse" and not 0 <= window.start < window.stop <= genome.contigs[window.contig]:
                raise DataError(
                    f"the window of {width} letters around {interval.contig}:{interval.start}-{interval.stop} leaves "
                    f"the contig, which has {genome.contigs[interval.contig]:,}. Fix: outside='pad' fills up with N, "
                    "or leave the interval out."
                )

    def __len__(self) -> int:
        return len(self.intervals)

    def letters(self, index: int) -> str:
        """The text of one window."""
        window = self.intervals[index].window(self.width)
        size = self.genome.contigs[window.contig]
        left, right = max(0, -window.start), max(0, window.stop - size)
        if left + right >= self.width:
            return "N" * self.width
        inside = self.genome.fetch(window.contig, window.start + left, window.stop - right, window.strand)
        return "N" * right + inside + "N" * left if window.strand == "-" else "N" * left + inside + "N" * right

    def take(self, indices: Indices) -> "WindowSplit":
        """The split with these windows only."""
        rows = self._rows(indices)
        chosen = [self.intervals[i] for i in rows.tolist()]
        return WindowSplit(self.genome, chosen, self.targets[rows], self.width, self.outside)

    def batch(self, indices: Indices) -> tuple[Float[Tensor, "b 4 length"], Tensor]:
        """One-hot letters [B, 4, width] and targets."""
        from erlangen.grids.strand import one_hot

        rows = self._rows(indices)
        texts = [self.letters(i) for i in rows.tolist()]
        signals = one_hot(texts) if texts else torch.zeros(0, 4, self.width)
        return signals, self.targets[rows]


def from_bed(
    genome: "Genome | str | Path",
    bed: "str | Path | Iterable[Interval]",
    width: int,
    targets: "Tensor | Sequence[float] | str" = "score",
    *,
    validation: Collection[str] = (),
    test: Collection[str] = (),
    task: Task | None = None,
    outside: str = "refuse",
    name: str = "windows",
) -> Dataset:
    """A data set of windows, split by contig (neighbouring windows resemble each other, so a random split would leak).

    Args:
        genome: the genome, or the path of its FASTA file.
        bed: intervals, or the path of a BED file.
        width: letters a window.
        targets: one an interval; or "score" to take the column score of the BED file as the class (or value).
        validation: names of the contigs to choose by, or one name.
        test: names of the contigs to report, or one name.
        task: what is to be predicted; None classifies.
        outside: as in `WindowSplit`.
        name: what prints.

    Raises:
        DataError: intervals beyond a contig, nothing left to train on, a contig that is held out twice, or numbers that
            are no classes.
        UnknownName: a contig that the genome does not have.
    """
    from erlangen.grids.strand import Strand

    opened = genome if isinstance(genome, Genome) else Genome(genome)
    intervals = list(read_bed(bed)) if isinstance(bed, str | Path) else list(bed)
    held = {"validation": _contigs(validation, opened), "test": _contigs(test, opened)}
    if both := held["validation"] & held["test"]:
        raise DataError(f"{name}: {', '.join(sorted(both))} in validation and in test. Fix: name it in one of them.")
    if isinstance(targets, str):
        if targets != "score":
            raise UnknownName("column of targets", targets, ("score",))
        targets = torch.tensor([float(interval.score) for interval in intervals])
    space = Strand(width)
    declared = space.field("RC", "letters")
    if task is None:
        task = _classes(labels(numbers(targets, f"{name}, targets"), None, name), name)
    values = checked_targets(targets, task, declared.group, (width,), name)
    everything = WindowSplit(opened, intervals, values, width, outside)
    part = [next((w for w, contigs in held.items() if i.contig in contigs), "train") for i in intervals]
    splits: dict[str, Any] = {
        wanted: everything.take([i for i, found in enumerate(part) if found == wanted])
        for wanted in ("train", "validation", "test")
    }
    if not len(splits["train"]):
        raise DataError(f"{name}: nothing is left to train on. Fix: hold out fewer contigs.")
    provenance = {"asked": name, "source": str(opened.path), "fallback": False, "intervals": len(intervals)}
    provenance |= {wanted: sorted(contigs) for wanted, contigs in held.items()}
    return Dataset(name, space, 4, task, **splits, provenance=provenance, declared=declared)


def _contigs(named: Collection[str], genome: Genome) -> set[str]:
    """Names of contigs of a genome; a text is one name."""
    found = {named} if isinstance(named, str) else set(named)
    for contig in sorted(found - set(genome.contigs)):
        raise UnknownName(f"contig of {genome.path.name}", contig, genome.contigs)
    return found


def _classes(values: Tensor, name: str) -> Task:
    """Classification into 0 … n-1, if those are the labels and n > 1."""
    found = values.unique().tolist()
    if len(found) < 2 or found != list(range(len(found))):
        shown = ", ".join(map(str, found[:6])) + (", …" if len(found) > 6 else "")
        raise DataError(
            f"{name}: the labels are {shown or 'missing'}, but classes are numbered 0, 1, … and there are two or more. "
            "Fix: write the class of every interval into the fifth column, or give targets= and task=."
        )
    return Classify(len(found))
