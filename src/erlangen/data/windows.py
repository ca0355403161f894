"""Windows of a genome as examples, read from disk when a batch asks for them."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, SupportsIndex, cast

import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.blueprint import Classify, Task
from erlangen.data.bed import Interval, read_bed
from erlangen.data.dataset import Dataset
from erlangen.data.fasta import Genome
from erlangen.data.split import Indices, Split
from erlangen.data.strands import along_strand
from erlangen.data.targets import checked_targets, labels, numbers
from erlangen.errors import DataError, UnknownName

OUTSIDE = ("refuse", "pad")
LOOKED_AT = 64  # windows whose letters say which genome this is


class WindowSplit(Split):
    """Windows of one width around intervals of a genome; only the letters of the current batch are in memory.

    Args:
        genome: where the letters are.
        intervals: one an example; the window has its middle, and is read along its strand.
        targets: [N] labels, or values, as they are along the strand of each interval.
        width: letters a window.
        outside: "refuse" windows that leave their contig, or "pad" them with N.

    Raises:
        DataError: an interval or its window leaves the contig; as many targets as intervals are needed.
        UnknownName: an interval lies on a contig that the genome does not have.
    """

    def __init__(
        self, genome: Genome, intervals: Sequence[Interval], targets: Tensor, width: int, outside: str = "refuse"
    ) -> None:
        super().__init__(numbers(targets, "targets of windows"))
        if outside not in OUTSIDE:
            raise UnknownName("way to treat windows outside", outside, OUTSIDE)
        if len(intervals) != len(targets):
            raise DataError(f"{len(intervals)} intervals but {len(targets)} targets")
        if isinstance(width, bool) or not hasattr(width, "__index__") or width < 1:
            raise DataError(f"windows have a whole number of letters, 1 or more, got width={width!r}")
        width = int(cast(SupportsIndex, width).__index__())
        self.genome, self.width, self.outside = genome, width, outside
        self.intervals = list(intervals)
        if wrong := next((i for i in self.intervals if not isinstance(i, Interval)), None):
            raise DataError(f"windows lie around intervals, got {wrong!r}. Fix: Interval(contig, start, stop, …).")
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

    def text(self, index: int) -> str:
        """The letters of one window on the forward strand as they are in the file, where it lies on the contig."""
        window = self.intervals[index].window(self.width)
        start, stop = max(0, window.start), min(window.stop, self.genome.contigs[window.contig])
        return self.genome.raw(window.contig, start, stop) if start < stop else ""

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
    validation: Collection[str | int] | str | int = (),
    test: Collection[str | int] | str | int = (),
    task: Task | None = None,
    targets_along: str | None = None,
    outside: str = "refuse",
    ambiguous: str = "refuse",
    name: str = "windows",
) -> Dataset:
    """A data set of windows, split by contig (neighbouring windows resemble each other, so a random split would leak).

    Args:
        genome: the genome, or the path of its FASTA file.
        bed: intervals, or the path of a BED file.
        width: letters a window.
        targets: one an interval, those along the strand cut from `interval.window(width)`; or "score" to take the
            column score of the BED file as the class (or value).
        validation: names of the contigs to choose by, or one name ("chr8", or 8 where they are numbered).
        test: names of the contigs to report, or one name.
        task: what is to be predicted; None classifies.
        targets_along: which way targets with a direction (profiles, stranded counts, labels of letters) lie, for
            intervals on strand "-", whose letters are read backwards: "genome" turns those of such intervals too,
            "strand" leaves them; must be said where it matters.
        outside: as in `WindowSplit`.
        ambiguous: as in `read_fasta`, for a genome that is given by its path.
        name: what prints.

    Raises:
        DataError: intervals beyond a contig, nothing left to train on, a contig that is held out twice, numbers that
            are no classes, or targets whose direction is not known.
        UnknownName: a contig that the genome does not have.
    """
    from erlangen.grids.strand import Strand

    if task is not None and not isinstance(task, Task):
        raise DataError(f"{name}: task={task!r} is no task. Fix: task=eg.Classify(2), or another task.")
    opened = genome if isinstance(genome, Genome) else Genome(genome, ambiguous)
    intervals = list(read_bed(bed)) if isinstance(bed, str | Path) else list(bed)
    for interval in intervals:
        if isinstance(interval, Interval) and interval.contig not in opened.contigs:
            raise UnknownName(f"contig of {opened.path.name}", interval.contig, opened.contigs)
    held = {"validation": _contigs(validation, opened), "test": _contigs(test, opened)}
    if both := held["validation"] & held["test"]:
        raise DataError(f"{name}: {', '.join(sorted(both))} in validation and in test. Fix: name it in one of them.")
    if isinstance(targets, str):
        if targets != "score":
            raise UnknownName("column of targets", targets, ("score",))
        targets = _scores(intervals, name)
    space = Strand(width)
    declared = space.field("RC", "letters")
    if task is None:
        task = _classes(labels(numbers(targets, f"{name}, targets"), None, name), name)
    values = checked_targets(targets, task, declared.group, (width,), name)
    values = along_strand(values, intervals, task, declared, targets_along, name)
    everything = WindowSplit(opened, intervals, values, width, outside)
    part = [next((w for w, contigs in held.items() if i.contig in contigs), "train") for i in intervals]
    splits: dict[str, Any] = {
        wanted: everything.take([i for i, found in enumerate(part) if found == wanted])
        for wanted in ("train", "validation", "test")
    }
    if not len(splits["train"]):
        raise DataError(f"{name}: nothing is left to train on. Fix: hold out fewer contigs.")
    provenance = {"asked": name, "source": str(opened.path), "fallback": False, "intervals": len(intervals)}
    provenance |= {"sha256": _content(everything)}
    provenance |= {wanted: sorted(contigs) for wanted, contigs in held.items()}
    return Dataset(name, space, 4, task, **splits, provenance=provenance, declared=declared)


def _content(windows: WindowSplit) -> str:
    """A hash of intervals and targets, of the names and sizes of the contigs, and of the letters of some windows."""
    genome = windows.genome
    digest = hashlib.sha256(repr((windows.width, windows.outside, genome.ambiguous)).encode())
    digest.update(repr([tuple(i) for i in windows.intervals]).encode())
    digest.update(windows.targets.contiguous().numpy().tobytes())
    digest.update(repr(sorted(genome.contigs.items())).encode())
    for index in range(0, len(windows), max(1, len(windows) // LOOKED_AT)):
        digest.update(windows.text(index).encode())
    return digest.hexdigest()


def _scores(intervals: Sequence[Interval], name: str) -> Tensor:
    """The scores of intervals, [N].

    Raises:
        DataError: an interval has none.
    """
    without = [i for i, interval in enumerate(intervals) if interval.score is None]
    if without:
        raise DataError(
            f"{name}: {len(without)} of {len(intervals)} intervals have no score, the first is number {without[0]}, "
            "and targets='score' needs one of each. Fix: write the class or value of every interval into the fifth "
            "column, or give targets=."
        )
    return torch.tensor([interval.score for interval in intervals], dtype=torch.float32)


def _contigs(named: "Collection[str | int] | str | int", genome: Genome) -> set[str]:
    """Names of contigs of a genome; a text is one name, and a number (of a chromosome) is its name."""
    found = {str(contig) for contig in ([named] if isinstance(named, str | int) else named)}
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
