"""Signals along a line: channels as curves, strands as letters."""

import numpy as np

from erlangen.report.svg import Drawing

LINES = ("first", "second", "third", "fourth")
PER_ROW = 32


def traces(values: list[np.ndarray], label: str) -> str:
    """A few channels along a line."""
    width, height = 300.0, 64.0
    drawing = Drawing(width, height, label)
    low = min((float(v.min(initial=0.0)) for v in values), default=0.0)
    high = max((float(v.max(initial=0.0)) for v in values), default=1.0)
    span = high - low or 1.0
    zero = height - 4 - (height - 8) * (0.0 - low) / span
    drawing.line(0, zero, width, zero, "grid")
    for kind, v in zip(LINES, values[: len(LINES)], strict=False):
        step = (width - 6) / max(1, len(v) - 1)
        points = [(3 + step * i, height - 4 - (height - 8) * (value - low) / span) for i, value in enumerate(v)]
        drawing.path(points, f"curve thin {kind}")
    return str(drawing)


def letters(sequence: str, label: str) -> str:
    """A strand as coloured letters."""
    width = 300.0
    rows = -(-len(sequence) // PER_ROW)
    drawing = Drawing(width, 16.0 * rows + 4, label)
    for i, letter in enumerate(sequence):
        drawing.text(6 + (width - 8) * (i % PER_ROW) / PER_ROW, 14 + 16.0 * (i // PER_ROW), letter, f"letter {letter}")
    return str(drawing)
