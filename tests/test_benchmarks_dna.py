"""The benchmarks on DNA run, resume, and print the rows that they promise."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def run(monkeypatch, capsys):
    """run(script, *arguments): what it prints."""
    threads = torch.get_num_threads()
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def run_script(script: str, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", [script, *arguments])
        runpy.run_path(str(BENCHMARKS / script), run_name="__main__")
        return capsys.readouterr().out

    yield run_script
    torch.set_num_threads(threads)


def rows(text: str, *names: str) -> list[list[str]]:
    return [next(line for line in text.splitlines() if line.startswith(name + "  ")).split() for name in names]


@pytest.mark.filterwarnings("ignore::erlangen.data.FallbackWarning")
def test_binding(run, tmp_path) -> None:
    out = tmp_path / "cells.json"
    text = run("dna_binding.py", "--smoke", "--out", str(out), "--arms", "augmented", "RC")
    for row in rows(text, "augmented, post-hoc", "RC"):
        assert "0.00" in row  # flips
    assert len(json.loads(out.read_text())) == 2
    before = out.stat().st_mtime_ns
    again = run("dna_binding.py", "--smoke", "--out", str(out), "--arms", "augmented", "RC")
    told = [line for line in text.splitlines() if not line.startswith("FALLBACK")]  # where the data is out of reach
    assert again.splitlines() == told
    assert out.stat().st_mtime_ns == before


def test_profiles(run) -> None:
    text = run("dna_profile.py", "--smoke", "--arms", "flipped", "augmented", "RC")
    swaps = {name: float(row[-3]) for name, row in zip("abc", rows(text, "flipped", "augmented", "RC"), strict=True)}
    assert swaps["c"] < 1e-5 < 1e-2 < min(swaps["a"], swaps["b"])
    assert "ceiling of the three tracks: 0." in text


def test_the_stranded_control_says_what_it_found(run, tmp_path) -> None:
    page = tmp_path / "page.html"
    text = run("dna_stranded.py", "--smoke", "--report", str(page))
    assert "have the symmetry RC is undecided" in text  # two seeds of one epoch
    assert "have the symmetry RC is undecided" in page.read_text()
    (swapped,) = rows(text, "exchanged")
    accuracy, moved = float(swapped[1]), float(swapped[4])
    assert accuracy + moved == pytest.approx(100, abs=0.05)  # the other strand gets the other class, always


def test_convolutions(run) -> None:
    text = run("rc_convolution.py", "--smoke")
    assert "16 × 200" in text
    assert "'plain': 3840, 'erlangen': 1920" in text
