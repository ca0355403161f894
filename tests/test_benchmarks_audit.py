"""The benchmarks of audits run."""

import runpy
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("audit_cost", ("and the continuous part", "lie-deriv: double backward, bilinear")),
        ("audit_classifiers", ("ViT-like", "by kind, along shift-x")),
    ],
)
def test_they_run(name, words, monkeypatch, capsys) -> None:
    """A table is printed."""
    threads = torch.get_num_threads()
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--smoke", "--threads", "1"])
    runpy.run_path(str(BENCHMARKS / f"{name}.py"), run_name="__main__")
    torch.set_num_threads(threads)
    printed = capsys.readouterr().out
    assert all(w in printed for w in words)
