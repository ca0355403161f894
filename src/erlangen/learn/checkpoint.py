"""Files that are either the old or the new one, never half of one: write aside, then replace."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from erlangen.errors import RunError
from erlangen.files import write_atomically


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: a crash, a kill or a full disk leaves the old file.

    Raises:
        DataError: the file cannot be written; the old one, if any, is untouched.
    """
    write_atomically(
        path, content, "free some space or give another folder, then run the same command again: it resumes"
    )


def write_text(path: Path, text: str) -> None:
    """Write text atomically, in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON atomically."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(
            f"{path} is missing: {path.parent} is not a run folder. Fix: train with out={str(path.parent)!r}."
        ) from error
    except (OSError, ValueError) as error:
        raise RunError(
            f"{path} is damaged ({error}). Fix: restore it, or train again with fresh=True (--fresh)."
        ) from error


def save_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write named tensors as safetensors, atomically."""
    from safetensors.torch import save

    write_bytes(path, save({name: t.detach().cpu().contiguous().clone() for name, t in weights.items()}))


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read named tensors.

    Raises:
        RunError: the file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(path.read_bytes())
    except FileNotFoundError as error:
        raise RunError(
            f"{path} is missing: the run is not finished. Fix: run the same training again, it resumes."
        ) from error
    except (OSError, SafetensorError) as error:
        raise RunError(f"{path} is damaged ({error}). Fix: train again with fresh=True (--fresh).") from error


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state of an unfinished run, atomically. Tensors and plain Python values only."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    write_bytes(path, buffer.getvalue())


def load_state(path: Path) -> dict[str, Any]:
    """Read the state of an unfinished run; nothing but tensors and plain values is unpickled.

    Raises:
        RunError: the file is damaged.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen types for a truncated or foreign file
        raise RunError(
            f"{path} is damaged ({type(error).__name__}: {str(error).splitlines()[0][:120]}). "
            "Fix: start again with fresh=True (--fresh)."
        ) from error
