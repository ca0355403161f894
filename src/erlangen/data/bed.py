"""BED files: intervals on a genome, one a line.

Source: Niu, Denisko and Hoffman 2022, The Browser Extensible Data (BED) format (GA4GH): start counts from 0, the end is
not included, columns are separated by tabs or blanks.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from erlangen.data.store import unreadable
from erlangen.errors import DataError

STRANDS = ("+", "-", ".")
_SKIPPED = ("track", "browser")  # the first word of a line for genome browsers
_TEXT = "utf-8-sig"  # UTF-8, with or without a byte-order mark


class Interval(NamedTuple):
    """A stretch of a contig.

    Args:
        contig: its name.
        start: first letter, counted from 0.
        stop: one after the last letter.
        name: what it is called; "" if the file does not say.
        score: a number; None if the file does not say.
        strand: "+", "-" or ".", which means that it has none.
    """

    contig: str
    start: int
    stop: int
    name: str = ""
    score: float | None = None
    strand: str = "."

    def window(self, width: int) -> "Interval":
        """The interval of that width around the middle of this one (which may leave the contig).

        Where start + stop - width is odd, the middle is rounded towards the 5' end of the strand, so a mirrored
        interval has a mirrored window; the windows on "+" and on "-" then differ by one letter.
        """
        spare = self.start + self.stop - width
        start = -(-spare // 2) if self.strand == "-" else spare // 2
        return self._replace(start=start, stop=start + width)


def read_bed(path: "str | Path") -> Iterator[Interval]:
    """The intervals of a BED file with three to six columns (further ones are left out), one at a time.

    Raises:
        DataError: the file cannot be read, holds no interval, or a line is not in this form (with its number).
    """
    path, found = Path(path), False
    try:
        with open_text(path) as file:
            for number, line in enumerate(file, 1):
                first = next(iter(line.split(maxsplit=1)), "#")
                if not first.startswith("#") and first not in _SKIPPED:
                    found = True
                    yield _interval(line, f"{path}, line {number}")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        if isinstance(error, DataError):
            raise
        raise unreadable(path, error) from error
    if not found:
        raise DataError(f"{path} holds no interval. Fix: give lines of contig, start and end.")


def open_text(path: Path) -> Any:
    """A text file, compressed or not, whatever its ending is."""
    return gzip.open(path, "rt", encoding=_TEXT) if is_gzip(path) else path.open(encoding=_TEXT)


def is_gzip(path: Path) -> bool:
    """Whether a file begins as gzip files (and those of bgzip) do."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _interval(line: str, where: str) -> Interval:
    columns = line.rstrip("\n").split("\t") if "\t" in line else line.split()
    if len(columns) < 3:
        raise DataError(f"{where}: {len(columns)} columns, but contig, start and end are needed")
    try:
        start, stop = int(columns[1]), int(columns[2])
        score = float(columns[4]) if len(columns) > 4 and columns[4] not in ("", ".") else None
    except ValueError as error:
        raise DataError(f"{where}: start, end and score must be numbers, got {columns[1:5]}") from error
    if not 0 <= start < stop:
        raise DataError(f"{where}: {start} to {stop} is empty or negative. BED counts from 0 and leaves the end out.")
    strand = columns[5].strip() if len(columns) > 5 else "."
    if strand not in STRANDS:
        raise DataError(f"{where}: the strand must be '+', '-' or '.', got {strand!r}")
    return Interval(columns[0], start, stop, columns[3] if len(columns) > 3 else "", score, strand)
