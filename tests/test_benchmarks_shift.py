"""The benchmark of shift consistency runs and resumes, and its exact arms are exact before any training."""

import json
import runpy
import sys
from pathlib import Path

import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_shift_consistency(monkeypatch, capsys, tmp_path) -> None:
    """A table is printed; a second call finds every cell in the file."""
    threads, out = torch.get_num_threads(), tmp_path / "cells.json"
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    arguments = ["--smoke", "--threads", "1", "--arms", "zeros, max", "exact", "--out", str(out)]
    printed = []
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["shift_consistency.py", *arguments])
        runpy.run_path(str(BENCHMARKS / "shift_consistency.py"), run_name="__main__")
        printed.append(capsys.readouterr().out)
    torch.set_num_threads(threads)
    assert printed[0].splitlines()[-3:] == printed[1].splitlines()[-3:]
    cells = json.loads(out.read_text())
    assert len(cells) == 2
    found = {name.split(", 64")[0]: cell for name, cell in cells.items()}
    assert found["exact"]["same"] == 100
    assert found["exact"]["change"] <= 1e-5 < found["zeros, max"]["change"]
