"""The charts of one audit: error against element, angle and shift; accuracy against angle; outputs side by side."""

from erlangen.audit import Audit
from erlangen.audit.text import number as words
from erlangen.report.svg import Drawing, LogScale, log_range, nice_top, power

WIDTH = 500.0
LEFT = 100.0
ROW = 19.0
MOST = 24  # actions listed in one chart


def element_chart(audit: Audit) -> str:
    """Error of every exact element: mean with its interval, and the worst case, on a logarithmic axis."""
    order = {f.name: i for i, f in enumerate(audit.families)}
    declared = {f.name for f in audit.families if f.declared}
    shown = sorted((a for a in audit.actions if a.exact), key=lambda a: (a.family not in declared, order[a.family]))[
        :MOST
    ]
    if not shown:
        return ""
    limit = audit.settings["exact_limit"]
    low, high = log_range([a.worst for a in shown] + [a.error for a in shown], limit)
    height = ROW * len(shown) + 46
    drawing = Drawing(
        WIDTH,
        height,
        f"Relative error of {len(shown)} exact symmetries of {audit.model}, worst {words(audit.max_error)}",
    )
    scale = LogScale(low, high, LEFT, WIDTH - 14)
    _log_axis(drawing, scale, 8, height - 34, limit, audit.settings["approximate_limit"])
    for i, a in enumerate(shown):
        y = 8 + ROW * (i + 0.5)
        kind = "good" if a.worst <= limit else "bad" if a.family in declared else "beside"
        tip = f"{a.label} ({a.family}): mean {words(a.error)}, worst {words(a.worst)} on sample {a.worst_sample}"
        drawing.text(LEFT - 8, y + 4, a.label, "label", "end")
        drawing.line(LEFT, y, scale(a.worst), y, f"stem {kind}")
        if a.interval is not None:
            drawing.line(scale(a.interval[0]), y, scale(a.interval[1]), y, f"range {kind}")
        drawing.dot(scale(a.error), y, 4, f"mark {kind}", tip)
        drawing.line(scale(a.worst), y - 5, scale(a.worst), y + 5, f"whisker {kind}")
    return str(drawing)


def _log_axis(drawing: Drawing, scale: LogScale, top: float, bottom: float, exact: float, approximate: float) -> None:
    for exponent in scale.ticks():
        x = scale(10.0**exponent)
        drawing.line(x, top, x, bottom, "grid")
        drawing.text(x, bottom + 14, power(exponent))
    for value, name in ((exact, "exact"), (approximate, "approximate")):
        drawing.line(scale(value), top, scale(value), bottom + 2, "limit")
        drawing.text(scale(value) - 3, bottom + 27, f"← {name}", "tick", "end")


def angle_chart(audit: Audit) -> str:
    """Error against the angle of rotation, with the interpolation floor as a band, and exact turns as dots."""
    turns = sorted(
        (a for a in audit.actions if a.family == "rotation" and a.parameter is not None), key=lambda a: a.parameter or 0
    )
    if len(turns) < 3:
        return ""
    exact = [a for a in audit.actions if a.exact and a.family == audit.group and a.parameter is not None]
    top = nice_top(max(a.error for a in (*turns, *exact)) * 1.02)
    chart = _AngleAxes(f"Mean relative error against the angle of rotation, up to {top:g}", top, str(round(top, 3)))
    floors = [(a.parameter or 0.0, a.floor) for a in turns if a.floor is not None]
    if floors:
        band = [(chart.x(t), chart.y(min(v, top))) for t, v in floors]
        region = [(band[0][0], chart.y(0)), *band, (band[-1][0], chart.y(0))]
        chart.drawing.path(region, "band", close=True)
    for a in turns:
        if a.interval is not None:
            x = chart.x(a.parameter or 0.0)
            chart.drawing.line(x, chart.y(min(a.interval[0], top)), x, chart.y(min(a.interval[1], top)), "range beside")
    both = sorted((*turns, *exact), key=lambda a: a.parameter or 0.0)
    chart.drawing.path([(chart.x(a.parameter or 0.0), chart.y(a.error)) for a in both], "curve")
    for a in turns:
        floor = "" if a.floor is None else f", interpolation alone {words(a.floor)}"
        chart.drawing.dot(
            chart.x(a.parameter or 0.0), chart.y(a.error), 2.5, "mark beside", f"{a.label}: {words(a.error)}{floor}"
        )
    for a in exact:
        kind = "good" if a.worst <= audit.settings["exact_limit"] else "bad"
        chart.drawing.dot(
            chart.x(a.parameter or 0.0), chart.y(a.error), 5, f"mark {kind}", f"{a.label}, exact: {words(a.error)}"
        )
    return str(chart.drawing)


