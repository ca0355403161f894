"""The benchmark on turned digits runs, resumes, and averages the answers of networks that were trained side by side."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "rotated_mnist.py"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["--networks", "2", "--turns", "2", "--arms", "eight"], ["--arms", "small", "plain"]]
)
def test_smoke(words: list[str], tmp_path) -> None:
    out = tmp_path / "cells.json"
    command = [sys.executable, str(SCRIPT), "--smoke", "--threads", "1", "--out", str(out), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    tables = []
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        tables.append([line.split() for line in done.stdout.splitlines() if "minutes, seed" not in line])
    assert tables[0] == tables[1]
    cells = json.loads(out.read_text())
    arms = words[words.index("--arms") + 1 :]
    assert [row[0] for row in tables[0][1:]] == arms
    assert len(cells) == len(arms)
    for cell in cells.values():
        if "each" not in cell:
            continue
        assert cell["averaged"] == pytest.approx(sum(one["averaged"] for one in cell["each"]) / 2)
        assert 0 <= cell["together"] <= sum(one["averaged"] for one in cell["each"])  # wrong together: wrong in one
