"""How well does a convolution turn by 45° or 22.5°, which do not map pixels to pixels, beside escnn?

One regular→regular layer with fresh weights. The signals are band-limited: white noise after a Gaussian of σ pixels,
in a disc, as a sum of Gaussians that can be evaluated anywhere. So x and g·x are both sampled, not interpolated, and

    error = |f(g·x) - g·f(x)| / |f(x)|        g: the smallest turn of the group

over the outputs in the disc. Two ways to know f(x) at the turned positions, where there are no samples:

    exact    a following layer could not tell: x is shifted so that the position falls on an output; the error of the
             kernel alone
    samples  band-limited (sinc) interpolation of the samples of f(x), which is what they say about f(x): counts what
             a stride aliases, too

Stride 1 on 33² (exact and samples are the same there). Stride 2 on 33² and 32²:

    stride     escnn's R2Conv(stride=2), padding k // 2
    blur       its R2Conv and PointwiseAvgPoolAntialiased(sigma=0.66, stride=2)
    erlangen   grids.Conv and what Grid.coarsen puts behind it: a binomial filter whose taps follow the size
    alike      the same with the best of erlangen's functions on the stencil, as many as escnn has, weighted alike

A fresh erlangen layer has more functions, and smaller weights on those that turn less well.

    PYTHONPATH=src python benchmarks/steering.py --out steering.json       # escnn: see README.md; --no-peer without it

Last run (4 seeds; torch 2.13.0, escnn 1.0.11): parameters of erlangen, alike, escnn; errors in percent at σ = 2 pixels,
exact / samples, and as parts of escnn's. Padding k // 2 at stride 2 leaves the centre of 32², so escnn errs there at
90°, too. At σ = 1 pixel and stride 1, kernel 7 errs 1.6, 1.3 and 2.0 times as much as escnn's
for C8, D8 and C16, the others 0.7 to 1.1 times: most of the functions that escnn does not have turn less well.

    group, k  stride, n  parameters   erlangen     alike        escnn          with blur      of escnn     alike
    C8, 3     1, 33²     48 48 48     0.46 / 0.41  0.53 / 0.50  1.20 / 1.27    –              0.39 / 0.32  0.44 / 0.40
    C8, 3     2, 33²     48 48 48     0.45 / 0.56  0.52 / 0.64  1.34 / 1.81    1.21 / 1.37    0.34 / 0.31  0.39 / 0.35
    C8, 3     2, 32²     48 48 48     0.44 / 0.49  0.54 / 0.56  20.57 / 21.48  19.27 / 20.09  0.02 / 0.02  0.03 / 0.03
    C8, 5     1, 33²     136 88 88    0.23 / 0.22  0.07 / 0.06  1.20 / 1.14    –              0.19 / 0.19  0.06 / 0.06
    C8, 5     2, 33²     136 88 88    0.37 / 0.61  0.27 / 0.49  1.10 / 1.41    0.94 / 1.08    0.34 / 0.43  0.25 / 0.35
    C8, 5     2, 32²     136 88 88    0.38 / 0.51  0.29 / 0.38  21.29 / 21.25  20.09 / 20.08  0.02 / 0.02  0.01 / 0.02
    C8, 7     1, 33²     272 136 144  0.17 / 0.17  0.06 / 0.06  1.07 / 1.11    –              0.15 / 0.15  0.06 / 0.05
    C8, 7     2, 33²     272 136 144  0.31 / 0.57  0.30 / 0.52  1.14 / 1.35    1.01 / 1.09    0.27 / 0.43  0.26 / 0.38
    C8, 7     2, 32²     272 136 144  0.32 / 0.44  0.32 / 0.45  18.73 / 19.09  17.70 / 18.03  0.02 / 0.02  0.02 / 0.02
    D8, 3     1, 33²     96 96 96     0.52 / 0.51  0.53 / 0.49  1.23 / 1.20    –              0.42 / 0.42  0.43 / 0.41
    D8, 3     2, 33²     96 96 96     0.49 / 0.63  0.49 / 0.58  1.26 / 1.76    1.14 / 1.32    0.39 / 0.36  0.39 / 0.33
    D8, 3     2, 32²     96 96 96     0.48 / 0.54  0.49 / 0.53  21.83 / 20.82  20.51 / 19.53  0.02 / 0.03  0.02 / 0.03
    D8, 5     1, 33²     272 176 176  0.23 / 0.21  0.07 / 0.06  1.21 / 1.17    –              0.19 / 0.18  0.05 / 0.05
    D8, 5     2, 33²     272 176 176  0.34 / 0.59  0.26 / 0.45  1.18 / 1.45    1.02 / 1.13    0.29 / 0.41  0.22 / 0.31
    D8, 5     2, 32²     272 176 176  0.34 / 0.48  0.27 / 0.39  21.87 / 22.01  20.62 / 20.82  0.02 / 0.02  0.01 / 0.02
    D8, 7     1, 33²     544 272 288  0.18 / 0.17  0.06 / 0.06  1.27 / 1.28    –              0.15 / 0.13  0.05 / 0.05
    D8, 7     2, 33²     544 272 288  0.31 / 0.57  0.26 / 0.49  1.28 / 1.50    1.15 / 1.23    0.25 / 0.38  0.20 / 0.32
    D8, 7     2, 32²     544 272 288  0.31 / 0.47  0.29 / 0.40  20.15 / 19.43  19.02 / 18.33  0.02 / 0.02  0.01 / 0.02
    C16, 3    1, 33²     96 96 96     0.38 / 0.36  0.39 / 0.38  0.81 / 0.80    –              0.46 / 0.46  0.48 / 0.48
    C16, 3    2, 33²     96 96 96     0.35 / 0.49  0.37 / 0.51  0.82 / 1.43    0.74 / 0.99    0.42 / 0.34  0.46 / 0.36
    C16, 3    2, 32²     96 96 96     0.35 / 0.42  0.37 / 0.44  10.71 / 10.54  10.08 / 9.86   0.03 / 0.04  0.03 / 0.04
    C16, 5    1, 33²     272 160 176  0.28 / 0.27  0.14 / 0.14  0.81 / 0.80    –              0.35 / 0.33  0.17 / 0.18
    C16, 5    2, 33²     272 160 176  0.30 / 0.52  0.22 / 0.45  0.76 / 1.14    0.66 / 0.83    0.40 / 0.46  0.29 / 0.40
    C16, 5    2, 32²     272 160 176  0.31 / 0.43  0.24 / 0.36  10.30 / 10.24  9.70 / 9.65    0.03 / 0.04  0.02 / 0.04
    C16, 7    1, 33²     480 272 288  0.27 / 0.28  0.20 / 0.18  0.92 / 0.92    –              0.30 / 0.30  0.22 / 0.20
    C16, 7    2, 33²     480 272 288  0.29 / 0.55  0.24 / 0.46  0.89 / 1.21    0.80 / 0.94    0.33 / 0.46  0.27 / 0.38
    C16, 7    2, 32²     480 272 288  0.31 / 0.45  0.26 / 0.37  10.25 / 9.90   9.68 / 9.33    0.03 / 0.04  0.03 / 0.04
"""

