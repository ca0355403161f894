"""The benchmark of `symmetrize` runs and prints the rows that it promises."""

import runpy
import sys
from pathlib import Path

import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_smoke(monkeypatch, capsys) -> None:
    threads = torch.get_num_threads()
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(sys, "argv", ["symmetrize.py", "--smoke", "--cases", "profiles", "vectors"])
    try:
        runpy.run_path(str(BENCHMARKS / "symmetrize.py"), run_name="__main__")
    finally:
        torch.set_num_threads(threads)
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines if line.startswith("  ") and "upright" not in line]
    assert [row[0] for row in rows] == [
        *("network", "average", "canonical", "weighted"),
        *("network", "average", "canonical", "frames", "weighted"),
    ]
    for row in rows:
        if row[-1] == "exact":
            assert float(row[3]) <= 1e-4
            assert row[1] == row[2]  # the same score on moved data
        else:
            assert float(row[3]) > 1e-2
