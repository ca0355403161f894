"""The command line: words, messages, files and exit codes."""

import json
import subprocess
import sys

import pytest
import torch

from erlangen.audit import audit
from erlangen.cli import main
from erlangen.cli.command import verbs

TRAIN = (
    "train --domain grid --data mnist-rot-5k --group C4 --task classify --size tiny --epochs 1 --batch-size 64".split()
)

MODULES = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 4, 3, stride=2), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 10))

net = Net()
invariant = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 10))
number = 3

def make():
    return Net()

def wrong():
    raise ValueError("no luck")

def typed():
    return nn.Linear("a", 3)

def wants(width):
    return nn.Linear(width, 3)
"""


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "rot"
    if main([*TRAIN, "--out", str(folder)]) != 0:
        pytest.fail("training by command line failed")
    return folder


@pytest.fixture
def module_file(tmp_path):
    path = tmp_path / "my_networks.py"
    path.write_text(MODULES)
    return path


def test_help_of_everything(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for verb in verbs():
        assert verb in text
        assert main([verb, "--help"]) == 0
    assert main([]) == 0
    assert main(["--version"]) == 0


def test_reading_the_words_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from erlangen.cli import main\n"
        "code = main(['train', '--help'])\n"
        "heavy = {'lightning', 'torchmetrics', 'matplotlib', 'networkx', 'jinja2', 'pooch', 'onnx'}\n"
        "loaded = heavy & set(sys.modules)\n"
        "sys.exit(f'{loaded}' if loaded or code else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("trian", "Did you mean 'train'?"),
        ("data lits", "Did you mean 'list'?"),
        ("data info coraa", "Did you mean 'cora'?"),
        ("train --data mnist-rto", "Did you mean 'mnist-rot'?"),
        ("train --domain grd", "Did you mean 'grid'?"),
        ("train --task clasify", "Did you mean 'classify'?"),
        ("train --data mnist-rot-5k --size smal", "Did you mean 'small'?"),
        ("train --data mnist-rot-5k --group CC4", "unknown group 'CC4'"),
        ("train --data mnist-rot-5k --group Oh", "does not have the symmetry Oh"),
        ("train --data mnist-rot-5k --domain graph", "--domain grid"),
        ("train --data mnist-rot-5k --task segment", "--task classify"),
        ("train --minutess 3", "Did you mean '--minutes'?"),
        ("train --data_options.seedd=1 --data mnist-rot-5k", "Did you mean 'seed'?"),
        ("audit nowhere", "there is no run folder nowhere"),
        ("audit nowhere.py:net --data cora", "there is no file nowhere.py"),
        ("audit nowhere.py", "nowhere.py:name"),
        ("export nowhere", "there is no run folder nowhere"),
        ("cite runs/none", "there is no run folder runs/none"),
        ("demo --minutes 0", "minutes must be positive"),
        ("train --data mnist-rot-5k --precision flaot32", "Did you mean 'float32'?"),
        ("audit nowhere --seed -1", "whole number from 0 on"),
        ("compare --data mnist-rot-5k --group C4 --metric acuracy", "Did you mean 'accuracy'?"),
        ("compare --data mnist-rot-5k --group C4 --metric dice", "Known: accuracy, balanced_accuracy, loss"),
        ("compare --data mnist-rot-5k --group C4 --save x.foo", ".json, .svg, .png, .pdf, .html"),
        ("derive --data mnist-rot-5k --channels 3", "leave out --channels"),
        ("predict nowhere x.nii --out p.txt", "there is no run folder nowhere"),
    ],
)
def test_bad_words_exit_2_with_a_remedy_and_no_traceback(words, wanted, capsys):
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert wanted in error
    assert "Traceback" not in error


def test_values_of_a_wrong_type_exit_2(capsys):
    assert main(["train", "--lr", "fast"]) == 2
    assert "lr" in capsys.readouterr().err


def test_debug_shows_the_error_itself(monkeypatch):
    from erlangen.errors import UnknownName

    monkeypatch.setenv("ERLANGEN_DEBUG", "1")
    with pytest.raises(UnknownName):
        main(["data", "info", "coraa"])


def test_data_verbs(capsys):
    assert main(["data", "list"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("mnist-rot", "cora", "mutag", "proteins"))
    assert main(["data", "info", "mnist-rot"]) == 0
    assert "12,000 train" in capsys.readouterr().out


def test_derive_prints_the_plan(capsys, tmp_path):
    words = ["derive", "--group", "C4", "--shape", "[28,28]", "--size", "tiny", "--json", str(tmp_path / "plan.json")]
    assert main(words) == 0
    text = capsys.readouterr().out
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert f"{plan['parameters']:,}" in text
    assert plan["exact"]
    assert main(["derive", "--domain", "graph", "--task", "segment", "--channels", "5", "--outputs", "7"]) == 0
    assert main(["derive", "--domain", "strand", "--task", "profile", "--outputs", "regular", "--size", "tiny"]) == 0
    assert main(["derive", "--domain", "point", "--group", "SO(3)", "--inputs", "2 standard", "--task", "regress"]) == 0
    assert main(["derive", "--group", "T"]) == 2
    assert main(["derive", "--outputs", "regular"]) == 2
    assert main(["derive", "--domain", "hexagons", "--shape", "[8,8]"]) == 2


def test_train_writes_the_run_and_is_not_repeated(run_folder, capsys):
    result = json.loads((run_folder / "result.json").read_text())
    assert result["epochs"] == 1
    assert main([*TRAIN, "--out", str(run_folder)]) == 0
    assert "finished: nothing to train" in capsys.readouterr().out
    assert main([*TRAIN, "--out", str(run_folder), "--lr", "0.5"]) == 2
    assert "settings.lr" in capsys.readouterr().err


def test_config_file(tmp_path, capsys):
    assert main([*TRAIN, "--lr", "0.5", "--print_config"]) == 0
    text = capsys.readouterr().out
    assert "lr: 0.5" in text
    (tmp_path / "config.yaml").write_text("data: cora\ngroup: C4\n")
    assert main(["train", "--config", str(tmp_path / "config.yaml"), "--domain", "grid"]) == 2
    assert "'cora' lives on the domain 'graph'" in capsys.readouterr().err


def test_audit_of_a_run(run_folder, capsys):
    page, numbers = run_folder / "audit.html", run_folder / "audit.json"
    words = ["audit", str(run_folder), "--html", str(page), "--json", str(numbers), "--samples", "4"]
    assert main([*words, "--max-error", "1e-4"]) == 0
    assert "exact" in capsys.readouterr().out
    assert json.loads(numbers.read_text())["verdict"] == "exact"
    assert page.read_text().startswith("<!")
    assert main([*words, "--max-error", "1e-30"]) == 1
    assert "relative error" in capsys.readouterr().err
    assert main(["audit", str(run_folder), "--samples", "4", "--group", "D4", "--max-error", "1e-4"]) == 1


@pytest.mark.parametrize(("name", "code"), [("net", 1), ("Net", 1), ("make", 1), ("invariant", 0)])
def test_audit_of_anybodys_module(module_file, name, code):
    words = ["audit", f"{module_file}:{name}", "--domain", "grid", "--group", "D4", "--data", "mnist-rot-5k"]
    assert main([*words, "--samples", "4", "--max-error", "1e-4"]) == code


def test_audit_gates(module_file, tmp_path, capsys):
    """Exit codes and files of --junit and --baseline."""
    base, cases = tmp_path / "base.json", tmp_path / "cases.xml"
    data = ["--domain", "grid", "--group", "D4", "--data", "mnist-rot-5k", "--samples", "4"]
    words = ["audit", f"{module_file}:net", *data]
    assert main([*words, "--update-baseline"]) == 2
    assert "--baseline FILE" in capsys.readouterr().err
    assert main([*words, "--baseline", str(base)]) == 2
    told = capsys.readouterr()
    assert "there is no baseline" in told.err
    assert told.out == ""  # before the work
    assert main([*words, "--baseline", str(tmp_path)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    held = ["--junit", str(cases), "--baseline", str(base)]
    torch.manual_seed(0)
    assert main([*words, *held, "--update-baseline", "--max-error", "1e-4"]) == 1  # what fails makes no baseline
    assert not base.exists()
    assert "<failure" in cases.read_text()
    torch.manual_seed(0)
    assert main(["audit", f"{module_file}:net", *data, *held, "--update-baseline"]) == 0
    assert base.exists()
    assert "<failure" not in cases.read_text()
    kept = json.loads(base.read_text())
    base.write_text(json.dumps({**kept, "families": {"D4": kept["families"]["D4"] / 2}}))
    torch.manual_seed(0)
    assert main([*words, *held]) == 1
    assert "less well than its baseline" in capsys.readouterr().err
    assert 'name="D4"' in cases.read_text()
    assert "<failure" in cases.read_text()


def test_audit_of_what_is_no_module(module_file, capsys):
    words = ["--group", "D4", "--data", "mnist-rot-5k"]
    assert main(["audit", f"{module_file}:number", *words]) == 2
    assert "not an nn.Module" in capsys.readouterr().err
    assert main(["audit", f"{module_file}:numbr", *words]) == 2
    assert "Did you mean 'number'?" in capsys.readouterr().err
    assert main(["audit", f"{module_file}:net"]) == 2
    assert "--data NAME" in capsys.readouterr().err
    assert main(["audit", f"{module_file}:wrong", *words]) == 2
    assert "wrong() failed: ValueError: no luck" in capsys.readouterr().err
    assert main(["audit", f"{module_file}:typed", *words]) == 2
    assert "typed() failed: TypeError" in capsys.readouterr().err
    assert main(["audit", f"{module_file}:wants", *words]) == 2
    assert "callable without arguments" in capsys.readouterr().err
    assert main(["audit", "runs/none", "--model", "my.py"]) == 2
    assert "file.py:name" in capsys.readouterr().err
    module_file.write_text("import nothing_of_this_name")
    assert main(["audit", f"{module_file}:net", *words]) == 2
    assert "cannot be run" in capsys.readouterr().err


def test_export_of_a_run(run_folder, capsys):
    from erlangen.learn import Run

    assert main(["export", str(run_folder)]) == 0
    program = torch.export.load(run_folder / "model.pt2").module()
    x = torch.rand(5, 1, 28, 28)
    with torch.no_grad():
        assert torch.allclose(program(x), Run.load(run_folder).model(x), atol=1e-4)
    assert main(["predict", str(run_folder), "x.nii", "--out", "p.txt"]) == 2
    assert "not as 'p.txt'" in capsys.readouterr().err
    assert main(["export", str(run_folder), "--out", str(run_folder / "model.doc")]) == 2
    assert "Known: .pt2, .pt, .onnx" in capsys.readouterr().err


def test_own_networks_made_equivariant_are_audited_and_exported(module_file, tmp_path, capsys):
    folder, own = tmp_path / "sym", f"{module_file}:make"
    words = ["symmetrize", own, "--data", "mnist-rot-5k", "--group", "C4", "--method", "average", "--out", str(folder)]
    assert main([*words, "--samples", "4", "--test", "50"]) == 0
    assert f"erlangen audit {folder} --model {own}" in capsys.readouterr().out
    assert main(["audit", str(folder), "--model", own, "--samples", "4", "--max-error", "1e-4"]) == 0
    assert main(["export", str(folder), "--model", own, "--out", str(tmp_path / "net.pt2")]) == 0
    assert main(["export", str(folder)]) == 2
    assert "--model file.py:name" in capsys.readouterr().err


def test_doctor(capsys):
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert torch.__version__ in text
    assert "bfloat16" in text


def test_demo_without_the_data_it_wants(tmp_path, capsys, monkeypatch):
    """No network and no data folder: what the installed packages ship stands in, and the page says so."""
    monkeypatch.setenv("ERLANGEN_OFFLINE", "1")
    monkeypatch.setenv("ERLANGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("erlangen.data.store.places", lambda: [("the cache", tmp_path / "cache")])
    monkeypatch.setattr("erlangen.cli.demo.TEST_IMAGES", 100)
    few = {"samples": 4, "elements": 2, "continuous": False, "stability": False}
    monkeypatch.setattr("erlangen.audit.audit", lambda *given, **named: audit(*given, **named | few))
    folder = tmp_path / "demo"
    (folder / "graphs").mkdir(parents=True)
    (folder / "graphs" / "config.json").write_text('{"seed": 7}')  # left over from something else
    words = ["demo", "--minutes", "0.03", "--out", str(folder)]
    assert main(words) == 0
    text = capsys.readouterr().out
    page = (folder / "report.html").read_text()
    for said in (text, page):
        assert "FALLBACK for mnist-rot" in said
        assert "FALLBACK for mutag" in said
    assert text.count("starting over") == 1
    assert text.splitlines()[-1] == f"report: {folder / 'report.html'}"
    rows = json.loads((folder / "table.json").read_text())
    assert [row["verdict"] for row in rows] == ["exact", "broken", "exact"]
    assert main(words) == 0
    assert capsys.readouterr().out.count("finished: nothing to train") == 3