import argparse
import warnings
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from cells import Cells
from torch import nn

import erlangen as eg
from erlangen.grids import Conv
from erlangen.grids.induced import Induced
from erlangen.grids.steering import DAMPING, Steering, steer

GROUPS, KERNELS, SIGMAS, REACH = ("C8", "D8", "C16"), (3, 5, 7), (2.0, 1.0), 9.0
Arm = tuple[nn.Module, np.ndarray, np.ndarray, int]  # the layer, the matrix of g, where it takes channels, parameters


class Signal:
    """A random signal with as many channels as a layer has, anywhere in the plane.

    Args:
        channels: how many.
        sigma: pixels of the Gaussian.
        seed: of the noise.
    """

    def __init__(self, channels: int, sigma: float, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.at, self.height = generator.uniform(-14, 14, (300, 2)), generator.normal(size=(300, channels))
        self.sigma = sigma

    def __call__(self, where: np.ndarray) -> np.ndarray:
        """Values [..., channels] at positions (x, y): [..., 2]."""
        u = where.reshape(-1, 2)
        squares = (u**2).sum(1)
        far = squares[:, None] + (self.at**2).sum(1) - 2 * u @ self.at.T
        window = np.exp(-((squares / REACH**2) ** 2))
        values = np.exp(-far / (2 * self.sigma**2)) @ self.height * window[:, None]
        return values.reshape(*where.shape[:-1], -1)


def positions(n: int, step: int = 1) -> np.ndarray:
    """Pixels (x, y) about the centre, [n, n, 2]."""
    axis = (np.arange(n) - (n - 1) / 2) * step
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return np.stack([x, y], axis=-1)


def run(layer: nn.Module, values: np.ndarray) -> np.ndarray:
    """A layer on samples [b, n, n, c]."""
    with torch.no_grad():
        return layer(torch.from_numpy(values).permute(0, 3, 1, 2).contiguous()).permute(0, 2, 3, 1).numpy()


def errors(arm: Arm, n: int, stride: int, sigma: float, seed: int) -> dict[str, float]:
    """The relative error of one layer on one signal, both ways."""
    layer, matrix, image, _ = arm
    signal, pixels = Signal(len(image), sigma, seed), positions(n)

    def moved(values: np.ndarray) -> np.ndarray:
        """Channels turned by g."""
        result = np.empty_like(values)
        result[..., image] = values
        return result

    turned = run(layer, moved(signal(pixels @ matrix))[None])[0]  # pixels @ matrix = g⁻¹ pixels
    coarse = positions(len(turned), stride)
    inside = (coarse**2).sum(-1) < REACH**2
    got, wanted = turned[inside], coarse[inside] @ matrix
    # band-limited interpolation of the samples
    axis = coarse[0, :, 0]
    along = [np.sinc((wanted[:, j, None] - axis) / stride) for j in (1, 0)]
    samples = moved(np.einsum("uy,ux,yxc->uc", *along, run(layer, signal(pixels)[None])[0]))
    # the same outputs, with the signal shifted so that they fall on the middle one
    some = np.random.default_rng(seed).choice(len(wanted), min(24, len(wanted)), replace=False)
    middle = len(turned) // 2
    shifted = signal(pixels + (wanted[some] - coarse[middle, middle])[:, None, None])
    exact = moved(run(layer, shifted)[:, middle, middle])
    return {
        "samples": float(np.linalg.norm(got - samples) / np.linalg.norm(samples)),
        "exact": float(np.linalg.norm(got[some] - exact) / np.linalg.norm(exact)),
    }


def erlangen_arm(name: str, kernel: int, stride: int) -> Arm:
    """A fresh layer of the library, with its pooling where there is a stride."""
    field = eg.Grid(2).field(name, "1 regular")
    conv = Conv(field, field, kernel, bias=False)
    layer = conv if stride == 1 else nn.Sequential(conv, field.space.coarsen(field))
    return layer.double(), field.group.standard.on(1), field.rep.terms[0][1].signed(1)[0], conv.hom_dimension()


def alike_arm(name: str, kernel: int, stride: int, functions: int) -> Arm:
    """The same with the best functions on the stencil only, at most so many, and weights of one variance."""
    field = eg.Grid(2).field(name, "1 regular")
    found, kept, parts = steer((kernel, kernel), field.group), 0, []
    sizes = np.cumsum([0, *(psi.size for psi in found.irreps)])
    while kept < len(found.irreps) and sizes[kept + 1] <= functions:
        scale = (1 - found.errors[kept]) ** DAMPING
        parts.append(found.functions[:, sizes[kept] : sizes[kept + 1]] / scale)
        kept += 1
    best = Steering(field.group, found.irreps[:kept], np.concatenate(parts, axis=1), found.errors[:kept])
    regular = field.rep.terms[0][1]
    expand = Induced(best, regular, outwards=True).double()
    entries = expand(torch.randn(expand.dim, 1, dtype=torch.float64)).view(field.size, kernel, kernel, field.size)
    conv = nn.Conv2d(field.size, field.size, kernel, padding=kernel // 2, bias=False).double()
    conv.weight = nn.Parameter(entries.movedim(-1, 1).contiguous())
    layer = conv if stride == 1 else nn.Sequential(conv, field.space.coarsen(field))
    return layer, field.group.standard.on(1), regular.signed(1)[0], expand.dim


def escnn_arm(name: str, kernel: int, stride: int, blur: bool) -> Arm:
    """A fresh layer of escnn, exported."""
    from escnn import gspaces
    from escnn import nn as enn

    order = int(name[1:])
    act = gspaces.rot2dOnR2(order) if name[0] == "C" else gspaces.flipRot2dOnR2(order)
    kind = enn.FieldType(act, [act.regular_repr])
    conv = enn.R2Conv(kind, kind, kernel, padding=kernel // 2, stride=1 if blur else stride, bias=False)
    layer: nn.Module = conv.eval().export()
    if blur:
        pool = enn.PointwiseAvgPoolAntialiased(kind, sigma=0.66, stride=stride)
        layer = nn.Sequential(layer, Unwrapped(pool, lambda x: enn.GeometricTensor(x, kind)))
    turn = act.fibergroup.element(1 if name[0] == "C" else (0, 1))
    angle = 2 * np.pi / order
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    image = act.regular_repr(turn).argmax(0)
    parameters = sum(p.numel() for p in conv.parameters())
    arms = [(layer.double(), m, image, parameters) for m in (matrix, matrix.T)]  # whichever sense of rotation it has
    return min(arms, key=lambda arm: errors(arm, 17, stride, 2.0, 0)["exact"])


class Unwrapped(nn.Module):
    """A module of escnn on plain tensors."""

    def __init__(self, module: nn.Module, wrap: Callable) -> None:
        super().__init__()
        self.module, self.wrap = module, wrap

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Wrap, apply, unwrap."""
        return self.module(self.wrap(x)).tensor


def cell(build: Callable[[], Arm], n: int, stride: int, seeds: int) -> dict[str, Any]:
    """The mean errors over seeds of weights and signals."""
    found: dict[str, list[float]] = {}
    parameters = 0
    for seed in range(seeds):
        torch.manual_seed(seed)
        arm = build()
        parameters = arm[3]
        for sigma in SIGMAS:
            for way, value in errors(arm, n, stride, sigma, seed).items():
                found.setdefault(f"{way} {sigma:g}", []).append(value)
    return {"parameters": parameters} | {key: mean(values) for key, values in found.items()}


def builders(name: str, kernel: int, stride: int, peer: bool) -> dict[str, Callable[[], Arm]]:
    """The arms of a cell."""
    arms = {"erlangen": lambda: erlangen_arm(name, kernel, stride)}
    if not peer:
        return arms
    count = escnn_arm(name, kernel, 1, False)[3] // eg.group(name).order
    arms |= {"alike": lambda: alike_arm(name, kernel, stride, count)}
    if stride == 1:
        return arms | {"escnn": lambda: escnn_arm(name, kernel, 1, False)}
    strided, blurred = (lambda blur=blur: escnn_arm(name, kernel, stride, blur) for blur in (False, True))
    return arms | {"escnn stride": strided, "escnn blur": blurred}


def main() -> None:
    """Fill the cells, print the table."""
    parser = argparse.ArgumentParser(description="turns by 45° and 22.5°, beside escnn")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--no-peer", action="store_true", help="leave escnn out")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--smoke", action="store_true", help="C8 with kernel 3, one seed, without the peer")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(arguments.threads)
    cells, peer = Cells(arguments.out), not (arguments.no_peer or arguments.smoke)
    seeds = 1 if arguments.smoke else arguments.seeds
    wanted = [("C8", 3)] if arguments.smoke else list(product(GROUPS, KERNELS))
    print(
        "| group, kernel | stride, size | parameters | erlangen | alike | escnn | with blur | erlangen / escnn "
        "| alike / escnn | at σ 1 |\n" + "|---" * 10 + "|"
    )
    for (name, kernel), (stride, n) in product(wanted, ((1, 33), (2, 33), (2, 32))):
        rows = {}
        for arm, build in builders(name, kernel, stride, peer).items():
            key = f"{name} k {kernel} stride {stride} {n}² {arm}"
            rows[arm] = cells.get(key, lambda build=build, n=n, s=stride: cell(build, n, s, seeds))
        print(f"| {name}, {kernel} | {stride}, {n}² | {line(rows)} |", flush=True)


def line(rows: dict[str, dict[str, Any]]) -> str:
    """Parameters, the errors at σ 2 both ways, and the ratios."""
    base = rows.get("escnn", rows.get("escnn stride"))
    arms = (rows["erlangen"], rows.get("alike"), base, rows.get("escnn blur"))

    def pair(arm: "dict[str, Any] | None", below: "dict[str, Any] | None", sigma: int) -> str:
        if arm is None or below is None:
            return "–"
        return " / ".join(f"{arm[f'{way} {sigma}'] / below[f'{way} {sigma}']:.2f}" for way in ("exact", "samples"))

    parameters = " ".join(str(arm["parameters"]) for arm in arms[:3] if arm is not None)
    errors = ["–" if a is None else f"{100 * a['exact 2']:.2f} / {100 * a['samples 2']:.2f}" for a in arms]
    return " | ".join([parameters, *errors, pair(arms[0], base, 2), pair(arms[1], base, 2), pair(arms[0], base, 1)])


if __name__ == "__main__":
    main()
