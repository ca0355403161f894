"""Short stretches of DNA with a label: bound or not (FastSK's sets), promoter or not, kind of splice junction.

Source: Blakely et al. 2020, FastSK, Bioinformatics 36 (files; made from ENCODE ChIP-seq); Harley and Reynolds 1987 and
Towell et al. 1990 (promoters); Noordewier et al. 1991 (splice junctions), both in the UCI repository.
"""

import csv
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from erlangen.blueprint import Classify, Segment, Task
from erlangen.data.dataset import Dataset
from erlangen.data.fasta import clean, read_fasta
from erlangen.data.split import TensorSplit
from erlangen.data.store import Located, fetch, unreadable
from erlangen.data.tu import hold_out
from erlangen.errors import DataError

FACTORS = ("CTCF", "EP300", "JUND", "RAD21", "SIN3A")
PROMOTER_FILES, SPLICE_FILES = ("dna_stranded/promoters.csv",), ("dna_stranded/splice.csv",)
GENOME_FILES = {"lambda-phage": ("genomes/lambda_virus.fa.gz",), "ecoli": ("genomes/NC_008253.fna.gz",)}
FOLDS = 10


def fastsk_files(factor: str) -> tuple[str, ...]:
    """The training and the test file of one transcription factor."""
    return tuple(f"fastsk/{factor}.{part}.fasta" for part in ("train", "test"))


def canonical(sequence: str) -> str:
    """The earlier of a sequence and its reverse complement: one name for both strands."""
    from erlangen.grids.strand import reverse_complement

    return min(sequence, reverse_complement(sequence))


def fastsk(factor: str, validation: float = 0.1, distinct: bool = True, seed: int = 0) -> Dataset:
    """Stretches of 100 bp that a transcription factor binds (1) or not (0), half and half.

    Args:
        factor: "CTCF", "EP300", "JUND", "RAD21" or "SIN3A".
        validation: share of the training part that is held out, class by class.
        distinct: leave out training sequences that occur twice or in the test part, on either strand.
        seed: of the choice and the order (the file is sorted by class).
    """
    files = [fetch(path) for path in fastsk_files(factor)]
    train, test = ([(r.sequence, int(r.name)) for r in read_fasta(file.path)] for file in files)
    seen = {canonical(sequence) for sequence, _ in test}
    kept = []
    for sequence, label in train:
        name = canonical(sequence)
        if not distinct or name not in seen:
            kept.append((sequence, label))
            seen.add(name)
    labels = np.array([label for _, label in kept])
    order = np.random.default_rng(seed).permutation(len(kept))
    held_out = hold_out(labels, order, round(_share(validation) * len(kept)), seed)
    parts = [[kept[i] for i in order[~held_out]], [kept[i] for i in order[held_out]], test]
    provenance = {"files": files, "seed": seed, "dropped": len(train) - len(kept)}
    return labelled(f"fastsk-{factor.lower()}", parts, 2, provenance)


def labelled(
    name: str,
    parts: Sequence[Sequence[tuple[str, int]]],
    classes: int,
    provenance: dict[str, Any],
    symmetry: str | None = None,
) -> Dataset:
    """Sequences of one length with a label, declared as letters of a strand under the reverse complement.

    Args:
        name: what prints.
        parts: train, validation and test: (sequence, label) each.
        classes: number of labels.
        provenance: see `Dataset`.
        symmetry: see `Dataset`: "C1" where the strand decides.
    """
    from erlangen.grids.strand import one_hot

    length = len(parts[0][0][0])
    splits = []
    for rows in parts:
        signals = one_hot([sequence for sequence, _ in rows]) if rows else torch.zeros(0, 4, length)
        splits.append(TensorSplit(signals, torch.tensor([label for _, label in rows], dtype=torch.int64)))
    return replace(on_strand(name, length, Classify(classes), splits, provenance), symmetry=symmetry)


def on_strand(name: str, length: int, task: Task, splits: Sequence[TensorSplit], provenance: dict[str, Any]) -> Dataset:
    """A data set of letters on a strand under the reverse complement; `splits` are train, validation and test."""
    from erlangen.grids.strand import Strand

    space, (train, validation, test) = Strand(length), splits
    return Dataset(name, space, 4, task, train, validation, test, provenance, space.field("RC", "letters"))


