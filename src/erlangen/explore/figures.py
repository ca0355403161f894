"""From tensors to what the page draws: small arrays of bytes with a scale, and the shape in which they lie."""

import base64
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlangen.symmetry import FiniteGroup

TILES = 16  # at most so many maps of one feature
COPIES = 4  # at most so many copies of one representation
PIXELS = 64  # at most so many pixels along an axis
ARROWS = 16  # at most so many arrows along an axis


def packed(x: Tensor, scale: float | None = None) -> dict[str, Any]:
    """An array as signed bytes: value = byte · scale / 127.

    Args:
        x: any shape.
        scale: value of the largest byte; None takes the largest entry.
    """
    top = float(x.abs().max()) if scale is None and x.numel() else scale or 0.0
    top = top if np.isfinite(top) and top > 0 else 1.0
    levels = torch.nan_to_num(x.float() * (127.0 / top)).round().clamp(-127, 127).to(torch.int8)
    data = base64.b64encode(levels.contiguous().numpy().tobytes()).decode()
    return {"shape": list(x.shape), "scale": top, "data": data}


def image(x: Tensor) -> dict[str, Any]:
    """A grey picture, x: [h, w] with values from 0."""
    return {"kind": "image", **packed(thin(x[None])[0], 1.0)}


def thin(maps: Tensor) -> Tensor:
    """Maps [n, h, w] with at most `PIXELS` pixels a side."""
    step = max(1, -(-max(maps.shape[-2:]) // PIXELS))
    return maps[:, ::step, ::step]


def maps(x: Tensor, rep: Any, scales: dict[str, float]) -> list[dict[str, Any]]:
    """Feature maps as what they are: scalars as pictures, regular fields as rows of |G| pictures, vectors as arrows.

    Args:
        x: [C, h, w].
        rep: representation of the channels; None: scalars.
        scales: largest value of every part; what is missing is entered, so that the colours of later frames agree.
    """
    found, tiles = [], 0
    for number, (channels, copies, component) in enumerate(_parts(rep, len(x))):
        size = component.size if component is not None else 1
        block = thin(x[channels])
        scale = scales.setdefault(f"{number}", 1.1 * float(block.abs().max()) or 1.0)
        signed = scales.setdefault(f"{number} signed", float(block.min() < -0.01 * scale)) > 0
        name = str(component) if component is not None else "scalar"
        if size == 2 and name != "regular":
            shown = min(copies, COPIES, max(1, (TILES - tiles) // 2))
            step = max(1, -(-block.shape[-1] // ARROWS))
            arrows = block.unflatten(0, (copies, 2))[:shown, :, step // 2 :: step, step // 2 :: step]
            found.append({"kind": "arrows", "name": f"{shown} of {copies} {name}", **packed(arrows, scale)})
            tiles += shown
            continue
        rows = copies if size == 1 else min(copies, COPIES)
        shown = min(rows, max(1, (TILES - tiles) // size)) if size > 1 else min(rows, max(1, TILES - tiles), 8)
        found.append(
            {
                "kind": "maps",
                "name": f"{shown} of {copies} {name}",
                "columns": size if size > 1 else min(4, shown),
                "labels": _labels(component, size),
                "signed": signed,
                **packed(block[: shown * size], scale),
            }
        )
        tiles += shown * size
        if tiles >= TILES:
            break
    return found


def _parts(rep: Any, channels: int) -> list[tuple[slice, int, Any]]:
    return [(slice(0, channels), channels, None)] if rep is None or rep.is_trivial else list(rep.slices())


def _labels(component: Any, size: int) -> list[str]:
    group = getattr(component, "group", None)
    if size > 1 and isinstance(group, FiniteGroup) and len(list(group.elements)) == size:
        return [group.label(g) for g in group.elements]
    return []


def rows(x: Tensor, rep: Any, scales: dict[str, float], kind: str = "rows") -> list[dict[str, Any]]:
    """Channels over positions, x: [C, L]; regular fields keep their channels together.

    Args:
        x: the features.
        rep: representation of the channels.
        scales: as in `maps`.
        kind: "rows" (a picture) or "traces" (curves).
    """
    size = 1
    if rep is not None and not rep.is_trivial:
        size = next(iter(rep.slices()))[2].size
    shown = max(size, (min(len(x), TILES if kind == "rows" else 8) // size) * size)
    scale = scales.setdefault("0", 1.1 * float(x.abs().max()) or 1.0)
    signed = scales.setdefault("signed", float(x.min() < -0.01 * scale)) > 0
    name = f"{shown} of {len(x)} channels"
    return [{"kind": kind, "name": name, "together": size, "signed": signed, **packed(x[:shown], scale)}]


def bars(x: Tensor, scales: dict[str, float]) -> list[dict[str, Any]]:
    """A vector, x: [C]."""
    scale = scales.setdefault("0", 1.1 * float(x.abs().max()) or 1.0)
    return [{"kind": "bars", "name": f"{min(len(x), 48)} of {len(x)} numbers", **packed(x[:48], scale)}]


def letters(x: Tensor, alphabet: str = "ACGT") -> dict[str, Any]:
    """A text, x: one-hot [4, L]."""
    return {"kind": "letters", "letters": "".join(alphabet[i] for i in x.argmax(0).tolist())}


def layout(nodes: int, edges: list[list[int]], steps: int = 60) -> list[list[float]]:
    """Places of the nodes in the unit square: distances in the picture follow those in the graph (least stress)."""
    if nodes < 2:
        return [[0.5, 0.5]] * nodes
    far = np.full((nodes, nodes), np.inf)
    np.fill_diagonal(far, 0)
    for a, b in edges:
        far[a, b] = far[b, a] = 1
    for k in range(nodes):
        far = np.minimum(far, far[:, k : k + 1] + far[k : k + 1])
    far[np.isinf(far)] = far[np.isfinite(far)].max() + 1
    angle = 2 * np.pi * np.arange(nodes) / nodes
    place = np.stack([np.cos(angle), np.sin(angle)], 1) * far.max() / 2
    pull = 1 / np.maximum(far, 1) ** 2
    np.fill_diagonal(pull, 0)
    for _ in range(steps):
        gap = place[:, None] - place[None]
        length = np.maximum(np.linalg.norm(gap, axis=2), 1e-9)
        wanted = place[None] + gap * (far / length)[..., None]
        place = (pull[..., None] * wanted).sum(1) / pull.sum(1, keepdims=True)
    place -= place.min(0)
    return (place / max(float(place.max()), 1e-9)).round(4).tolist()
