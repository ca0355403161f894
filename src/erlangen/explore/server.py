"""The page over HTTP on the loopback of this machine, and on nothing else."""

import errno
import json
import os
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from erlangen.errors import RunError
from erlangen.explore.page import page
from erlangen.explore.session import Explorer, answer

LOOPBACK = "127.0.0.1"
HOSTS = (LOOPBACK, "localhost")
LONGEST = 2048  # characters of an address


class Server(ThreadingHTTPServer):
    """Serves the explorer on 127.0.0.1.

    Args:
        explorer: what answers.
        port: 0 for any that is free.

    Raises:
        RunError: the port is in use, or no port for this user.
    """

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # a port is free again at once; elsewhere this would share it

    def __init__(self, explorer: Explorer, port: int = 0) -> None:
        if not 0 <= port <= 65535:
            raise RunError(f"--port {port} is no port. Fix: a number from 1024 to 65535, or leave it out.")
        self.explorer = explorer
        try:
            super().__init__((LOOPBACK, port), Handler)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise RunError(
                    f"port {port} of {LOOPBACK} is in use. Fix: another --port; without it a free one is taken."
                ) from error
            raise RunError(f"port {port}: {error.strerror}. Fix: a port from 1024, or leave --port out.") from error

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self.server_address[1]}/"

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End the serving and all training."""
        self.shutdown()
        self.server_close()
        self.explorer.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that left in the middle of an answer is no error."""


class Handler(BaseHTTPRequestHandler):
    """One request: the page, or a question below /api/."""

    server: Server  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"
    server_version = "erlangen"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        """Answer a question."""
        if not self._own():
            return
        parts = urlsplit(self.path)
        if len(self.path) > LONGEST:
            self._send(414, "text/plain", b"the address is too long")
        elif parts.path == "/":
            nonce = secrets.token_urlsafe(16)
            self._send(200, "text/html", page(nonce=nonce).encode(), nonce)
        elif parts.path.startswith("/api/"):
            self._ask(parts.path.removeprefix("/api/"), parts.query)
        elif parts.path == "/favicon.ico":
            self._send(204, "image/x-icon", b"")
        else:
            self._send(404, "text/plain", b"there is only the page, at /")

    def do_POST(self) -> None:
        """Start a training, the only thing that changes anything; no other site can ask for it."""
        if not self._own():
            return
        origin = self.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != self.headers.get("Host"):
            self._send(403, "text/plain", b"another site may not ask")
            return
        parts = urlsplit(self.path)
        if parts.path != "/api/train":
            self._send(404, "text/plain", b"there is nothing to change here")
            return
        self._ask("train", parts.query)

    def _own(self) -> bool:
        """Whether the browser was sent here by this address, and not by a name that was made to point here."""
        host = self.headers.get("Host", "")
        name, _, port = host.partition(":")
        if name in HOSTS and port == str(self.server.server_address[1]):
            return True
        self._send(403, "text/plain", f"this page is at {self.server.address} only".encode())
        return False

    def _ask(self, route: str, query: str) -> None:
        words = dict(parse_qsl(query, keep_blank_values=True))
        if route == "train" and self.command != "POST":
            self._send(405, "text/plain", b"ask for training with POST")
            return
        try:
            status, found = answer(self.server.explorer, route, words)
        except Exception as error:  # a fault of the program: the page says it, and the server goes on
            status, found = 500, {"error": f"{type(error).__name__}: {error}"}
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        self._send(status, "application/json", text.encode())

    def _send(self, status: int, kind: str, body: bytes, nonce: str = "") -> None:
        allowed = f"'nonce-{nonce}'" if nonce else "'none'"
        policy = (
            f"default-src 'none'; script-src {allowed}; style-src {allowed}; connect-src 'self'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self.send_response(status)
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(body)),
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if status >= 400 and self.command == "POST":
            self.close_connection = True  # what it sent is not read
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: the terminal is for the address and for errors."""
