"""NIfTI files in and out, with affine, spacing and orientation kept.

Source: Cox et al. 2004, "A (sort of) new image data format standard: NIfTI-1".
"""

import gzip
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from erlangen.data.store import cut_off, unreadable
from erlangen.data.volume import Volume
from erlangen.errors import DataError

ENDINGS = (".nii", ".nii.gz")
MILLIMETRES = {"meter": 1e3, "micron": 1e-3}  # of a unit of length; a file that names none has millimetres
_HEADER_BYTES = 348  # of NIfTI-1, and its first number; that of NIfTI-2 is 540


def read_nifti(path: "str | Path", *, check: bool = True) -> Volume:
    """A volume of a NIfTI file: [C, z, y, x] in float32, or integers where those are stored.

    A fourth axis of the file becomes channels; metres and microns become millimetres. Values beyond the range of
    float32 are read as float64.

    Args:
        path: the file, .nii or .nii.gz.
        check: whether voxels that are NaN or infinite are an error.

    Raises:
        DataError: no such file, not a NIfTI file or cut off, not three or four axes, complex or coloured voxels, no
            usable affine, or voxels that are NaN.
        ImportError: nibabel is not installed.
    """
    nibabel = _nibabel()
    path = Path(path)
    if not path.is_file():
        raise DataError(f"there is no file {path}. Fix: give the path of a .nii or .nii.gz file.")
    try:
        image = nibabel.load(path)
        stored = np.asanyarray(image.dataobj)
    except nibabel.filebasedimages.ImageFileError as error:
        if _is_cut_off(path):
            raise cut_off(path, error) from error
        raise DataError(f"{path} is no NIfTI file: {error}. Fix: convert it (DICOM folders: dcm2niix).") from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        if "Expected" in str(error):  # nibabel's words for a file that has fewer bytes than its header says
            raise cut_off(path, error) from error
        raise unreadable(path, error) from error
    if stored.ndim not in (3, 4):
        raise DataError(f"{path} has {stored.ndim} axes {stored.shape}; a volume has 3, or 4 with channels last")
    values = stored[None] if stored.ndim == 3 else np.moveaxis(stored, 3, 0)
    kind = _kind_of(values, path)
    tensor = torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 2, 1).astype(kind)))
    affine = np.asarray(image.affine, np.float64)
    affine[:3] *= MILLIMETRES.get(image.header.get_xyzt_units()[0], 1.0)
    volume = Volume(tensor, affine, str(path))
    return volume.check_finite() if check and tensor.is_floating_point() else volume


def _kind_of(values: NDArray[Any], path: Path) -> "type[np.generic]":
    """The type of torch that holds stored values, in the byte order of this machine."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "i":
        return {1: np.int8, 2: np.int16, 4: np.int32}.get(size, np.int64)
    if kind == "u":
        if size == 8 and values.size and int(values.max()) > np.iinfo(np.int64).max:
            raise DataError(f"{path} holds integers up to {values.max()}, beyond int64. Fix: number them from 0.")
        return {1: np.uint8, 2: np.int32}.get(size, np.int64)
    if kind != "f":
        what, fix = ("complex", "magnitude") if kind == "c" else ("coloured (RGB)", "brightness")
        raise DataError(f"{path} has {what} voxels, a volume has real ones. Fix: write their {fix}.")
    return np.float64 if size > 4 and _overflows(torch.from_numpy(values.astype(np.float64))) else np.float32


def _overflows(values: Tensor) -> bool:
    """Whether finite numbers become infinite in float32."""
    return bool((values.isfinite() & ~values.float().isfinite()).any())


def _is_cut_off(path: Path) -> bool:
    """Whether a file that nibabel does not know is the beginning of one."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            head = file.read(4096)  # more than nibabel looks at
    except EOFError:  # compressed data without an end
        return True
    except (OSError, zlib.error):
        return False
    sizes = [int.from_bytes(head[:4], order) for order in ("little", "big")]
    return not head or (len(head) < _HEADER_BYTES and bool({348, 540} & set(sizes)))


def write_nifti(path: "str | Path", volume: Volume) -> Path:
    """Write a volume as a NIfTI file: the same affine, channels as a fourth axis, integers stay integers.

    int64 is written as int32, which more programs read, and floats as float32, wherever the values fit.

    Raises:
        DataError: the name does not end in .nii or .nii.gz, the values are complex, or the file cannot be written.
        ImportError: nibabel is not installed.
    """
    nibabel = _nibabel()
    path = Path(path)
    if not path.name.endswith(ENDINGS):
        raise DataError(f"{path} does not end in .nii or .nii.gz. Fix: rename it.")
    values = volume.values.detach().cpu()
    values = values.to(torch.uint8) if values.dtype == torch.bool else values
    if values.is_complex():
        raise DataError(f"{volume.name} has complex values, which are not written. Fix: write values.abs().")
    if values.dtype == torch.int64 and torch.equal(values.to(torch.int32).long(), values):
        values = values.to(torch.int32)
    if values.is_floating_point() and not _overflows(values):
        values = values.float()
    array = values.numpy().transpose(3, 2, 1, 0)
    array = array[..., 0] if array.shape[3] == 1 else array
    image = nibabel.Nifti1Image(array, volume.affine, dtype=array.dtype)
    image.header.set_xyzt_units("mm")
    aside = path.with_name(f".part-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(image, aside)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise DataError(f"cannot write {path}: {error.strerror or error}. Fix: free space or another path.") from error
    return path


def _nibabel() -> Any:
    try:
        import nibabel
    except ImportError as error:
        raise ImportError(
            "NIfTI files need the package nibabel. Fix: pip install 'erlangen[medical]' (or pip install nibabel)."
        ) from error
    return nibabel
