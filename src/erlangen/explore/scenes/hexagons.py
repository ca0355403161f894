"""Images on hexagonal cells, where turns by 60° are exact."""

from typing import Any

import torch
from torch import Tensor

from erlangen.blueprint import Classify
from erlangen.explore.figures import image, maps
from erlangen.explore.motion import ANGLES, Element, Motion, action
from erlangen.explore.scene import Sample, Scene
from erlangen.explore.scenes.strokes import NAMES, batch, drawing
from erlangen.grids.hexagon import HexGrid, paint, to_hexagon, turn_cells
from erlangen.symmetry import Representation

RADIUS, SIZE, PIXELS = 15, 56, 60


class _Turn:
    """A turn of cells by an angle: a lookup for the elements of the group, an interpolation between them."""

    def __init__(self, space: HexGrid, group: Any, degrees: int) -> None:
        self.space, self.group, self.degrees = space, group, degrees
        name = f"r{60 * (round(degrees / 60) % 6)}"
        self.g = next((g for g in group.elements if group.label(g) == name), group.identity)
        self.member = degrees % 60 == 0 and group.label(self.g) in (name, "e" if name == "r0" else name)

    def move(self, x: Tensor, rep: Representation | None) -> Tensor:
        """The turn of a map."""
        moved = self.space.move_points(self.g, x, self.group) if self.member else turn_cells(x, self.degrees)
        return moved if rep is None else rep.apply(self.g, moved, dim=1)


def hexagons() -> Scene:
    """The drawn shapes on 721 cells."""
    space = HexGrid()

    def cells(x: Tensor) -> Tensor:
        return to_hexagon(x, RADIUS).clamp(0, 1)

    def motions(group: Any, signal: Tensor) -> tuple[Motion, ...]:
        elements = []
        for angle in ANGLES:
            there, back = _Turn(space, group, angle), _Turn(space, group, -angle)
            forward, inverse = (action(f"{t.degrees}°", group.name, t.member, t.move, t.g) for t in (there, back))
            elements.append(Element(f"{angle}°", angle, forward, inverse, there.member))
        return (Motion("turn", "turn", "ring", "°", tuple(elements)),)

    def draw(signal: Tensor) -> dict[str, Any]:
        return {"parts": [image(paint(signal[0, 0], PIXELS))]}

    def draw_map(value: Tensor, rep: Any, scales: dict[str, float]) -> dict[str, Any]:
        return {"parts": maps(paint(value[0], PIXELS), rep, scales)}

    def train(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        x, y = batch(n, SIZE, generator)
        return cells(x), y

    samples = tuple(
        Sample(name, cells(drawing(name, SIZE, 0.0, 0.75)[None, None]), label) for label, name in enumerate(NAMES)
    )
    return Scene(
        "hexagons", "Hexagonal cells", "drawn by this program, sampled on 721 cells", space, ("C6", "D6"), "1 trivial",
        "1 trivial", Classify(len(NAMES)), NAMES, samples, train, motions, draw, draw_map,
        ("position", "ordinary", "flatten"), {}, None, "rotation",
    )  # fmt: skip
