"""What a user sees while training: a bar on a terminal, one plain line an epoch otherwise."""

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from erlangen.learn.session import Session

REFRESH_SECONDS = 0.2  # the bar is redrawn at most this often, so that it costs a step nothing
LINE_SECONDS = 1.0  # short epochs share a line: at most one line in this time


class Progress:
    """Show a run.

    Args:
        session: the run.
        show: False shows nothing.
    """

    def __init__(self, session: "Session", show: bool) -> None:
        self.session, self.show = session, show
        self._bar: Any = None
        self._drawn = self._line = 0.0
        if show and sys.stdout.isatty():
            from rich import progress as rich

            columns = (
                rich.TextColumn("{task.description}"),
                rich.BarColumn(),
                rich.TimeElapsedColumn(),
                rich.TimeRemainingColumn(),
            )
            self._bar = rich.Progress(*columns, auto_refresh=False, transient=True)
            self._job = self._bar.add_task("training", total=1.0)
            self._bar.start()

    def step(self) -> None:
        """After a step."""
        now = time.perf_counter()
        if self._bar is None or now - self._drawn < REFRESH_SECONDS:
            return
        self._drawn = now
        label = f"epoch {self.session.epoch + 1}"
        self._bar.update(self._job, completed=self.session.fraction, description=label, refresh=True)

    def epoch(self, row: dict[str, Any]) -> None:
        """After an epoch."""
        now = time.perf_counter()
        if not self.show or (now - self._line < LINE_SECONDS and not self.session.over):
            return
        self._line = now
        text = line_of(row, self.session.settings.epochs)
        if self._bar is None:
            print(text, flush=True)
        else:
            self._bar.console.print(text, highlight=False)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


def line_of(row: dict[str, Any], epochs: int | None) -> str:
    """One row of the history as a line."""
    parts = [f"epoch {row['epoch']}" + (f"/{epochs}" if epochs else "")]
    names = (("", "train"), ("validation_", "validation"))
    for prefix, name in names:
        if f"{prefix}accuracy" in row:
            parts.append(f"{name} loss {row[f'{prefix}loss']:.4f} accuracy {100 * row[f'{prefix}accuracy']:.2f} %")
        elif f"{prefix}mse" in row:
            parts.append(f"{name} mse {row[f'{prefix}mse']:.4g} mae {row[f'{prefix}mae']:.4g}")
    return "  ".join([*parts, f"lr {row['lr']:.2e}", f"{row['seconds']:.2f} s"])
