"""Where the files of a data set lie: local folders, the cache, then upstream; every file is checked against its hash.

The order is `$ERLANGEN_DATA`, the folder `../shared/data` beside a source checkout, the cache (`$ERLANGEN_CACHE`, or
the user's cache folder), and last the address upstream. `ERLANGEN_OFFLINE=1` leaves the last one out.
"""

import hashlib
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from erlangen.errors import DataError
from erlangen.files import cache_folder, write_atomically

UPSTREAM = {  # "" where nobody serves the files in this form
    "adrenalmnist3d": "https://zenodo.org/records/10519652/files/",
    "dna_stranded": "",
    "fastsk": "https://github.com/QData/FastSK/raw/d275a232/data/",
    "genomes": "",
    "fashion-mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "hippocampus": "",
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "planetoid": "https://raw.githubusercontent.com/kimiyoung/planetoid/af6abf468a772cc055bec88c52e4d6f51b7c37e3/data/",
    "tu": "https://github.com/muhanzhang/pytorch_DGCNN/raw/50f50413/data/",
}
_CONNECT_SECONDS, _READ_SECONDS = 5, 60
_unreachable: dict[str, str] = {}  # collection -> why; asked once a process, so that an offline machine waits once


class Unreachable(DataError):
    """The file is in no local folder and could not be downloaded; a fallback may take its place."""


@dataclass(frozen=True)
class Located:
    """A file that is present and whose hash is right.

    Args:
        path: where it lies.
        sha256: its hash.
        source: which place it came from, in words.
    """

    path: Path
    sha256: str
    source: str


def checkout_data() -> Path | None:
    """The folder `../shared/data` beside a source checkout; None for an installed package."""
    root = Path(__file__).resolve().parents[3]
    if (root / "pyproject.toml").is_file() and (root / "src" / "erlangen").is_dir():
        return root.parent / "shared" / "data"
    return None


def places() -> list[tuple[str, Path]]:
    """The local folders that are searched, in order, each with its name in words.

    Raises:
        DataError: `$ERLANGEN_DATA` is set to something that is no folder.
    """
    found: list[tuple[str, Path]] = []
    chosen = os.environ.get("ERLANGEN_DATA")
    if chosen:
        if not Path(chosen).expanduser().is_dir():
            raise DataError(
                f"ERLANGEN_DATA={chosen} is not a folder. Fix: set it to the folder of the data sets, or unset it."
            )
        found.append(("$ERLANGEN_DATA", Path(chosen).expanduser()))
    shared = checkout_data()
    if shared is not None:
        found.append(("../shared/data beside the source", shared))
    found.append(("the cache", cache_folder()))
    return found


@lru_cache(maxsize=1)
def registry() -> dict[str, tuple[str, int]]:
    """Path of every file the catalogue knows -> (sha256, size in bytes)."""
    lines = Path(__file__).with_name("registry.txt").read_text("utf-8").splitlines()
    rows = (line.split() for line in lines if line and not line.startswith("#"))
    return {path: (digest, int(size)) for digest, size, path in rows}


def sha256_of(path: Path) -> str:
    """Hash of a file, read in pieces.

    Raises:
        DataError: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise unreadable(path, error) from error
    return digest.hexdigest()


def unreadable(path: Path, error: Exception) -> DataError:
    """The error for a file that cannot be read; only what lies in the cache may be removed, the rest is one's own."""
    if isinstance(error, FileNotFoundError):
        return DataError(f"cannot read {path}: there is no such file. Fix: check the name; {Path.cwd()} is the folder.")
    if isinstance(error, EOFError):
        return cut_off(path, error)
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, PermissionError):
        fix = "make it readable (chmod u+r)"
    elif _is_cached(path):
        fix = "remove it, so that it is fetched again"
    elif isinstance(error, UnicodeDecodeError):
        fix = "save it as plain text in UTF-8"
    else:
        fix = "check that it is whole and of the kind that is read here, and put a good copy in its place"
    return DataError(f"cannot read {path}: {reason}. Fix: {fix}.")


def cut_off(path: Path, error: Exception) -> DataError:
    """The error for a file that ends too early."""
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    size = f"{path.stat().st_size:,} bytes"
    return DataError(f"cannot read {path}: it is cut off after {size} ({reason}). Fix: {renewed(path)}.")


def renewed(path: Path) -> str:
    """How to get a good copy of a damaged file, in words: only what lies in the cache may be removed."""
    return "remove it, so that it is fetched again" if _is_cached(path) else "copy or download it again, to the end"


