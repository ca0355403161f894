"""Splits: batches cover every example once, orders follow the generator, subsets are nested."""

import pytest
import torch

from erlangen.blueprint import Signal
from erlangen.data import GraphSplit, NodeSplit, TensorSplit
from erlangen.errors import DataError


@pytest.fixture
def grid() -> TensorSplit:
    return TensorSplit(torch.arange(10.0).reshape(10, 1, 1, 1), torch.arange(10))


def seen(split, *args, **kwargs) -> list[int]:
    return [int(t) for _, targets in split.batches(*args, **kwargs) for t in targets]


def test_batches_cover_everything_once_and_keep_pairs_together(grid):
    assert [len(t) for _, t in grid.batches(4)] == [4, 4, 2]
    for signal, targets in grid.batches(3, shuffle=True):
        assert torch.equal(signal.flatten().long(), targets)
    assert sorted(seen(grid, 3, shuffle=True)) == list(range(10))


def test_the_generator_fixes_the_order(grid):
    first, again, other = (seen(grid, 3, True, torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    "indices", [[7, 0, 3], range(7, 0, -3), torch.tensor([7, 0]), slice(2, 9, 3), torch.arange(10) % 2 == 0]
)
def test_every_form_of_indices(grid, indices):
    expected = torch.arange(10)[list(indices) if isinstance(indices, range) else indices].tolist()
    assert grid.batch(indices)[1].tolist() == expected
    assert grid.take(indices).targets.tolist() == expected


def test_subsets_are_nested_and_seeded(grid):
    small, large = set(grid.subset(3, 1).targets.tolist()), set(grid.subset(6, 1).targets.tolist())
    assert small < large
    assert grid.subset(6, 1).targets.tolist() == grid.subset(6, 1).targets.tolist()
    assert grid.subset(6, 2).targets.tolist() != grid.subset(6, 1).targets.tolist()
    with pytest.raises(DataError, match="subset of 11 was asked from a split of 10"):
        grid.subset(11)


def test_what_does_not_fit_is_refused(grid):
    with pytest.raises(DataError, match="10 signals but 9 targets"):
        TensorSplit(grid.signals, grid.targets[:-1])
    with pytest.raises(DataError, match="batch_size"):
        next(grid.batches(0))


def test_an_empty_split_is_falsy(grid):
    assert not grid.take(slice(10, None))
    assert list(grid.take(slice(10, None)).batches(4)) == []


@pytest.fixture
def graphs() -> GraphSplit:
    from erlangen.graphs import Graph

    path = torch.tensor([[0, 1], [1, 0]])
    signals = [Signal(torch.full((2 + i % 2, 1), float(i)), Graph.from_edges(path, 2 + i % 2)) for i in range(6)]
    return GraphSplit(signals, torch.arange(6))


def test_graphs_are_joined_in_the_order_asked_for(graphs):
    signal, targets = graphs.batch([3, 0])
    assert targets.tolist() == [3, 0]
    assert signal.x.flatten().tolist() == [3, 3, 3, 0, 0]
    assert signal.on.num_nodes == 5
    assert signal.on.num_edges == 4
    assert sorted(seen(graphs, 4, shuffle=True)) == list(range(6))
    assert len(graphs.subset(2)) == 2


def test_one_big_graph_is_one_example(graphs):
    signal = graphs.signals[0]
    split = NodeSplit(signal, torch.tensor([1, -1]))
    assert len(split) == 1
    assert split.nodes.tolist() == [0]
    batches = list(split.batches(64, shuffle=True))
    assert len(batches) == 1
    assert batches[0][0] is signal
    assert batches[0][1].tolist() == [1, -1]
    with pytest.raises(DataError, match="one example"):
        split.batch([1])
    assert len(split.subset(0)) == 0
    with pytest.raises(DataError, match="subset of 2"):
        split.subset(2)
