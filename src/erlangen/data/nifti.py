"""NIfTI files in and out, with affine, spacing and orientation kept.

Source: Cox et al. 2004, "A (sort of) new image data format standard: NIfTI-1".
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from erlangen.data.store import unreadable
from erlangen.data.volume import Volume
from erlangen.errors import DataError

ENDINGS = (".nii", ".nii.gz")


def read_nifti(path: "str | Path", *, check: bool = True) -> Volume:
    """A volume of a NIfTI file: [C, z, y, x] in float32, or integers where those are stored.

    A fourth axis of the file becomes channels.

    Args:
        path: the file, .nii or .nii.gz.
        check: whether voxels that are NaN or infinite are an error.

    Raises:
        DataError: no such file, not a NIfTI file, not three or four axes, no usable affine, or voxels that are NaN.
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
        raise DataError(f"{path} is no NIfTI file: {error}. Fix: convert it (DICOM folders: dcm2niix).") from error
    except (OSError, EOFError, ValueError) as error:
        raise unreadable(path, error) from error
    if stored.ndim not in (3, 4):
        raise DataError(f"{path} has {stored.ndim} axes {stored.shape}; a volume has 3, or 4 with channels last")
    values = stored[None] if stored.ndim == 3 else np.moveaxis(stored, 3, 0)
    kind = values.dtype if values.dtype in (np.uint8, np.int16, np.int32, np.int64) else np.float32
    tensor = torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 2, 1).astype(kind)))
    volume = Volume(tensor, np.asarray(image.affine, np.float64), str(path))
    return volume.check_finite() if check and tensor.is_floating_point() else volume


def write_nifti(path: "str | Path", volume: Volume) -> Path:
    """Write a volume as a NIfTI file: the same affine, channels as a fourth axis, integers stay integers.

    Raises:
        DataError: the name does not end in .nii or .nii.gz, or the file cannot be written.
        ImportError: nibabel is not installed.
    """
    nibabel = _nibabel()
    path = Path(path)
    if not path.name.endswith(ENDINGS):
        raise DataError(f"{path} does not end in .nii or .nii.gz. Fix: rename it.")
    values = volume.values.detach().cpu()
    values = values.to(torch.uint8) if values.dtype == torch.bool else values
    values = values.to(torch.int32) if values.dtype == torch.int64 else values
    values = values.float() if values.is_floating_point() else values
    array = values.numpy().transpose(3, 2, 1, 0)
    image = nibabel.Nifti1Image(array[..., 0] if array.shape[3] == 1 else array, volume.affine)
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
