"""The run folder: what was declared, what happened, what came out; and the check that a resumed run is the same run."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from erlangen.errors import DataError, RunError
from erlangen.learn.checkpoint import load_state, read_json, save_state, save_weights, write_json, write_text

FILES = {
    "config": "config.json",
    "plan": "plan.txt",
    "plan_data": "plan.json",
    "environment": "environment.json",
    "history": "metrics.jsonl",
    "table": "metrics.csv",
    "weights": "model.safetensors",
    "state": "training_state.pt",
    "result": "result.json",
}


class RunFolder:
    """Files of one run.

    Args:
        path: the folder; made if it does not exist.

    Raises:
        DataError: the folder cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"cannot make the run folder {path}: {error.strerror or error}. Fix: give another out=."
            ) from error

    def file(self, name: str) -> Path:
        """The path of one of `FILES`."""
        return self.path / FILES[name]

    @property
    def finished(self) -> bool:
        """Whether the run came to its end: the result is written last."""
        return self.file("result").exists()

    def open(self, config: dict[str, Any], fresh: bool) -> dict[str, Any] | None:
        """Claim the folder for a run.

        Args:
            config: the whole declaration of the run.
            fresh: forget what is there.

        Returns:
            The saved state to go on from; None to start.

        Raises:
            RunError: the folder holds another run; the message says what differs.
        """
        config = json.loads(json.dumps(config))
        if fresh:
            self.clear()
        if self.file("config").exists():
            check_same(read_json(self.file("config")), config, self.path)
        else:
            write_json(self.file("config"), config)
        if self.finished or not self.file("state").exists():
            return None
        return load_state(self.file("state"))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep the folder for this process for the time of a `with` block; a killed process lets go of it by itself.

        Raises:
            RunError: another process is training here.
        """
        try:
            import fcntl
        except ImportError:  # no such locks on this system
            yield
            return
        path = self.path / ".lock"
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RunError(
                    f"another process is training in {self.path}. Fix: wait for it, stop it, or give another folder."
                ) from error
            try:
                yield
            finally:
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove the files of a run, and nothing else."""
        for name in FILES.values():
            (self.path / name).unlink(missing_ok=True)

    def describe(self, model: nn.Module, environment: dict[str, Any]) -> None:
        """Write the plan and the environment."""
        write_json(self.file("environment"), environment)
        plan: Any = getattr(model, "plan", None)
        if plan is not None:
            write_text(self.file("plan"), f"{plan}\n")
            write_json(self.file("plan_data"), plan.to_dict())
        else:
            write_text(self.file("plan"), f"{model}\n")

    def write_history(self, rows: list[dict[str, Any]]) -> None:
        """Write the history anew, as JSON lines and as CSV: after a resume, rows behind the saved state are dropped."""
        write_text(self.file("history"), "".join(json.dumps(row) + "\n" for row in rows))
        write_text(self.file("table"), _csv(rows, header=True))

    def add_row(self, row: dict[str, Any], first: bool) -> None:
        """Append one epoch.

        Raises:
            DataError: the disk is full.
        """
        for name, text in (("history", json.dumps(row) + "\n"), ("table", _csv([row], header=first))):
            try:
                with self.file(name).open("a", encoding="utf-8") as file:
                    file.write(text)
            except OSError as error:
                raise DataError(
                    f"cannot write {self.file(name)}: {error.strerror or error}. "
                    "Fix: free some space, then run the same command again: it resumes."
                ) from error

    def save(self, state: dict[str, Any]) -> None:
        """Keep the state of the unfinished run."""
        save_state(self.file("state"), state)

    def finish(self, weights: dict[str, Any], metrics: dict[str, Any]) -> None:
        """Write the weights, then the result that marks the run as finished; the state is no longer needed."""
        save_weights(self.file("weights"), weights)
        write_json(self.file("result"), metrics)
        self.file("state").unlink(missing_ok=True)
        for left in self.path.glob(".*.tmp"):
            left.unlink(missing_ok=True)

    def read_history(self) -> list[dict[str, Any]]:
        """The rows of the history; a half-written last line of a killed run is left out."""
        rows = []
        if self.file("history").exists():
            for line in self.file("history").read_text(encoding="utf-8").splitlines():
                try:
                    rows.append(json.loads(line))
                except ValueError:
                    continue
        return rows


def check_same(saved: dict[str, Any], asked: dict[str, Any], path: Path) -> None:
    """Compare two declarations of a run.

    Raises:
        RunError: they differ; the message lists how.
    """
    before, now = _flat(saved), _flat(asked)
    changes = [
        f"{key}: {before.get(key, 'nothing')!r} there, {now.get(key, 'nothing')!r} now"
        for key in sorted({*before, *now})
        if before.get(key) != now.get(key)
    ]
    if changes:
        shown = "; ".join(changes[:6]) + (f"; and {len(changes) - 6} more" if len(changes) > 6 else "")
        raise RunError(
            f"{path} holds another run ({shown}). Fix: give the same settings to go on with it, "
            "give another folder (out=, --out), or start over with fresh=True (--fresh)."
        )


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        leaves |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return leaves


def _csv(rows: list[dict[str, Any]], header: bool) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), extrasaction="ignore", lineterminator="\n")
        if header:
            writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
