"""Small arrays for the pictures of a report: the field after every layer, and one map under many motions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.carry import Carrier, tensor_of
from erlangen.audit.localise import Row
from erlangen.audit.measure import tensor
from erlangen.audit.record import Call
from erlangen.blueprint import Action, Signal, Space
from erlangen.errors import ErlangenError
from erlangen.grids.hexagon import HexGrid, paint

PIXELS = 24  # a side of a small map
ARROWS = 12  # arrows a side of a vector field
SAMPLES = 96  # of a trace
LAYERS, TILES, FRAMES = 10, 8, 9


def layer_fields(rows: Sequence[Row], carry: Carrier, index: int, space: Space | None, nodes: list[int]) -> list[dict]:
    """The first fields after every layer that lives on the domain, as what they are.

    Args:
        rows: of `localise`.
        carry: of the samples.
        index: which sample.
        space: what the signals live on.
        nodes: of a graph, those that are drawn.

    Returns:
        One dict a layer: "layer", "kind" (its class), "field" in words, and "parts": each has "name", "what" ("scalar",
        "vector", "regular", "channels", "nodes"), "form" ("map", "arrows", "trace" or "nodes") and "values", one array
        a tile. At most ten layers, evenly spread.
    """
    calls = [r.before for r in rows if r.kind != "code" and r.before is not None and _is_map(r.before, carry)]
    if len(calls) > LAYERS:
        calls = [calls[round(i * (len(calls) - 1) / (LAYERS - 1))] for i in range(LAYERS)]
    found = []
    for call in calls:
        y = tensor_of(call.output)
        if carry.on is not None:
            size = y.double().norm(dim=1)[nodes]
            parts = [{"name": "length", "what": "nodes", "form": "nodes", "values": [_numbers(size)]}]
        else:
            parts = [_part(y[index].double(), *choice, space) for choice in _choices(call, y[index])]
        field = "" if call.out_rep is None else str(call.out_rep)
        found.append({"layer": call.path, "kind": call.type, "field": field, "parts": parts})
    return found


def _is_map(call: Call, carry: Carrier) -> bool:
    if call.unknown is not None:
        return False
    try:
        y = call.output if isinstance(call.output, Signal) else tensor_of(call.output)
    except ErlangenError:
        return False
    return carry.lives_on_domain(y) and (carry.on is not None or min(tensor(y).shape[2:]) > 2)


def _choices(call: Call, y: Tensor) -> list[tuple[str, str, list[int]]]:
    """(name, what, channels) of the parts to draw: the first fields of every term, at most three terms.

    Of channels without a meaning of their own, those that vary most.
    """
    if call.out_rep is None or call.out_rep.size != len(y):
        return [("channels", "channels", _liveliest(y, range(len(y)), 4))]
    parts, offset = [], 0
    for copies, component in call.out_rep.terms:
        size = component.size
        if size == 1:
            parts.append((component.name, "scalar", [offset + i for i in range(min(copies, 4))]))
        else:
            kinds = {"standard": "vector", "regular": "regular"}
            what = kinds.get(component.name, "channels")
            first = range(offset, offset + size)
            parts.append((component.name, what, [*first][:TILES] if what != "channels" else _liveliest(y, first, 4)))
        offset += copies * size
    return parts[:3]


def _liveliest(y: Tensor, channels: range, most: int) -> list[int]:
    spread = y[channels.start : channels.stop].double().flatten(1).std(dim=1)
    return sorted(channels.start + int(i) for i in spread.argsort(descending=True)[:most])


def _part(y: Tensor, name: str, what: str, channels: list[int], space: Space | None) -> dict[str, Any]:
    values = y[channels]
    if y.ndim == 2:
        step = max(1, -(-y.shape[1] // SAMPLES))
        return {"name": name, "what": what, "form": "trace", "values": [_numbers(v[::step]) for v in values]}
    flat = [flattened(v, space) for v in values]
    if what == "vector" and len(flat) == 2 and not isinstance(space, HexGrid):
        return {"name": name, "what": what, "form": "arrows", "values": [thin(v, ARROWS) for v in flat]}
    return {"name": name, "what": what, "form": "map", "values": [thin(v, PIXELS) for v in flat]}


def flattened(v: Tensor, space: Space | None, pixels: int = 2 * PIXELS) -> Tensor:
    """One channel as a picture [H, W]: hexagons are painted, of a volume the middle slice is shown, a line is a row."""
    if isinstance(space, HexGrid):
        return paint(v, pixels)
    if v.ndim == 3:
        return v[v.shape[0] // 2]
    return v if v.ndim == 2 else v[None]


def thin(v: Tensor, most: int) -> list[list[float]]:
    """Every s-th row and column, so that at most so many are left a side."""
    step = max(1, -(-max(v.shape) // most))
    return [_numbers(line) for line in v[::step, ::step]]


def _numbers(v: Tensor) -> list[float]:
    return [float(f"{x:.3g}") for x in v.tolist()]


def frames_of(actions: Sequence[Action], triple: Callable[[Action], "tuple[Tensor, Tensor] | None"]) -> list[dict]:
    """What became of one map under many motions.

    Args:
        actions: candidates; at most nine are taken, exact ones before others, evenly spread.
        triple: action → (f(g·x), g·f(x)), each as a picture [H, W] or a vector.

    Returns:
        One dict a motion: "action", "family", "exact", and "values", the two arrays.
    """
    order = {id(a): i for i, a in enumerate(actions)}
    exact, other = ([a for a in actions if a.exact is wanted] for wanted in (True, False))
    found = []
    for action in (*_spread(exact), *_spread(other)):
        if len(found) == FRAMES:
            break
        try:
            both = triple(action)
        except (ErlangenError, RuntimeError):
            continue
        if both is not None and both[0].shape == both[1].shape and bool(torch.isfinite(both[0]).all()):
            values = [thin(v, PIXELS) if v.ndim == 2 else _numbers(v) for v in both]
            frame = {"action": action.label, "family": action.family, "exact": action.exact, "values": values}
            found.append((order[id(action)], frame))
    found = [frame for _, frame in sorted(found, key=lambda f: f[0])]
    return found if len(found) > 1 and _differ(found) else []


def _spread(actions: list[Action]) -> list[Action]:
    if len(actions) <= FRAMES:
        return actions
    return [actions[round(i * (len(actions) - 1) / (FRAMES - 1))] for i in range(FRAMES)]


def _differ(found: list[dict]) -> bool:
    """Whether the motions show more than one picture."""
    first = np.asarray(found[0]["values"][1])
    return any(
        np.asarray(f["values"][1]).shape != first.shape or (np.asarray(f["values"][1]) != first).any()
        for f in found[1:]
    )
