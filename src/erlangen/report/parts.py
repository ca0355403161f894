"""What every layer adds to the Lie derivatives of the output, as bars."""

from typing import Any

from erlangen.audit import Audit
from erlangen.audit.text import error_with_interval
from erlangen.audit.text import number as words
from erlangen.report.svg import Drawing

MOST = 6  # layers a generator
SPAN = 150.0


def derivative_rows(audit: Audit) -> list[dict[str, Any]]:
    """One row a generator: the derivative with its interval, and the layers that add most to it, with bars."""
    rows = []
    for d in audit.derivatives:
        parts = sorted((c for c in audit.contributions if c.generator == d.generator), key=lambda c: -c.contribution)
        top = max((c.contribution for c in parts), default=0.0) or 1.0
        layers = [
            {
                "name": c.layer,
                "kind": c.kind,
                "bar": _bar(c.contribution / top, f"{c.layer} ({c.kind}): {words(c.contribution)}"),
                "contribution": words(c.contribution),
                "share": f"{c.share:.0%}",
            }
            for c in parts[:MOST]
        ]
        rows.append({"d": d, "mean": error_with_interval(d), "layers": layers, "left": max(0, len(parts) - MOST)})
    return rows


def _bar(share: float, label: str) -> str:
    drawing = Drawing(SPAN, 12, label)
    drawing.rect(0, 2, max(SPAN * share, 1.5), 8, "bar beside", label)
    return str(drawing)
