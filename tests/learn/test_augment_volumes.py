"""Augmentation of volumes: cube turns are exact, other rotations interpolate, and labels go where the signal goes."""

import pytest
import torch

from erlangen import Classify, Grid, Predict, Segment
from erlangen.adapt import augmentation
from erlangen.adapt.volumes import random_rotations, rotate_labels, rotate_volumes
from erlangen.errors import DomainError
from erlangen.grids import point_matrices


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_rotations_agree_with_the_exact_turns_of_the_cube() -> None:
    field = Grid(3).field("O")
    matrices = torch.from_numpy(point_matrices(field.group, 3)).float()
    for shape in ((6, 6, 6), (5, 7, 6)):
        x = torch.randn(1, 1, *shape)
        for g in field.group.elements:
            exact = field.act(g, x)
            turned = rotate_volumes(x, matrices[g : g + 1], size=8)
            gaps = [8 - n for n in exact.shape[2:]]
            if any(gap % 2 for gap in gaps):
                continue  # centres between voxels do not fall on centres of voxels
            inner = turned[(..., *(slice(gap // 2, 8 - gap // 2) for gap in gaps))]
            torch.testing.assert_close(inner, exact, rtol=1e-4, atol=1e-4)


def test_rotations_are_rotations_and_uniform() -> None:
    r = random_rotations(4000, stream())
    torch.testing.assert_close(r @ r.transpose(1, 2), torch.eye(3).expand(4000, 3, 3), rtol=1e-4, atol=1e-4)
    assert (torch.linalg.det(r) > 0).all()
    assert float(r.mean(0).abs().max()) < 0.05
    assert abs(float(r[:, 0, 0].square().mean()) - 1 / 3) < 0.02


@pytest.mark.parametrize("name", ["O", "Oh", "rotation"])
@pytest.mark.parametrize("shape", [(6, 6, 6), (5, 7, 6)])
def test_labels_follow_the_signal(name: str, shape: tuple[int, ...]) -> None:
    """Where the signal is a smooth function of the label, they still fit after the motion, in the middle of labels."""
    augment = augmentation(name, Grid(3), None, Segment(2))
    labels = torch.zeros(4, *shape, dtype=torch.long)
    labels[:, :3] = 1
    x, y = augment(labels.unsqueeze(1).float(), stream(3)), augment.targets(labels, stream(3))
    assert x.shape[2:] == y.shape[1:]
    agree = (x[:, 0] > 0.5) == (y == 1)
    assert float(agree[y >= 0].float().mean()) > 0.97
    assert int((y == 1).sum()) > 0
    if name != "rotation":
        assert agree.all()
        assert (y >= 0).all()


def test_the_draw_depends_on_the_seed_alone() -> None:
    augment = augmentation("rotation", Grid(3), None, Classify(2))
    x = torch.randn(3, 1, 6, 6, 6)
    assert torch.equal(augment(x, stream(1)), augment(x, stream(1)))
    assert not torch.equal(augment(x, stream(1)), augment(x, stream(2)))
    labels = torch.arange(3)
    assert torch.equal(augment.targets(labels, stream(1)), labels)


def test_outside_of_the_volume_there_is_no_label() -> None:
    labels = torch.zeros(1, 4, 8, 4, dtype=torch.long)
    turned = rotate_labels(labels, torch.eye(3)[None])
    assert turned.shape == (1, 8, 8, 8)
    assert int((turned == 0).sum()) == 4 * 8 * 4
    assert torch.equal(turned[0, 2:6, :, 2:6], labels[0])


def test_fields_are_not_moved_by_interpolation() -> None:
    with pytest.raises(DomainError, match="labels only"):
        augmentation("rotation", Grid(3), None, Predict("1 standard"))
