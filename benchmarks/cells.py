"""Cells of a benchmark's table, kept in a JSON file so that a stopped run goes on where it was."""

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from erlangen.files import write_atomically
from erlangen.learn import session


class Cells:
    """Results by name; each is computed once.

    Args:
        path: the JSON file; None keeps them in memory only.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: dict[str, dict[str, Any]] = {}
        if path is not None and path.exists():
            self.found = json.loads(path.read_text())

    def get(self, name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result of this name, computed now if it is not there yet."""
        if name not in self.found:
            self.found[name] = compute()
            if self.path is not None:
                write_atomically(self.path, json.dumps(self.found, indent=1))
        return self.found[name]

    def column(self, names: Iterable[str], key: str) -> list[float]:
        """One number of every cell that is there."""
        return [self.found[name][key] for name in names if name in self.found]


def use_threads(threads: int) -> None:
    """Compute in so many threads; minutes of training in one are processor time: the machine may do other work."""
    torch.set_num_threads(threads)
    session.clock = time.process_time if threads == 1 else time.perf_counter


def spread(values: list[float], digits: int = 2) -> str:
    """Mean ± standard deviation over seeds."""
    if not values:
        return "–"
    tail = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{tail}"
