"""Augmentation by smooth warps."""

import pytest
import torch

from erlangen import Classify, Grid, Segment
from erlangen.adapt.augment import augmentation
from erlangen.adapt.warp import RandomWarp
from erlangen.errors import DomainError


def blob(n: int = 28) -> torch.Tensor:
    """A smooth blob off the centre, sixteen times."""
    axis = torch.arange(n) - (n - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.exp(-((x - 5) ** 2 + y**2) / 18).expand(16, 1, n, n).contiguous()


def centre(x: torch.Tensor) -> torch.Tensor:
    """The centre of mass of every image, (x, y)."""
    n = x.shape[-1]
    axis = torch.arange(n) - (n - 1) / 2
    mass = x.sum((1, 2, 3))
    return torch.stack([(x.sum((1, 2)) * axis).sum(-1) / mass, (x.sum((1, 3)) * axis).sum(-1) / mass], -1)


def test_warps_are_seeded_and_differ_between_images():
    x = blob()
    first, again, other = (RandomWarp()(x, torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert (first[0] - first[1]).abs().max() > 0.1


def test_no_strength_and_no_turn_is_the_identity():
    x = blob()
    same = RandomWarp(turns=False, stretch=0.0, elastic=0.0)(x, torch.Generator().manual_seed(0))
    assert torch.allclose(same, x, atol=1e-4)


def test_turns_keep_the_distance_to_the_centre():
    moved = centre(RandomWarp(stretch=0.0, elastic=0.0)(blob(), torch.Generator().manual_seed(0)))
    assert torch.allclose(moved.norm(dim=1), torch.full((16,), 5.0), atol=0.1)
    assert moved.std(0).min() > 1


def test_upright_warps_stay_near():
    moved = centre(RandomWarp(turns=False)(blob(), torch.Generator().manual_seed(0)))
    distance = (moved - torch.tensor([5.0, 0.0])).norm(dim=1)
    assert 0.01 < distance.mean() < 2.0


def test_names_and_mistakes():
    assert isinstance(augmentation("warp", Grid(2)), RandomWarp)
    assert not augmentation("upright-warp", Grid(2)).turns
    with pytest.raises(DomainError, match="needs signals on Grid"):
        augmentation("warp", Grid(3))
    with pytest.raises(DomainError, match="leave the targets behind"):
        augmentation("warp", Grid(2), task=Segment(2))
    assert augmentation("warp", Grid(2), task=Classify(2)) is not None
    with pytest.raises(DomainError, match="not negative"):
        RandomWarp(stretch=-1.0)
