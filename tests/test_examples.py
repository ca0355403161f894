"""The examples run, on whatever data is at hand, and leave what they promise."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_rotating_digit(tmp_path: Path) -> None:
    out = tmp_path / "digit.svg"
    command = [sys.executable, str(ROOT / "examples" / "rotating_digit.py"), "--minutes", "0.02", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "erlangen, C4" in done.stdout
    assert out.read_text().startswith("<?xml")
    assert out.stat().st_size < 200_000


def test_molecules(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / "molecules.py"), "--epochs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    derived, in_a_row = done.stdout.split("InARow: ")
    assert "EXACT" in derived
    assert "BROKEN" in in_a_row


def test_new_layer(tmp_path: Path) -> None:
    """The tutorial finds the four maps of its board, and its layer keeps every law that applies."""
    source = ROOT / "examples" / "new_layer.py"
    command = [sys.executable, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "board has 12 elements" in done.stdout
    assert "dimension        4  (4 from characters)" in done.stdout
    assert done.stdout.count("4 of 4 equivariant linear maps (solved by orbits), 1 of 1 biases") == 2
    layer = source.read_text().split("moves = ")[1].split("def main")[0]
    code = [line for line in layer.splitlines() if line.strip() and not line.strip().startswith(('"""', "#"))]
    assert len(code) <= 22, "about twenty lines, as the documentation says"


def test_the_python_of_the_readme_is_python() -> None:
    """The first Python block of the README compiles and names only what the package has."""
    import ast

    import erlangen as eg

    block = (ROOT / "README.md").read_text().split("```python\n")[1].split("```")[0]
    used = {
        node.attr
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "eg"
    }
    assert used == {"Grid", "derive", "Classify", "fit", "data", "audit"}
    assert all(hasattr(eg, name) for name in used)


def test_peaks(tmp_path: Path) -> None:
    """From FASTA and BED to a network that no strand can flip, and its motifs."""
    pytest.importorskip("pyfaidx")
    command = [sys.executable, str(ROOT / "examples" / "peaks.py"), "--out", "out", "--epochs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "exact under RC" in done.stdout
    assert "flips 0%" in done.stdout
    assert "filters " in done.stdout
    assert "shown once" in (tmp_path / "out" / "audit.html").read_text()


def test_discover(tmp_path: Path) -> None:
    """The metric of a formula, the turns of a network and those of digits, none of which was declared."""
    command = [sys.executable, str(ROOT / "examples" / "discover.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "so(1,3) of −x1² + 0.25 x2² + 0.25 x3² + 0.25 x4²" in done.stdout
    assert "Network on Grid(14×14), 64 samples: C2, C4\n" in done.stdout
    assert "Sequential on Grid(2), 64 samples: nothing\n" in done.stdout
    assert "mnist-5k: data on Grid(28×28), 512 samples: nothing\n" in done.stdout
    turned = done.stdout.split("mnist-rot-5k: ")[1]
    assert "C4" in turned.splitlines()[0]
    assert "rotation" in turned.splitlines()[0]
