"""NIfTI files, orientations, spacings, resampling: what goes in comes out, in its place."""

import gzip

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from erlangen.data import Volume, isotropic, read_nifti, write_nifti
from erlangen.data.resample import hat_matrix, like, resampled
from erlangen.errors import DataError, DomainError
from erlangen.grids import Grid

nibabel = pytest.importorskip("nibabel")
TILTED = np.array([[0.9, 0.1, 0, -40], [-0.1, 1.2, 0, 20], [0, 0, 2.5, 7], [0, 0, 0, 1.0]])


def volume(shape: tuple[int, ...] = (1, 5, 6, 6), affine: np.ndarray | None = None) -> Volume:
    values = torch.arange(float(np.prod(shape))).reshape(shape)
    return Volume(values, np.diag([1.0, 1.0, 2.5, 1.0]) if affine is None else affine)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("shape", [(1, 5, 6, 7), (3, 4, 2, 3)])
def test_round_trip(tmp_path, ending, shape) -> None:
    path = write_nifti(tmp_path / f"a{ending}", volume(shape, TILTED))
    back = read_nifti(path)
    assert torch.equal(back.values, volume(shape).values)
    assert np.allclose(back.affine, TILTED)
    assert back.values.dtype == torch.float32


def test_axes_are_those_of_the_standard(tmp_path) -> None:
    array = np.zeros((7, 6, 5), np.int16)
    array[1, 2, 3] = 9
    nibabel.save(nibabel.Nifti1Image(array, np.diag([0.5, 1.0, 2.0, 1.0])), tmp_path / "a.nii")
    found = read_nifti(tmp_path / "a.nii")
    assert found.values[0, 3, 2, 1] == 9
    assert found.values.dtype == torch.int16
    assert (found.shape, found.spacing, found.orientation) == ((5, 6, 7), (2.0, 1.0, 0.5), "RAS")


def test_labels_stay_integers(tmp_path) -> None:
    labels = Volume(torch.randint(0, 3, (1, 4, 5, 6)), np.eye(4))
    assert np.asanyarray(nibabel.load(write_nifti(tmp_path / "a.nii.gz", labels)).dataobj).dtype == np.int32


@pytest.mark.parametrize("wanted", ["RAS", "LPS", "SAR", "IPL", "ALS"])
def test_reorienting_moves_voxels_and_affine_together(wanted: str) -> None:
    start = volume(affine=TILTED)
    moved = start.reoriented(wanted)
    assert moved.orientation == wanted == "".join(nibabel.aff2axcodes(moved.affine))
    for i, j, k in ((0, 0, 0), (5, 0, 4), (3, 5, 1)):
        place = TILTED @ [i, j, k, 1]
        a, b, c = np.rint(np.linalg.inv(moved.affine) @ place).astype(int)[:3]
        assert moved.values[0, c, b, a] == start.values[0, k, j, i]
    back = moved.reoriented(start.orientation)
    assert torch.equal(back.values, start.values)
    assert np.allclose(back.affine, TILTED)


def test_the_spacing_decides_the_group() -> None:
    assert volume().space.symmetries().name == "D4h"
    with pytest.raises(DomainError, match=r"exchanges axes .* spacing 2.5 and 1"):
        volume((1, 6, 6, 6)).space.field("O")
    cubes = isotropic(volume())
    assert cubes.spacing == (1.0, 1.0, 1.0)
    assert cubes.shape == (13, 6, 6)


def test_resampling_keeps_a_linear_ramp_in_its_place() -> None:
    z, y, x = torch.meshgrid(torch.arange(8.0), torch.arange(9.0), torch.arange(10.0), indexing="ij")
    start = Volume((x + 2 * y + 2.5 * z).unsqueeze(0), np.diag([1.0, 2.0, 2.5, 1.0]))  # = mm of x, y, z summed
    found = isotropic(start, 1.0)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in found.shape), indexing="ij"), -1)[..., ::-1]
    place = index @ found.affine[:3, :3].T + found.affine[:3, 3]
    expected = torch.from_numpy(place.sum(-1)).float()
    inner = (slice(3, -3),) * 3  # beyond the outermost voxel centres values are repeated
    torch.testing.assert_close(found.values[0][inner], expected[inner], rtol=1e-4, atol=1e-4)


@settings(max_examples=20)
@given(st.integers(1, 20), st.integers(1, 20), st.floats(0.2, 4))
def test_hats_sum_to_one_and_mirror(n: int, m: int, ratio: float) -> None:
    matrix = hat_matrix(n, m, ratio)
    torch.testing.assert_close(matrix.sum(1), torch.ones(m, dtype=torch.float64))
    torch.testing.assert_close(matrix.flip(0, 1), matrix)