def accuracy_chart(audit: Audit) -> str:
    """Share of right labels against the angle of rotation."""
    turns = [a for a in audit.actions if a.parameter is not None and a.accuracy is not None]
    turns = sorted((a for a in turns if a.family in ("rotation", audit.group)), key=lambda a: a.parameter or 0.0)
    if len(turns) < 3 or audit.accuracy is None:
        return ""
    chart = _AngleAxes("Share of right labels against the angle of rotation, from 0 to 100 %", 1.0, "100 %")
    chart.drawing.line(chart.x(0), chart.y(audit.accuracy), chart.x(360), chart.y(audit.accuracy), "limit")
    chart.drawing.path([(chart.x(a.parameter or 0.0), chart.y(a.accuracy or 0.0)) for a in turns], "curve second")
    for a in turns:
        tip = f"{a.label}: {a.accuracy:.1%} right"
        chart.drawing.dot(
            chart.x(a.parameter or 0.0), chart.y(a.accuracy or 0.0), 4 if a.exact else 2.5, "mark second", tip
        )
    return str(chart.drawing)


class _AngleAxes:
    """Axes from 0° to 360° and from 0 to `top`."""

    def __init__(self, label: str, top: float, top_words: str) -> None:
        self.drawing, self.top = Drawing(WIDTH, 210, label), top
        for part in (0.0, 0.25, 0.5, 0.75, 1.0):
            self.drawing.line(54, self.y(part * top), WIDTH - 12, self.y(part * top), "grid")
        for part in (0.0, 0.5, 1.0):
            half = f"{top / 2:g}" if "%" not in top_words else "50 %"
            text = "0" if part == 0 else half if part == 0.5 else top_words
            self.drawing.text(46, self.y(part * top) + 4, text, "tick", "end")
        for angle in range(0, 361, 45):
            self.drawing.text(self.x(angle), 202, f"{angle}°")

    def x(self, angle: float) -> float:
        """The coordinate of an angle in degrees."""
        return 54 + (WIDTH - 66) * angle / 360

    def y(self, value: float) -> float:
        """The coordinate of a value."""
        return 184 - 172 * value / self.top


def shift_chart(audit: Audit) -> str:
    """Error against the length of a shift, one line an axis."""
    shifts = [a for a in audit.actions if a.family == "translation" and a.parameter is not None]
    if len(shifts) < 2:
        return ""
    longest = max(a.parameter or 1.0 for a in shifts)
    top = nice_top(max(a.error for a in shifts) * 1.02)
    drawing = Drawing(WIDTH, 170, f"Mean relative error against the length of a shift in pixels, up to {top:g}")
    for part in (0.0, 0.5, 1.0):
        y = 142 - 130 * part
        drawing.line(54, y, WIDTH - 12, y, "grid")
        drawing.text(46, y + 4, f"{top * part:g}", "tick", "end")
    names = list(dict.fromkeys(a.label.split("+")[0] for a in shifts))
    for kind, name in zip(("first", "second", "third"), names, strict=False):
        members = sorted((a for a in shifts if a.label.split("+")[0] == name), key=lambda a: a.parameter or 0)
        spots = [(60 + (WIDTH - 120) * (a.parameter or 0) / longest, 142 - 130 * a.error / top, a) for a in members]
        drawing.path([(x, y) for x, y, _ in spots], f"curve {kind}")
        for x, y, a in spots:
            drawing.dot(x, y, 3, f"mark {kind}", f"{a.label}: {words(a.error)}")
        drawing.text(spots[-1][0] + 8, spots[-1][1] + (4 if kind == "first" else -8), name[-1], "label", "start")
    for pixels in sorted({a.parameter or 0.0 for a in shifts}):
        drawing.text(60 + (WIDTH - 120) * pixels / longest, 160, f"{pixels:g} px")
    return str(drawing)


def output_chart(audit: Audit) -> str:
    """The outputs f(g·x) and g·f(x) of the shown sample, entry by entry."""
    output = (audit.picture or {}).get("output")
    if not output:
        return ""
    first, second = output["f(g·x)"], output["g·f(x)"]
    top = max(1e-12, *(abs(v) for v in (*first, *second)))
    height = 150.0
    drawing = Drawing(
        WIDTH, height, "The outputs of the network on the moved sample and on the sample itself, side by side"
    )
    step = (WIDTH - 40) / len(first)
    low = min(0.0, *first, *second)
    span = max(0.0, *first, *second) - low or top
    zero = 16 + 110 * (1 + low / span)
    drawing.line(20, zero, WIDTH - 20, zero, "axis")
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        for j, (value, kind) in enumerate(((a, "first"), (b, "second"))):
            length = 110 * abs(value) / span
            x = 20 + step * (i + 0.18) + j * step * 0.32
            name = "g·f(x)" if j else "f(g·x)"
            drawing.rect(
                x,
                zero - length if value > 0 else zero,
                step * 0.3,
                length,
                f"bar {kind}",
                f"output {i}: {name} = {value:.4g}",
            )
        drawing.text(20 + step * (i + 0.5), height - 4, str(i))
    return str(drawing)


def layer_bar(value: float | None, low: int, limit: float, culprit: bool) -> str:
    """One bar of the layer table, on a logarithmic axis from 10^low to 10."""
    if value is None:
        return ""
    drawing = Drawing(180, 14, f"{words(value)}")
    scale = LogScale(low, 1, 0, 176)
    kind = "bad" if culprit else "good" if value <= limit else "beside"
    drawing.line(scale(limit), 0, scale(limit), 14, "limit")
    drawing.rect(0, 3, max(scale(value), 2), 8, f"bar {kind}", words(value))
    return str(drawing)
