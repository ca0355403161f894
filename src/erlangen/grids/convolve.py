"""Which way a convolution goes: directly, or through products of spectra, by a measured table of this machine."""

from functools import lru_cache
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.blueprint.precision import GAIN, rates, seconds
from erlangen.grids.spectra import Tiles, tiled_conv

METHODS = ("auto", "direct", "spectra")
LENGTHS = (6, 8, 9, 11, 12, 14, 16, 18, 20, 24, 30, 36, 48, 64)  # of pieces that are tried besides a whole axis
# thin matrices take longer; passes over each number and over the spectra of kernels; fitted to benchmarks/spectra.py
THIN, PASSES, SPECTRA = 2, 6, 14
LEAST = 3e7  # multiplications from which on a table that may have to be measured first is asked


def convolve_spectra(
    x: Float[Tensor, "b c_in *space"],
    kernel: Float[Tensor, "c_out c_in *taps"],
    bias: Float[Tensor, " c_out"] | None,
    padding: tuple[int, ...],
    circular: bool = False,
    method: str = "auto",
) -> Float[Tensor, "b c_out *moved"] | None:
    """The convolution with stride 1 through products of spectra, or None where the direct way is to be taken.

    Lower precision and graphs that are being compiled or exported always go the direct way; "auto" leaves to it what is
    faster there, and other devices than CPUs.

    Args:
        x: the signal.
        kernel: the kernel, in the dtype of x.
        bias: one number a channel.
        padding: samples added on both sides of each axis.
        circular: whether these are the other end of the signal instead of zeros.
        method: "auto", "direct" or "spectra".
    """
    if method == "direct" or not x.numel() or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return None
    if x.dtype not in (torch.float32, torch.float64) or (method == "auto" and x.device.type != "cpu"):
        return None
    tiles = find_tiles(
        tuple(x.shape[2:]), tuple(kernel.shape[2:]), padding, circular, x.shape[0], x.shape[1], kernel.shape[0], method
    )
    if tiles is None:
        return None
    with torch.autocast(x.device.type, enabled=False):
        y = tiled_conv(x, kernel, tiles)
        return y if bias is None else y + bias.view(-1, *[1] * len(tiles))


@lru_cache(maxsize=4096)
def find_tiles(
    shape: tuple[int, ...],
    taps: tuple[int, ...],
    padding: tuple[int, ...],
    circular: bool,
    batch: int,
    c_in: int,
    c_out: int,
    method: str = "auto",
) -> tuple[Tiles, ...] | None:
    """The tiles that should be fastest, None where the direct way should be.

    Args:
        shape: samples along each axis.
        taps: of the kernel.
        padding: on both sides.
        circular: of what kind.
        batch: signals that share a kernel.
        c_in: channels before.
        c_out: channels after.
        method: "auto", or "spectra" for the best tiles in any case.
    """
    outputs = [n + 2 * p - k + 1 for n, p, k in zip(shape, padding, taps, strict=True)]
    direct = float(batch * c_in * c_out * prod(outputs) * prod(taps))
    if min(outputs) < 1:
        return None
    found: dict[tuple[Tiles, ...], dict[str, float]] = {}
    for length in (*LENGTHS, max(outputs) + max(taps) - 1):
        counts = [-(-o // max(1, length - k + 1)) for o, k in zip(outputs, taps, strict=True)]
        tiles = tuple(Tiles(n, k, p, c, circular) for n, k, p, c in zip(shape, taps, padding, counts, strict=True))
        found[tiles] = training_work(tiles, batch, c_in, c_out)
    if method == "auto":
        least = min(w["frequencies"] + w["product"] / THIN for w in found.values())
        if 3 * direct < max(LEAST, GAIN * least):
            return None
    at = rates(torch.float32)
    best = min(found, key=lambda tiles: seconds(at, **found[tiles]))
    wins = GAIN * seconds(at, **found[best]) < seconds(at, convolution=3 * direct)
    return best if wins or method == "spectra" else None


def training_work(tiles: tuple[Tiles, ...], batch: int, c_in: int, c_out: int) -> dict[str, float]:
    """What one training step does: forward, gradients of weights and input.

    Args:
        tiles: of every axis.
        batch: signals.
        c_in: channels before.
        c_out: channels after.

    Returns:
        multiplications in products of channels ("frequencies") and in transforms ("product"), numbers that go to
        memory and back ("memory").
    """
    d, transforms, numbers = len(tiles), 0.0, 0.0
    for channels, sizes in ((c_in, [t.size for t in tiles]), (c_out, [t.outputs for t in tiles])):
        coefficients, pieces = 1, batch
        numbers += 2 * batch * channels * prod(sizes)
        for axis in reversed(range(d)):
            t, real = tiles[axis], axis == d - 1
            coefficients *= t.half if real else t.length
            made = coefficients * (3 if axis == 0 else 2) * t.count * prod(sizes[:axis]) * pieces * channels
            samples = t.size if channels == c_in else t.step
            transforms += made * samples * (1 if real else 2)
            numbers += made * (2 if t.count > 1 and (axis > 0 or channels == c_out) else 1)
            pieces *= t.count
    spectrum = 3.0 * coefficients * c_in * c_out
    return {
        "frequencies": 3 * spectrum * pieces,
        "product": 2 * THIN * (transforms + spectrum * prod(t.taps for t in tiles)),
        "memory": PASSES * numbers + SPECTRA * spectrum,
    }
