"""`erlangen discover`: what it prints, writes and refuses."""

import json

import numpy as np
import pytest

from erlangen.cli import main

MODULES = """
from torch import nn

class Length(nn.Module):
    def forward(self, x):
        return x.square().sum(1, keepdim=True)

length = Length()
counts = nn.Sequential(nn.Conv1d(4, 3, 1), nn.AdaptiveAvgPool1d(1), nn.Flatten())
"""


@pytest.fixture
def module_file(tmp_path):
    path = tmp_path / "my_networks.py"
    path.write_text(MODULES)
    return path


@pytest.fixture
def points(tmp_path):
    path = tmp_path / "points.npy"
    np.save(path, np.random.default_rng(0).standard_normal((200, 3)))
    return path


def test_a_network_on_the_points_of_a_file(module_file, points, tmp_path, capsys):
    out = tmp_path / "new" / "found.json"
    assert main(["discover", f"{module_file}:length", "--data", str(points), "--json", str(out)]) == 0
    text = capsys.readouterr().out
    assert "dimension 3 of 9: so(3)" in text
    assert f"report   {out}" in text
    found = json.loads(out.read_text())
    assert found["symmetries"] == ["so(3)", "sign"]
    assert len(found["algebras"]["invariant"]["combinations"]) == 9


def test_a_network_on_a_data_set(module_file, capsys):
    words = ["--data", "motifs", "--data_options.train=40", "--data_options.test=40", "--samples", "32"]
    assert main(["discover", f"{module_file}:counts", *words]) == 0
    text = capsys.readouterr().out
    assert "Sequential on Strand(100), 32 samples: " in text
    assert "translation, reversal\n" in text


def test_data_alone(points, capsys):
    assert main(["discover", "--data", str(points)]) == 0
    text = capsys.readouterr().out
    assert "data on Point(), 200 samples: sign, so(2) in the plane 12" in text
    assert main(["discover", "--data=stranded-motifs", "--data_options.train=400", "--samples=300"]) == 0
    assert "data on Strand(100), 300 samples: translation\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("discover", "--data NAME"),
        ("discover --data mnist-rto", "Did you mean 'mnist-rot'?"),
        ("discover nowhere --data motifs", "there is no run folder nowhere"),
        ("discover nowhere.py:net --data motifs", "there is no file nowhere.py"),
        ("discover FILE:nothing --data motifs", "name in"),
        ("discover FILE:length", "--data NAME"),
        ("discover --data nowhere.npy", "there is no file nowhere.npy"),
        ("discover --data FILE.npy", "there is no file"),
        ("discover --data POINTS --group C4", "leave --domain and --group out"),
        ("discover --data POINTS --vectors 2", "no vectors of dimension 2"),
        ("discover FILE:length --data POINTS --tolerance 2", "between 0 and 1"),
        ("discover FILE:counts --data POINTS", "failed on an input"),
        ("discover --data motifs --domain graph", "--domain strand"),
        ("discover --data mutag", "no order of nodes"),
        ("discover --data POINTS --json found.txt", "end in .json"),
        ("discover --data POINTS --vektors 3", "Did you mean '--vectors'?"),
    ],
)
def test_bad_words(words, wanted, module_file, points, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = words.replace("FILE", str(module_file)).replace("POINTS", str(points))
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert wanted in error
    assert "Traceback" not in error


def test_files_that_hold_no_numbers(tmp_path, capsys):
    words, text = tmp_path / "words.npy", tmp_path / "text.npy"
    np.save(words, np.array(["a", "b"]))
    text.write_text("no array")
    for path, wanted in ((words, "not numbers"), (text, "cannot be read as an array")):
        assert main(["discover", "--data", str(path)]) == 2
        assert wanted in capsys.readouterr().err
