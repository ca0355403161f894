"""FashionMNIST, files in pieces, and images sampled on hexagons."""

import gzip
import struct

import numpy as np
import pytest
import torch

import erlangen as eg
from erlangen.data import TensorSplit, load, store
from erlangen.data.fashion import FASHION_FILES, fashion_mnist
from erlangen.data.hexagons import on_hexagons
from erlangen.errors import DataError
from erlangen.grids.hexagon.lattice import hexagon

CONTENT = bytes(range(256)) * 5


def idx(array: np.ndarray) -> bytes:
    header = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.tobytes())


def cut(path, pieces: int) -> None:
    """Replace a file by pieces of it."""
    content = path.read_bytes()
    size = -(-len(content) // pieces)
    for i in range(pieces):
        path.with_name(f"{path.name}.part{i}").write_bytes(content[i * size : (i + 1) * size])
    path.unlink()


def test_a_file_in_pieces_is_put_together_in_the_cache(put, own_cache):
    path = put("fashion-mnist/a.gz", CONTENT)
    cut(path, 3)
    found = store.find("fashion-mnist/a.gz")
    assert found is not None
    assert found.path == own_cache / "fashion-mnist" / "a.gz"
    assert found.path.read_bytes() == CONTENT
    assert "3 pieces" in found.source
    again = store.find("fashion-mnist/a.gz")
    assert again is not None
    assert again.source == "the cache"


def test_missing_pieces_are_refused(put):
    path = put("fashion-mnist/a.gz", CONTENT)
    cut(path, 3)
    path.with_name(f"{path.name}.part2").unlink()
    with pytest.raises(DataError, match=r"2 pieces .* damaged or incomplete"):
        store.find("fashion-mnist/a.gz")


def test_fashion_is_read_like_mnist(put):
    random = np.random.default_rng(0)
    for name in FASHION_FILES:
        count = 6 if "train" in name else 3
        shape = (count, 28, 28) if "images" in name else (count,)
        put(name, idx(random.integers(0, 10, shape).astype(np.uint8)))
    data = fashion_mnist(validation=2)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [4, 2, 3]
    assert data.train.signals.shape == (4, 1, 28, 28)
    assert data.space == eg.Grid(2, (28, 28))


def test_the_real_files(real):
    real(*FASHION_FILES)
    data = load("fashion-mnist", validation=5000)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [55000, 5000, 10000]
    assert data.test.targets.bincount().tolist() == [1000] * 10


def test_images_on_hexagons():
    images = torch.rand(5, 1, 28, 28)
    split = TensorSplit(images, torch.arange(5))
    data = eg.data.Dataset("some", eg.Grid(2, (28, 28)), 1, eg.Classify(5), split, split.take([]), split, {})
    moved = on_hexagons(data, name="some-hex")
    assert moved.space == eg.HexGrid(15)
    assert moved.name == "some-hex"
    assert moved.train.signals.shape == (5, 1, 31, 31)
    assert moved.validation.signals.shape == (0, 1, 31, 31)
    assert 0 <= moved.train.signals.min() <= moved.train.signals.max() <= 1
    assert (moved.train.signals[..., ~hexagon(31)] == 0).all()
    assert moved.field("C6").group.name == "C6"
    with pytest.raises(DataError, match="only images with scalar channels"):
        on_hexagons(moved)


def test_images_of_bytes_on_hexagons():
    part = TensorSplit(torch.full((2, 1, 28, 28), 200, dtype=torch.uint8), torch.arange(2))
    moved = on_hexagons(eg.data.Dataset("bytes", eg.Grid(2, (28, 28)), 1, eg.Classify(2), part, part, part, {}))
    assert moved.train.signals.is_floating_point()
    assert moved.train.signals.max() == 200


def test_rotated_digits_on_hexagons_can_be_trained_and_audited():
    data = load("mnist-rot-hex-5k", radius=7)
    assert data.name == "mnist-rot-hex-5k"
    small = eg.data.Dataset(
        data.name,
        data.space,
        1,
        data.task,
        data.train.subset(64),
        data.train.subset(0),
        data.test.subset(64),
        data.provenance,
    )
    net = eg.derive(data.field("C6"), data.task, "tiny")
    run = eg.fit(net, small, epochs=1, progress=False)
    assert run.metrics["parameters"] == sum(p.numel() for p in net.parameters())
    assert eg.audit(run.model, small.test, samples=16).verdict == "exact"