def test_labels_are_never_mixed_and_come_back() -> None:
    labels = torch.zeros(1, 8, 12, 12, dtype=torch.long)
    labels[:, 2:6, 3:9, 3:9] = 2
    labels[:, 2:6, 3:6, 3:9] = 5
    start = Volume(labels, np.diag([-1.0, 1.0, 2.5, 1.0]))
    cubes = isotropic(start.reoriented("RAS"), labels=True)
    assert cubes.values.unique().tolist() == [0, 2, 5]
    assert cubes.values.dtype == torch.long
    assert torch.equal(like(cubes, start).values, labels)


def test_the_same_grid_is_left_alone() -> None:
    start = volume()
    assert torch.equal(resampled(start, start.spacing, start.shape).values, start.values)


def test_mistakes_are_explained(tmp_path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_nifti(tmp_path / "none.nii")
    (tmp_path / "text.nii").write_text("hello")
    with pytest.raises(DataError, match="no NIfTI file"):
        read_nifti(tmp_path / "text.nii")
    bad = volume()
    bad.values[0, 1, 2, 3] = float("nan")
    write_nifti(tmp_path / "nan.nii", bad)
    with pytest.raises(DataError, match=r"1 of 180 voxels are NaN .* \(3, 2, 1\)"):
        read_nifti(tmp_path / "nan.nii")
    assert read_nifti(tmp_path / "nan.nii", check=False).values.isnan().sum() == 1
    with pytest.raises(DataError, match="does not end in"):
        write_nifti(tmp_path / "a.txt", volume())
    with pytest.raises(DataError, match="no volume"):
        volume(affine=np.diag([1.0, 1.0, 0.0, 1.0]))
    with pytest.raises(DataError, match=r"\[C, z, y, x\]"):
        Volume(torch.zeros(3, 3, 3), np.eye(4))
    with pytest.raises(DataError, match="no orientation"):
        volume().reoriented("RRS")
    with pytest.raises(DataError, match="positive"):
        isotropic(volume(), -1.0)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("bytes_left", [0, 60, 360, -40])
def test_a_file_that_is_cut_off_is_not_called_another_kind_of_file(tmp_path, ending: str, bytes_left: int) -> None:
    noise = torch.rand(1, 9, 9, 9, generator=torch.Generator().manual_seed(0))
    whole = write_nifti(tmp_path / f"whole{ending}", Volume(noise, np.eye(4)))
    whole.write_bytes(whole.read_bytes()[:bytes_left])
    with pytest.raises(DataError, match=r"it is cut off after .* bytes .* Fix: copy or download it again") as caught:
        read_nifti(whole)
    assert "remove" not in str(caught.value)


def test_a_compressed_text_is_no_nifti_file(tmp_path) -> None:
    (tmp_path / "text.nii.gz").write_bytes(gzip.compress(b"hello"))
    with pytest.raises(DataError, match=r"is no NIfTI file.*convert"):
        read_nifti(tmp_path / "text.nii.gz")


@pytest.mark.parametrize("highest", [2**31 - 1, 2**31, 2**40, 2**62 + 1])
def test_large_integers_survive(tmp_path, highest: int) -> None:
    values = torch.tensor([-3, 0, 7, highest]).reshape(1, 1, 2, 2)
    back = read_nifti(write_nifti(tmp_path / "a.nii.gz", Volume(values, np.eye(4)))).values
    assert torch.equal(back.long(), values)
    assert back.dtype == (torch.int32 if highest < 2**31 else torch.int64)


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        *[("i1", torch.int8), ("u1", torch.uint8), ("u2", torch.int32), ("u4", torch.int64), ("i4", torch.int32)],
        *[("i8", torch.int64), ("u8", torch.int64), (">i2", torch.int16), (">i4", torch.int32), (">u4", torch.int64)],
        *[(">f4", torch.float32), (">f8", torch.float32)],
    ],
)
def test_integers_of_any_kind_are_read_as_integers(tmp_path, stored: str, read: torch.dtype) -> None:
    kind = np.dtype(stored)
    top = min(np.iinfo(kind).max, 300000001) if kind.kind in "iu" else 2.5
    array = np.array([0, 1, 2, top]).reshape(1, 2, 2).astype(kind)
    header = nibabel.Nifti1Header(endianness=">" if stored[0] == ">" else "<")
    header.set_data_dtype(kind)
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4), header, dtype=kind), tmp_path / "a.nii")
    found = read_nifti(tmp_path / "a.nii").values
    assert found.dtype == read
    assert found.flatten().tolist() == array.transpose().flatten().tolist()


def test_values_beyond_float32_stay_float64(tmp_path) -> None:
    values = torch.tensor([1e300, 1.0], dtype=torch.float64).reshape(1, 1, 1, 2)
    back = read_nifti(write_nifti(tmp_path / "a.nii", Volume(values, np.eye(4)))).values
    assert torch.equal(back, values)
    small = Volume(values.clamp(max=3.0), np.eye(4))
    assert read_nifti(write_nifti(tmp_path / "b.nii", small)).values.dtype == torch.float32


