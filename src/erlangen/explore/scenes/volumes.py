"""Volumes under the rotations of the cube, seen in slices through the centre."""

from typing import Any

import torch
from torch import Tensor

from erlangen.blueprint import Classify
from erlangen.explore.figures import image, maps
from erlangen.explore.motion import Motion, listed
from erlangen.explore.scene import Sample, Scene
from erlangen.grids import Grid

SIZE = 16
NAMES = ("screw", "bent tube", "two balls")


def _volume(kind: int, generator: torch.Generator) -> Tensor:
    """One figure [1, SIZE, SIZE, SIZE], nearly upright."""
    line = (torch.arange(SIZE) + 0.5) / SIZE * 2 - 1
    z, y, x = torch.meshgrid(line, line, line, indexing="ij")
    a, b, c = (0.16 * (torch.rand(3, generator=generator) - 0.5)).tolist()
    t = torch.linspace(-1, 1, 60)
    if kind == 0:
        points = torch.stack([0.5 * torch.cos(5 * t), 0.5 * torch.sin(5 * t), 0.75 * t], 1)
    elif kind == 1:
        points = torch.stack([0.7 * t, 0.7 * t.square() - 0.4, 0.3 * t.pow(3)], 1)
    else:
        points = torch.tensor([[0.45, -0.35, 0.3], [0.5, -0.35, 0.3], [-0.4, 0.3, -0.3]])
    place = torch.stack([x - a, y - b, z - c], -1).reshape(-1, 1, 3)
    width = 0.32 if kind == 2 else 0.2
    near = (place - points).norm(dim=2).amin(1)
    return ((width - near) * SIZE / 3 + 0.5).clamp(0, 1).reshape(1, SIZE, SIZE, SIZE)


def _slices(x: Tensor) -> Tensor:
    """Slices through the centre across z, y and x, [C, 3, n, n] of [C, n, n, n]."""
    n = x.shape[-1] // 2
    return torch.stack([x[:, n], x[:, :, n], x[:, :, :, n]], 1)


def volumes() -> Scene:
    """Three kinds of figures on 16³ voxels."""
    space = Grid(3)

    def motions(group: Any, signal: Tensor) -> tuple[Motion, ...]:
        return (listed(space, group, "turn", "rotation of the cube"),)

    def draw(signal: Tensor) -> dict[str, Any]:
        names = ("across z", "across y", "across x")
        return {"parts": [image(s) | {"name": name} for s, name in zip(_slices(signal[0])[0], names, strict=True)]}

    def draw_map(value: Tensor, rep: Any, scales: dict[str, float]) -> dict[str, Any]:
        x = value[0]
        if rep is not None and not rep.is_trivial:
            size = next(iter(rep.slices()))[2].size
            parts = maps(_slices(x[: min(size, 8)])[:, 0], None, scales)
            parts[0] |= {"name": f"{len(x[: min(size, 8)])} of {size} channels of one copy, slice across z"}
            return {"parts": parts}
        parts = maps(_slices(x)[:8, 0], None, scales)
        return {"parts": [parts[0] | {"name": parts[0]["name"] + ", slice across z"}]}

    def train(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        labels = torch.randint(len(NAMES), (n,), generator=generator)
        return torch.stack([_volume(k, generator) for k in labels.tolist()]), labels

    still = torch.Generator().manual_seed(0)
    samples = tuple(Sample(name, _volume(k, still)[None], k) for k, name in enumerate(NAMES))
    return Scene(
        "volumes", "Volumes", "drawn by this program, 16³ voxels", space, ("O", "D4", "C4"), "1 trivial", "1 trivial",
        Classify(len(NAMES)), NAMES, samples, train, motions, draw, draw_map,
        ("stride", "position", "ordinary", "flatten"),
    )  # fmt: skip
