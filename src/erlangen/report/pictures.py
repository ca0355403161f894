"""Pictures of one sample: image panels and node-link drawings."""

from typing import Any

import numpy as np

from erlangen.report.png import GREYS, HEAT, SIGNED, data_uri, hex_colour
from erlangen.report.svg import Drawing
from erlangen.report.traces import letters, traces

WORDS = {
    "x": "the sample x",
    "g·x": "the moved sample g·x",
    "h(g·x)": "features of the moved sample",
    "g·h(x)": "moved features of the sample",
    "f(g·x)": "output on the moved sample",
    "g·f(x)": "moved output",
    "difference": "their difference, same scale",
}


def panels(picture: dict[str, Any] | None) -> list[dict[str, str]]:
    """The panels of a picture, each with its name, caption, and either an image source or an inline drawing."""
    if not picture or not picture.get("panels"):
        return []
    found = []
    shown = [p for p in picture["panels"] if p["name"] != "g·x" or picture["kind"] != "graph"]
    top = _largest([p for p in shown if p["name"] not in ("x", "g·x")])
    layout = spring_layout(picture["nodes"], picture["edges"]) if picture["kind"] == "graph" else None
    for panel in shown:
        values = np.asarray(panel["values"], dtype=np.float64)
        own = panel["name"] in ("x", "g·x")
        high = float(np.abs(values).max(initial=0.0)) if own else top
        name, caption = panel["name"], WORDS.get(panel["name"], panel["name"])
        size = f"largest {np.abs(values).max(initial=0.0):.2g}"
        if picture["kind"] == "trace":
            written = panel.get("letters")
            drawing = letters(written, f"{name}: {caption}") if written else traces([values], f"{name}: {caption}")
            size = f"{len(written)} letters" if written else size
            found.append({"name": name, "caption": caption, "size": size, "svg": drawing, "src": ""})
            continue
        if layout is not None:
            drawing = graph_drawing(layout, picture["edges"], values, high, f"{name}: {caption}")
            found.append({"name": name, "caption": caption, "size": size, "svg": drawing, "src": ""})
            continue
        low, colours = (0.0, GREYS) if own else (0.0, HEAT)
        if values.min() < -1e-6 * high:
            low, colours = -high, SIGNED
        source = data_uri(values, low, high, colours)
        found.append({"name": name, "caption": caption, "size": size, "svg": "", "src": source})
    return found


def _largest(shown: list[dict[str, Any]]) -> float:
    return max((float(np.abs(np.asarray(p["values"])).max(initial=0.0)) for p in shown), default=1.0) or 1.0


def graph_drawing(layout: np.ndarray, edges: list[list[int]], values: np.ndarray, high: float, label: str) -> str:
    """A node-link drawing coloured by a number at every node.

    Args:
        layout: [N, 2] places in the unit square.
        edges: pairs of nodes.
        values: [N].
        high: value of the last colour.
        label: the alternative text.
    """
    drawing = Drawing(220, 200, label)
    place = 14 + layout * np.array([192.0, 172.0])
    for a, b in edges:
        (x1, y1), (x2, y2) = place[a], place[b]
        drawing.line(x1, y1, x2, y2, "edge")
    low, colours = (-high, SIGNED) if values.min(initial=0.0) < -1e-6 * high else (0.0, HEAT)
    radius = 6.0 if len(layout) < 30 else 4.5
    for i, (x, y) in enumerate(place):
        drawing.dot(
            x, y, radius, "node", f"node {i}: {values[i]:.3g}", hex_colour(float(values[i]), low, high, colours)
        )
    return str(drawing)


def spring_layout(nodes: int, edges: list[list[int]], steps: int = 150) -> np.ndarray:
    """Places of the nodes in the unit square, [N, 2]: springs along edges, repulsion between all.

    Starts from a circle, so that it is the same every time.

    Source: Fruchterman and Reingold 1991, Graph drawing by force-directed placement.
    """
    if nodes < 2:
        return np.full((nodes, 2), 0.5)
    angle = 2 * np.pi * np.arange(nodes) / nodes
    place = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ideal = 1.6 / nodes**0.5
    link = np.zeros((nodes, nodes))
    if edges:
        a, b = np.asarray(edges).T
        link[a, b] = link[b, a] = 1.0
    for step in range(steps):
        gap = place[:, None] - place[None]
        distance = np.linalg.norm(gap, axis=2) + 1e-6
        force = ideal**2 / distance**2 - link * distance / ideal
        np.fill_diagonal(force, 0.0)
        push = (gap * force[..., None]).sum(1) - 0.3 * ideal * place
        length = np.linalg.norm(push, axis=1, keepdims=True) + 1e-9
        place = place + push / length * np.minimum(length, 0.15 * (1 - step / steps))
    low, high = place.min(0), place.max(0)
    return (place - low) / np.maximum(high - low, 1e-9)
