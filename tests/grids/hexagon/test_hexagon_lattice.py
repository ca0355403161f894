"""Cells and how the group moves them: exact, a homomorphism, and the turns that a user would expect."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import erlangen as eg
from erlangen.blueprint import space_from
from erlangen.errors import DomainError, ExactnessError, UnknownName
from erlangen.grids.hexagon import HexGrid
from erlangen.grids.hexagon.lattice import BASIS, GROUPS, axial_matrices, cells, hexagon, live, masked, sources
from erlangen.solve import solve_kernel
from erlangen.symmetry import group


def noise(space: HexGrid, name: str, rep: str, seed: int = 0) -> tuple[eg.Field, torch.Tensor]:
    field = space.field(name, rep)
    return field, space.sample_signal(field, 2, torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("radius", range(1, 9))
def test_a_hexagon_has_as_many_cells_as_the_formula(radius):
    assert live(radius).sum() == 1 + 3 * radius * (radius + 1)
    assert torch.equal(hexagon(2 * radius + 1).flatten(), torch.from_numpy(live(radius)))
    q, r = cells(radius)[live(radius)].T
    assert np.abs([q, r, q + r]).max() == radius


def test_cells_are_as_far_from_their_neighbours():
    around = np.array([(1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1)])
    assert np.allclose(np.linalg.norm(around @ BASIS.T, axis=1), 1.0)


def test_sixty_degrees_sends_q_r_to_minus_r_q_plus_r():
    turn = axial_matrices(group("C6"))[1]
    assert (turn @ [3, -1]).tolist() == [1, 2]


@pytest.mark.parametrize("name", GROUPS)
def test_integer_matrices_are_the_plane_matrices_and_a_representation(name):
    found = group(name)
    axial = axial_matrices(found)
    assert np.abs(BASIS @ axial @ np.linalg.inv(BASIS) - found.standard.matrices()).max() < 1e-12
    for g in found.elements:
        for h in found.elements:
            assert (axial[g] @ axial[h] == axial[found.compose(g, h)]).all()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(GROUPS), st.integers(1, 9), st.data())
def test_action_is_a_homomorphism_and_keeps_every_value(name, radius, data):
    field, x = noise(HexGrid(radius), name, "regular + standard")
    g, h = (data.draw(st.sampled_from(list(field.group.elements))) for _ in range(2))
    twice = field.act(g, field.act(h, x))
    assert torch.allclose(twice, field.act(field.group.compose(g, h), x), atol=1e-12)
    assert torch.allclose(field.act(field.group.inverse(g), field.act(g, x)), x, atol=1e-12)
    moved = field.space.move_points(g, x, field.group)
    assert torch.equal(moved.flatten(2).sort(dim=2).values, x.flatten(2).sort(dim=2).values)


def test_a_spot_goes_where_the_turn_of_the_plane_says():
    space = HexGrid(4)
    field = space.field("D6", 1)
    for g in field.group.elements:
        x = torch.zeros(1, 1, 9, 9)
        x[0, 0, 4 + 1, 4 + 2] = 1.0  # q = 2, r = 1
        row, column = field.act(g, x)[0, 0].nonzero()[0].tolist()
        want = field.group.standard.matrices()[g] @ BASIS @ [2, 1]
        assert np.allclose(BASIS @ [column - 4, row - 4], want)


def test_dead_corners_are_zero_after_every_motion():
    field = HexGrid(3).field("D6", 1)
    x = torch.ones(1, 1, 7, 7)
    assert (field.act(1, x)[0, 0][~hexagon(7)] == 0).all()
    assert torch.equal(masked(x)[0, 0], hexagon(7).float())
    assert (sources(field.group, 3) >= 0).all()


@pytest.mark.parametrize(("name", "radius", "taps"), [("C6", 1, 7), ("D6", 1, 7), ("C6", 2, 19), ("D6", 2, 19)])
def test_kernels_number_group_order_times_taps(name, radius, taps):
    points = cells(radius)[live(radius)] @ BASIS.T
    found = solve_kernel(points, group(name), "regular", "regular")
    assert found.dim == len(group(name).table) * taps
    assert found.residual < 1e-12


def test_the_largest_group_is_d6_and_the_space_can_be_written_down():
    space = HexGrid(5)
    assert space.symmetries().name == "D6"
    assert space.symmetries("c3").name == "C3"
    assert space_from(space.describe()) == space != HexGrid(6)
    assert space_from(HexGrid().describe()) == HexGrid()
    assert (repr(space), repr(HexGrid())) == ("HexGrid(5)", "HexGrid()")
    assert space != eg.Grid(2, (11, 11))
    assert space.nominal_shape() == (11, 11)


def test_mistakes_are_answered():
    with pytest.raises(
        DomainError, match=r"HexGrid\(5\) does not have the symmetry C4: .* C1, C2, C3, C6, D1.*Grid\(2\)"
    ):
        HexGrid(5).field("C4", 1)
    with pytest.raises(UnknownName):
        HexGrid(5).field("D66x", 1)
    for wrong in (0, -1, 2.5, "3"):
        with pytest.raises(DomainError, match="whole number of cells"):
            HexGrid(wrong)
    field = HexGrid(3).field("C6", 1)
    with pytest.raises(ExactnessError, match=r"2R\+1 rows and columns, got 8×8"):
        field.act(1, torch.zeros(1, 1, 8, 8))
    with pytest.raises(ExactnessError, match="got 7×9"):
        field.act(1, torch.zeros(1, 1, 7, 9))
    with pytest.raises(DomainError, match="does not map a hexagonal lattice to itself"):
        axial_matrices(group("C4"))
