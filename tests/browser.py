"""A headless Chromium, driven over its debugging socket with the standard library."""

import base64
import itertools
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)  # fmt: skip


def chromium() -> str | None:
    """The browser's program, if one is installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Socket:
    """The text frames of a websocket, enough for the debugging protocol (RFC 6455)."""

    def __init__(self, url: str, timeout: float) -> None:
        host, _, path = url.removeprefix("ws://").partition("/")
        name, _, port = host.partition(":")
        self.line = socket.create_connection((name, int(port)), timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.line.sendall(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.line.recv(4096)
        self.rest = self.rest.partition(b"\r\n\r\n")[2]

    def send(self, text: str) -> None:
        data, mask = text.encode(), os.urandom(4)
        size = len(data)
        head = struct.pack(">BB", 0x81, 0x80 | size) if size < 126 else struct.pack(">BBH", 0x81, 0xFE, size)
        if size > 65535:
            head = struct.pack(">BBQ", 0x81, 0xFF, size)
        stream = (mask * (size // 4 + 1))[:size]
        masked = (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")
        self.line.sendall(head + mask + masked)

    def _take(self, count: int) -> bytes:
        while len(self.rest) < count:
            more = self.line.recv(1 << 16)
            if not more:
                raise ConnectionError("the browser closed the line")
            self.rest += more
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def receive(self) -> str:
        text = b""
        while True:
            first, second = self._take(2)
            mark = second & 0x7F  # looked at once: a text of 127 bytes is no mark
            form, width = {126: (">H", 2), 127: (">Q", 8)}.get(mark, ("", 0))
            part = self._take(struct.unpack(form, self._take(width))[0] if width else mark)
            if first & 0x0F in (0, 1):
                text += part
                if first & 0x80:
                    return text.decode()


class Browser:
    """One page of a new browser with an empty profile. Use it in a `with`."""

    def __init__(self, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        self.folder = tempfile.mkdtemp()
        program = chromium() or "chromium"
        command = [program, *FLAGS, f"--user-data-dir={self.folder}", f"--window-size={width},{height}", "about:blank"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []
        address = self._wait_for_port()
        pages = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{address}/json/list", timeout=10).read())
        page = next(p for p in pages if p["type"] == "page")
        self.socket = Socket(page["webSocketDebuggerUrl"], 120)  # busy machines
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.resize(width, height)
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
        )

    def _wait_for_port(self) -> int:
        for _ in range(200):
            file = Path(self.folder) / "DevToolsActivePort"
            if file.is_file() and (text := file.read_text().splitlines()):
                return int(text[0])
            time.sleep(0.1)
        raise TimeoutError("the browser did not start in 20 s")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method: str, **words: Any) -> dict[str, Any]:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": words}))
        while True:
            message = json.loads(self.socket.receive())
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def resize(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(json.dumps(found["exceptionDetails"])[:500])
        return found["result"].get("value")

    def wait(self, script: str, seconds: float = 20.0) -> Any:
        """Wait until an expression is true, and return it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := self.run(script):
                return found
            time.sleep(0.05)
        raise TimeoutError(f"{script} was not true in {seconds} s")

    def mouse(self, kind: str, x: float, y: float) -> None:
        """kind: "mousePressed", "mouseMoved" or "mouseReleased"."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def screenshot(self, whole: bool = False) -> bytes:
        """The page as PNG; the whole of it, or what the window shows."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"])

    @property
    def complaints(self) -> list[str]:
        """Errors on the console, exceptions, and what a policy refused."""
        self.run("1")
        found = []
        for event in self.events:
            words = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(words)[:500])
            if event["method"] == "Runtime.consoleAPICalled" and words["type"] in ("error", "warning", "assert"):
                found.append(json.dumps(words["args"])[:500])
            if event["method"] == "Log.entryAdded" and words["entry"]["level"] in ("error", "warning"):
                found.append(words["entry"]["text"])
        return found

    @property
    def requests(self) -> list[str]:
        """Addresses that the page asked for."""
        self.run("1")
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
