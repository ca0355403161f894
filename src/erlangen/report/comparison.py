"""The page of a comparison: verdict, learning curves, table, contrasts, numbers."""

import json
from math import log
from pathlib import Path
from typing import Any

from erlangen.files import write_atomically
from erlangen.learn import Comparison
from erlangen.learn.compare.arms import ARMS
from erlangen.learn.compare.figure import STYLE, TITLES
from erlangen.learn.compare.score import in_words, number
from erlangen.learn.compare.table import spread
from erlangen.learn.compare.verdict import VERDICTS
from erlangen.report.page import SIGNS, cells, environment, harmless
from erlangen.report.svg import Drawing, nice_step

SIGN = {
    "helped": "exact",
    "neutral": "interpolated",
    "wrong": "broken",
    "costly": "approximate",
    "undecided": "interpolated",
}
WIDTH, HEIGHT = 460.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 446.0, 14.0, 206.0


def write_comparison(path: "str | Path", title: str, found: Comparison) -> Path:
    """Write one HTML file with everything in it.

    Args:
        path: the file.
        title: its heading.
        found: the comparison.

    Returns:
        The path.

    Raises:
        DataError: the file cannot be written; what was there before is untouched.
    """
    rows = cells(_table(found))
    contrasts = cells(_contrasts(found))
    page = (
        environment()
        .get_template("comparison.html.j2")
        .render(
            title=title,
            introduction=_question(found),
            sign=SIGN[found.verdict.name],
            signs=SIGNS,
            said=VERDICTS[found.verdict.name],
            sentences=found.verdict.sentences,
            charts=[
                {"svg": _chart(found, pose), "caption": TITLES[pose].format(group=found.group)} for pose in found.poses
            ],
            arms=[{"name": a, "colour": STYLE[a][0], "words": ARMS[a].words} for a in found.arms],
            columns=rows[0],
            rows=rows[1],
            contrasts=contrasts,
            left_out=found.left_out,
            provenance={**_plan(found), **{k: str(v) for k, v in found.environment.items()}},
            json=harmless(json.dumps(found.to_dict(), ensure_ascii=False)),
        )
    )
    return write_atomically(Path(path), page)


def _question(found: Comparison) -> str:
    return (
        f"Does the symmetry {found.group} pay on {found.data}, and is it better built in, shown, or put on afterwards? "
        f"{in_words(found.metric).capitalize()} over {len(found.seeds)} seeds or folds."
    )


def _table(found: Comparison) -> list[dict[str, Any]]:
    rows = []
    for row in found.rows():
        shown = {"arm": row["arm"], "examples": row["examples"]}
        shown |= {pose: spread(row[pose], found.metric) for pose in found.poses}
        shown["answers that change"] = None if row["flips"] is None else f"{row['flips']:.1%}"
        shown["largest change"] = row["error"]
        rows.append(
            shown | {"parameters": row["parameters"], "epochs": round(row["epochs"]), "minutes": row["minutes"]}
        )
    return rows


def _contrasts(found: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "arms": f"{c.first} − {c.second}",
            "test examples": c.pose,
            "training examples": "all sizes" if c.examples is None else f"{c.examples:,}",
            "gain": f"{c.gain:+.4f}",
            "95 % interval": f"{c.low:+.4f} to {c.high:+.4f}",
            "pairs": c.pairs,
            "p": f"{c.p:.2g}",
            "outcome": c.outcome,
        }
        for c in found.verdict.contrasts
    ]


def _plan(found: Comparison) -> dict[str, str]:
    keys = ("data", "group", "size", "match", "epochs", "minutes", "settings")
    return {
        k: json.dumps(found.plan[k], ensure_ascii=False, default=str) for k in keys if found.plan.get(k) is not None
    }


def _chart(found: Comparison, pose: str) -> str:
    """Score against training examples: a line an arm, a dot a seed."""
    curves = [c for c in found.curves() if c["pose"] == pose]
    values = [v for c in found.curves() for seeds in c["seeds"] for v in seeds]
    step = nice_step(max(values) - min(values) or abs(max(values)) or 1.0)
    low, high = step * (min(values) // step), step * -(-max(values) // step)
    drawing = Drawing(WIDTH, HEIGHT, f"{in_words(found.metric)} against training examples, {pose}")
    sizes = found.sizes

    def at(examples: float, value: float) -> tuple[float, float]:
        part = 0.5 if len(sizes) == 1 else log(examples / sizes[0]) / log(sizes[-1] / sizes[0])
        return LEFT + 20 + (RIGHT - LEFT - 40) * part, BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low or 1.0)

    for i in range(round((high - low) / step) + 1):
        y = at(sizes[0], low + i * step)[1]
        drawing.line(LEFT, y, RIGHT, y, "grid")
        drawing.text(LEFT - 6, y + 4, f"{low + i * step:.4g}", "tick", "end")
    for n in sizes:
        drawing.text(at(n, low)[0], BOTTOM + 18, f"{n:,}")
    drawing.text((LEFT + RIGHT) / 2, BOTTOM + 36, "training examples")
    for i, curve in enumerate(curves):
        colour, dashes, _ = STYLE[curve["family"]]
        aside = 7.0 * (i - (len(curves) - 1) / 2)
        points = [(at(n, v)[0] + aside, at(n, v)[1]) for n, v in zip(curve["x"], curve["score"], strict=True)]
        drawing.path(points, "arm dashed" if dashes == "--" else "arm", stroke=colour)
        for (x, y), seeds, value in zip(points, curve["seeds"], curve["score"], strict=True):
            for seed in seeds:
                drawing.dot(x, at(sizes[0], seed)[1], 1.8, "seed", fill=colour)
            drawing.dot(x, y, 4, "mean", f"{curve['family']}: {number(value, found.metric)}", fill=colour)
    return str(drawing)
