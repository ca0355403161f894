"""The driver of the browser reads frames of every length."""

import socket
import struct

import pytest
from browser import Socket


def frame(text: bytes, first: int = 0x81) -> bytes:
    size = len(text)
    if size < 126:
        return struct.pack(">BB", first, size) + text
    return (struct.pack(">BBH", first, 126, size) if size < 65536 else struct.pack(">BBQ", first, 127, size)) + text


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65535, 65536])
def test_texts_of_every_length_are_read_whole(size):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line = Socket.__new__(Socket)
        line.line, line.rest = ours, b""
        ours.settimeout(2)
        line.rest = frame(b"x" * size) + frame(b"a", 0x01) + frame(b"b", 0x80)
        assert line.receive() == "x" * size
        assert line.receive() == "ab"
