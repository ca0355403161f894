"""From a NIfTI file to labels in a NIfTI file, on the voxels of the scan, whatever its orientation and spacing."""

import numpy as np
import pytest
import torch
from torch import nn

import erlangen as eg
from erlangen.cli import main
from erlangen.data import Volume, load, read_nifti, write_nifti
from erlangen.errors import DataError, DomainError
from erlangen.learn.volumes import segment_volume


class Bright(nn.Module):
    """Label 1 where a voxel is above the mean of its volume."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([-x, x], dim=1)


def scan() -> Volume:
    values = torch.zeros(1, 10, 16, 12)
    values[:, 3:7, 4:12, 2:8] = 5.0
    return Volume(values, np.diag([-1.0, 1.0, 2.0, 1.0]))


def test_labels_lie_on_the_voxels_of_the_scan() -> None:
    for volume in (scan(), scan().reoriented("SPL")):
        labels = segment_volume(Bright(), volume, window=7)
        assert np.array_equal(labels.affine, volume.affine)
        assert torch.equal(labels.values.bool(), volume.values > 1)


def test_mistakes_are_explained() -> None:
    bad = scan()
    bad.values[0, 0, 0, 0] = float("inf")
    with pytest.raises(DataError, match="NaN or infinite"):
        segment_volume(Bright(), bad)
    space = eg.Grid(3)
    with pytest.raises(DomainError, match="labels of voxels"):
        segment_volume(eg.derive(space.field("O"), eg.Classify(2), "tiny"), scan())
    with pytest.raises(DomainError, match="1 channels, the network expects 2"):
        segment_volume(eg.derive(space.field("O", 2), eg.Segment(2), "tiny", widths=(24,)), scan())
    with pytest.raises(DomainError, match="labels of voxels"):
        segment_volume(eg.derive(space.field("O"), eg.Classify(2), "tiny"), scan(), spacing=1.0)
    for spacing in (0.0, (1.0, 2.0)):
        with pytest.raises(DataError, match="spacing must be positive"):
            segment_volume(Bright(), scan(), spacing=spacing)


class Seen(Bright):
    """Remembers how large its input was."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.shape = tuple(x.shape[2:])
        return super().forward(x)


@pytest.mark.parametrize(
    ("spacing", "shape"),
    [((2.0, 1.0, 1.0), (10, 16, 12)), (2.0, (10, 8, 6)), (None, (20, 16, 12)), ((4, 1, 2), (5, 16, 6))],
)
def test_voxels_need_not_be_cubes(spacing, shape: tuple[int, ...]) -> None:
    model = Seen()
    for volume in (scan(), scan().reoriented("SPL")):
        assert segment_volume(model, volume, spacing=spacing).shape == volume.shape
        assert model.shape == shape


def flat_run(folder) -> nn.Module:
    """A network trained on two volumes of 2 × 1 × 1 mm voxels, kept in a folder."""
    space, task = eg.Grid(3, spacing=(2.0, 1.0, 1.0)), eg.Segment(2)
    x = torch.stack([scan().values + i for i in range(2)])
    split = eg.data.TensorSplit(x, (x[:, 0] > 3).long())
    none = split.take([])
    torch.manual_seed(0)
    net = eg.derive(space.field("D4"), task, "tiny", widths=(16,), coarsen_after=())
    data = eg.data.Dataset("flat", space, 1, task, split, none, none, {})
    eg.fit(net, data, epochs=20, lr=0.02, batch_size=2, out=folder, progress=False)
    return net


def test_a_run_remembers_its_voxels(tmp_path, capsys) -> None:
    pytest.importorskip("nibabel")
    net = flat_run(tmp_path / "run")
    noise = torch.randn(scan().values.shape, generator=torch.Generator().manual_seed(0))
    noisy = Volume(scan().values + noise, scan().affine).reoriented("SPL")
    source = write_nifti(tmp_path / "scan.nii.gz", noisy)
    expected = segment_volume(net, noisy, spacing=(2.0, 1.0, 1.0), window=9, precision="auto").values
    cubes = segment_volume(net, noisy, spacing=1.0, window=9, precision="auto").values
    for words, wanted in (
        ([], expected),
        (["--spacing", "2", "1", "1"], expected),
        (["--spacing", "1"], cubes),
        (["--spacing=[2.0, 1, 1]"], expected),
        (["--spacing=1.0"], cubes),
    ):
        out = tmp_path / "labels.nii.gz"
        command = ["predict", *words, str(tmp_path / "run"), str(source), "--window", "9", "--out", str(out)]
        assert main(command) == 0, capsys.readouterr().err
        assert torch.equal(read_nifti(out).values.long(), wanted)
    assert not torch.equal(expected, cubes)
    assert main(["predict", str(tmp_path / "run"), str(source), "--spacing", "2", "1"]) == 2
    assert "spacing must be positive" in capsys.readouterr().err


def test_the_command(tmp_path, capsys) -> None:
    pytest.importorskip("nibabel")
    data = load("phantom-tubes")
    few = eg.data.Dataset(
        data.name, data.space, 1, data.task, data.train.take([0, 1]), data.test.take([]), data.test.take([]), {}
    )
    torch.manual_seed(0)
    net = eg.derive(data.field("O"), data.task, "tiny", widths=(24,))
    eg.fit(net, few, epochs=1, out=tmp_path / "run", progress=False)
    source = write_nifti(tmp_path / "scan.nii.gz", scan())
    assert main(["predict", str(tmp_path / "run"), str(source), "--window", "9"]) == 0
    printed = capsys.readouterr().out
    assert "12×16×10 voxels of 1×1×2 mm, axes LAS" in printed
    labels = read_nifti(tmp_path / "scan-labels.nii.gz")
    assert labels.shape == scan().shape
    assert np.allclose(labels.affine, scan().affine)
    expected = segment_volume(net, scan(), window=9, precision="auto")
    assert torch.equal(labels.values.long(), expected.values.long())
    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "none.nii")]) == 2
    assert "there is no file" in capsys.readouterr().err
