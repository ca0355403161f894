"""Your own scans as a data set: a folder of NIfTI files, and a folder of labels with the same names."""

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

import torch
from torch import Tensor

from erlangen.blueprint import Segment
from erlangen.data.dataset import Dataset
from erlangen.data.nifti import ENDINGS, read_nifti
from erlangen.data.ragged import RaggedSplit
from erlangen.data.resample import resampled, voxel_size
from erlangen.data.volume import Volume, normalised
from erlangen.errors import DataError, UnknownName
from erlangen.grids import Grid


def from_scans(
    scans: "str | Path",
    labels: "str | Path",
    classes: int,
    *,
    spacing: "float | Sequence[float] | None" = None,
    orientation: str = "RAS",
    validation: "float | Collection[str]" = 0.1,
    test: "float | Collection[str]" = 0.2,
    dice: float = 1.0,
    seed: int = 0,
) -> Dataset:
    """A segmentation data set from two folders of NIfTI files.

    Every scan is turned so that its axes point as named, resampled if a spacing is given, and scaled to mean 0 and
    standard deviation 1. The spacing decides which symmetries the data set has: cubes of voxels have those of the cube,
    voxels of 1 × 1 × 2.5 mm those of a square prism.

    Args:
        scans: folder of .nii or .nii.gz files.
        labels: folder of files with the same names; values 0 … classes-1, and -1 for voxels without a label.
        classes: number of classes, the background included.
        spacing: of the voxels in mm, one number for cubes or one for each of z, y, x; None keeps that of the scans,
            which must then agree.
        orientation: where the axes shall point.
        validation: share of the scans held out to choose by; or their names, without ending (scans of one patient
            resemble each other, so they belong into one part).
        test: share of the scans held out to report; or their names.
        dice: weight of the Dice loss, as in `Segment`.
        seed: of the random split.

    Raises:
        DataError: files without a partner, scans and labels on different voxels, scans of different spacings or
            channels, a spacing that is none, labels out of range, voxels that are NaN, nothing left to train on, or a
            scan in both held out parts.
        UnknownName: no scan has a name that is held out.
        ImportError: nibabel is not installed.
    """
    if not isinstance(classes, int) or classes < 1:
        raise DataError(f"classes is a whole number, the background included; got {classes!r}")
    scans, labels = str(scans), str(labels)  # a folder may be called 2024
    wanted = None if spacing is None else voxel_size(spacing, str(scans))
    files = _files(Path(scans), Path(labels))
    cuts = _parts([_stem(image) for image, _ in files], validation, test, seed, str(scans))
    pairs = [_pair(image, label) for image, label in files]
    pairs = [(image.reoriented(orientation), label.reoriented(orientation)) for image, label in pairs]
    _check_alike([image for image, _ in pairs], wanted is None)
    step = wanted or pairs[0][0].spacing
    cases = [_case(image, label, step, classes) for image, label in pairs]
    train, kept, tested = (RaggedSplit([cases[i][0] for i in rows], [cases[i][1] for i in rows]) for rows in cuts)
    options = {
        "spacing": list(step),
        "orientation": orientation.upper(),
        "classes": classes,
        "dice": dice,
        "seed": seed,
    }
    options |= {"scans": str(Path(scans).resolve()), "labels": str(Path(labels).resolve())}
    held = {"validation": validation, "test": test}
    options |= {part: wish if isinstance(wish, float | int) else sorted(wish) for part, wish in held.items()}
    provenance = {"asked": "scans", "options": options, "source": f"NIfTI files in {scans}", "seed": seed}
    provenance |= {"fallback": False, "sha256": _content(train, kept, tested)}
    space, channels = Grid(3, spacing=step), len(cases[0][0])
    return Dataset(Path(scans).name, space, channels, Segment(classes, dice=dice), train, kept, tested, provenance)


