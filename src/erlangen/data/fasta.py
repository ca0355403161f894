"""FASTA files: records one after the other, or any stretch of a genome by its place, without loading the whole.

Source: Pearson and Lipman 1988 (the format); Shirley et al. 2015, pyfaidx (the index of a genome on disk).
"""

import codecs
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from erlangen.data.bed import STRANDS, is_gzip, open_text
from erlangen.data.store import unreadable
from erlangen.errors import DataError, MissingExtra, UnknownName
from erlangen.files import cache_folder

LETTERS = "ACGTN"
AMBIGUOUS = "RYSWKMBDHV"  # the IUPAC codes of more than one letter
MODES = ("refuse", "N")


class Record(NamedTuple):
    """One sequence of a FASTA file.

    Args:
        name: the first word of its header.
        description: the rest of the header.
        sequence: the letters, upper case.
    """

    name: str
    description: str
    sequence: str


def read_fasta(path: "str | Path", ambiguous: str = "refuse") -> Iterator[Record]:
    """The records of a FASTA file in their order, one at a time; .gz is read as it is.

    Args:
        path: the file.
        ambiguous: "refuse", or "N" to read the codes of several letters (R, Y, …) as N.

    Yields:
        Records; soft-masked (lower-case) letters become upper case, because the mask is an annotation.

    Raises:
        DataError: the file cannot be read, holds no sequence, or holds letters outside ACGTN (with the line).
        UnknownName: no such mode for ambiguous letters.
    """
    if ambiguous not in MODES:
        raise UnknownName("mode for ambiguous letters", ambiguous, MODES)
    header: tuple[str, str] | None = None
    parts: list[str] = []
    for number, line in _lines(Path(path)):
        if line.startswith(">"):
            if header is not None:
                yield _record(path, header, parts)
            words = line[1:].split(maxsplit=1)
            if not words:
                raise DataError(f"{path}, line {number}: the header has no name. Fix: write '>name'.")
            header, parts = (words[0], words[1] if len(words) > 1 else ""), []
        elif header is None:
            raise DataError(f"{path}, line {number}: {line[:30]!r} stands before the first header. Fix: add '>name'.")
        else:
            parts.append(clean(line, f"{path}, line {number}", ambiguous))
    if header is None:
        raise DataError(f"{path} holds no sequence: no line starts with '>'. Fix: give a FASTA file with records.")
    yield _record(path, header, parts)


def clean(letters: str, where: str, ambiguous: str = "refuse") -> str:
    """Upper-case letters, checked.

    Raises:
        DataError: letters outside ACGTN.
    """
    letters = letters.upper()
    foreign = set(letters) - set(LETTERS)
    if not foreign:
        return letters
    if ambiguous == "N" and foreign <= set(AMBIGUOUS):
        return letters.translate(dict.fromkeys(map(ord, AMBIGUOUS), "N"))
    hint = "replace them by N"
    if foreign <= set(AMBIGUOUS):
        hint = "read them as N with ambiguous='N'"
    elif "U" in foreign:
        hint = "this is RNA: write T for U"
    raise DataError(
        f"{where}: {', '.join(map(repr, sorted(foreign)))} at place {_first(letters, foreign)} is outside {LETTERS}. "
        f"Fix: {hint}."
    )


def _first(letters: str, foreign: set[str]) -> int:
    return next(i for i, letter in enumerate(letters) if letter in foreign) + 1


