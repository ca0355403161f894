"""Writing a text file in one step: a full disk or a killed run leaves the old file as it was."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from erlangen.errors import DataError


def write_text(path: Path, text: str) -> Path:
    """Write beside the target, then put it in place.

    Args:
        path: the target; missing folders are made.
        text: its content.

    Returns:
        The path.

    Raises:
        DataError: the folder cannot be written or the disk is full.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise DataError(
            f"cannot write {path}: {error.strerror or error}. Fix: free some space, or give another path."
        ) from error
    return path