def test_voxels_that_are_no_numbers_are_refused(tmp_path) -> None:
    coloured = np.zeros((3, 4, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(coloured, np.eye(4)), tmp_path / "rgb.nii")
    with pytest.raises(DataError, match=r"coloured \(RGB\) voxels.*Fix: write their brightness"):
        read_nifti(tmp_path / "rgb.nii")
    nibabel.save(nibabel.Nifti1Image(np.ones((3, 4, 5), np.complex64), np.eye(4)), tmp_path / "wave.nii")
    with pytest.raises(DataError, match=r"complex voxels.*Fix: write their magnitude"):
        read_nifti(tmp_path / "wave.nii")
    with pytest.raises(DataError, match="complex values"):
        write_nifti(tmp_path / "w.nii", Volume(torch.ones(1, 2, 2, 2, dtype=torch.complex64), np.eye(4)))
    nibabel.save(
        nibabel.Nifti1Image(np.full((1, 1, 2), 2**64 - 1, np.uint64), np.eye(4), dtype="u8"), tmp_path / "u.nii"
    )
    with pytest.raises(DataError, match="beyond int64"):
        read_nifti(tmp_path / "u.nii")


@pytest.mark.parametrize(("unit", "factor"), [("micron", 1e-3), ("meter", 1e3), ("mm", 1.0), ("unknown", 1.0)])
def test_lengths_become_millimetres(tmp_path, unit: str, factor: float) -> None:
    import nibabel

    image = nibabel.Nifti1Image(np.zeros((3, 4, 5), np.float32), np.diag([500.0, 500.0, 2000.0, 1.0]))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "a.nii")
    volume = read_nifti(tmp_path / "a.nii")
    assert volume.spacing == pytest.approx((2000 * factor, 500 * factor, 500 * factor))
    again = read_nifti(write_nifti(tmp_path / "b.nii", volume))
    assert again.spacing == pytest.approx(volume.spacing, rel=1e-5)


def test_small_voxels_are_voxels(tmp_path) -> None:
    for size in (5e-5, 4e-6):
        volume = Volume(torch.zeros(1, 3, 4, 5), np.diag([size, size, 2 * size, 1.0]))
        assert read_nifti(write_nifti(tmp_path / "a.nii", volume)).spacing == pytest.approx((2 * size, size, size))
    with pytest.raises(DataError, match="no volume"):
        Volume(torch.zeros(1, 3, 4, 5), np.array([[1.0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))


def test_oblique_cubes_stay_cubes(tmp_path) -> None:
    from scipy.spatial.transform import Rotation

    for seed, size in enumerate((0.9765625, 1 / 3, 0.4296875)):
        affine = np.eye(4)
        affine[:3, :3] = Rotation.random(random_state=seed).as_matrix() * size
        read = read_nifti(write_nifti(tmp_path / "a.nii", Volume(torch.zeros(1, 4, 4, 4), affine)))
        assert len(set(read.spacing)) == 1
        assert read.space.symmetries().name == "Oh"
    assert Grid(3, None, (1.0, 0.976562, 0.976563)).symmetries().name == "D4h"
    assert Grid(3, None, (1.0, 0.97, 0.98)).symmetries().name == "D2h"


def test_another_unit_of_length_is_noticed() -> None:
    from erlangen.data import isotropic

    with pytest.raises(DataError, match="check the unit of length"):
        isotropic(Volume(torch.zeros(1, 20, 20, 20), np.diag([1000.0, 1000.0, 1000.0, 1.0])), 1.0)


def test_labels_come_back_in_slabs_as_at_once(monkeypatch) -> None:
    from torch.nn import functional

    from erlangen.data import resample

    c, s = np.cos(0.3), np.sin(0.3)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.diag([0.9, 1.1, 1.3])
    affine[:3, 3] = 3, 4, 5
    original = Volume(torch.zeros(1, 9, 11, 13), affine)
    seen = Volume(torch.randint(0, 3, (1, 14, 15, 16)), np.eye(4))
    at_once = resample.like(seen, original).values
    monkeypatch.setattr(resample, "SLAB", 200)
    assert torch.equal(resample.like(seen, original).values, at_once)
    i, j, k = np.meshgrid(np.arange(13), np.arange(11), np.arange(9), indexing="ij")
    place = np.stack([i, j, k, np.ones_like(i)], -1) @ affine.T  # voxels of `seen` lie at whole millimetres
    unit = torch.from_numpy((2 * place[..., :3] + 1) / np.array([16, 15, 14]) - 1).permute(2, 1, 0, 3).float()[None]
    shares = [functional.grid_sample((seen.values == v).float()[None], unit, align_corners=False) for v in range(3)]
    expected = torch.cat(shares, 1).argmax(1)
    inside = torch.cat(shares, 1).sum(1) > 0.999
    assert torch.equal(at_once[inside], expected[inside])
    assert inside.any()


def test_labels_on_turned_voxels_are_only_turned() -> None:
    from erlangen.data.resample import like

    labels = Volume(torch.randint(0, 9, (1, 4, 5, 6)), np.diag([-1.0, 1.0, 2.5, 1.0]))
    assert torch.equal(like(labels.reoriented("SPL"), labels).values, labels.values)
