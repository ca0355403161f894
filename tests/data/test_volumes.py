"""AdrenalMNIST3D: sizes, classes, orientation, and a network of the cube on it."""

import pytest
import torch

import erlangen as eg
from erlangen.data import Unreachable, load


@pytest.fixture
def glands() -> eg.data.Dataset:
    try:
        return load("adrenal")
    except Unreachable as reason:
        pytest.skip(str(reason))


def test_sizes_and_classes(glands: eg.data.Dataset) -> None:
    counts = {part: torch.bincount(getattr(glands, part).targets).tolist() for part in ("train", "validation", "test")}
    assert counts == {"train": [929, 259], "validation": [76, 22], "test": [229, 69]}
    assert glands.train.signals.shape[1:] == (1, 28, 28, 28)
    assert glands.train.signals.unique().tolist() == [0.0, 1.0]
    assert abs(float(glands.train.signals.mean()) - 0.016) < 1e-3
    assert glands.field().group.name == "Oh"


def test_a_network_of_the_cube_trains_and_is_exact(glands: eg.data.Dataset) -> None:
    torch.manual_seed(0)
    net = eg.derive(glands.field("O"), glands.task, size="tiny")
    small = eg.data.Dataset(
        glands.name,
        glands.space,
        1,
        glands.task,
        glands.train.subset(32),
        glands.validation.subset(8),
        glands.test.subset(8),
        glands.provenance,
    )
    run = eg.fit(net, small, epochs=1, batch_size=16, progress=False)
    result = eg.audit(run.model, small, samples=2, elements=4, continuous=False, stability=False)
    assert result.verdict == "exact"
    assert result.families[0].name == "O"
