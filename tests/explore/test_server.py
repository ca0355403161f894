"""The server: loopback only, no foreign names, no foreign files, and a port in use is said."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from erlangen.cli import main
from erlangen.errors import FieldError, RunError, UnknownName
from erlangen.explore import Explorer
from erlangen.explore.export import bake
from erlangen.explore.server import Server


@pytest.fixture(scope="module")
def server():
    found = Server(Explorer())
    found.start()
    yield found
    found.close()


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    line = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=60)
    line.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    reply = line.getresponse()
    found = reply.status, dict(reply.getheaders()), reply.read()
    line.close()
    return found


def test_the_page_and_its_answers(server) -> None:
    status, headers, body = ask(server, "/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    text = body.decode()
    nonce = headers["Content-Security-Policy"].partition("'nonce-")[2].partition("'")[0]
    assert len(nonce) > 15
    assert text.count(f'nonce="{nonce}"') == 3
    assert "{{" not in text
    assert json.loads(ask(server, "/api/spec?domain=strand")[2])["groups"] == ["RC", "C1"]


def test_the_page_asks_nobody_else(server) -> None:
    """The policy allows scripts and styles of the page itself and questions to this server, nothing else."""
    _, headers, body = ask(server, "/")
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "connect-src 'self'" in policy
    assert "unsafe" not in policy
    for word in (b"http://", b"https://", b"src=", b"@import", b"url("):
        assert word not in body, word
    assert ask(server, "/")[1]["Content-Security-Policy"] != policy  # a nonce is used once


def test_a_page_without_a_server_address_is_not_reused(server) -> None:
    assert ask(server, "/")[1]["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "localhost", "0.0.0.0:{port}", ""]
)
def test_another_host_name_is_refused(server, host) -> None:
    """A name that was made to point to this machine (DNS rebinding) reads nothing."""
    status, _, body = ask(server, "/api/spec", Host=host.format(port=server.server_address[1]))
    assert status == 403
    assert b"domains" not in body


def test_localhost_is_welcome(server) -> None:
    assert ask(server, "/api/spec", Host=f"localhost:{server.server_address[1]}")[0] == 200


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/web/page.js", "/page.html", "/api", "//etc/passwd", "/%2e%2e/x"]
)
def test_there_are_no_files(server, path) -> None:
    status, _, body = ask(server, path)
    assert status == 404
    assert b"root:" not in body


def test_training_needs_a_post_from_the_page_itself(server) -> None:
    assert ask(server, "/api/train?domain=strand&seconds=0")[0] == 405
    assert ask(server, "/api/train?domain=strand&seconds=0", "POST", Origin="http://evil.example")[0] == 403
    assert ask(server, "/api/spec", "POST")[0] == 404
    assert ask(server, "/api/train?domain=strand&seconds=0", "POST", Origin=server.address.rstrip("/"))[0] == 200


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/spec?domain=shape", "Did you mean 'shapes'?"),
        ("/api/model?domain=strand&group=D4", "RC, C1"),
        ("/api/frame?domain=strand&layer=1000", "layer='1000'"),
        ("/api/nothing", "spec, model"),
    ],
)
def test_wrong_words_are_400_and_teach(server, path, said) -> None:
    status, _, body = ask(server, path)
    assert status == 400
    assert said in json.loads(body)["error"]


def test_a_fault_is_said_and_the_server_goes_on(server, monkeypatch) -> None:
    def fail(words: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(server.explorer, "spec", fail)
    status, _, body = ask(server, "/api/spec")
    assert (status, json.loads(body)["error"]) == (500, "ZeroDivisionError: a fault")
    monkeypatch.undo()
    assert ask(server, "/api/spec")[0] == 200


def test_too_long_an_address(server) -> None:
    assert ask(server, "/api/spec?domain=" + "x" * 4000)[0] == 414


def test_it_listens_on_the_loopback_only(server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    for address in {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}:
        if address.startswith("127."):
            continue
        with pytest.raises(OSError, match=r"refused|unreachable"):
            socket.create_connection((address, server.server_address[1]), timeout=5)


def test_a_port_in_use_is_said_with_the_way_out(server, capsys) -> None:
    port = server.server_address[1]
    with pytest.raises(RunError, match=f"port {port} of 127.0.0.1 is in use. Fix: another --port"):
        Server(Explorer(), port)
    assert main(["explore", "--port", str(port)]) == 2
    assert "is in use" in capsys.readouterr().err
    with pytest.raises(RunError, match="is no port"):
        Server(Explorer(), 70000)


def _hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background hands on that it is ignored


def test_ctrl_c_ends_it_cleanly() -> None:
    command = [sys.executable, "-m", "erlangen", "explore"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, preexec_fn=_hear_ctrl_c, **pipes) as process:
        try:
            line = process.stdout.readline()
            address = line.split()[-1]
            assert address.startswith("http://127.0.0.1:")
            assert urllib.request.urlopen(address, timeout=30).status == 200
            os.kill(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "Traceback" not in out + err


def test_a_page_is_baked_only_where_it_can_be(tmp_path) -> None:
    with pytest.raises(FieldError, match=r"--export page.html"):
        bake(tmp_path / "page.txt")
    with pytest.raises(UnknownName, match="strand"):
        bake(tmp_path / "page.html", ["strands"])
    with pytest.raises(FieldError, match="needs a domain"):
        bake(tmp_path / "page.html", [])
    assert list(tmp_path.iterdir()) == []
