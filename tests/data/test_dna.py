"""DNA in the catalogue: sizes, letters, splits without leaks, fallbacks, and the laws of the simulated sets."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import erlangen as eg
from erlangen.data import FallbackWarning, dna, load, motifs
from erlangen.errors import DataError, UnknownName
from erlangen.grids.strand import read_letters, reverse_complement


@pytest.mark.parametrize("factor", dna.FACTORS)
def test_fastsk(real, factor: str) -> None:
    real(*dna.fastsk_files(factor))
    data = load(f"fastsk-{factor.lower()}")
    assert len(data.test) == 2000
    assert data.test.targets.sum() == 1000
    assert 1950 <= len(data.train) + len(data.validation) == 2000 - data.provenance["dropped"]
    assert data.train.signals.shape[1:] == (4, 100)
    assert set(data.train.signals.unique().tolist()) == {0.0, 1.0}
    names = [{dna.canonical(t) for t in read_letters(s.signals)} for s in (data.train, data.validation, data.test)]
    assert len(names[0]) == len(data.train)
    assert not names[0] & names[1]
    assert not (names[0] | names[1]) & names[2]
    share = data.validation.targets.float().mean()
    assert abs(float(share) - 0.5) < 0.02
    assert len(load(f"fastsk-{factor.lower()}", distinct=False, validation=0.0).train) == 2000


def test_splits_repeat_themselves(real) -> None:
    real(*dna.fastsk_files("JUND"))
    first, again, other = (load("fastsk-jund", seed=s).train.signals for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first[:100], other[:100])


@pytest.mark.parametrize(("name", "size"), [("promoters", 106), ("splice", 3001)])
def test_folds_cover_everything_once(real, name: str, size: int) -> None:
    real(*eg.data.CATALOGUE[name].files)
    tests = []
    for fold in range(dna.FOLDS):
        data = load(name, fold=fold)
        rest = {*read_letters(data.train.signals), *read_letters(data.validation.signals)}
        held_out = read_letters(data.test.signals)
        assert not rest & set(held_out)
        assert len(data.train) + len(data.validation) + len(data.test) == size
        tests += held_out
    assert len(tests) == len(set(tests)) == size
    with pytest.raises(DataError, match="fold=10 does not exist"):
        load(name, fold=10)


def test_donors_and_acceptors_are_where_they_belong(real) -> None:
    real(*dna.SPLICE_FILES)
    data = load("splice")
    for label, place, word in ((0, 30, "GT"), (1, 28, "AG")):
        texts = read_letters(data.train.signals[data.train.targets == label])
        assert np.mean([t[place : place + 2] == word for t in texts]) > 0.98


def test_the_letters_of_a_genome(real) -> None:
    real(*dna.GENOME_FILES["lambda-phage"])
    data = load("lambda-phage", width=100, masked=0.2)
    x, y = data.train.signals, data.train.targets
    assert len(data.train) + len(data.validation) + len(data.test) == 48502 // 100
    assert torch.equal(x.sum(1) == 0, y >= 0)
    assert abs(float((y >= 0).float().mean()) - 0.2) < 0.01
    assert set(y.unique().tolist()) == {-1, 0, 1, 2, 3}
    net = eg.derive(data.field(), data.task, "tiny")
    swapped = torch.arange(4).flip(0)
    assert torch.allclose(
        net.eval()(data.field().act(1, x[:4])), net(x[:4])[:, swapped].flip(2), atol=1e-5
    )  # the letters of the output are exchanged as those of the input are
    with pytest.raises(DataError, match="at least 20 windows"):
        load("lambda-phage", width=10_000)


def test_hidden_sets_fall_back_to_simulated_ones(hidden) -> None:
    with pytest.warns(FallbackWarning, match="fastsk-ctcf is out of reach, motifs stands in"):
        data = load("fastsk-ctcf", validation=0.2, distinct=False)
    assert data.fallback
    assert len(data.validation) == 400
    assert "do not compare" in data.summary()
    with pytest.warns(FallbackWarning, match="stranded-motifs stands in"):
        assert load("splice", fold=2).name == "stranded-motifs"


def test_files_that_nobody_serves_say_so(hidden, monkeypatch) -> None:
    monkeypatch.setenv("ERLANGEN_OFFLINE", "0")
    with pytest.raises(DataError, match="nobody serves this file in the form that is read here"):
        load("splice", fallback=False)


def test_simulated_sets_have_no_file() -> None:
    with pytest.raises(DataError, match="is simulated from a seed"):
        eg.data.get("motifs")
    assert eg.data.info("motifs")["where"] == "simulated when it is loaded"


@pytest.mark.parametrize("name", ["motifs", "stranded-motifs", "profiles"])
def test_simulated_sets_repeat_themselves(name: str) -> None:
    first, again, other = (load(name, train=20, test=4, seed=s) for s in (3, 3, 4))
    assert torch.equal(first.train.signals, again.train.signals)
    assert torch.equal(first.train.targets, again.train.targets)
    assert not torch.equal(first.train.signals, other.train.signals)
    assert (len(first.train), len(first.validation), len(first.test)) == (20, 2, 4)
    with pytest.raises(DataError, match="no room"):
        load(name, length=10)
    with pytest.raises(DataError, match="need train"):
        load(name, train=0)


def test_planted_motifs_are_there() -> None:
    data = load("motifs", error=0.0, train=200)
    found = [
        motifs.CTCF in text or motifs.CTCF in reverse_complement(text) for text in read_letters(data.train.signals)
    ]
    assert found == (data.train.targets == 1).tolist()


def test_no_invariant_function_tells_the_strands_apart() -> None:
    data = load("stranded-motifs", error=0.0, train=200)
    for text, label in zip(read_letters(data.train.signals), data.train.targets.tolist(), strict=True):
        assert (motifs.CTCF in text) == (label == 1)
        assert (motifs.CTCF in reverse_complement(text)) == (label == 0)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(motifs.FOOTPRINTS), st.integers(0, 40), st.booleans(), st.integers(60, 90))
def test_a_mirrored_motif_has_mirrored_tracks(motif, start: int, flipped: bool, length: int) -> None:
    tracks = torch.from_numpy(motifs.footprint(motif, start, flipped, length).copy())[None]
    mirrored = motifs.footprint(motif, length - len(motif.word) - start, not flipped, length)
    field = load("profiles", train=1, test=0, length=length).space.field("RC", motifs.TRACKS)
    assert np.allclose(field.act(1, tracks)[0].numpy(), mirrored)


def test_counts_follow_the_rates() -> None:
    _, rates = motifs.simulate(400, 128, 0.0, np.random.default_rng(0))
    data = load("profiles", train=4000, test=0, length=128, error=0.0)
    assert abs(float(data.train.targets.mean()) / rates.mean() - 1) < 0.1
    assert data.task.out_rep(data.field().group).size == 3


def test_the_rates_are_those_behind_the_counts() -> None:
    options = {"train": 30, "test": 50, "length": 100, "seed": 5}
    data = load("profiles", **options)
    for part in ("train", "validation", "test"):
        rates, counts = motifs.profile_rates(part, **options), getattr(data, part).targets.numpy()
        assert rates.shape == counts.shape
        deviation = (counts - rates) / np.sqrt(rates)
        assert abs(float(np.square(deviation).mean()) - 1) < 0.25  # Poisson: the variance is the rate
    with pytest.raises(UnknownName, match="part"):
        motifs.profile_rates("training", **options)


def test_stranded_sets_do_not_offer_the_reverse_complement_unasked() -> None:
    stranded, free = load("stranded-motifs", train=4, test=0), load("motifs", train=4, test=0)
    assert stranded.field().group.name == "C1"
    assert stranded.field("RC") == free.field() == free.field("RC")
    assert free.field("C1") == stranded.field()


def test_tracks_are_scalars_for_a_network_without_the_symmetry(tmp_path) -> None:
    from erlangen.cli import main

    words = ["--group=C1", "--size=tiny", "--epochs=1", "--data_options.train=24", "--data_options.test=8"]
    assert main(["train", "--data=profiles", *words, "--out", str(tmp_path / "run")]) == 0
