"""Networks on volumes by size: what the head sees, equal cost for every group, and sizes that are known."""

import pytest
import torch

import erlangen as eg
from erlangen.errors import UnknownName
from erlangen.grids.volumes import DENSE, WHOLE


@pytest.mark.parametrize("size", ["tiny", "small", "medium", "large"])
def test_every_group_costs_the_same(size: str) -> None:
    space = eg.Grid(3)
    for task in (eg.Classify(2), eg.Segment(3)):
        costs = [eg.derive(space.field(g), task, size).plan.multiplications for g in ("C1", "D4", "O")]
        assert max(costs) < 1.25 * min(costs)


def test_a_dense_head_sees_more_than_the_mean_of_regular_fields() -> None:
    net = eg.derive(eg.Grid(3).field("O"), eg.Segment(3), "small")
    invariant = sum(m for m, c in net.steps[-1].in_field.rep.terms)
    assert invariant >= 9
    assert eg.derive(eg.Grid(3).field("C1"), eg.Segment(3), "small").steps[-1].in_field.rep.is_trivial


def test_small_volumes_are_halved_less() -> None:
    pools = [
        sum(
            type(s).__name__ == "Pool"
            for s in eg.derive(eg.Grid(3, (n,) * 3).field("O"), eg.Classify(2), "large").steps
        )
        for n in (7, 14, 28, 64)
    ]
    assert pools == [0, 1, 2, 3]


@pytest.mark.parametrize("shape", [(9, 12, 7), (16, 16, 16)])
@pytest.mark.parametrize("options", [{}, {"coarsen_after": (-1, 0)}])
def test_exact_at_odd_sizes(shape: tuple[int, ...], options: dict) -> None:
    torch.manual_seed(0)
    net = eg.derive(eg.Grid(3).field("O"), eg.Segment(2), "tiny", **options).double().eval()
    x = torch.randn(1, 1, *shape, dtype=torch.float64)
    y = net(x)
    for g in (1, 7, 20):
        moved = net(net.in_field.act(g, x))
        torch.testing.assert_close(moved, net.out_field.act(g, y), rtol=1e-9, atol=1e-9)


def test_unknown_sizes_are_named() -> None:
    with pytest.raises(UnknownName, match="small"):
        eg.derive(eg.Grid(3).field("O"), eg.Classify(2), "smal")
    assert set(WHOLE) == set(DENSE)