def promoters(fold: int = 0, validation: float = 0.1, seed: int = 0) -> Dataset:
    """106 stretches of 57 bp of E. coli: with (1) a promoter on this strand, or not (0).

    Args:
        fold: which of ten random tenths, class by class, is the test part.
        validation: share of the rest that is held out.
        seed: of the tenths and of that choice.
    """
    rows, files = _table(PROMOTER_FILES[0], {"-": 0, "+": 1})
    return _folded("promoters", rows, 2, files, fold, validation, seed)


def splice(fold: int = 0, validation: float = 0.1, seed: int = 0) -> Dataset:
    """3,001 distinct stretches of 60 bp around exon→intron borders (0), intron→exon borders (1), or neither (2).

    Args:
        fold: which of ten random tenths, class by class, is the test part.
        validation: share of the rest that is held out.
        seed: of the tenths and of that choice.
    """
    rows, files = _table(SPLICE_FILES[0], {"ei": 0, "ie": 1, "n": 2})
    distinct = list(dict(reversed(rows)).items())[::-1]
    return _folded("splice", distinct, 3, files, fold, validation, seed)


def _table(path: str, classes: dict[str, int]) -> tuple[list[tuple[str, int]], list[Located]]:
    """Rows (sequence, class) of a csv with the columns label, sequence."""
    located = fetch(path)
    try:
        with located.path.open(encoding="ascii", newline="") as file:
            rows = [(row["sequence"], classes[row["label"]]) for row in csv.DictReader(file)]
    except (OSError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise unreadable(located.path, error) from error
    return [(clean(letters, str(located.path)), label) for letters, label in rows], [located]


def _folded(
    name: str,
    rows: list[tuple[str, int]],
    classes: int,
    files: list[Located],
    fold: int,
    validation: float,
    seed: int,
) -> Dataset:
    if fold not in range(FOLDS):
        raise DataError(f"fold={fold} does not exist. Fix: choose 0 to {FOLDS - 1}.")
    labels = np.array([label for _, label in rows])
    tenth = _tenths(labels, seed)
    test, rest = np.flatnonzero(tenth == fold), np.flatnonzero(tenth != fold)
    rest = np.random.default_rng([seed, fold]).permutation(rest)
    held_out = hold_out(labels, rest, round(_share(validation) * len(rest)), seed)
    parts = [[rows[i] for i in chosen] for chosen in (rest[~held_out], rest[held_out], test)]
    return labelled(name, parts, classes, {"files": files, "seed": seed, "fold": fold}, "C1")


def _tenths(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """A number 0 to 9 for every row, every class spread evenly."""
    random, tenth = np.random.default_rng(seed), np.zeros(len(labels), np.int64)
    start = 0
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        tenth[members] = (np.arange(len(members)) + start) % FOLDS
        start += len(members)
    return tenth


def _share(validation: float) -> float:
    if not 0 <= validation < 1:
        raise DataError(f"validation={validation} is the share of the training sequences to hold out: 0 <= share < 1")
    return validation


def genome(name: str, width: int = 200, masked: float = 0.15, validation: float = 0.1, seed: int = 0) -> Dataset:
    """Windows of a genome with some letters hidden, which are to be restored: the law of the letters themselves.

    The windows lie side by side; whole tenths of the genome are held out, so that no window of another part is next
    to them but at their ends. A hidden letter is N (no channel is one); the label is its channel, -1 elsewhere.

    Args:
        name: "lambda-phage" or "ecoli".
        width: letters a window.
        masked: share of the letters that is hidden.
        validation: share of the windows to choose by; a tenth at the end of the genome is the test part.
        seed: of the hidden letters.
    """
    from erlangen.grids.strand import one_hot

    located = fetch(GENOME_FILES[name][0])
    sequence = "".join(record.sequence for record in read_fasta(located.path))
    count = len(sequence) // width if width > 0 else 0
    if count < 20 or not 0 < masked < 1:
        raise DataError(f"width={width}, masked={masked}: need at least 20 windows of {name} and 0 < masked < 1")
    signals = one_hot([sequence[i * width : (i + 1) * width] for i in range(count)])
    hidden = torch.rand(count, width, generator=torch.Generator().manual_seed(seed)) < masked
    hidden &= signals.amax(1) > 0  # what is not known cannot be restored
    targets = torch.where(hidden, signals.argmax(1), -1)
    signals = signals * ~hidden[:, None]
    first, second = round((0.9 - _share(validation)) * count), round(0.9 * count)
    rows = (slice(0, first), slice(first, second), slice(second, None))
    splits = [TensorSplit(signals[r], targets[r]) for r in rows]
    return on_strand(name, width, Segment(4, rep="letters"), splits, {"files": [located], "seed": seed})
