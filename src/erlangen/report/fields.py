"""Feature fields drawn as what they are: scalars as maps, vectors as arrows, regular fields as one tile an element."""

from typing import Any

import numpy as np

from erlangen.report.pictures import graph_drawing, spring_layout
from erlangen.report.png import HEAT, SIGNED, data_uri
from erlangen.report.svg import Drawing
from erlangen.report.traces import traces

SAID = {
    "scalar": "scalar fields, one map each",
    "vector": "a vector field, as arrows",
    "regular": "a regular field, one tile an element of the group",
    "channels": "channels",
    "nodes": "length of the features at the nodes",
}
ARROW = 13.0  # between two arrows


def field_rows(picture: dict[str, Any] | None) -> list[dict[str, Any]]:
    """One row a layer: {"layer", "kind", "field", "parts"}; every part has a caption and tiles, images or drawings."""
    rows = []
    for row in (picture or {}).get("fields") or []:
        parts = []
        for part in row["parts"]:
            caption = SAID.get(part["what"], part["what"])
            if part["form"] == "trace":
                caption = caption.replace("tile", "curve").replace("map", "curve")
            if part["what"] == "channels" and part["name"] != "channels":
                caption = f"channels of {part['name']}"
            parts.append({"caption": caption, "tiles": _tiles(part, picture or {}, f"{row['layer']}: {caption}")})
        rows.append({"layer": row["layer"], "kind": row["kind"], "field": row["field"], "parts": parts})
    return rows


def _tiles(part: dict[str, Any], picture: dict[str, Any], label: str) -> list[dict[str, str]]:
    values = [np.asarray(v, dtype=np.float64) for v in part["values"]]
    top = max((float(np.abs(v).max(initial=0.0)) for v in values), default=0.0) or 1.0
    if part["form"] == "arrows":
        return [{"svg": arrows(values[0], values[1], label), "src": "", "alt": label}]
    if part["form"] == "trace":
        return [{"svg": traces(values, label), "src": "", "alt": label}]
    if part["form"] == "nodes":
        layout = spring_layout(picture["nodes"], picture["edges"])
        return [{"svg": graph_drawing(layout, picture["edges"], values[0], top, label), "src": "", "alt": label}]
    signed = any(v.min(initial=0.0) < -1e-6 * top for v in values)
    low, colours = (-top, SIGNED) if signed else (0.0, HEAT)
    return [
        {"svg": "", "src": data_uri(v, low, top, colours), "alt": f"{label}, tile {i + 1}"}
        for i, v in enumerate(values)
    ]


def arrows(x: np.ndarray, y: np.ndarray, label: str) -> str:
    """A vector field; the components are (x, y) with y upwards, rows go downwards."""
    rows, columns = x.shape
    drawing = Drawing(ARROW * columns + 4, ARROW * rows + 4, label)
    longest = float(np.hypot(x, y).max(initial=0.0)) or 1.0
    for i in range(rows):
        for j in range(columns):
            dx, dy = 0.95 * ARROW * x[i, j] / longest, -0.95 * ARROW * y[i, j] / longest
            if abs(dx) + abs(dy) < 0.6:
                continue
            middle_x, middle_y = 2 + ARROW * (j + 0.5), 2 + ARROW * (i + 0.5)
            drawing.line(middle_x - dx / 2, middle_y - dy / 2, middle_x + dx / 2, middle_y + dy / 2, "arrow")
            drawing.dot(middle_x + dx / 2, middle_y + dy / 2, 1.6, "mark beside")
    return str(drawing)


def frame_views(picture: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The frames of the slider: {"label", "note", "size", "panels"}, all on one scale."""
    frames = (picture or {}).get("frames") or []
    if not frames:
        return []
    arrays = [[np.asarray(v, dtype=np.float64) for v in f["values"]] for f in frames]
    arrays = [[a, b, a - b] for a, b in arrays]
    top = max(float(np.abs(v).max(initial=0.0)) for three in arrays for v in three) or 1.0
    signed = any(v.min(initial=0.0) < -1e-6 * top for three in arrays for v in three[:2])
    graph = spring_layout((picture or {})["nodes"], (picture or {})["edges"]) if arrays[0][0].ndim == 1 else None
    name = "h" if (picture or {}).get("layer") else "f"
    views = []
    for frame, three in zip(frames, arrays, strict=True):
        panels = []
        for i, (title, v) in enumerate(zip((f"{name}(g·x)", f"g·{name}(x)", "difference"), three, strict=True)):
            alt = f"{title} for {frame['action']}"
            if graph is not None:
                drawing = graph_drawing(graph, (picture or {})["edges"], np.abs(v) if i == 2 else v, top, alt)
                panels.append({"name": title, "svg": drawing, "src": "", "alt": alt})
                continue
            shown, low, colours = (np.abs(v), 0.0, HEAT) if i == 2 or not signed else (v, -top, SIGNED)
            panels.append({"name": title, "svg": "", "src": data_uri(shown, low, top, colours), "alt": alt})
        gap = float(np.linalg.norm(three[2]) / (np.linalg.norm(three[1]) or 1.0))
        note = "exact" if frame["exact"] else "interpolated"
        views.append({"label": frame["action"], "note": note, "size": f"{gap:.2g}", "panels": panels})
    return views
