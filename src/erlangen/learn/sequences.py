"""From a FASTA file to a score for every window along its records, for networks of whole strands."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from erlangen.blueprint import Classify, EquivariantModule, Task
from erlangen.blueprint import precision as precision_context
from erlangen.data import read_fasta
from erlangen.errors import DomainError
from erlangen.grids.strand import Strand, one_hot, reverse_complement
from erlangen.learn.metrics import output_tensor


class Scored(NamedTuple):
    """What a network says of one window.

    Args:
        contig: name of the record.
        start: first letter of the window, counted from 0.
        stop: one after its last letter.
        scores: one number an output: probabilities of the classes, or values in the units of the target.
    """

    contig: str
    start: int
    stop: int
    scores: tuple[float, ...]


@torch.no_grad()
def score_sequences(
    model: nn.Module,
    path: "str | Path",
    *,
    width: int | None = None,
    step: int | None = None,
    task: Task | None = None,
    ambiguous: str = "refuse",
    batch_size: int = 64,
    precision: str = "float32",
) -> Iterator[Scored]:
    """The scores of every window of every record, one record in memory at a time.

    A record that is shorter than a window is filled up with N about its middle, one more on the side where the same
    letters on the other strand get one more; the last window ends where the record ends.

    Args:
        model: for whole strands, such as a derived network for `Classify`, `Regress` or `Count`.
        path: a FASTA file, .gz as well.
        width: letters a window; None takes that of the strand that the model is declared on, else whole records.
        step: letters from window to window; None takes the width, so that they do not overlap.
        task: what the outputs mean; None takes that of the model.
        ambiguous: as in `read_fasta`.
        batch_size: windows at a time.
        precision: mode of `erlangen.blueprint.precision`.

    Yields:
        Windows in their order, with their scores.

    Raises:
        DomainError: the model is for another domain, or for outputs along the strand; or a width or step below 1.
        DataError: as `read_fasta`.
    """
    own: Any = getattr(model, "task", None)
    task = task or own
    space = model.in_field.space if isinstance(model, EquivariantModule) else None
    if not isinstance(space, Strand) or task is None or task.dense:
        raise DomainError(
            f"scores of sequences need a network for a whole strand, this one is for {task} on {space}. Fix: for "
            "outputs along the strand, call Run.load(folder).model on one_hot(…) in Python."
        )
    width = space.length if width is None else width
    if (width is not None and width < 1) or (step is not None and step < 1):
        raise DomainError(f"windows have at least 1 letter and move by at least 1, got width={width}, step={step}")
    model.eval()
    places = _places(path, width, step, ambiguous)
    while chunk := list(islice(places, batch_size)):
        for window, row in zip(chunk, _scores(model, [text for *_, text in chunk], task, precision), strict=True):
            contig, start, stop, _ = window
            yield Scored(contig, start, stop, tuple(row))


def _places(
    path: "str | Path", width: int | None, step: int | None, ambiguous: str
) -> Iterator[tuple[str, int, int, str]]:
    """(record, start, stop, letters) of every window."""
    for record in read_fasta(path, ambiguous):
        letters = record.sequence
        size = width or len(letters)
        if len(letters) < size:
            spare = size - len(letters)
            left = spare // 2 if letters <= reverse_complement(letters) else spare - spare // 2
            yield record.name, 0, len(letters), "N" * left + letters + "N" * (spare - left)
            continue
        last = len(letters) - size
        for start in chain(range(0, last, step or size), (last,)):
            yield record.name, start, start + size, letters[start : start + size]


def _scores(model: nn.Module, texts: list[str], task: Task, precision: str) -> Iterable[list[float]]:
    """Scores of windows, those of one length at a time."""
    found: dict[int, list[float]] = {}
    for length in sorted({len(text) for text in texts}):
        rows = [i for i, text in enumerate(texts) if len(text) == length]
        with precision_context(precision):
            output: Tensor = output_tensor(model(one_hot([texts[i] for i in rows])))
        values: Any = output.float().softmax(1) if isinstance(task, Classify) else task.values(output.float())
        found.update(zip(rows, values.tolist(), strict=True))
    return [found[i] for i in range(len(texts))]
