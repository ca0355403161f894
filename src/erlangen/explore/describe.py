"""In words and figures for the page: layers, dials, features, and the findings of an audit."""

from math import isfinite
from typing import Any

import torch
from torch import Tensor

from erlangen.audit import Audit
from erlangen.audit.carry import tensor_of
from erlangen.audit.parts import UnknownAction
from erlangen.audit.record import Call
from erlangen.blueprint import EquivariantModule, Signal
from erlangen.explore.figures import bars
from erlangen.explore.motion import Motion
from erlangen.explore.scene import Scene
from erlangen.explore.state import State, error

PADDING = (
    "zero padding: beyond the border the layer sees black, where the shifted picture goes on",
    "derive with shift='exact', which pads with the other side",
)
STRIDE = (
    "a stride keeps the cells of one fixed lattice, and a shift by one pixel falls between them",
    "derive with shift='exact' (polyphase pooling), or pool without a stride",
)


def layers_of(state: State) -> list[dict[str, Any]]:
    """Name, field and size of every layer."""
    found = []
    for call in state.calls:
        try:
            value = tensor_of(call.output)
        except UnknownAction:
            value = None
        field = str(call.module.out_field.rep) if isinstance(call.module, EquivariantModule) else ""
        found.append(
            {
                "path": call.path,
                "kind": call.type,
                "field": field or (f"{value.shape[1]} channels" if value is not None and value.ndim > 1 else ""),
                "shape": "" if value is None else _size(call, value),
            }
        )
    return found


def _size(call: Call, value: Tensor) -> str:
    if isinstance(call.output, Signal):
        return f"{len(value)} nodes"
    return "×".join(map(str, value.shape[2:])) if value.ndim > 2 else "vector"


def motions_of(motions: tuple[Motion, ...]) -> list[dict[str, Any]]:
    """The dials."""
    return [
        {
            "name": m.name,
            "title": m.title,
            "dial": m.dial,
            "unit": m.unit,
            "law": m.law,
            "shifts": m.shifts,
            "labels": [e.label for e in m.elements],
            "parameters": [e.parameter for e in m.elements],
            "members": [int(e.member) for e in m.elements],
            "exact": [int(e.action.exact) for e in m.elements],
        }
        for m in motions
    ]


def layer_figure(scene: Scene, state: State, layer: int, value: Any) -> dict[str, Any]:
    """The figure of a feature: a map of the domain, or a vector."""
    call = state.calls[layer]
    scales = state.scales.setdefault(layer, {})
    if not scales:  # the clean feature sets the colours
        scales["set"] = 1.0
        layer_figure(scene, state, layer, call.output)
    if isinstance(value, Signal):
        return scene.draw_map(value, call.out_rep, scales)
    x = tensor_of(value)
    if not isinstance(state.signal, Signal) and x.ndim == state.signal.ndim and max(x.shape[2:], default=1) > 1:
        return scene.draw_map(x, call.out_rep, scales)
    return {"parts": bars(x.flatten(1)[0], scales)}


def judged(found: Audit, state: State) -> dict[str, Any]:
    """Verdict, and of every layer what the audit says under the group and under shifts."""
    limit = found.settings["exact_limit"]
    rows = [row for row in found.layers if row.kind != "code"]
    layers = []
    for row, call in zip(rows, state.calls, strict=False):
        shifted = (row.shift is not None and row.shift > limit) or _misses_shifts(call, state, limit)
        cause, remedy = row.cause, row.remedy
        by_shift = (cause, remedy) if row.culprit and cause else _why_shift(row.kind)
        layers.append(
            {
                "intrinsic": _number(row.intrinsic),
                "accumulated": _number(row.accumulated),
                "shift": _number(row.shift),
                "culprit": row.culprit,
                "cause": cause,
                "remedy": remedy,
                "shift_culprit": shifted,
                "shift_cause": by_shift[0] if shifted else "",
                "shift_remedy": by_shift[1] if shifted else "",
                "note": row.note,
            }
        )
    return {
        "verdict": found.verdict,
        "max_error": _number(found.max_error),
        "witness": found.witness.get("action", ""),
        "limit": limit,
        "layers": layers,
        "code": _code(found),
        "errors": {a.label: _number(a.error) for a in found.actions},
    }


def _code(found: Audit) -> list[dict[str, Any]]:
    """Guilty code between layers, with the number of layers before it; before the first layer there is none here."""
    guilty, before = [], 0
    for row in found.layers:
        before += row.kind != "code"
        if row.kind == "code" and row.culprit and before:
            words = {"where": row.name, "cause": row.cause, "remedy": row.remedy}
            guilty.append(words | {"before": before, "error": _number(row.intrinsic)})
    return guilty


def _misses_shifts(call: Call, state: State, limit: float) -> bool:
    """Whether a layer that coarsens gives other values, not only other places, when its input is shifted by one."""
    x, y = call.main_input, call.output
    maps = isinstance(y, Tensor) and x is not None and not isinstance(state.signal, Signal)
    if not maps or not y.ndim == x.ndim == state.signal.ndim or y.shape[-1] >= x.shape[-1] or y.shape[-1] < 2:
        return False
    with torch.no_grad():
        moved = call.module(x.roll(1, -1))
    return min(error(moved, y.roll(k, -1)) for k in (0, 1, -1)) > limit


def _why_shift(kind: str) -> tuple[str, str]:
    if "Conv" in kind:
        return PADDING
    if "Pool" in kind or kind == "EverySecond":
        return STRIDE
    return ("the layer treats places differently", "use layers that treat all places alike")


def _number(x: float | None) -> float | None:
    return float(f"{x:.4g}") if x is not None and isfinite(x) else None
