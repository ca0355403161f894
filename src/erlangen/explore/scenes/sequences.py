"""Sequences: waves on a line that goes round, shifted and reversed."""

from typing import Any

import torch
from torch import Tensor

from erlangen.blueprint import Classify
from erlangen.explore.figures import packed, rows
from erlangen.explore.motion import Motion, line_shifts
from erlangen.explore.scene import Sample, Scene
from erlangen.grids import Grid

LENGTH = 96
NAMES = ("chirp", "two bumps", "saw")


def _wave(kind: int, generator: torch.Generator) -> Tensor:
    """One signal [1, LENGTH]."""
    t = torch.arange(LENGTH) / LENGTH
    place, width = (torch.rand(2, generator=generator) * torch.tensor([0.2, 0.02])).tolist()
    u = (t - 0.4 - place) % 1
    window = torch.exp(-(((u - 0.5) / 0.16) ** 2))
    if kind == 0:
        wave = window * torch.sin(2 * torch.pi * (4 * u + 9 * u.square()))
    elif kind == 1:
        wave = torch.exp(-(((u - 0.4) / (0.04 + width)) ** 2)) - 0.6 * torch.exp(-(((u - 0.6) / 0.07) ** 2))
    else:
        wave = window * (((7 * u) % 1) * 2 - 1)
    return wave[None] + 0.02 * torch.randn(1, LENGTH, generator=generator)


def sequences() -> Scene:
    """Three kinds of waves of 96 points."""
    space = Grid(1)

    def motions(group: Any, signal: Tensor) -> tuple[Motion, ...]:
        size = signal.shape[-1]
        found = [line_shifts(space, group, size, title="shift")]
        mirror = [g for g in group.elements if group.label(g) != group.label(group.identity)]
        return (*found, *(line_shifts(space, group, size, g, "reverse", "reverse, then shift") for g in mirror))

    def draw(signal: Tensor) -> dict[str, Any]:
        return {"parts": [{"kind": "traces", "together": 1, **packed(signal[0], 1.2)}]}

    def draw_map(value: Tensor, rep: Any, scales: dict[str, float]) -> dict[str, Any]:
        return {"parts": rows(value[0], rep, scales, "traces")}

    def train(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        labels = torch.randint(len(NAMES), (n,), generator=generator)
        return torch.stack([_wave(k, generator) for k in labels.tolist()]), labels

    still = torch.Generator().manual_seed(1)
    samples = tuple(Sample(name, _wave(k, still)[None], k) for k, name in enumerate(NAMES))
    return Scene(
        "sequence", "Sequences", "made by this program, 96 points", space, ("D1", "C1"), "1 trivial", "1 trivial",
        Classify(len(NAMES)), NAMES, samples, train, motions, draw, draw_map,
        ("stride", "zeros", "position", "ordinary", "flatten"), {"shift": "exact"},
    )  # fmt: skip
