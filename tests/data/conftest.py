"""Fixtures that move every data folder into the test's own folder, so that no test touches the user's cache."""

import hashlib
from pathlib import Path

import pytest

from erlangen.data import store


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch, request) -> Path:
    """A cache of its own for every test; nothing is downloaded."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ERLANGEN_CACHE", str(cache))
    monkeypatch.setenv("ERLANGEN_OFFLINE", "1")
    monkeypatch.delenv("ERLANGEN_DATA", raising=False)
    return cache


@pytest.fixture
def hidden(tmp_path, monkeypatch) -> Path:
    """Nothing is reachable but the test's own empty folder, which is `$ERLANGEN_DATA`."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setattr(store, "checkout_data", lambda: None)
    monkeypatch.setenv("ERLANGEN_DATA", str(folder))
    return folder


@pytest.fixture
def put(hidden, monkeypatch):
    """put(path, content): a file of the collection that the registry knows with the right hash."""
    known = dict(store.registry())
    monkeypatch.setattr(store, "registry", lambda: known)

    def put_file(path: str, content: bytes) -> Path:
        target = hidden / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        known[path] = (hashlib.sha256(content).hexdigest(), len(content))
        return target

    return put_file


@pytest.fixture
def real():
    """real(path, ...): skips the test unless these files lie in a local folder (their hashes are checked)."""

    def need(*paths: str) -> None:
        for path in paths:
            if store.find(path) is None:
                pytest.skip(f"{path} is not on this machine")

    return need
