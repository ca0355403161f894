"""Charts of continuous symmetries: errors over their range, polar for turns; stability under small changes; scales."""

from math import cos, degrees, pi, sin

from erlangen.audit import Audit, Curve, ScaleSeparation, StabilityCurve
from erlangen.audit.text import number as words
from erlangen.report.svg import Drawing, nice_top

WIDTH, HEIGHT = 320.0, 176.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 308.0, 12.0, 140.0
RADIUS = 112.0


def range_charts(audit: Audit) -> list[dict[str, str]]:
    """One chart for every continuous symmetry: {"svg", "caption"}; turns are polar, everything else is a line."""
    return [
        {"svg": polar_chart(c) if c.unit == "radians" else line_chart(c), "caption": _said(c)} for c in audit.curves
    ]


def _said(curve: Curve) -> str:
    worst = max(range(len(curve.x)), key=lambda i: curve.error[i])
    flips = "" if curve.flips is None else f", {curve.flips[worst]:.0%} of the classes change"
    where = f"{degrees(curve.x[worst]):.0f}°" if curve.unit == "radians" else f"{curve.x[worst]:g} {curve.unit}"
    return f"{curve.generator}: at most {words(curve.error[worst])}, at {where}{flips}"


def polar_chart(curve: Curve) -> str:
    """Mean error around the circle, as the distance from the middle; the grey region is interpolation alone."""
    top = nice_top(max(*curve.error, *curve.floor) * 1.02)
    size, middle = 2 * RADIUS + 76, RADIUS + 38
    drawing = Drawing(size, size, f"Mean relative error against {curve.generator}, around the circle, rim at {top:g}")

    def at(angle: float, value: float) -> tuple[float, float]:
        r = RADIUS * min(value, top) / top
        return middle + r * cos(angle), middle - r * sin(angle)

    for part in (0.5, 1.0):
        drawing.dot(middle, middle, RADIUS * part, "ring")
        drawing.text(middle + 3, middle - RADIUS * part + 11, f"{top * part:g}", "tick", "start")
    for k in range(8):
        x, y = at(k * pi / 4, top)
        drawing.line(middle, middle, x, y, "grid")
        spoke = (RADIUS + 20) / RADIUS
        drawing.text(middle + spoke * (x - middle), middle + spoke * (y - middle) + 4, f"{45 * k}°")
    still = (0.0, 0.0)  # at no turn at all nothing is wrong
    floor = [still, *zip(curve.x, curve.floor, strict=True)]
    drawing.path([at(t, v) for t, v in floor], "band", close=True)
    ends = [*zip(curve.x, curve.low, curve.high, strict=True)]
    for t, low, high in ends:
        drawing.line(*at(t, low), *at(t, high), "range beside")
    drawing.path([at(t, v) for t, v in (still, *zip(curve.x, curve.error, strict=True))], "curve", close=True)
    for t, value, base in zip(curve.x, curve.error, curve.floor, strict=True):
        tip = f"{degrees(t):.0f}°: {words(value)}, interpolation alone {words(base)}"
        drawing.dot(*at(t, value), 3, "mark beside", tip)
    return str(drawing)


def line_chart(curve: Curve) -> str:
    """Mean error over the range, with its interval and the floor of interpolation."""
    return _plot(
        f"Mean relative error against {curve.generator} in {curve.unit}",
        [*curve.x],
        [*curve.error],
        [*zip(curve.low, curve.high, strict=True)],
        [*curve.floor],
        curve.unit,
    )


def stability_charts(audit: Audit) -> list[dict[str, str]]:
    """One chart for every kind of small change, with its slope: {"svg", "caption"}."""
    return [{"svg": _stability(c), "caption": _slope(c)} for c in audit.stability]


def _stability(curve: StabilityCurve) -> str:
    return _plot(
        f"Mean relative change of the output against the size of {curve.family} changes",
        [0.0, *curve.x],
        [0.0, *curve.error],
        [(0.0, 0.0), *zip(curve.low, curve.high, strict=True)],
        None if curve.floor is None else [0.0, *curve.floor],
        curve.unit,
        curve.slope,
    )


def _slope(curve: StabilityCurve) -> str:
    ends = (
        "" if curve.slope_interval is None else f" [{words(curve.slope_interval[0])}, {words(curve.slope_interval[1])}]"
    )
    return f"{curve.family}: slope {words(curve.slope)}{ends}, largest ratio {words(curve.constant)}"


def scale_chart(scales: ScaleSeparation | None) -> str:
    """Share of the output, and of the input, that is left when the input is seen through coarser cells."""
    if scales is None:
        return ""
    survives = [1.0, *(max(0.0, v) for v in scales.survives)]
    cells = ", ".join(f"{x:g}" for x in scales.x)
    label = f"Share of the variance of the output that survives cells of {cells} {scales.unit}"
    sizes = [1.0 if scales.unit == "pixels" else 0.0, *scales.x]
    ends = [(1.0, 1.0), *((max(0.0, a), max(0.0, b)) for a, b in zip(scales.low, scales.high, strict=True))]
    return _plot(label, sizes, survives, ends, [1.0, *scales.input], scales.unit)


def _plot(
    label: str,
    x: list[float],
    y: list[float],
    ends: list[tuple[float, float]],
    floor: list[float] | None,
    unit: str,
    slope: float | None = None,
) -> str:
    top = nice_top(max(*y, *(floor or [0.0])) * 1.02)
    low, high = min(x), max(x)
    drawing = Drawing(WIDTH, HEIGHT, f"{label}, up to {top:g}")

    def at(t: float, value: float) -> tuple[float, float]:
        return (
            LEFT + 8 + (RIGHT - LEFT - 16) * (t - low) / (high - low or 1.0),
            BOTTOM - (BOTTOM - TOP) * min(max(value, 0.0), top) / top,
        )

    for part in (0.0, 0.5, 1.0):
        drawing.line(LEFT, at(low, part * top)[1], RIGHT, at(low, part * top)[1], "grid")
        drawing.text(LEFT - 6, at(low, part * top)[1] + 4, f"{part * top:g}", "tick", "end")
    if floor is not None:
        points = [at(t, v) for t, v in zip(x, floor, strict=True)]
        drawing.path([at(x[0], 0.0), *points, at(x[-1], 0.0)], "band", close=True)
    if slope is not None:
        end = min(high, top / slope) if slope > 0 else high
        drawing.line(*at(0.0, 0.0), *at(end, slope * end), "limit")
    for t, (a, b) in zip(x, ends, strict=True):
        drawing.line(*at(t, a), *at(t, b), "range beside")
    drawing.path([at(t, v) for t, v in zip(x, y, strict=True)], "curve")
    for t, value in zip(x, y, strict=True):
        drawing.dot(*at(t, value), 3, "mark beside", f"{t:.3g} {unit}: {words(value)}")
    for t in sorted({x[0], x[len(x) // 2], x[-1]}):
        drawing.text(at(t, 0)[0], BOTTOM + 16, f"{t:.3g}")
    drawing.text((LEFT + RIGHT) / 2, BOTTOM + 32, unit)
    return str(drawing)
