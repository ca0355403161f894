"""Solutions already found, keyed by what the two representations do on generators, byte for byte."""

import hashlib
from collections import OrderedDict
from typing import Any

import numpy as np

from erlangen.symmetry import Component


class Cache:
    """The most recently used solutions, up to a number of bytes.

    Args:
        limit: bytes kept at most.
    """

    def __init__(self, limit: int = 2**28) -> None:
        self.limit, self.used = limit, 0
        self._found: OrderedDict[str, tuple[Any, int]] = OrderedDict()

    def get(self, key: str) -> Any:
        """What was put under this key, or None."""
        if key not in self._found:
            return None
        self._found.move_to_end(key)
        return self._found[key][0]

    def put(self, key: str, value: Any) -> None:
        """Keep a solution, and let go of the oldest beyond the limit."""
        size = sum(part.nbytes for part in vars(value[0]).values() if isinstance(part, np.ndarray))
        self._found[key] = (value, size)
        self.used += size
        while self.used > self.limit and len(self._found) > 1:
            _, (_, old) = self._found.popitem(last=False)
            self.used -= old

    def clear(self) -> None:
        """Forget everything."""
        self._found.clear()
        self.used = 0

    def __len__(self) -> int:
        return len(self._found)


CACHE = Cache()


def fingerprint(a: Component, b: Component, *options: object) -> str:
    """A hash of the images of every generator in both representations, and of the options."""
    digest = hashlib.sha256(repr(options).encode())
    for component in (a, b):
        digest.update(f"|{component.size}|".encode())
        signed = component.signed_generators
        if signed is not None:
            for name, (image, sign) in signed.items():
                digest.update(
                    name.encode() + np.ascontiguousarray(image).tobytes() + np.ascontiguousarray(sign).tobytes()
                )
            continue
        for kind in (component.generators, component.derivatives):
            for name, matrix in kind.items():
                digest.update(f"{name}{matrix.dtype}".encode() + np.ascontiguousarray(matrix).tobytes())
    return digest.hexdigest()
