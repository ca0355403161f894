"""How many equivariant kernels does a layer have between two regular representations, beside escnn's default?

all        kernels that commute with the turns that permute the taps: |G| k^d where all of G does; for finer groups
           an upper bound, |G| times the taps, that no stencil attains within a given error
erlangen   free parameters of grids.Conv
escnn      free parameters of R2Conv or R3Conv with default arguments
rank       of the map from parameters to the first row of the kernel, which determines the others: parameters that
           make no kernel, or the same as others, do not count
exact      largest error of the expanded kernels under turns that permute the taps, relative to their largest entry

python benchmarks/kernel_space.py --no-peer          # --smoke: three small cells
PYTHONPATH=src python benchmarks/kernel_space.py --out kernels.json       # beside escnn: see README.md

Last run (torch 2.13.0, escnn 1.0.11):

    group, kernel   all  erlangen  rank  exact  escnn  rank
    C4, 3            36        36    36      0     24    24
    C4, 5           100       100   100      0     44    44
    C4, 7           196       196   196      0     72    72
    D4, 3            72        72    72      0     48    48
    D4, 5           200       200   200      0     88    88
    D4, 7           392       392   392      0    144   144
    C8, 3            72        48    48  1e-16     48    48
    C8, 5           200       136   136  4e-16     88    88
    C8, 7           392       240   240  3e-16    144   144
    D8, 3           144        96    96  8e-17     96    96
    D8, 5           400       272   272  3e-16    176   176
    D8, 7           784       480   480  4e-16    288   288
    C16, 3          144        96    96  4e-16     96    96
    C16, 5          400       272   272  3e-16    176   176
    C16, 7          784       480   480  4e-16    288   288
    O, 3            648       648   648      0    240   240
    O, 5           3000      3000  3000      0    456   456
"""

import argparse
import warnings
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cells import Cells

import erlangen as eg
from erlangen.grids import Conv
from erlangen.solve.kernel import match

PLANE, VOLUME = ("C4", "D4", "C8", "D8", "C16"), ("O",)
CELLS = [*product(PLANE, (3, 5, 7)), *product(VOLUME, (3, 5))]
SMOKE = [("C4", 3), ("D4", 3), ("C8", 3)]


def rank(expand: Callable[[torch.Tensor], torch.Tensor], parameters: int) -> int:
    """Of the linear map from parameters to the first row of the kernel."""
    rows = []
    with torch.no_grad():
        for one in torch.eye(parameters, dtype=torch.float64):
            rows.append(expand(one)[0].flatten().clone())
    return int(torch.linalg.matrix_rank(torch.stack(rows), rtol=1e-6))


def ours(group: str, kernel: int) -> dict[str, Any]:
    """Parameters, rank and exactness of the library's layer."""
    d = 3 if group in VOLUME else 2
    field = eg.Grid(d).field(group, "1 regular")
    conv = Conv(field, field, kernel, bias=False).double()
    parameters = conv.hom_dimension()
    entries = conv.kernel().detach().numpy().reshape(field.size, field.size, -1)
    axes = [np.arange(kernel) - (kernel - 1) / 2] * d
    taps = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, d)[:, ::-1]
    regular, worst = field.rep.terms[0][1], 0.0
    for g in field.group.elements:
        places = match(taps, np.asarray(field.group.standard.on(g))[None, :d, :d])
        if places is not None:
            image = regular.signed(g)[0]
            moved = np.empty_like(entries)
            moved[image[:, None, None], image[None, :, None], places[0][None, None, :]] = entries
            worst = max(worst, float(np.abs(moved - entries).max() / np.abs(entries).max()))
    shape = conv.weights[0].shape
    return {
        "all": field.size * kernel**d,
        "parameters": parameters,
        "rank": rank(lambda w: conv.expand([w.view(shape)]), parameters),
        "exact": worst,
    }


def theirs(group: str, kernel: int) -> dict[str, Any]:
    """Parameters and rank of the peer's."""
    from escnn import gspaces
    from escnn import nn as enn

    if group in VOLUME:
        act, layer = gspaces.octaOnR3(), enn.R3Conv
    else:
        order = int(group[1:])
        act = gspaces.rot2dOnR2(order) if group[0] == "C" else gspaces.flipRot2dOnR2(order)
        layer = enn.R2Conv
    kind = enn.FieldType(act, [act.regular_repr])
    conv = layer(kind, kind, kernel, padding=kernel // 2, bias=False).double()

    def expand(weights: torch.Tensor) -> torch.Tensor:
        conv.weights.data = weights
        return conv.expand_parameters()[0]

    return {"parameters": conv.weights.numel(), "rank": rank(expand, conv.weights.numel())}


def main() -> None:
    """Fill the cells, print the table."""
    parser = argparse.ArgumentParser(description="completeness of kernel spaces")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(arguments.threads)
    cells, peer = Cells(arguments.out), not (arguments.no_peer or arguments.smoke)
    print("| group, kernel | all | erlangen | rank | exact | escnn | rank |\n|---|---|---|---|---|---|---|")
    for group, kernel in SMOKE if arguments.smoke else CELLS:
        a = cells.get(f"erlangen {group} {kernel}", lambda g=group, k=kernel: ours(g, k))
        line = f"| {group}, {kernel} | {a['all']} | {a['parameters']} | {a['rank']} | {a['exact']:.0e} |"
        b = cells.get(f"escnn {group} {kernel}", lambda g=group, k=kernel: theirs(g, k)) if peer else None
        print(f"{line} – | – |" if b is None else f"{line} {b['parameters']} | {b['rank']} |", flush=True)


if __name__ == "__main__":
    main()
