"""A few words of SVG: axes, marks, text. Colours are classes of the style sheet, so pictures follow light and dark."""

from html import escape
from math import ceil, floor, log10


class Drawing:
    """An inline SVG picture.

    Args:
        width: in units of the view box.
        height: likewise.
        label: the alternative text.
    """

    def __init__(self, width: float, height: float, label: str) -> None:
        self.width, self.height, self.label = width, height, label
        self.parts: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """A straight line."""
        self.parts.append(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def rect(self, x: float, y: float, width: float, height: float, kind: str, tip: str = "") -> None:
        """A rectangle with rounded corners, and a tool tip."""
        size = f'width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" rx="1.5"'
        shape = f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" {size}'
        self.parts.append(f"{shape}><title>{escape(tip)}</title></rect>" if tip else f"{shape}/>")

    def dot(self, x: float, y: float, radius: float, kind: str, tip: str = "", fill: str = "") -> None:
        """A disc, and a tool tip."""
        style = f' style="fill:{fill}"' if fill else ""
        shape = f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"{style}'
        self.parts.append(f"{shape}><title>{escape(tip)}</title></circle>" if tip else f"{shape}/>")

    def path(self, points: list[tuple[float, float]], kind: str, close: bool = False, stroke: str = "") -> None:
        """A broken line, or a filled region."""
        steps = " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        style = f' style="stroke:{stroke}"' if stroke else ""
        self.parts.append(f'<path class="{kind}" d="M{steps}{"Z" if close else ""}"{style}/>')

    def text(self, x: float, y: float, words: str, kind: str = "tick", anchor: str = "middle") -> None:
        """Words at a place; anchor is "start", "middle" or "end"."""
        self.parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>')

    def __str__(self) -> str:
        return (
            f'<svg role="img" aria-label="{escape(self.label, quote=True)}" '
            f'viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}">{"".join(self.parts)}</svg>'
        )


class LogScale:
    """Powers of ten along an axis; values below the axis stand at its start.

    Args:
        low: exponent at the start.
        high: exponent at the end.
        start: coordinate of the start.
        end: coordinate of the end.
    """

    def __init__(self, low: int, high: int, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        """The coordinate of a value."""
        exponent = log10(value) if value > 0 else self.low
        share = (min(max(exponent, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[int]:
        """Every power of ten, or every second where there are many."""
        step = 1 if self.high - self.low <= 6 else 2
        return list(range(self.low, self.high + 1, step))


def log_range(values: list[float], least: float) -> tuple[int, int]:
    """Exponents that hold `least` and all positive values, down to four powers of ten below `least`."""
    positive = [v for v in (*values, least) if v and v > 0]
    low = max(floor(log10(min(positive))), floor(log10(least)) - 4)
    return min(low, -8), max(0, ceil(log10(max(positive))))


def nice_top(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten, above a value."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next((m * power for m in (1, 2, 5) if value <= m * power), 10 * power)


def nice_step(span: float) -> float:
    """A round step that divides a span into three to eight parts."""
    return nice_top(span / 7)


def power(exponent: int) -> str:
    """10 to an exponent, in print."""
    return "1" if exponent == 0 else "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
