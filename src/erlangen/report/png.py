"""Pictures of small arrays as PNG data URIs, written with the standard library."""

import base64
import struct
import zlib
from collections.abc import Sequence

import numpy as np

GREYS = ((16, 18, 24), (250, 250, 247))
HEAT = ((15, 17, 38), (59, 39, 105), (140, 41, 104), (214, 84, 66), (247, 161, 55), (252, 246, 190))
SIGNED = ((33, 72, 138), (126, 170, 212), (247, 247, 245), (222, 145, 112), (150, 36, 40))


def data_uri(
    values: np.ndarray | Sequence[Sequence[float]], low: float, high: float, colours: tuple[tuple[int, ...], ...]
) -> str:
    """A matrix as a picture, one pixel an entry.

    Args:
        values: rows of numbers, first row on top.
        low: value of the first colour.
        high: value of the last colour.
        colours: anchors of the colour map, as (red, green, blue).
    """
    x = np.asarray(values, dtype=np.float64)
    place = np.clip((x - low) / (high - low if high > low else 1.0), 0.0, 1.0) * (len(colours) - 1)
    anchors = np.asarray(colours, dtype=np.float64)
    index = np.minimum(place.astype(int), len(colours) - 2)
    part = (place - index)[..., None]
    pixels = np.round(anchors[index] * (1 - part) + anchors[index + 1] * part).astype(np.uint8)
    return "data:image/png;base64," + base64.b64encode(encode(pixels)).decode()


def encode(pixels: np.ndarray) -> bytes:
    """An array [height, width, 3] of bytes as a PNG file."""
    height, width, _ = pixels.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def hex_colour(value: float, low: float, high: float, colours: tuple[tuple[int, ...], ...]) -> str:
    """The colour of one value, "#rrggbb"."""
    place = min(1.0, max(0.0, (value - low) / (high - low if high > low else 1.0))) * (len(colours) - 1)
    i = min(int(place), len(colours) - 2)
    part = place - i
    mixed = (round(a * (1 - part) + b * part) for a, b in zip(colours[i], colours[i + 1], strict=True))
    return "#" + "".join(f"{v:02x}" for v in mixed)
