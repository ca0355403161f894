"""Hippocampus: 260 crops of magnetic resonance images of the brain, with the front and the back part labelled.

Source: Simpson et al. 2019, arXiv 1902.09063 (Medical Segmentation Decathlon, task 4).
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlangen.blueprint import Segment
from erlangen.data.dataset import Dataset
from erlangen.data.phantom import phantoms
from erlangen.data.ragged import RaggedSplit
from erlangen.data.store import Located, fetch, unreadable
from erlangen.data.volume import normalised
from erlangen.errors import DataError
from erlangen.grids import Grid

HIPPOCAMPUS_FILES = tuple(f"hippocampus/hippocampus_{k}.npz" for k in range(6))
Case = tuple[Tensor, Tensor, int]
TEST = 60  # the cases with the highest numbers


def hippocampus(validation: int = 20, dice: float = 1.0) -> Dataset:
    """Hippocampus crops of 31…43 × 40…59 × 24…47 voxels of 1 mm: background (0), anterior (1) and posterior part (2).

    The 60 cases with the highest numbers are the test part, the ones before them the validation part. Axes point right,
    anterior, superior; every volume has mean 0 and standard deviation 1.

    Args:
        validation: how many cases to hold out.
        dice: weight of the Dice loss, as in `Segment`.

    Raises:
        DataError: a file is unreachable or damaged, or nothing is left to train on.
    """
    located = [fetch(path) for path in HIPPOCAMPUS_FILES]
    cases = sorted((case for file in located for case in _read(file)), key=lambda case: case[2])
    if not 0 <= validation < len(cases) - TEST:
        raise DataError(f"validation must lie in [0, {len(cases) - TEST}), got {validation}")
    cut = len(cases) - TEST - validation
    return _dataset("hippocampus", cases, (cut, cut + validation), dice, {"files": located})


def phantom_tubes(validation: int = 10, dice: float = 1.0, seed: int = 0) -> Dataset:
    """Bent tubes in noise, thick (1) at one end and thin (2) at the other: a stand-in for `hippocampus`, drawn here.

    Args:
        validation: how many cases to hold out of 60.
        dice: weight of the Dice loss, as in `Segment`.
        seed: of the drawing.
    """
    if not 0 <= validation < 60:
        raise DataError(f"validation must lie in [0, 60), got {validation}")
    drawn = [(normalised(v), t, i) for i, (v, t) in enumerate(phantoms(80, seed))]
    made = Located(Path(__file__).with_name("phantom.py"), "", f"drawn by this package, seed {seed}")
    return _dataset("phantom-tubes", drawn, (60 - validation, 60), dice, {"files": [made], "seed": seed})


def _dataset(name: str, cases: list[Case], cuts: tuple[int, int], dice: float, provenance: dict[str, Any]) -> Dataset:
    """Train, validation and test parts of cases in order, cut at two places."""
    bounds = zip((0, *cuts), (*cuts, len(cases)), strict=True)
    train, held, test = (
        RaggedSplit([v for v, _, _ in p], [t for _, t, _ in p]) for p in (cases[a:b] for a, b in bounds)
    )
    space = Grid(3, spacing=(1.0, 1.0, 1.0))
    return Dataset(name, space, 1, Segment(3, dice=dice), train, held, test, provenance)


def _read(located: Located) -> list[Case]:
    """The cases of one file: (values [1, z, y, x], labels [z, y, x], number)."""
    try:
        with np.load(located.path, allow_pickle=False) as arrays:
            voxels, labels, shapes, numbers = (arrays[key] for key in ("vox", "lab", "shape", "id"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise unreadable(located.path, error) from error
    ends = shapes.astype(np.int64).prod(axis=1).cumsum()
    cases = []
    for end, shape, number in zip(ends, shapes.astype(int), numbers, strict=True):
        place = slice(int(end - shape.prod()), int(end))
        signal, target = (torch.from_numpy(flat[place].reshape(shape).T.copy()) for flat in (voxels, labels))
        cases.append((normalised(signal.unsqueeze(0)), target, int(number)))
    return cases
