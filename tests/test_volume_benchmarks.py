"""The benchmarks on volumes run, resume from their file, and print a row for every arm."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from erlangen.data import store

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "needs"),
    [("adrenal", "adrenalmnist3d/adrenalmnist3d.npz"), ("hippocampus", "hippocampus/hippocampus_0.npz")],
)
def test_smoke(tmp_path: Path, name: str, needs: str) -> None:
    if store.find(needs) is None:
        pytest.skip(f"{needs} is not on this machine")
    out = tmp_path / "cells.json"
    command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), "--smoke", "--threads", "1", "--out", str(out)]
    first = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    cells = json.loads(out.read_text())
    assert len(cells) == 6
    again = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert again.stdout == first.stdout
    assert first.stdout.count("derived O") == 4
