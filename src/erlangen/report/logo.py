"""Sequence logos: a stack of letters at every place, as high as the place is informative.

Source: Schneider and Stephens 1990, Nucleic Acids Research 18.
"""

from pathlib import Path
from typing import Any

import torch

from erlangen.audit.motifs import information
from erlangen.errors import DataError
from erlangen.files import write_atomically
from erlangen.report.svg import Drawing

SHAPES = {  # outlines in the unit square, y downwards
    "A": "M0,1 L.39,0 L.61,0 L1,1 L.79,1 L.7,.76 L.3,.76 L.21,1 Z M.36,.6 L.64,.6 L.5,.22 Z",
    "C": "M1,.32 C.94,.1 .77,0 .53,0 C.2,0 0,.2 0,.5 C0,.8 .2,1 .53,1 C.77,1 .94,.9 1,.68 L.79,.63 C.75,.77 .66,.83 "
    ".53,.83 C.32,.83 .21,.72 .21,.5 C.21,.28 .32,.17 .53,.17 C.66,.17 .75,.23 .79,.37 Z",
    "G": "M1,.32 C.94,.1 .77,0 .53,0 C.2,0 0,.2 0,.5 C0,.8 .2,1 .53,1 C.74,1 .9,.94 1,.82 L1,.46 L.56,.46 L.56,.62 "
    "L.8,.62 L.8,.74 C.73,.8 .64,.83 .53,.83 C.32,.83 .21,.72 .21,.5 C.21,.28 .32,.17 .53,.17 C.66,.17 .75,.23 "
    ".79,.37 Z",
    "T": "M0,0 L1,0 L1,.18 L.6,.18 L.6,1 L.4,1 L.4,.18 L0,.18 Z",
}
COLOURS = {"A": "#2e9e5b", "C": "#3d7dd8", "G": "#e0962a", "T": "#d8453d"}
COLUMN, HEIGHT, LEFT, TOP, BOTTOM = 15.0, 60.0, 26.0, 6.0, 16.0


def sequence_logo(counts: Any, label: str = "sequence logo") -> str:
    """An inline SVG of a motif.

    Args:
        counts: [4, places], how often A, C, G, T stand there.
        label: the alternative text.

    Raises:
        DataError: the counts are negative, NaN or infinite, not four a place, or shares.
    """
    table = torch.as_tensor(counts, dtype=torch.float64)
    wrong = (~table.isfinite()).nonzero()
    if len(wrong):
        place = wrong[0].tolist()
        raise DataError(
            f"{len(wrong)} of the counts of a logo are NaN or infinite, the first at {place}. Fix: write 0 where "
            "nothing was counted."
        )
    if table.ndim != 2 or table.shape[0] != 4 or not table.shape[1] or bool((table < 0).any()):
        raise DataError(f"a logo needs counts [4, places] ≥ 0 of A, C, G and T, got {list(table.shape)}")
    total = table.sum(0)
    if bool(((total - 1).abs() < 1e-3).all()) and bool((table != table.round()).any()):
        raise DataError(
            "every place of the logo sums to 1: these are shares, and a logo needs counts, since a few sites say "
            "little. Fix: multiply by the number of sites."
        )
    shares, bits = table / table.sum(0).clamp(min=1e-12), information(table)
    drawing = Drawing(LEFT + COLUMN * table.shape[1] + 4, TOP + HEIGHT + BOTTOM, f"{label}: {consensus(table)}")
    for value in (0, 1, 2):
        y = TOP + HEIGHT * (1 - value / 2)
        drawing.line(LEFT - 3, y, LEFT, y, "axis")
        drawing.text(LEFT - 6, y + 4, str(value), anchor="end")
    drawing.line(LEFT, TOP, LEFT, TOP + HEIGHT, "axis")
    for place in range(table.shape[1]):
        base = TOP + HEIGHT
        for share, letter in sorted(zip(shares[:, place].tolist(), "ACGT", strict=True)):
            tall = HEIGHT * share * float(bits[place]) / 2
            base -= tall
            if tall >= 0.3:
                drawing.parts.append(
                    f'<path fill="{COLOURS[letter]}" fill-rule="evenodd" d="{SHAPES[letter]}" transform="translate('
                    f'{LEFT + COLUMN * place + 1:.1f},{base:.2f}) scale({COLUMN - 2:.1f},{tall:.2f})"/>'
                )
        if place % 5 == 4:
            drawing.text(LEFT + COLUMN * (place + 0.5), TOP + HEIGHT + 13, str(place + 1))
    return str(drawing)


def consensus(counts: Any) -> str:
    """The letter that holds at least half of a place, n elsewhere."""
    table = torch.as_tensor(counts, dtype=torch.float64)
    share, best = (table / table.sum(0).clamp(min=1e-12)).max(0)
    return "".join("ACGT"[b] if s >= 0.5 else "n" for s, b in zip(share.tolist(), best.tolist(), strict=True))


def logos(motifs: "list[dict[str, Any]] | None") -> list[dict[str, str]]:
    """The logos of `erlangen.audit.motifs.filter_motifs`, each with its name, caption and drawing."""
    found = []
    for motif in motifs or []:
        here, partner = motif["filter"], motif["partner"]
        name, words = f"filter {here}", f"{motif['sites']} places"
        if partner == here:
            words += ", reads both strands alike"
        elif partner is not None:
            name, words = f"filters {here}, {partner}", words + " on both strands"
        found.append({"name": name, "caption": words, "svg": sequence_logo(motif["counts"], name)})
    return found


def write_logo(counts: Any, path: "str | Path", label: str = "sequence logo") -> Path:
    """Write a logo to an .svg file.

    Raises:
        DataError: another ending, counts that are none, or a file that cannot be written.
    """
    target = Path(path)
    if target.suffix != ".svg":
        raise DataError(f"cannot draw {path}: a logo is .svg")
    head = '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="11" '
    style = "<style>.axis{stroke:#666}</style>"
    drawing = sequence_logo(counts, label).replace("<svg ", head, 1)
    return write_atomically(target, drawing.replace(">", f">{style}", 1))
