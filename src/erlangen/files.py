"""Where files go, and how: either the old or the new one, never half of one."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from erlangen.errors import DataError


def write_atomically(
    path: Path,
    content: "bytes | str | Callable[[BinaryIO], object]",
    fix: str = "free some space, or give another path",
) -> Path:
    """Write a file in one step: a crash, a kill or a full disk leaves the old file as it was.

    Args:
        path: the target; missing folders are made.
        content: bytes, text (written as UTF-8), or a function that writes into the open file.
        fix: what the message of an error advises.

    Returns:
        The path.

    Raises:
        DataError: the disk is full or the folder is not writable; the old file, if any, is untouched.
    """
    aside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.part")
        with aside.open("xb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        aside = None
    except DataError:  # of the content
        raise
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror or error}; the old file, if any, is untouched. Fix: {fix}."
        ) from error
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)
    return path


def cache_folder() -> Path:
    """Where erlangen keeps what it downloads, makes and measures: `$ERLANGEN_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("ERLANGEN_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("erlangen"))
