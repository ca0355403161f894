"""Images sampled on hexagonal cells, so that rotations by 60° are exact."""

from dataclasses import replace

import torch

from erlangen.data.dataset import Dataset
from erlangen.data.rotated import mnist_rot, mnist_rot_5k
from erlangen.data.split import Split, TensorSplit
from erlangen.errors import DataError
from erlangen.grids import Grid
from erlangen.grids.hexagon import HexGrid, to_hexagon
from erlangen.grids.hexagon.resample import matching_radius

_AT_ONCE = 4096  # images resampled at a time


def on_hexagons(data: Dataset, radius: int | None = None, name: str = "") -> Dataset:
    """A data set of images on `Grid(2)`, sampled on `HexGrid(radius)` by bicubic interpolation.

    The hexagon holds the circle inscribed in the image; the corners of the image are lost.

    Args:
        data: images of one size, with scalar channels.
        radius: R; None chooses cells as large as pixels.
        name: of the result; that of the data by default.

    Raises:
        DataError: these are no images with scalar channels on one square grid.
    """
    space = data.space
    if type(space) is not Grid or space.d != 2 or space.shape is None or data.declared is not None:
        raise DataError(f"{data.name} lives on {space}; only images with scalar channels on Grid(2, shape) are sampled")
    chosen = matching_radius(*space.shape) if radius is None else radius
    train, validation, test = (_resampled(part, chosen, data.name) for part in (data.train, data.validation, data.test))
    return replace(data, name=name or data.name, space=HexGrid(chosen), train=train, validation=validation, test=test)


def _resampled(split: Split, radius: int, name: str) -> TensorSplit:
    if not isinstance(split, TensorSplit):
        raise DataError(f"{name}: only images held in one tensor are sampled on hexagons")
    pieces = split.signals.split(_AT_ONCE)
    signals = torch.cat([to_hexagon(x, radius) for x in pieces])
    if split.signals.numel():  # cubic interpolation overshoots at edges
        signals.clamp_(min(0.0, float(split.signals.min())), max(0.0, float(split.signals.max())))
    return TensorSplit(signals, split.targets)


def mnist_rot_hex(seed: int = 0, validation: int = 0, radius: int = 15) -> Dataset:
    """Rotated MNIST on hexagonal cells: 12,000 training and 50,000 test images.

    Args:
        seed: of the draw and the angles.
        validation: how many of the last training images to hold out; the protocol's own choice is 2,000.
        radius: R of the hexagon; 15 has about as many cells as the images have pixels.
    """
    return on_hexagons(mnist_rot(seed, validation), radius, "mnist-rot-hex")


def mnist_rot_hex_5k(seed: int = 0, validation: int = 0, radius: int = 15) -> Dataset:
    """Rotated MNIST on hexagonal cells in small: 2,000 to train and 3,000 to test.

    Args:
        seed: of the draw and the angles.
        validation: how many of the last training images to hold out.
        radius: R of the hexagon.
    """
    return on_hexagons(mnist_rot_5k(seed, validation), radius, "mnist-rot-hex-5k")
