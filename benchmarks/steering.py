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
    print("| group, kernel | stride, size | arm | parameters | exact σ 2 | σ 1 | samples σ 2 | σ 1 | of escnn |")
    print("|---" * 9 + "|")
    for (name, kernel), (stride, n) in product(wanted, ((1, 33), (2, 33), (2, 32))):
        rows = {}
        for arm, build in builders(name, kernel, stride, peer).items():
            key = f"{name} k {kernel} stride {stride} {n}² {arm}"
            rows[arm] = cells.get(key, lambda build=build, n=n, s=stride: cell(build, n, s, seeds))
        base = rows.get("escnn", rows.get("escnn stride"))
        for arm, r in rows.items():
            values = [r[f"{way} {sigma:g}"] for way in ("exact", "samples") for sigma in SIGMAS]
            ratio = (
                "–"
                if base is None
                else f"{r['exact 2'] / base['exact 2']:.2f} {r['samples 2'] / base['samples 2']:.2f}"
            )
            print(
                f"| {name}, {kernel} | {stride}, {n}² | {arm} | {r['parameters']} | "
                + " | ".join(f"{v:.4f}" for v in values)
                + f" | {ratio} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
