"""Small arrays for the pictures of a report: one sample, and what became of it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from erlangen.audit.carry import Carrier, tensor_of
from erlangen.audit.features import flattened, frames_of, layer_fields, thin
from erlangen.audit.localise import Row
from erlangen.audit.measure import tensor
from erlangen.audit.motifs import LETTERS
from erlangen.audit.probe import forward
from erlangen.audit.record import Call
from erlangen.blueprint import Action, Signal, Space
from erlangen.errors import ErlangenError
from erlangen.grids.hexagon import HexGrid

PIXELS = 48  # images are thinned to at most this many pixels a side
NODES = 60  # a graph is cut to at most this many nodes
LINE = 96  # letters or values along a line
NUMBERS = 16  # at most this many outputs


def picture_of(
    model: Any,
    chunk_signal: Any,
    index: int,
    carry: Carrier,
    action: Action,
    reps: tuple[Any, Any],
    rows: list[Row],
    space: Space | None = None,
    others: Sequence[Action] = (),
) -> dict[str, Any]:
    """One sample x with g·x, f(g·x), g·f(x), and the last layer that still lives on the domain.

    Args:
        model: in evaluation mode.
        chunk_signal: the samples of the layer audit.
        index: which of them to show (a row, for a single graph).
        carry: of these samples.
        action: the motion to show.
        reps: representations of the input and the output.
        rows: of `localise`, for the feature maps.
        space: what the signals live on, for cells that are no squares.
        others: further motions, of which some are shown one after the other.

    Returns:
        JSON-able data: "kind" is "image", "trace", "graph" or "none"; "panels" are named maps, traces, letters or node
        values; "output" the two vectors; "fields" the fields after every layer (see `layer_fields`); "frames" what
        became of one map under many motions (see `frames_of`).
    """
    moved = action.move(chunk_signal, reps[0])
    clean, result = forward(model, chunk_signal), forward(model, moved, action.label)
    expected = carry.move(action, clean, reps[1])
    found: dict[str, Any] = {"action": action.label, "family": action.family, "sample": index}
    on_domain = carry.lives_on_domain(clean)
    maps = [("x", chunk_signal, False), ("g·x", moved, True)]
    if on_domain:
        maps += _triple("f", result, expected)
    else:
        found |= {"output": _vectors(result, expected, index, carry)}
    call = None if on_domain else _last_map(rows, carry)
    if call is not None:
        feature = _feature(model, call, carry, action, chunk_signal, reps[0], rows)
        if feature is not None:
            found["layer"] = call.path
            maps += _triple("h", feature, tensor_of(carry.move(action, call.output, call.out_rep)))
    nodes = _nodes(carry, index) if carry.on is not None else []
    found["fields"] = layer_fields(rows, carry, index, space, nodes)

    def both(other: Action) -> tuple[Tensor, Tensor] | None:
        """f(g·x) and g·f(x) of another motion, or of the last layer on the domain."""
        if call is not None:
            pair = (
                _feature(model, call, carry, other, chunk_signal, reps[0], rows),
                carry.move(other, call.output, call.out_rep),
            )
        elif on_domain:
            pair = forward(model, other.move(chunk_signal, reps[0]), other.label), carry.move(other, clean, reps[1])
        else:
            return None
        return (
            None
            if pair[0] is None
            else (_shown(pair[0], index, carry, other, space), _shown(pair[1], index, carry, other, space))
        )

    found["frames"] = frames_of(others, both)
    if carry.on is not None:
        return found | graph_panels(maps, index, carry, action)
    x = tensor(chunk_signal)
    if x.ndim < 3:
        return found | {"kind": "none", "panels": []}
    panels = [_panel(n, tensor(v), index, space) for n, v, _ in maps]
    return found | {"kind": "trace" if x.ndim == 3 else "image", "panels": panels}


def _shown(value: Any, index: int, carry: Carrier, action: Action, space: Space | None) -> Tensor:
    """A map as a picture [H, W], or the magnitudes at the nodes of a graph, each where it came from."""
    x = tensor_of(value).double()
    if carry.on is None:
        return magnitude(x[index], space)
    size = x.norm(dim=1) if x.shape[1] > 1 else x[:, 0]
    return size[torch.argsort(carry.order(action, carry.rows))][_nodes(carry, index)]


def _panel(name: str, x: Tensor, index: int, space: Space | None) -> dict[str, Any]:
    """One panel: a picture, or the letters or values along a line."""
    if x.ndim != 3:
        return {"name": name, "values": image(x, index, space)}
    one = x[index].double()
    if space is not None and space.name == "strand" and x.shape[1] == LETTERS and name in ("x", "g·x"):
        letters = "".join(
            "ACGT"[i] if top > 0 else "N" for top, i in zip(*(t.tolist() for t in one.max(0)), strict=True)
        )
        return {"name": name, "letters": letters[:LINE], "values": []}
    step = max(1, -(-one.shape[1] // LINE))
    return {"name": name, "values": _traced((one[0] if len(one) == 1 else one.norm(dim=0))[::step])}


def _traced(v: Tensor) -> list[float]:
    return [float(f"{x:.4g}") for x in v.tolist()]


def _triple(name: str, f_gx: Any, g_fx: Any) -> list[tuple[str, Any, bool]]:
    a, b = tensor(f_gx), tensor(g_fx)
    parts = [(f"{name}(g·x)", a, True), (f"g·{name}(x)", b, True)]
    return [*parts, ("difference", a - b, True)] if a.shape == b.shape else parts


def _vectors(result: Any, expected: Any, index: int, carry: Carrier) -> dict[str, Any] | None:
    a, b = tensor(result), tensor(expected)
    if a.ndim != 2 or a.shape != b.shape:
        return None
    row = index if carry.on is None else _graph_of(carry, index)
    return {"f(g·x)": _numbers(a[row]), "g·f(x)": _numbers(b[row])}


def _numbers(v: Tensor) -> list[float]:
    return [float(f"{x:.5g}") for x in v[:NUMBERS].tolist()]


def _last_map(rows: list[Row], carry: Carrier) -> Call | None:
    """The last layer whose output lives on the domain with more than a few points."""
    for row in reversed(rows):
        call = row.before
        if row.kind == "code" or call is None or call.unknown is not None:
            continue
        try:
            y = call.output if isinstance(call.output, Signal) else tensor_of(call.output)
        except ErlangenError:
            continue
        if carry.lives_on_domain(y) and (carry.on is not None or min(tensor(y).shape[2:]) > 2):
            return call
    return None


def _feature(model: Any, call: Call, carry: Carrier, action: Action, signal: Any, rep: Any, rows: list[Row]) -> Any:
    """f_i(g·x): the output of one layer in a free pass on the moved input."""
    kept: list[Any] = []
    handle = call.module.register_forward_hook(lambda m, a, output: kept.append(output))
    try:
        forward(model, action.move(signal, rep), action.label)
    finally:
        handle.remove()
    calls = [r.before for r in rows if r.kind != "code" and r.before is not None and r.before.module is call.module]
    place = next(i for i, c in enumerate(calls) if c is call)
    return tensor_of(kept[place]) if place < len(kept) else None


def magnitude(one: Tensor, space: Space | None = None, pixels: int = PIXELS) -> Tensor:
    """The magnitude over channels of a map [C, *spatial] as a picture [H, W]; one channel keeps its sign."""
    flat = one[0] if len(one) == 1 else one.norm(dim=0)
    return flattened(flat, space, pixels)


def image(x: Tensor, index: int, space: Space | None = None) -> list[list[float]]:
    """The magnitude over channels of one map [B, C, *spatial], thinned; one channel keeps its sign.

    Args:
        x: the maps.
        index: which of them.
        space: hexagonal cells are painted on pixels; None stands for square ones.
    """
    most = 2 * PIXELS if isinstance(space, HexGrid) else PIXELS
    return thin(magnitude(x[index].double(), space, most), most)


def graph_panels(maps: list[tuple[str, Any, bool]], index: int, carry: Carrier, action: Action) -> dict[str, Any]:
    """One graph (or the neighbourhood of one node) with the magnitude of every map at its nodes.

    Moved maps are shown on the same drawing: node v's value is taken from the place to which v went.
    """
    nodes = _nodes(carry, index)
    went_to = torch.argsort(carry.order(action, carry.rows))
    panels = []
    for name, value, moved in maps:
        x = tensor(value).double()
        size = x.norm(dim=1) if x.shape[1] > 1 else x[:, 0]
        if name == "x" and x.shape[1] > 1 and float(size.max() - size.min()) < 1e-6 * float(size.max()):
            size = x.argmax(1).double()  # one-hot node types: all of one length
        size = size[went_to] if moved else size
        panels.append({"name": name, "values": [float(f"{v:.4g}") for v in size[nodes].tolist()]})
    return {"kind": "graph", "panels": panels, "edges": _edges(carry, nodes), "nodes": len(nodes)}


def _graph_of(carry: Carrier, row: int) -> int:
    pointer = getattr(carry.on, "graph_ptr", None)
    if pointer is None or len(pointer) - 1 > row:
        return row
    return 0


def _nodes(carry: Carrier, index: int) -> list[int]:
    """The nodes to draw: the graph of a batch, or a breadth-first neighbourhood in a single graph."""
    pointer = getattr(carry.on, "graph_ptr", None)
    if pointer is not None and len(pointer) > 2:
        chosen = min(index, len(pointer) - 2)
        first, last = int(pointer[chosen]), int(pointer[chosen + 1])
        return list(range(first, last))[:NODES]
    if carry.rows <= NODES:
        return list(range(carry.rows))
    ptr, col = _rows(carry)
    seen, queue = [index], [index]
    while queue and len(seen) < NODES:
        node = queue.pop(0)
        for other in col[int(ptr[node]) : int(ptr[node + 1])].tolist():
            if other not in seen and len(seen) < NODES:
                seen.append(other)
                queue.append(other)
    return seen


def _rows(carry: Carrier) -> tuple[Any, Any]:
    """Start of the incoming edges of every node, and their sources."""
    on: Any = carry.on
    return on.ptr, on.col


def _edges(carry: Carrier, nodes: list[int]) -> list[list[int]]:
    place = {n: i for i, n in enumerate(nodes)}
    ptr, col = _rows(carry)
    found = set()
    for n in nodes:
        for m in col[int(ptr[n]) : int(ptr[n + 1])].tolist():
            if m in place and m != n:
                found.add((min(place[n], place[m]), max(place[n], place[m])))
    return [list(edge) for edge in sorted(found)]
