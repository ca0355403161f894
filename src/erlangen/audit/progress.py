"""A bar for the long parts of an audit, on a terminal and only when it is asked for."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Item = TypeVar("Item")
_BAR: ContextVar[Any] = ContextVar("bar", default=None)


@contextmanager
def showing(show: bool) -> Iterator[None]:
    """Draw the work that `watch` reports, on the error output if that is a terminal, and wipe it away at the end.

    Args:
        show: False draws nothing.
    """
    if not show or not sys.stderr.isatty():
        yield
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        token = _BAR.set(bar)
        try:
            yield
        finally:
            _BAR.reset(token)


def watch(items: Sequence[Item], label: str) -> Iterator[Item]:
    """The items one by one, each a step of the bar that is shown, if one is.

    Args:
        items: what is worked on.
        label: what is done, in a word or two.
    """
    bar = _BAR.get()
    if bar is None:
        yield from items
        return
    task = bar.add_task(label, total=len(items))
    for item in items:
        yield item
        bar.advance(task)
