"""Writing a file so that a killed run or a full disk never leaves half a file, and never loses the old one."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from erlangen.errors import DataError


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write beside the target, flush to disk, then rename over it in one step.

    Args:
        path: the target; missing folders are made.
        write: called with the open temporary file.

    Raises:
        DataError: the disk is full or the folder is not writable; the old file, if any, is untouched.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.part")
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror or error}. What was there before is untouched. "
            f"Fix: free some space in {path.parent}, or set ERLANGEN_CACHE to another folder."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
