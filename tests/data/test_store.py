"""Files: where they are looked for, that their hashes are checked, and what each failure says."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from erlangen.data import Unreachable, store
from erlangen.errors import DataError
from erlangen.files import write_atomically

CONTENT = b"some bytes of a data file"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def test_a_local_file_is_found_and_named(put):
    path = put("mnist/a.bin", CONTENT)
    found = store.fetch("mnist/a.bin")
    assert (found.path, found.sha256, found.source) == (path, DIGEST, "$ERLANGEN_DATA")


def test_own_folder_comes_before_the_cache(put, own_cache):
    path = put("mnist/a.bin", CONTENT)
    (own_cache / "mnist").mkdir()
    (own_cache / "mnist" / "a.bin").write_bytes(CONTENT)
    assert store.fetch("mnist/a.bin").path == path
    path.unlink()
    assert store.fetch("mnist/a.bin").path == own_cache / "mnist" / "a.bin"


def test_a_damaged_file_is_refused_with_both_hashes(put):
    path = put("mnist/a.bin", CONTENT)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(DataError) as caught:
        store.fetch("mnist/a.bin")
    message = str(caught.value)
    assert str(path) in message
    assert DIGEST in message
    assert hashlib.sha256(CONTENT[:-1]).hexdigest() in message
    assert "Fix: put a good copy there, or move the file away" in message
    assert not isinstance(caught.value, Unreachable)  # so that no fallback ever hides it


def test_only_files_in_the_cache_are_to_be_removed(put, own_cache, tmp_path):
    put("mnist/a.bin", CONTENT).unlink()
    (own_cache / "mnist").mkdir()
    cached, own = own_cache / "mnist" / "a.bin", tmp_path / "own.bin"
    for path in (cached, own):
        path.write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match="Fix: remove the file"):
        store.fetch("mnist/a.bin")
    for error in (EOFError("no end"), ValueError("odd"), OSError("odd"), PermissionError(13, "Permission denied")):
        assert "remove" not in str(store.unreadable(own, error))
        assert isinstance(error, PermissionError) or "Fix: remove it, so that" in str(store.unreadable(cached, error))


def test_an_unreadable_file_is_named(put):
    path = put("mnist/a.bin", CONTENT)
    path.unlink()
    path.mkdir()  # a folder in its place: nobody can read it as a file, not even root
    with pytest.raises(DataError, match="cannot read") as caught:
        store.fetch("mnist/a.bin")
    assert str(path) in str(caught.value)


def test_missing_everywhere_lists_every_place(hidden, own_cache):
    with pytest.raises(Unreachable) as caught:
        store.fetch("mnist/t10k-labels-idx1-ubyte.gz")
    message = str(caught.value)
    for part in (str(hidden), str(own_cache), store.UPSTREAM["mnist"], "ERLANGEN_OFFLINE", "Fix: "):
        assert part in message


def test_a_data_folder_that_is_none_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("ERLANGEN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"nowhere is not a folder\. Fix: "):
        store.fetch("mnist/t10k-labels-idx1-ubyte.gz")


class _Quiet(SimpleHTTPRequestHandler):
    requests: list[str] = []  # noqa: RUF012

    def log_message(self, format: str, *args: object) -> None:
        self.requests.append(self.path)


@pytest.fixture
def upstream(tmp_path, monkeypatch, put):
    """A web server on this machine that has mnist/a.bin; the local copy is gone."""
    put("mnist/a.bin", CONTENT).unlink()
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "a.bin").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setitem(store.UPSTREAM, "mnist", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setattr(store, "_unreachable", {})
    monkeypatch.setenv("ERLANGEN_OFFLINE", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    _Quiet.requests.clear()
    yield folder
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_missing_file_is_downloaded_once(upstream, own_cache, capsys):
    found = store.fetch("mnist/a.bin")
    assert found.path == own_cache / "mnist" / "a.bin"
    assert found.path.read_bytes() == CONTENT
    assert "downloading http://127.0.0.1" in capsys.readouterr().err
    assert store.fetch("mnist/a.bin").source == "the cache"
    assert len(_Quiet.requests) == 1


def test_another_file_upstream_is_refused_and_not_kept(upstream, own_cache):
    (upstream / "a.bin").write_bytes(b"something else")
    with pytest.raises(DataError, match="no longer has the file with sha256"):
        store.fetch("mnist/a.bin")
    assert not (own_cache / "mnist" / "a.bin").exists()


def test_a_dead_host_is_asked_once(upstream, monkeypatch):
    (upstream / "a.bin").unlink()
    for _ in range(2):
        with pytest.raises(Unreachable, match="HTTPError"):
            store.fetch("mnist/a.bin")
    assert len([r for r in _Quiet.requests if r == "/a.bin"]) <= 2  # the server logs a failed request twice


def test_an_unwritable_cache_says_how_much_space_it_needs(upstream, own_cache, monkeypatch):
    (own_cache / "mnist").write_bytes(b"a file where the folder should be")
    with pytest.raises(DataError, match=r"cannot keep .*ERLANGEN_CACHE"):
        store.fetch("mnist/a.bin")


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "kept.bin"
    path.write_bytes(b"old")

    def full_disk(file) -> None:
        file.write(b"half of the ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match=r"No space left on device.*Fix: "):
        write_atomically(path, full_disk)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.bin"]


def test_an_interrupted_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "kept.bin"
    path.write_bytes(b"old")

    def interrupted(file) -> None:
        file.write(b"half of the ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, interrupted)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.bin"]


def test_a_good_write_replaces_and_obeys_the_umask(tmp_path):
    path = tmp_path / "new" / "kept.bin"
    write_atomically(path, lambda file: file.write(b"first"))
    write_atomically(path, lambda file: file.write(b"second"))
    other = tmp_path / "plain"
    other.write_bytes(b"")
    assert path.read_bytes() == b"second"
    assert path.stat().st_mode == other.stat().st_mode


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_really_full_disk_is_reported(tmp_path, monkeypatch):
    real_open = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode="r", **kw: real_open(Path("/dev/full"), "wb"))
    with pytest.raises(DataError, match="No space left on device"):
        write_atomically(tmp_path / "x.bin", lambda file: file.write(b"0" * 100_000))