def _is_cached(path: Path) -> bool:
    return cache_folder().resolve() in path.resolve().parents


def _damaged(path: Path, expected: str, found: str) -> DataError:
    fix = "remove the file" if _is_cached(path) else "put a good copy there, or move the file away"
    return DataError(
        f"{path} is damaged or not the expected version: its sha256 is {found}, expected {expected} "
        f"({path.stat().st_size:,} bytes on disk). Nothing was loaded. Fix: {fix}, so that a good copy is found or "
        "downloaded."
    )


def find(path: str) -> Located | None:
    """The local copy of a file, or None if no folder has one, whole or in pieces.

    Raises:
        DataError: a copy is there and cannot be read, or its hash is wrong. A bad copy is never skipped in silence.
    """
    expected, _ = registry()[path]
    for words, folder in places():
        candidate = folder / path
        if os.path.lexists(candidate):
            found = sha256_of(candidate)
            if found != expected:
                raise _damaged(candidate, expected, found)
            return Located(candidate, found, words)
    return _joined(path)


def _joined(path: str) -> Located | None:
    """A file that lies in pieces, `NAME.part0`, `NAME.part1`, …, put together in the cache; None if there are none."""
    expected, _ = registry()[path]
    for words, folder in places():
        pieces = []
        while (piece := folder / f"{path}.part{len(pieces)}").is_file():
            pieces.append(piece)
        if not pieces:
            continue
        try:
            whole = b"".join(piece.read_bytes() for piece in pieces)
        except OSError as error:
            raise unreadable(pieces[0], error) from error
        found = hashlib.sha256(whole).hexdigest()
        if found != expected:
            raise DataError(
                f"the {len(pieces)} pieces {pieces[0]} … are damaged or incomplete: together their sha256 is {found}, "
                f"expected {expected}. Nothing was loaded. Fix: put all pieces there again, or move them away."
            )
        target = cache_folder() / path
        write_atomically(target, whole, "free some space in the cache folder, or set ERLANGEN_CACHE to another one")
        return Located(target, found, f"{len(pieces)} pieces in {words}")
    return None


def fetch(path: str) -> Located:
    """The file at `path`, from the first place that has it, downloaded into the cache if none has.

    Args:
        path: collection and file name, as in `registry.txt`: "mnist/train-images-idx3-ubyte.gz".

    Raises:
        Unreachable: no place has it (the message lists them and the remedy).
        DataError: it is damaged or unreadable, or there is no space to keep it.
    """
    return find(path) or _download(path)


def _download(path: str) -> Located:
    collection, _, inner = path.partition("/")
    expected, size = registry()[path]
    if not UPSTREAM[collection]:
        raise _missing(path, "no address", "nobody serves this file in the form that is read here")
    url, target = UPSTREAM[collection] + inner, cache_folder() / path
    if os.environ.get("ERLANGEN_OFFLINE", "0") not in ("", "0"):
        raise _missing(path, url, "not asked, because ERLANGEN_OFFLINE is set")
    if collection in _unreachable:
        raise _missing(path, url, _unreachable[collection])
    import pooch
    from requests.exceptions import RequestException

    print(f"erlangen: downloading {url} ({size / 1e6:.1f} MB)", file=sys.stderr)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        loader: Any = pooch.HTTPDownloader(timeout=(_CONNECT_SECONDS, _READ_SECONDS))
        pooch.get_logger().setLevel("WARNING")
        pooch.retrieve(url, f"sha256:{expected}", fname=target.name, path=target.parent, downloader=loader)
    except RequestException as error:
        _unreachable[collection] = f"{type(error).__name__}: no answer"
        raise _missing(path, url, _unreachable[collection]) from error
    except OSError as error:
        raise DataError(
            f"cannot keep {target}: {error.strerror or error}. Fix: free {size / 1e6:.0f} MB there, or set "
            "ERLANGEN_CACHE to a folder with space."
        ) from error
    except ValueError as error:  # pooch's hash check
        raise DataError(
            f"{url} no longer has the file with sha256 {expected}. Fix: put a good copy at {target}."
        ) from error
    return Located(target, expected, "downloaded")


def _missing(path: str, url: str, reason: str) -> Unreachable:
    looked = "; ".join(f"{words} ({folder})" for words, folder in places())
    return Unreachable(
        f"{path} is not on this machine and could not be downloaded. Looked in: {looked}; then {url} ({reason}). "
        f"Fix: connect to the network and try again, or put the file into a folder as {path} and set ERLANGEN_DATA "
        "to that folder."
    )
