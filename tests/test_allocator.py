"""Freed memory is kept while training, and given back afterwards."""

import subprocess
import sys

import pytest

from erlangen import allocator
from erlangen.allocator import freed_memory_kept

# In a process of its own: where other tests have left holes in the memory, a block need not raise what is resident.
MEASURE = """
from pathlib import Path
import torch
from erlangen.allocator import freed_memory_kept

def after_a_block() -> float:
    x = torch.ones(50_000_000)
    del x
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6 - before

before = 0.0
before = after_a_block()
with freed_memory_kept():
    print("kept", after_a_block())
print("returned", after_a_block())
with freed_memory_kept():
    with freed_memory_kept():
        pass
    print("kept", after_a_block())
print("returned", after_a_block())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_freed_memory_is_kept_and_then_given_back() -> None:
    with freed_memory_kept() as works:
        if not works:
            pytest.skip("the C library is not glibc")
    run = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    lines = [line.split() for line in run.stdout.splitlines()]
    assert [name for name, _ in lines] == ["kept", "returned", "kept", "returned"]
    for name, megabytes in lines:
        assert (float(megabytes) > 150) == (name == "kept"), run.stdout
        assert name == "kept" or float(megabytes) < 50, run.stdout


def test_elsewhere_nothing_happens(monkeypatch) -> None:
    monkeypatch.setattr(allocator.sys, "platform", "win32")
    with freed_memory_kept() as works:
        assert not works
