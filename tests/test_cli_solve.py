"""`erlangen solve` and `erlangen cite`: what they print, write and refuse."""

import json
import re

import numpy as np
import pytest

from erlangen.cli import main
from erlangen.report.basis import cell, tiles
from erlangen.report.png import encode

LAYERS = """
import torch
from torch import nn
from erlangen.blueprint import EquivariantModule
from erlangen.point import EquivariantLinear, Point

FIELD = Point().field("C4", "regular")

class Stretch(EquivariantModule):
    def __init__(self):
        super().__init__(FIELD, FIELD)
        self.scale = nn.Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0]))

    def forward(self, x):
        return x * self.scale

class NeedsFields(EquivariantModule):
    def __init__(self, in_field, out_field):
        super().__init__(in_field, out_field)

def good():
    return EquivariantLinear(FIELD, FIELD)

linear = nn.Linear(4, 4)
network = EquivariantLinear(FIELD, FIELD)
"""


@pytest.fixture
def layer_file(tmp_path):
    path = tmp_path / "my_layer.py"
    path.write_text(LAYERS)
    return path


def test_the_certificate_and_the_picture(capsys):
    assert main(["solve", "--group", "SO(3)", "--in", "standard", "--out", "standard*standard"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"dimension +1 +\(1 from characters\)", text)
    for word in ("residual", "method", "singular values", "w0: y[0,1]"):
        assert word in text
    picture = text.split("w0\n")[1].splitlines()[:9]
    assert sum(line.count("+") for line in picture) == sum(line.count("-") for line in picture) == 3
    assert main(["solve", "SO(3)", "--in=standard", "--out=trivial"]) == 0
    assert "no equivariant map but zero" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "dimension"),
    [
        (["--permutations", "r=(0 1 2 3 4 5)", "m=(1 5)(2 4)"], 4),
        (["--group", "D4", "--in", "trivial", "--out", "regular", "--kernel", "3x3"], 9),
        (["--group", "D1", "--in", "trivial", "--out", "trivial", "--kernel", "3×3"], 6),
        (["--group", "S5", "--in", "standard^2", "--out", "standard^2"], 15),
        (["--group", "O(1,3)", "--in", "standard^2", "--out", "standard^2"], 3),
    ],
)
def test_dimensions(words, dimension, capsys):
    assert main(["solve", *words]) == 0
    assert re.search(rf"dimension +{dimension} ", capsys.readouterr().out)


def test_groups_from_a_file(tmp_path, capsys):
    path = tmp_path / "group.json"
    path.write_text(json.dumps({"algebra": {"boost": [[0, 1], [1, 0]]}, "name": "boosts"}))
    assert main(["solve", "--group", str(path)]) == 0
    assert re.search(r"Hom_boosts.*dimension +2 ", capsys.readouterr().out, re.S)
    path.write_text("{")
    assert main(["solve", "--group", str(path)]) == 2
    path.write_text("3")
    assert main(["solve", "--group", str(path)]) == 2
    path.write_text('{"permutationes": {}}')
    assert main(["solve", "--group", str(path)]) == 2
    error = capsys.readouterr().err
    assert "is no JSON" in error
    assert "must hold a name or an object" in error
    assert "permutations" in error


def test_files(tmp_path, capsys):
    words = ["solve", "--group", "C4", "--in", "regular", "--out", "standard"]
    for name in ("basis.svg", "basis.png"):
        assert main([*words, "--figure", str(tmp_path / name), "--json", str(tmp_path / "basis.json")]) == 0
    svg = (tmp_path / "basis.svg").read_text()
    assert svg.startswith("<svg")
    assert svg.count("<image") == 2
    assert (tmp_path / "basis.png").read_bytes().startswith(encode(np.zeros((1, 1, 3), np.uint8))[:8])
    found = json.loads((tmp_path / "basis.json").read_text())
    assert found["dimension"] == found["oracle"] == len(found["basis"]) == 2
    assert found["residual"] < 1e-12
    basis = np.array(found["basis"]).reshape(2, -1)
    assert np.allclose(basis @ basis.T, np.eye(2))
    assert main([*words, "--figure", str(tmp_path / "basis.gif")]) == 2
    assert ".svg or .png" in capsys.readouterr().err


def test_large_bases_are_not_drawn_in_the_terminal(capsys):
    assert main(["solve", "--group", "S8", "--in", "standard^2", "--out", "standard^2"]) == 0
    text = capsys.readouterr().out
    assert "--figure basis.svg" in text
    assert len(text.splitlines()) < 40


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("solve", "--permutations"),
        ("solve --group C4 --permutations r=(0,1)", "one of them"),
        ("solve --group SOO(3)", "Did you mean 'SO(3)'"),
        ("solve --group SO(3) --out standrd", "Did you mean 'standard'"),
        ("solve --group C4 --ni standard", "Did you mean '--in'"),
        ("solve --group C4 --method orbit", "Did you mean 'orbits'"),
        ("solve --permutations (0,1)", "a name"),
        ("solve --group nowhere.json", "there is no file"),
        ("solve --group D4 --kernel 3by3", "such as 3x3"),
        ("solve --check my_layer.py", "my_layer.py:MyLayer"),
        ("solve --check nowhere.py:Layer", "there is no file nowhere.py"),
        ("cite Convv", "Did you mean 'Conv'"),
    ],
)
def test_bad_words(words, wanted, capsys):
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert wanted in error
    assert "Traceback" not in error


def test_check(layer_file, capsys):
    for name in ("good", "network"):
        assert main(["solve", "--check", f"{layer_file}:{name}", "--skip", "compile", "torch.export"]) == 0
        text = capsys.readouterr().out
        assert "4 of 4 equivariant linear maps" in text
        assert "compile" not in text
    assert main(["solve", "--check", f"{layer_file}:Stretch", "--skip", "compile"]) == 1
    error = capsys.readouterr().err
    assert "breaks the law 'equivariance in float64'" in error
    assert "my_layer.py:Stretch breaks" in error


def test_check_of_what_cannot_be_checked(layer_file, capsys):
    assert main(["solve", "--check", f"{layer_file}:NeedsFields"]) == 2
    assert "write a function that makes one" in capsys.readouterr().err
    assert main(["solve", "--check", f"{layer_file}:linear"]) == 2
    assert "erlangen.audit" in capsys.readouterr().err
    assert main(["solve", "--check", f"{layer_file}:networc"]) == 2
    assert "Did you mean 'network'" in capsys.readouterr().err
    assert main(["solve", "--check", f"{layer_file}:good", "--skip", "compil"]) == 2
    assert "Did you mean 'compile'" in capsys.readouterr().err


def test_cite(layer_file, capsys):
    assert main(["cite"]) == 0
    assert "@software{erlangen" in capsys.readouterr().out
    assert main(["cite", f"{layer_file}:network"]) == 0
    assert "finzi2021" in capsys.readouterr().out
    assert main(["cite", "--what", "SetLinear"]) == 0
    assert "Deep Sets" in capsys.readouterr().out


def test_cells():
    assert [cell(v, 2.0) for v in (0.0, 2.0, -2.0, 1.0, -0.02, 1e-9)] == [" ·", " +", " -", "+5", "-1", " ·"]
    kernels = np.arange(2 * 3 * 2 * 4.0).reshape(2, 3, 8)  # three outputs, two inputs, 2 x 2 taps
    assert tiles(kernels, (2, 2)).shape == (2, 6, 4)
    assert tiles(kernels, (2, 2))[0, :2, :2].tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert tiles(kernels, (2, 2))[0, :2, 2:].tolist() == [[4.0, 5.0], [6.0, 7.0]]
