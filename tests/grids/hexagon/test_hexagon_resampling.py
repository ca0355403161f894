"""From pixels to cells and back: positions, turns, and what is lost."""

import numpy as np
import pytest
import torch

from erlangen.errors import DomainError, ExactnessError, FieldError
from erlangen.grids import rotate
from erlangen.grids.hexagon import HexGrid, paint, plot, to_hexagon, to_square, turn_cells
from erlangen.grids.hexagon.lattice import BASIS, cells, hexagon, live
from erlangen.grids.hexagon.picture import nearest_cell
from erlangen.grids.hexagon.resample import cell_spacing, matching_radius


def smooth(size: int = 41) -> torch.Tensor:
    """Two bumps that vanish at the rim, no symmetry."""
    line = torch.arange(size).double() - (size - 1) / 2
    y, x = torch.meshgrid(line, line, indexing="ij")
    image = torch.exp(-((x - 5) ** 2 + (y + 3) ** 2) / 30) + 0.5 * torch.exp(-((x + 6) ** 2 + (y - 4) ** 2) / 20)
    return image[None, None]


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).norm() / b.norm())


def test_cells_are_as_many_as_pixels_by_default():
    radius = matching_radius(28, 28)
    assert radius == 15
    assert cell_spacing(28, 28, radius) ** 2 * 3**0.5 / 2 == pytest.approx(1, abs=0.1)
    assert to_hexagon(torch.rand(2, 3, 28, 28)).shape == (2, 3, 31, 31)
    assert to_hexagon(torch.rand(0, 3, 28, 28), 4).shape == (0, 3, 9, 9)


def test_a_linear_function_is_sampled_where_the_cells_are():
    line = torch.arange(40).double() - 19.5
    ramp = (0.3 * line + 0.7 * line[:, None])[None, None]
    radius = 8
    step = cell_spacing(40, 40, radius)
    x, y = step * BASIS @ cells(radius).T
    inside = live(radius) & (np.hypot(x, y) < 14)  # beyond, the zeros from outside are felt
    for mode, close in (("bilinear", 1e-9), ("bicubic", 0.1)):  # torch's cubic keeps constants only
        got = to_hexagon(ramp, radius, mode=mode).flatten()[torch.from_numpy(inside)]
        assert np.allclose(got, (0.3 * x + 0.7 * y)[inside], atol=close)


def test_there_and_back():
    image = smooth()
    assert relative(to_square(to_hexagon(image), 41), image) < 0.02
    assert (to_hexagon(torch.ones(1, 1, 30, 30))[0, 0][~hexagon(33)] == 0).all()


def test_turns_of_the_image_are_turns_of_the_cells():
    image = smooth()
    x = to_hexagon(image)
    field = HexGrid(x.shape[-1] // 2).field("C6", 1)
    for k in range(6):
        moved = field.act(k, x)
        assert relative(to_hexagon(image, degrees=60.0 * k), moved) < 1e-12
        assert relative(turn_cells(x, 60.0 * k), moved) < 1e-9
        assert relative(to_square(moved, 41), rotate(image, 60.0 * k, "bicubic")) < 0.02
    angles = torch.tensor([10.0, 70.0])
    both = turn_cells(x.expand(2, -1, -1, -1), angles, "bicubic")
    assert relative(both[1:], field.act(1, both[:1])) < 1e-9
    assert relative(both[:1], to_hexagon(image, degrees=10.0)) < 0.02


def test_a_mirror_of_the_image_is_the_mirror_of_the_cells():
    image = smooth()
    x = to_hexagon(image)
    field = HexGrid(x.shape[-1] // 2).field("D6", 1)
    assert relative(field.act(field.group.generators["m"], x), to_hexagon(image.flip(-1))) < 1e-12


def test_painting_shows_every_cell_at_its_place(tmp_path):
    radius = 4
    x = torch.arange(81.0).reshape(9, 9) + 1
    painted = paint(x, 90)
    assert set(painted.unique().tolist()) == {0.0, *x[hexagon(9)].tolist()}
    assert painted[45, 45] == x[4, 4]
    assert nearest_cell(cells(radius) @ BASIS.T + 0.05).tolist() == cells(radius).tolist()
    drawn = plot(x, tmp_path / "cells.png")
    assert len(drawn.get_array()) == 61
    assert (tmp_path / "cells.png").read_bytes().startswith(b"\x89PNG")


def test_images_of_whole_numbers_are_sampled_as_real_ones():
    images = torch.randint(0, 256, (2, 1, 9, 9), dtype=torch.uint8)
    assert torch.equal(to_hexagon(images), to_hexagon(images.float()))


def test_mistakes_are_answered():
    with pytest.raises(DomainError, match="radius of at least 1"):
        to_hexagon(torch.zeros(1, 1, 8, 8), 0)
    with pytest.raises(DomainError, match="bilinear, bicubic"):
        to_hexagon(torch.zeros(1, 1, 8, 8), 3, mode="nearest")
    with pytest.raises(ExactnessError, match="got 8×8"):
        to_square(torch.zeros(1, 1, 8, 8), 8)
    with pytest.raises(FieldError, match="one channel"):
        plot(torch.zeros(1, 1, 7, 7))


def test_cells_much_larger_than_pixels_average_over_them() -> None:
    stripes = torch.ones(1, 2, 128, 128)
    stripes[..., ::2] = -1.0
    for radius in (6, 12, 20):
        assert float(to_hexagon(stripes, radius).std()) < 0.02  # sampled as they are: 0.35
    level = to_hexagon(torch.ones(1, 1, 128, 128), 10)
    inner = level[0, 0, 10, 5:16]
    assert torch.allclose(inner, torch.ones_like(inner), atol=1e-3)


def test_mistakes_in_pictures_and_angles() -> None:
    cells = torch.rand(1, 1, 9, 9)
    for wrong in (8.5, 0, -3):
        with pytest.raises(DomainError, match="whole numbers of rows and columns"):
            to_square(cells, wrong)
    with pytest.raises(DomainError, match="one for each of 1 signals, got 2"):
        turn_cells(cells, torch.tensor([1.0, 2.0]))
    with pytest.raises(DomainError, match="nothing to sample"):
        to_hexagon(torch.zeros(1, 1, 0, 8))
    with pytest.raises(FieldError, match="at least one pixel"):
        paint(cells, 0)
    field = HexGrid(4).field("C6", 1)
    with pytest.raises(ExactnessError, match="4×4 taps holds no hexagon"):
        field.space.linear(field, field, kernel_size=4)
