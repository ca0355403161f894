"""Folders of NIfTI files as a data set: orientation, spacing, group, and what is wrong with them."""

from pathlib import Path

import numpy as np
import pytest
import torch

import erlangen as eg
from erlangen.data import Volume, from_scans, write_nifti
from erlangen.errors import DataError, DomainError, UnknownName

pytest.importorskip("nibabel")


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Five scans of different sizes with a bright box, 1 × 1 × 2 mm, every other one stored from right to left."""
    for i in range(5):
        values = torch.randn(1, 8, 12 + i, 12, generator=torch.Generator().manual_seed(i))
        labels = torch.zeros_like(values, dtype=torch.long)
        labels[:, 2:5, 3:8, 6:10] = 1
        affine = np.diag([1.0 if i % 2 else -1.0, 1.0, 2.0, 1.0])
        write_nifti(tmp_path / "scans" / f"{i}.nii.gz", Volume(values + 9 * labels, affine))
        write_nifti(tmp_path / "labels" / f"{i}.nii.gz", Volume(labels, affine))
    return tmp_path / "scans", tmp_path / "labels"


def test_spacing_decides_the_group(folders) -> None:
    kept = from_scans(*folders, 2)
    assert kept.space.spacing == (2.0, 1.0, 1.0)
    assert kept.field().group.name == "D4h"
    with pytest.raises(DomainError, match="spacing"):
        kept.field("O")
    cubes = from_scans(*folders, 2, spacing=1.0)
    assert cubes.field().group.name == "Oh"
    assert cubes.train.signals[0].shape[1] == 16
    assert [len(p) for p in (cubes.train, cubes.validation, cubes.test)] == [4, 0, 1]


def test_labels_stay_on_their_voxels(folders) -> None:
    data = from_scans(*folders, 2)
    for part in (data.train, data.test):
        for signal, target in zip(part.signals, part.labels, strict=True):
            assert int(target.sum()) == 3 * 5 * 4
            assert float(signal[0][target == 1].mean() - signal[0][target == 0].mean()) > 2
            assert abs(float(signal.mean())) < 1e-5


def test_a_network_trains_on_them(folders) -> None:
    data = from_scans(*folders, 2, spacing=2.0)
    torch.manual_seed(0)
    net = eg.derive(data.field("O"), data.task, "tiny", widths=(24,))
    run = eg.fit(net, data, epochs=2, batch_size=2, progress=False)
    assert 0 <= run.metrics["test_dice"] <= 1


def test_mistakes_are_explained(folders) -> None:
    scans, labels = folders
    with pytest.raises(DataError, match="not a folder"):
        from_scans(scans, labels / "none", 2)
    with pytest.raises(DataError, match=r"labels 0 … 1, but the classes are 0 … 0"):
        from_scans(scans, labels, 1)
    with pytest.raises(DataError, match="nothing is left"):
        from_scans(scans, labels, 2, test=1.0)
    odd = Volume(torch.zeros(1, 4, 4, 4), np.diag([1.0, 1.0, 3.0, 1.0]))
    write_nifti(scans / "x.nii.gz", odd)
    with pytest.raises(DataError, match=r"without a partner of the same name: x\.nii\.gz"):
        from_scans(scans, labels, 2)
    write_nifti(labels / "x.nii.gz", odd)
    with pytest.raises(DataError, match=r"Fix: say which spacing"):
        from_scans(scans, labels, 2)
    write_nifti(labels / "x.nii.gz", Volume(torch.zeros(1, 4, 4, 5), np.diag([1.0, 1.0, 3.0, 1.0])))
    with pytest.raises(DataError, match="other voxels"):
        from_scans(scans, labels, 2, spacing=1.0)
    write_nifti(labels / "x.nii.gz", Volume(torch.full((1, 4, 4, 4), 0.5), odd.affine))
    with pytest.raises(DataError, match="whole numbers"):
        from_scans(scans, labels, 2, spacing=1.0)


@pytest.mark.parametrize(
    "spacing", [0, -1.0, float("inf"), float("nan"), (1.0, 2.0), (1.0, 0.0, 1.0), "fine", (1, [2], 3)]
)
def test_a_spacing_that_is_none_is_refused(folders, spacing) -> None:
    with pytest.raises(DataError, match=r"spacing must be positive, one number of mm or one for each of z, y, x"):
        from_scans(*folders, 2, spacing=spacing)


def test_scans_of_different_channels_are_refused(folders) -> None:
    scans, labels = folders
    write_nifti(scans / "x.nii.gz", Volume(torch.rand(2, 4, 4, 4), np.diag([1.0, 1.0, 2.0, 1.0])))
    write_nifti(labels / "x.nii.gz", Volume(torch.zeros(1, 4, 4, 4).int(), np.diag([1.0, 1.0, 2.0, 1.0])))
    with pytest.raises(DataError, match=r"0\.nii\.gz has 1 channels and .*x\.nii\.gz has 2\. Fix"):
        from_scans(scans, labels, 2)


def test_scans_are_held_out_by_name(folders) -> None:
    data = from_scans(*folders, 2, validation=["3"], test=["0", "1"])
    assert [len(p) for p in (data.train, data.validation, data.test)] == [2, 1, 2]
    assert [s.shape[2] for s in data.test.signals] == [12, 13]
    assert data.validation.signals[0].shape[2] == 15
    mixed = from_scans(*folders, 2, validation=0.2, test=["4"])
    assert [len(p) for p in (mixed.train, mixed.validation, mixed.test)] == [3, 1, 1]
    shared = {s.shape[2] for s in mixed.validation.signals} & {16}
    assert not shared
    with pytest.raises(UnknownName, match="scan of"):
        from_scans(*folders, 2, test=["9"])
    with pytest.raises(DataError, match="1 is in validation and in test"):
        from_scans(*folders, 2, validation=["1"], test=["1", "2"])
    with pytest.raises(DataError, match=r"share in \[0, 1\] or names"):
        from_scans(*folders, 2, test=1.5)
