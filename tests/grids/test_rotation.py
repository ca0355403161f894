"""Turns by any angle: they agree with the elements of the group where there is one, and come back."""

import numpy as np
import pytest
import torch

from erlangen import Grid
from erlangen.errors import DomainError
from erlangen.grids.rotation import turn, turn_about, turns_of_volumes

AXES = {(1.0, 0.0, 0.0): "x", (0.0, 1.0, 0.0): "y", (0.0, 0.0, 1.0): "z"}


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("degrees", [90.0, 180.0, 270.0])
def test_turns_of_volumes_by_right_angles_are_elements_of_the_cube(axis, degrees) -> None:
    field = Grid(3, (6, 6, 6)).field("O", "1 trivial + 1 standard")
    x = torch.randn(2, 4, 6, 6, 6, dtype=torch.float64)
    moved = turn_about(axis, degrees).move(x, field.rep)
    errors = [float((field.act(g, x) - moved).abs().max()) for g in field.group.elements]
    assert np.sort(errors)[0] < 1e-12 < 0.1 < np.sort(errors)[1]


def test_turns_of_images_by_right_angles_are_elements() -> None:
    field = Grid(2, (7, 7)).field("C4", "1 trivial + 1 standard")
    x = torch.randn(2, 3, 7, 7, dtype=torch.float64)
    assert torch.allclose(turn(90.0).move(x, field.rep), field.act(1, x), atol=1e-12)


def test_smooth_volumes_come_back() -> None:
    z, y, x = torch.meshgrid(*(torch.linspace(-2.5, 2.5, 24, dtype=torch.float64),) * 3, indexing="ij")
    bump = torch.exp(-((x - 0.3) ** 2) - (y + 0.2) ** 2 - 1.5 * z**2)[None, None]
    for action in turns_of_volumes(4, torch.Generator().manual_seed(0)):
        assert action.undo is not None
        back = action.undo(action.move(bump, None), None)
        assert (back - bump).norm() < 0.05 * bump.norm(), action.label
        assert (action.move(bump, None) - bump).norm() > 0.01 * bump.norm(), action.label


def test_what_has_no_meaning_between_the_elements_is_refused() -> None:
    field = Grid(3, (4, 4, 4)).field("O", "1 regular")
    with pytest.raises(DomainError, match="not defined at 30° about z"):
        turn_about((0.0, 0.0, 1.0), 30.0).move(torch.zeros(1, 24, 4, 4, 4), field.rep)


def test_audits_of_cubes_try_turns_and_of_boxes_do_not() -> None:
    def families(grid: Grid, group: str) -> set[str]:
        signal = torch.zeros(1, 1, *grid.nominal_shape())
        return {a.family for a in grid.actions(grid.field(group, 1).group, signal, 2)}

    assert "rotation" in families(Grid(3, (6, 6, 6)), "O")
    assert "rotation" not in families(Grid(3, (6, 6, 4)), "D2")
    assert "rotation" not in families(Grid(3, (6, 6, 6), (1, 1, 2)), "D2")
