"""The benchmarks of group convolutions and of turns between the pixels run and resume."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize("script", ["group_convolution.py", "kernel_space.py", "steering.py"])
def test_smoke(script: str, monkeypatch, capsys, tmp_path) -> None:
    """A table is printed; a second call finds every cell in the file."""
    threads, out = torch.get_num_threads(), tmp_path / "cells.json"
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    printed = []
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", [script, "--smoke", "--threads", "1", "--out", str(out)])
        runpy.run_path(str(BENCHMARKS / script), run_name="__main__")
        printed.append(capsys.readouterr().out)
    torch.set_num_threads(threads)
    assert printed[0] == printed[1]
    assert len(json.loads(out.read_text())) >= 2
    assert len([line for line in printed[0].splitlines() if line.startswith("| ")]) >= 3


def test_the_measure_of_turns_is_nothing_for_a_layer_that_turns_and_large_for_one_that_does_not(monkeypatch) -> None:
    """Turns by 90° are exact whether a stride is there or not; a layer with weights of no symmetry errs by about 1."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    found = runpy.run_path(str(BENCHMARKS / "steering.py"))
    for stride, n in ((1, 33), (2, 33), (2, 32)):
        torch.manual_seed(0)
        exact = found["erlangen_arm"]("C4", 5, stride)
        assert max(found["errors"](exact, n, stride, 2.0, 0).values()) < 1e-9
        free = torch.nn.Conv2d(4, 4, 5, stride, 2, bias=False).double()
        free = (free, np.array([[0.0, -1.0], [1.0, 0.0]]), np.array([1, 2, 3, 0]), 400)
        assert min(found["errors"](free, n, stride, 2.0, 0).values()) > 0.3