def _record(path: "str | Path", header: tuple[str, str], parts: list[str]) -> Record:
    sequence = "".join(parts)
    if not sequence:
        raise DataError(f"{path}: the record {header[0]!r} has no letters. Fix: remove it, or give its sequence.")
    return Record(*header, sequence)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, text) of every line that is neither blank nor a comment, which begins with ';'."""
    try:
        with open_text(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip() and not line.startswith(";"):
                    yield number, line.strip()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise unreadable(path, error) from error


class Genome:
    """Sequences on disk, read by place: `genome.fetch("chr1", 10_000, 10_200)`.

    A plain file is indexed once (the index lies beside it, or in the cache where that folder is read-only) and each
    stretch is read from disk; a .gz file is held in memory.

    Args:
        path: the FASTA file.
        ambiguous: as in `read_fasta`.

    Raises:
        DataError: the file cannot be read, holds no sequence, or two of one name; or it is a plain file that cannot be
            read by place (comments between its lines, lines of uneven length).
        MissingExtra: pyfaidx is not installed, and the file is not compressed.
    """

    def __init__(self, path: "str | Path", ambiguous: str = "refuse") -> None:
        self.path, self.ambiguous = Path(path), ambiguous
        self._memory: dict[str, str] = {}
        self._file: Any = None
        self._process = os.getpid()
        if self.path.is_file() and is_gzip(self.path):
            for record in read_fasta(self.path, ambiguous):
                if record.name in self._memory:
                    raise _repeated(self.path, record.name)
                self._memory[record.name] = record.sequence
            self.contigs = {name: len(sequence) for name, sequence in self._memory.items()}
        else:
            self._file = _indexed(self.path)
            self.contigs = {name: len(self._file[name]) for name in self._file.keys()}

    def fetch(self, contig: str, start: int, stop: int, strand: str = "+") -> str:
        """The letters [start, stop), counted from 0 on the forward strand; strand "-" gives their reverse complement.

        Raises:
            UnknownName: no such contig.
            DataError: the stretch leaves the contig, or holds letters outside ACGTN; or the strand is none of "+", "-"
                and ".", which is read as "+".
        """
        self.check(contig, start, stop)
        if strand not in STRANDS:
            raise DataError(f"{contig}:{start}-{stop}: the strand must be '+', '-' or '.', got {strand!r}")
        letters = clean(self.raw(contig, start, stop), f"{self.path}, {contig}:{start}-{stop}", self.ambiguous)
        if strand != "-":
            return letters
        from erlangen.grids.strand import reverse_complement

        return reverse_complement(letters)

    def raw(self, contig: str, start: int, stop: int) -> str:
        """The letters [start, stop) as they are in the file; of a stretch that `check` lets pass.

        Raises:
            DataError: the file has changed since it was opened.
        """
        if self._memory:
            return self._memory[contig][start:stop]
        if self._file is None or self._process != os.getpid():  # a fork shares the place in the file with its parent
            self._file, self._process = _indexed(self.path), os.getpid()
        letters = str(self._file[contig][start:stop])
        if len(letters) != stop - start:
            raise DataError(
                f"{self.path} has changed since it was opened: {contig}:{start}-{stop} gave {len(letters)} letters. "
                "Fix: open it again."
            )
        return letters

    def check(self, contig: str, start: int, stop: int) -> None:
        """Raise unless [start, stop) lies on that contig (see `fetch`)."""
        if contig not in self.contigs:
            raise UnknownName(f"contig of {self.path.name}", contig, self.contigs)
        if not (isinstance(start, int) and isinstance(stop, int)):
            raise DataError(f"{contig}:{start}-{stop}: places are whole numbers, counted from 0")
        if not 0 <= start < stop <= self.contigs[contig]:
            raise DataError(
                f"{contig}:{start}-{stop} is no stretch of {contig}, which has the letters 0 to "
                f"{self.contigs[contig]:,} in {self.path}. Fix: check that both files are of the same assembly, or "
                "leave such intervals out."
            )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}  # worker processes open the file again

    def __repr__(self) -> str:
        return f"Genome({self.path.name}: {len(self.contigs)} contigs, {sum(self.contigs.values()):,} letters)"


def _indexed(path: Path) -> Any:
    try:
        import pyfaidx
    except ImportError as error:
        raise MissingExtra("pyfaidx", "bio") from error
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"{path} {what}. Fix: give the path of a FASTA file.")
    index = path.with_name(path.name + ".fai")
    stale = not index.exists() or index.stat().st_mtime < path.stat().st_mtime
    if stale and not os.access(index if index.exists() else path.parent, os.W_OK):
        index = _own_index(path)
    if index.exists() and index.stat().st_mtime >= path.stat().st_mtime and not _fits(index, path):
        index = _own_index(path)  # the file beside it is of another genome, and perhaps somebody else's
        index.unlink(missing_ok=True)
    if not index.exists() or index.stat().st_mtime < path.stat().st_mtime:  # it is about to be made
        _check_places(path)
    try:
        found = pyfaidx.Fasta(str(path), as_raw=True, indexname=str(index))
    except ValueError as error:
        if twice := re.search(r'Duplicate key "(.*)"', str(error)):
            raise _repeated(path, twice[1]) from error
        raise _no_index(path, error) from error
    except (pyfaidx.FastaIndexingError, pyfaidx.UnsupportedCompressionFormat, OSError, ImportError) as error:
        raise _no_index(path, error) from error
    if not len(found.keys()):
        raise DataError(f"{path} holds no sequence: no line starts with '>'. Fix: give a FASTA file with records.")
    return found


def _own_index(path: Path) -> Path:
    """Where an index lies that cannot lie beside its file."""
    file = path.stat()
    index = cache_folder() / "fasta" / f"{path.name}-{file.st_size}-{file.st_mtime_ns}.fai"
    index.parent.mkdir(parents=True, exist_ok=True)
    return index


def _fits(index: Path, path: Path) -> bool:
    """Whether the places of an index are those of the records of this file: a header before each, nothing else."""
    try:
        rows = [line.split("\t") for line in index.read_text().splitlines()]
        end = 0  # of the record before
        with path.open("rb") as file:
            for name, *row in rows:
                letters, start, a_line, with_end = map(int, row[:4])
                file.seek(end)
                header = file.read(max(0, start - end)).strip()
                if not header.startswith(b">") or b"\n" in header or header[1:].split()[0] != name.encode():
                    return False
                lines, rest = divmod(letters, a_line)
                end = start + lines * with_end + rest if rest else start + lines * with_end - (with_end - a_line)
            file.seek(end)
            return end <= path.stat().st_size and not file.read(1 << 16).strip()
    except (OSError, ValueError, IndexError, ZeroDivisionError):
        return False


def _check_places(path: Path) -> None:
    """Refuse what an index of a plain file would count as letters, and records that have none.

    Raises:
        DataError: the first such line, and what to do about it.
    """
    try:
        with path.open("rb") as file:
            wrong = _misplaced(file)
    except OSError as error:
        raise unreadable(path, error) from error
    if wrong is not None:
        number, what = wrong
        raise DataError(
            f"{path}, line {number}: {what}, so the file cannot be read by place. Fix: remove it, or compress the file "
            "(.fa.gz), which is read into memory."
        )


def _misplaced(file: Iterable[bytes]) -> tuple[int, str] | None:
    """(line, what is wrong with it) of a FASTA file that is to be read by place."""
    filled, number, any_record = True, 0, False
    for number, line in enumerate(file, 1):
        text = line.rstrip(b"\n").removesuffix(b"\r")
        if number == 1 and text.startswith(codecs.BOM_UTF8):
            return 1, "a byte-order mark"
        if b"\r" in text:
            return number, "ends of lines that are a carriage return alone"
        if text.startswith(b";"):
            return number, "a comment"
        if text.startswith(b">"):
            if not text[1:].strip():
                return number, "a header without a name"
            if not filled:
                return number, "the record before this header has no letters"
            filled, any_record = False, True
        elif text.strip():
            if not any_record:
                return number, "letters before the first header"
            if text != text.strip():
                return number, "blanks at the end or the beginning of a line of letters"
            filled = True
    return None if filled else (number, "the last record has no letters")


def _repeated(path: Path, name: str) -> DataError:
    return DataError(
        f"{path} holds two records called {name!r}, so a place on {name!r} means two things. Fix: rename one of them."
    )


def _no_index(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path} is no FASTA file that can be read by place: {error}. Fix: fold its records into lines of one length; "
        "or compress it (.fa.gz), which is read into memory."
    )
