"""Sliding windows: a network on signals larger than memory, with nothing lost of its symmetry.

Windows overlap, and where they do, predictions are averaged with weights that fall off towards the border of a window.
Places and weights are the same seen from either end of every axis, so the set of windows is mapped to itself by every
mirror and turn about the centre: the prediction is as equivariant as the network.
"""

from collections.abc import Sequence
from itertools import product
from math import ceil
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from erlangen.blueprint.mode import evaluating
from erlangen.errors import DomainError, RunError
from erlangen.learn.metrics import output_tensor


def window_places(n: int, window: int, overlap: float = 0.5) -> list[int]:
    """Where windows start along an axis of n points: evenly, covering all, and the same seen from either end.

    Args:
        n: points.
        window: points a window; at most n.
        overlap: share of a window that its neighbour covers too, at least.

    Law: {n - w - p} = {p}.
    """
    room = n - window
    if room <= 0:
        return [0]
    count = ceil(room / max(1, int(window * (1.0 - overlap)))) + 1
    if count % 2 and room % 2:  # a middle window must have a middle place
        count += 1
    first = [-(-i * room // (count - 1)) for i in range(count // 2)]
    middle = [room // 2] if count % 2 else []
    return [*first, *middle, *(room - p for p in reversed(first))]


@torch.no_grad()
def sliding_window(
    model: nn.Module,
    signal: "Tensor | NDArray[Any]",
    window: "int | Sequence[int]" = 64,
    *,
    overlap: float = 0.5,
    batch_size: int = 1,
    precision: str = "float32",
    out: Any = None,
) -> Any:
    """Predict a field on a large signal, window by window.

    Args:
        model: from [B, C, *window] to [B, k, *window], such as a derived network for `Segment`; it is put into
            evaluation mode for the time of the call.
        signal: [C, *space], a tensor or an array; a `numpy.memmap` is read window by window.
        window: points of a window along each axis, or one number for all; at most the size of the signal is taken.
        overlap: share of a window that its neighbour covers too, in [0, 1).
        batch_size: windows at a time.
        precision: mode of `erlangen.blueprint.precision`.
        out: a float array [k, *space] that is overwritten, such as a `numpy.memmap`; a tensor is made if there is none.

    Returns:
        [k, *space], the weighted mean of the predictions: `out`, or a new float32 tensor.

    Raises:
        DomainError: a window, an overlap or an array `out` that does not fit the signal or the model; no points; a
            batch size below 1.
        RunError: the model does not keep the size of a window.

    Law: f(g·x) = g·f(x) for every element g of the point group that maps the window to itself, if the model obeys it.
    """
    shape = tuple(int(n) for n in signal.shape[1:])
    sizes = _window_sizes(shape, window, overlap)
    if batch_size < 1:
        raise DomainError(f"batch_size is at least 1 window at a time, got {batch_size}")
    if not shape or 0 in shape:
        raise DomainError(f"sliding_window takes one signal [C, *space], got an array of shape {tuple(signal.shape)}")
    if out is not None:
        _check_out(out, shape)
    places = [window_places(n, w, overlap) for n, w in zip(shape, sizes, strict=True)]
    shares = [_shares(n, w, p) for n, w, p in zip(shape, sizes, places, strict=True)]
    corners = list(product(*(range(len(p)) for p in places)))
    parameter = next(iter(model.parameters()), torch.empty(0))
    with evaluating(model):
        for start in range(0, len(corners), batch_size):
            group = corners[start : start + batch_size]
            boxes = [tuple(slice(p[i], p[i] + w) for p, i, w in zip(places, c, sizes, strict=True)) for c in group]
            inputs = torch.stack([_read(signal, box) for box in boxes]).to(parameter.device, parameter.dtype)
            outputs = _predict(model, inputs, precision)
            if out is None:
                out = torch.zeros(outputs.shape[1], *shape)
            elif start == 0:
                _check_channels(out, outputs)
                out[...] = 0
            for corner, box, output in zip(group, boxes, outputs, strict=True):
                _add(out, box, output, [s[i] for s, i in zip(shares, corner, strict=True)])
    return out


def _check_out(out: Any, shape: tuple[int, ...]) -> None:
    real = out.is_floating_point() if isinstance(out, Tensor) else np.issubdtype(out.dtype, np.floating)
    if tuple(out.shape[1:]) != shape or not real:
        raise DomainError(
            f"out must be an array of real numbers [k, {', '.join(map(str, shape))}], got {out.dtype} of shape "
            f"{tuple(out.shape)}"
        )


def _check_channels(out: Any, outputs: Tensor) -> None:
    if out.shape[0] != outputs.shape[1]:
        raise DomainError(f"out has {out.shape[0]} channels, the model makes {outputs.shape[1]}; nothing was written")


def _window_sizes(shape: tuple[int, ...], window: "int | Sequence[int]", overlap: float) -> tuple[int, ...]:
    sizes = tuple(window) if isinstance(window, Sequence) else (window,) * len(shape)
    if len(sizes) != len(shape) or any(not isinstance(w, int) or w < 1 for w in sizes):
        raise DomainError(
            f"window needs {len(shape)} positive whole sizes for a signal [C, *space] of {shape} points, got {window!r}"
        )
    if not 0 <= overlap < 1:
        raise DomainError(f"overlap is a share in [0, 1), got {overlap}")
    return tuple(min(w, n) for w, n in zip(sizes, shape, strict=True))


def _shares(n: int, window: int, places: list[int]) -> list[Tensor]:
    """The weight of every window along one axis, [window] each; over the windows they sum to 1 at every point.

    The weights of all axes are multiplied, so these sums decide the whole normalisation before anything is predicted.
    """
    distance = torch.minimum(torch.arange(window), torch.arange(window).flip(0)).double()
    bump = ((distance + 1.0) / ((window + 1) / 2)).clamp(max=1.0)  # a hat: highest in the middle, never 0
    total = torch.zeros(n, dtype=torch.float64)
    for p in places:
        total[p : p + window] += bump
    return [bump / total[p : p + window] for p in places]


def _read(signal: Any, box: tuple[slice, ...]) -> Tensor:
    part = signal[(slice(None), *box)]
    if isinstance(part, Tensor):
        return part
    return torch.from_numpy(np.ascontiguousarray(part, part.dtype.newbyteorder("=")))


def _predict(model: nn.Module, inputs: Tensor, precision: str) -> Tensor:
    from erlangen.blueprint import precision as precision_context

    with precision_context(precision, inputs.device.type):
        outputs = output_tensor(model(inputs))
    if outputs.shape[2:] != inputs.shape[2:]:
        raise RunError(
            f"the model made {list(outputs.shape[2:])} of a window of {list(inputs.shape[2:])} points; windows need a "
            "model with one output a point, such as derive(field, Segment(n))"
        )
    return (outputs if outputs.dtype == torch.float64 else outputs.float()).cpu()


def _add(out: Any, box: tuple[slice, ...], output: Tensor, shares: list[Tensor]) -> None:
    """Add the weighted prediction of one window."""
    for axis, share in enumerate(shares):
        output = output * share.to(output.dtype).reshape(-1, *[1] * (len(shares) - 1 - axis))
    where = (slice(None), *box)
    if isinstance(out, Tensor):
        out[where] += output.to(out)
    else:
        out[where] += output.numpy().astype(out.dtype.newbyteorder("="))
