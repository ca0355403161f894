"""Files of one's own by name and options, as `load`, the command line and a finished run know them.

load("scans", scans="images", labels="labels", classes=3)
load("bed", genome="genome.fa", bed="peaks.bed", width=200, test=["chr8"])
load("arrays", signals="images.npy", targets="labels.npy")
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from erlangen.blueprint import Classify, Field, Regress, Segment, Task
from erlangen.data.arrays import from_arrays
from erlangen.data.dataset import Dataset
from erlangen.data.scans import from_scans
from erlangen.data.store import unreadable
from erlangen.data.targets import labels, numbers
from erlangen.data.windows import from_bed
from erlangen.errors import DataError, UnknownName
from erlangen.grids import Grid
from erlangen.grids.strand import Strand

WINDOW_TASKS: dict[str, Task | None] = {"classify": None, "regress": Regress(1)}
ARRAY_TASKS = ("classify", "regress", "segment")


def windows(
    genome: str,
    bed: str,
    width: int,
    *,
    task: str = "classify",
    validation: Collection[str] = (),
    test: Collection[str] = (),
    outside: str = "refuse",
    ambiguous: str = "refuse",
) -> Dataset:
    """Windows of a FASTA file around the intervals of a BED file, whose fifth column is the class or the value.

    Args:
        genome: path of the FASTA file.
        bed: path of the BED file.
        width: letters a window.
        task: "classify" or "regress".
        validation: names of the contigs to choose by.
        test: names of the contigs to report.
        outside: as in `WindowSplit`.
        ambiguous: as in `read_fasta`.

    Raises:
        DataError, UnknownName: as `from_bed`.
    """
    if task not in WINDOW_TASKS:
        raise UnknownName("task of windows", task, WINDOW_TASKS)
    held: dict[str, Any] = {"validation": validation, "test": test}
    return from_bed(genome, bed, width, task=WINDOW_TASKS[task], outside=outside, ambiguous=ambiguous, **held)


def arrays(
    signals: str,
    targets: str,
    *,
    task: str = "classify",
    domain: str = "grid",
    validation: float = 0.1,
    test: float = 0.2,
    seed: int = 0,
) -> Dataset:
    """Arrays of .npy files: images [N, C, H, W], volumes [N, C, Z, Y, X], lines [N, C, L] or letters [N, 4, L].

    Args:
        signals: path of the signals; their channels are scalars, or letters on a strand.
        targets: path of labels [N], values [N, k], or labels at every point.
        task: "classify", "regress" or "segment".
        domain: "grid" or "strand".
        validation: share held out to choose by.
        test: share held out to report.
        seed: of the random split.

    Raises:
        DataError: a file cannot be read, or as `from_arrays`.
        UnknownName: another task or domain.
    """
    if task not in ARRAY_TASKS:
        raise UnknownName("task of arrays", task, ARRAY_TASKS)
    x, y = _read(signals), _read(targets)
    if x.ndim not in (3, 4, 5):
        raise DataError(f"{signals}: signals must be [N, C, *space] with one to three axes of space, got {x.shape}")
    if domain not in ("grid", "strand"):
        raise UnknownName("domain of arrays", domain, ("grid", "strand"))
    field: Field
    if domain == "strand":
        field = Strand(x.shape[-1]).field("RC", "letters")
    else:
        space = Grid(x.ndim - 2, x.shape[2:])
        field = space.field(None, f"{x.shape[1]} trivial")
    split: dict[str, Any] = {"validation": validation, "test": test, "seed": seed}
    return from_arrays(x, y, field, _task(task, y, targets), name=Path(signals).stem, **split)


def _read(path: str) -> NDArray[Any]:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise unreadable(Path(path), error) from error
    if not isinstance(found, np.ndarray):
        raise DataError(f"{path} holds several arrays. Fix: save one with numpy.save.")
    return found


def _task(name: str, y: NDArray[Any], where: str) -> Task:
    if name == "regress":
        return Regress(1 if y.ndim == 1 else y.shape[1])
    found = labels(numbers(y, where), None, where)
    classes = max(2, int(found.max()) + 1 if found.numel() else 0)
    return Classify(classes) if name == "classify" else Segment(classes)


OWN: dict[str, Callable[..., Dataset]] = {"scans": from_scans, "bed": windows, "arrays": arrays}
"""Name -> what makes a data set of files of one's own."""

DOMAINS = {"scans": "grid", "bed": "strand", "arrays": None}
"""Name -> the domain; None where the options decide."""
