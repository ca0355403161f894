"""`write_report`: audits, tables and pictures on one page that needs no network."""

import json
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any

from erlangen.audit import Audit, LayerResult
from erlangen.audit.result import guilt
from erlangen.audit.text import error_with_interval, number, share
from erlangen.files import write_atomically
from erlangen.report import curves, figures
from erlangen.report.fields import field_rows, frame_views
from erlangen.report.logo import logos
from erlangen.report.parts import derivative_rows
from erlangen.report.pictures import panels
from erlangen.report.svg import log_range

TEMPLATES = Path(__file__).parent / "templates"
SIGNS = {"exact": "✓", "approximate": "≈", "broken": "✗", "interpolated": "·"}


@dataclass(frozen=True)
class Section:
    """One network of a report.

    Args:
        name: the heading, such as "derived C4 network".
        audit: its audit.
        facts: more to say about it, name and value, such as {"test accuracy": "98.7 %"}.
        plan: its printed plan, if it has one.
        note: a sentence or two.
    """

    name: str
    audit: Audit
    facts: dict[str, Any] = dataclass_field(default_factory=dict)
    plan: str = ""
    note: str = ""


def write_report(
    path: "str | Path",
    title: str,
    sections: "list[Section | Audit]",
    table: list[dict[str, Any]] | None = None,
    provenance: dict[str, Any] | None = None,
    introduction: str = "",
) -> Path:
    """Write one HTML file with everything in it.

    Args:
        path: the file.
        title: its heading.
        sections: audits, with or without names and facts.
        table: rows of the table of results at the top, each a mapping from column to value; the first names the row.
        provenance: what a reader needs to do it again: command, data, seeds, versions.
        introduction: a few sentences below the heading.

    Returns:
        The path.

    Raises:
        DataError: the file cannot be written; what was there before is untouched.
    """
    return write_atomically(Path(path), render(title, sections, table, provenance, introduction))


def render(
    title: str,
    sections: "list[Section | Audit]",
    table: list[dict[str, Any]] | None = None,
    provenance: dict[str, Any] | None = None,
    introduction: str = "",
) -> str:
    """The page as text (see `write_report`)."""
    named = [s if isinstance(s, Section) else Section(s.model, s) for s in sections]
    columns, rows = cells(table or [])
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            title=title,
            introduction=introduction,
            columns=columns,
            rows=rows,
            sections=[_view(i + 1, section) for i, section in enumerate(named)],
            provenance={k: _words(v) for k, v in (provenance or {}).items()},
            signs=SIGNS,
        )
    )


def environment() -> Any:
    """The templates, with the style and the script that every page has inside."""
    import jinja2

    loader = jinja2.FileSystemLoader(TEMPLATES)
    found = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    found.filters |= {"number": number, "share": share}
    inside: dict[str, Any] = found.globals
    inside["style"] = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    inside["script"] = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    return found


def cells(table: list[dict[str, Any]]) -> tuple[list[str], list[list[dict[str, Any]]]]:
    """The columns of a table, and its rows as the template shows them."""
    return (list(table[0]) if table else []), [[_cell(v) for v in row.values()] for row in table]


def _view(place: int, section: Section) -> dict[str, Any]:
    """What the template shows of one network."""
    audit = section.audit
    low, _ = log_range([row.intrinsic or 0.0 for row in audit.layers], audit.settings["exact_limit"])
    limit = audit.settings["exact_limit"]
    return {
        "id": f"model-{place}",
        "section": section,
        "audit": audit,
        "facts": {k: _words(v) for k, v in section.facts.items()},
        "guilty": _guilty(audit),
        "families": [(f, error_with_interval(f)) for f in audit.families],
        "elements": figures.element_chart(audit),
        "angles": figures.angle_chart(audit),
        "accuracy": figures.accuracy_chart(audit),
        "shifts": figures.shift_chart(audit),
        "outputs": figures.output_chart(audit),
        "ranges": curves.range_charts(audit),
        "stability": curves.stability_charts(audit),
        "scales": curves.scale_chart(audit.scales),
        "derivatives": derivative_rows(audit),
        "panels": panels(audit.picture),
        "frames": frame_views(audit.picture),
        "fields": field_rows(audit.picture),
        "logos": logos((audit.picture or {}).get("motifs")),
        "layers": [(row, figures.layer_bar(row.intrinsic, low, limit, row.culprit)) for row in audit.layers],
        "settings": {k: _words(v) for k, v in audit.settings.items()},
        "json": embedded(audit),
    }


def _guilty(audit: Audit) -> list[dict[str, Any]]:
    """The guilty layers, those with the same cause together, the worst first."""
    groups: dict[tuple[str, str, str], list[LayerResult]] = {}
    for row in audit.culprits:
        groups.setdefault((row.kind, row.cause, row.remedy), []).append(row)
    return [
        {
            "names": ", ".join(row.name for row in rows),
            "kind": kind,
            "count": len(rows),
            "worst": max(guilt(row) for row in rows),
            "cause": cause,
            "remedy": remedy,
        }
        for (kind, cause, remedy), rows in groups.items()
    ]


def embedded(audit: Audit) -> str:
    """The audit as JSON that may stand inside a script element."""
    return harmless(json.dumps(audit.to_dict(), ensure_ascii=False, allow_nan=False))


def harmless(text: str) -> str:
    """JSON in which nothing can end the script element it stands in."""
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _cell(value: Any) -> dict[str, Any]:
    """A table cell: its text, whether it is a number, and the verdict it names, if any."""
    text = _words(value)
    numeric = (isinstance(value, (int, float)) and not isinstance(value, bool)) or text.rstrip(" %").replace(
        ".", ""
    ).replace(",", "").isdigit()
    return {"text": text, "numeric": numeric, "verdict": text if text in SIGNS else ""}


def _words(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.1e}" if value and (abs(value) < 1e-3 or abs(value) >= 1e6) else f"{value:.3g}"
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
