"""The benchmarks of hexagons and of small data run and resume; the derived arm is exact on its lattice."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.filterwarnings("ignore::erlangen.data.FallbackWarning")
@pytest.mark.parametrize(
    ("script", "arms"), [("hexagons", ["hexagons, p6", "hexagons, plain"]), ("small_data", ["plain + flips", "D1"])]
)
def test_runs_and_resumes(script, arms, monkeypatch, capsys, tmp_path) -> None:
    threads, out = torch.get_num_threads(), tmp_path / "cells.json"
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    printed = []
    for _ in range(2):
        monkeypatch.setattr(
            sys, "argv", [f"{script}.py", "--smoke", "--threads", "1", "--out", str(out), "--arms", *arms]
        )
        runpy.run_path(str(BENCHMARKS / f"{script}.py"), run_name="__main__")
        printed.append(capsys.readouterr().out.splitlines()[-3:])
    torch.set_num_threads(threads)
    assert printed[0] == printed[1]
    cells = json.loads(out.read_text())
    assert len(cells) == 2
    if script == "hexagons":
        found = {name.split(", seed")[0]: cell for name, cell in cells.items()}
        assert found["hexagons, p6"]["lattice"] < 1e-5 < found["hexagons, plain"]["lattice"]