def _parts(
    names: list[str], validation: "float | Collection[str]", test: "float | Collection[str]", seed: int, where: str
) -> tuple[list[int], list[int], list[int]]:
    """Which scans are in (train, validation, test)."""
    left = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
    parts: dict[str, list[int]] = {}
    for part, wish in (("test", test), ("validation", validation)):
        if isinstance(wish, float | int):
            if not 0 <= wish <= 1:
                raise DataError(f"{where}: {part} must be a share in [0, 1] or names of scans, got {wish}")
            count = round(wish * len(names))
            parts[part], left = left[:count], left[count:]
            continue
        chosen = {wish} if isinstance(wish, str) else set(wish)
        for name in sorted(chosen - set(names)):
            raise UnknownName(f"scan of {where}", name, names)
        parts[part] = [i for i, name in enumerate(names) if name in chosen]
        if twice := set(parts[part]) & set(parts["test"]) if part != "test" else set():
            raise DataError(f"{where}: {names[min(twice)]} is in validation and in test. Fix: name it in one of them.")
        left = [i for i in left if i not in parts[part]]
    if not left:
        raise DataError(f"{where}: nothing is left to train on of {len(names)} scans. Fix: hold out less.")
    return left, parts["validation"], parts["test"]


def _stem(path: Path) -> str:
    """The name of a file without .nii or .nii.gz."""
    return path.name.removesuffix(".gz").removesuffix(".nii")


def _content(*splits: RaggedSplit) -> str:
    """A hash of all values and labels of some splits, in their order."""
    digest = hashlib.sha256()
    for split in splits:
        for tensor in (*split.signals, *split.labels):
            digest.update(repr(tuple(tensor.shape)).encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _files(scans: Path, labels: Path) -> list[tuple[Path, Path]]:
    for folder in (scans, labels):
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder. Fix: give the folder of the NIfTI files.")
    found, known = ({p.name for p in folder.iterdir() if p.name.endswith(ENDINGS)} for folder in (scans, labels))
    found, known = ({n for n in names if not n.startswith(".")} for names in (found, known))
    if not found or found != known:
        alone = sorted(found ^ known)[:3] or ["none at all"]
        raise DataError(
            f"{scans} holds {len(found)} NIfTI files and {labels} {len(known)}; without a partner of the same name: "
            f"{', '.join(alone)}. Fix: give every scan one file of labels with its name."
        )
    return [(scans / name, labels / name) for name in sorted(found)]


def _pair(image: Path, label: Path) -> tuple[Volume, Volume]:
    scan, wanted = read_nifti(image), read_nifti(label)
    if scan.shape != wanted.shape or len(wanted.values) != 1 or abs(scan.affine - wanted.affine).max() > 1e-3:
        raise DataError(
            f"{label} lies on other voxels than {image}: shapes {wanted.shape} and {scan.shape}, spacings "
            f"{wanted.spacing} and {scan.spacing}. Fix: resample the labels onto the scan."
        )
    return scan, wanted


def _check_alike(scans: list[Volume], spacing: bool) -> None:
    """Raise unless all scans have as many channels and, if asked, the same spacing as the first."""
    first = scans[0]
    for scan in scans:
        if len(scan.values) != len(first.values):
            raise DataError(
                f"{first.name} has {len(first.values)} channels and {scan.name} has {len(scan.values)}. Fix: give "
                "every scan the same channels, or leave those out that lack some."
            )
        if spacing and any(abs(a - b) > 1e-3 for a, b in zip(scan.spacing, first.spacing, strict=True)):
            raise DataError(
                f"{first.name} has voxels of {first.spacing} mm and {scan.name} of {scan.spacing} mm. Fix: say which "
                "spacing they shall have, such as spacing=1.0."
            )


def _case(scan: Volume, label: Volume, spacing: tuple[float, ...], classes: int) -> tuple[Tensor, Tensor]:
    """(values [C, z, y, x], labels [z, y, x]) with that spacing."""
    values = label.values
    if values.is_floating_point() and bool((values != values.round()).any()):
        raise DataError(
            f"{label.name}: labels must be whole numbers. Fix: round them, and see what made them fractions."
        )
    low, high = int(values.min()), int(values.max())
    if low < -1 or high >= classes:
        raise DataError(f"{label.name}: labels {low} … {high}, but the classes are 0 … {classes - 1}")
    shape = [max(1, round(n * a / b)) for n, a, b in zip(scan.shape, scan.spacing, spacing, strict=True)]
    moved = resampled(scan, spacing, shape), resampled(label, spacing, shape, labels=True)
    return normalised(moved[0].values), moved[1].values[0].long()
