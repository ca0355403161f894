"""Pictures of a basis of equivariant maps: in the terminal, as SVG, as PNG."""

from html import escape
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from erlangen.errors import DataError
from erlangen.files import write_atomically
from erlangen.report.png import SIGNED, data_uri, encode, hex_colour

if TYPE_CHECKING:
    from erlangen.solve import Certificate

MOST_CELLS = 6_000  # of all maps together, for a picture in the terminal
WIDEST = 36  # columns of one map in the terminal


def small_enough(found: "Certificate", taps: tuple[int, ...] | None = None) -> bool:
    """Whether the basis of a certificate fits into a terminal.

    Args:
        found: the certificate.
        taps: the box of a kernel.
    """
    columns = found.rho_in.size if taps is None else found.rho_in.size // taps[0]
    return columns <= WIDEST and found.dim * found.rho_in.size * found.rho_out.size <= MOST_CELLS


def tiles(basis: np.ndarray, taps: tuple[int, ...] | None) -> np.ndarray:
    """The real maps of a basis as pictures, [dim, rows, columns]; a kernel as one tile of taps a pair of channels.

    Args:
        basis: [dim, size_out, size_in]; of kernels, [dim, size_out, channels_in · taps].
        taps: the box of a kernel, (…, y, x).
    """
    maps = np.real(basis) if not np.iscomplexobj(basis) or not np.imag(basis).any() else np.abs(basis)
    if taps is None:
        return maps
    rest = int(np.prod(taps[1:]))
    boxes = maps.reshape(len(maps), maps.shape[1], -1, taps[0], rest).swapaxes(2, 3)
    return boxes.reshape(len(maps), maps.shape[1] * taps[0], -1)


def draw(maps: np.ndarray) -> None:
    """Print maps side by side: coloured cells on a colour terminal; elsewhere signs, and tenths of the largest entry.

    Args:
        maps: [dim, rows, columns].
    """
    from rich.console import Console
    from rich.style import Style
    from rich.text import Text

    console = Console(highlight=False)
    across = max(1, (console.width + 2) // (max(2 * maps.shape[2], 4) + 2))
    for start in range(0, len(maps), across):
        batch = maps[start : start + across]
        titles = [f"w{start + i}".ljust(max(2 * maps.shape[2], 4)) for i in range(len(batch))]
        console.print(Text("  ".join(titles).rstrip(), style="bold"))
        for row in range(maps.shape[1]):
            line = Text()
            for i, picture in enumerate(batch):
                top = float(np.abs(picture).max())
                line.append("  " if i else "")
                for value in picture[row]:
                    if console.color_system is None:
                        line.append(cell(float(value), top))
                    else:
                        line.append("  ", Style(bgcolor=hex_colour(float(value), -top, top, SIGNED)))
                line.append(" " * max(0, 4 - 2 * maps.shape[2]))
            console.print(line, no_wrap=True, crop=True)
        console.print()


def cell(value: float, top: float) -> str:
    """Two characters for a number: its sign, and tenths of the largest magnitude where it is smaller than that."""
    share = abs(value) / top if top else 0.0
    if share < 0.005:
        return " ·"
    sign = "-" if value < 0 else "+"
    return f" {sign}" if share > 0.995 else f"{sign}{min(9, max(1, round(10 * share)))}"


def write_figure(maps: np.ndarray, path: str, title: str) -> Path:
    """Draw maps into one file, blue for negative, white for zero, red for positive entries.

    Args:
        maps: [dim, rows, columns].
        path: ends in .svg or .png.
        title: of the SVG picture.

    Raises:
        DataError: any other ending, or a file that cannot be written.
    """
    target = Path(path)
    if target.suffix not in (".svg", ".png"):
        raise DataError(f"cannot draw {path}: a picture of a basis is .svg or .png")
    across = max(1, min(len(maps), ceil((2.0 * len(maps) * maps.shape[1] / maps.shape[2]) ** 0.5)))
    content = _png(maps, across) if target.suffix == ".png" else _svg(maps, across, title)
    return write_atomically(target, content)


def _svg(maps: np.ndarray, across: int, title: str) -> str:
    scale = max(2.0, min(16.0, 160.0 / max(maps.shape[1:])))
    width, height = scale * maps.shape[2], scale * maps.shape[1]
    columns, lines = width + 14, height + 26
    parts = []
    for k, picture in enumerate(maps):
        x, y = 8 + columns * (k % across), 34 + lines * (k // across)
        top = float(np.abs(picture).max())
        place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        parts.append(f'<text x="{x:.1f}" y="{y - 4:.1f}">w{k}</text>')
        parts.append(
            f'<image {place} preserveAspectRatio="none" href="{data_uri(picture.tolist(), -top, top, SIGNED)}"/>'
        )
        parts.append(f'<rect {place} fill="none" stroke="#888" stroke-width="0.5"/>')
    whole = f"{16 + columns * across:.0f} {34 + lines * ceil(len(maps) / across):.0f}"
    style = "text{font:11px sans-serif;fill:#555}image{image-rendering:pixelated}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole}" role="img" aria-label="{escape(title)}">'
        f'<style>{style}</style><text x="8" y="14">{escape(title)}</text>{"".join(parts)}</svg>\n'
    )


def _png(maps: np.ndarray, across: int) -> bytes:
    scale = max(1, 160 // max(maps.shape[1:]))
    height, width = scale * maps.shape[1] + 8, scale * maps.shape[2] + 8
    sheet = np.full((height * ceil(len(maps) / across) + 8, width * across + 8, 3), 255, np.uint8)
    colours = np.array(
        [[int(hex_colour(v, -1, 1, SIGNED)[i : i + 2], 16) for i in (1, 3, 5)] for v in np.linspace(-1, 1, 201)]
    )
    for k, picture in enumerate(maps):
        top = float(np.abs(picture).max()) or 1.0
        cells = colours[np.rint(100 * picture / top).astype(int) + 100].astype(np.uint8)
        y, x = 8 + height * (k // across), 8 + width * (k % across)
        sheet[y : y + height - 8, x : x + width - 8] = cells.repeat(scale, axis=0).repeat(scale, axis=1)
    return encode(sheet)
