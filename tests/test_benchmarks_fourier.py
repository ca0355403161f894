"""The benchmarks of the Fourier domain run and resume."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize("script", ["separable_block.py", "spectra.py", "wide_resnet.py"])
def test_smoke(script: str, monkeypatch, capsys, tmp_path) -> None:
    """A table is printed; a second call finds every cell in the file."""
    threads, out = torch.get_num_threads(), tmp_path / "cells.json"
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    printed = []
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", [script, "--smoke", "--out", str(out)])
        runpy.run_path(str(BENCHMARKS / script), run_name="__main__")
        printed.append(capsys.readouterr().out)
    torch.set_num_threads(threads)
    assert printed[0] == printed[1]
    assert len(json.loads(out.read_text())) >= 1
    assert len([line for line in printed[0].splitlines() if line.startswith("| ")]) >= 2
