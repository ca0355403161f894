"""Volumes of voxels: AdrenalMNIST3D.

Source: Yang et al., MedMNIST v2, 2023, arXiv 2110.14795; the file is the official one, 28 voxels along each axis.
"""

import zipfile

import numpy as np
import torch

from erlangen.blueprint import Classify
from erlangen.data.dataset import Dataset
from erlangen.data.split import TensorSplit
from erlangen.data.store import fetch, unreadable

ADRENAL_FILES = ("adrenalmnist3d/adrenalmnist3d.npz",)


def adrenal() -> Dataset:
    """AdrenalMNIST3D: 1,584 masks of adrenal glands, 28 voxels along each axis; normal (0) or with a mass (1).

    Raises:
        DataError: the file is unreachable or damaged.
    """
    from erlangen.grids import Grid

    located = fetch(ADRENAL_FILES[0])
    try:
        with np.load(located.path, allow_pickle=False) as arrays:
            parts = {part: (arrays[f"{part}_images"], arrays[f"{part}_labels"]) for part in ("train", "val", "test")}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise unreadable(located.path, error) from error
    splits = {}
    for part, (images, labels) in parts.items():
        signals = torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1).to(torch.float32).div_(255)
        splits[part] = TensorSplit(signals, torch.from_numpy(labels.astype(np.int64).ravel()))
    space = Grid(3, tuple(int(n) for n in parts["train"][0].shape[1:]))
    provenance = {"files": [located]}
    return Dataset("adrenal", space, 1, Classify(2), splits["train"], splits["val"], splits["test"], provenance)
