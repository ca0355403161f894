"""Freed memory is kept while training, and given back afterwards."""

import sys
from pathlib import Path

import pytest
import torch

from erlangen import allocator
from erlangen.allocator import freed_memory_kept


def resident() -> float:
    """Megabytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_freed_memory_is_kept_and_then_given_back() -> None:
    with freed_memory_kept() as works:
        if not works:
            pytest.skip("the C library is not glibc")
        before = resident()
        x = torch.ones(50_000_000)
        del x
        assert resident() - before > 150
    assert resident() - before < 50
    with freed_memory_kept():
        with freed_memory_kept():
            pass
        x = torch.ones(50_000_000)
        del x
        assert resident() - before > 150  # the inner block ended first
    x = torch.ones(50_000_000)
    del x
    assert resident() - before < 50


def test_elsewhere_nothing_happens(monkeypatch) -> None:
    monkeypatch.setattr(allocator.sys, "platform", "win32")
    with freed_memory_kept() as works:
        assert not works
