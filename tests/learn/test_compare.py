"""`compare` on tasks small enough for tests: a wrong symmetry is found, cells are kept, engines agree."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import erlangen as eg
from erlangen.blueprint import Classify
from erlangen.data import Dataset, TensorSplit
from erlangen.errors import RunError, UnknownName
from erlangen.learn import compare
from erlangen.learn.compare import engines
from erlangen.learn.compare.cells import run_cell
from erlangen.learn.compare.networks import matched_width, network_of, parameters
from erlangen.learn.compare.ordered import NodeOrder, OrderAverage
from erlangen.learn.compare.plan import Cell, Plan

SIDE = 8


def half_planes(n: int, seed: int, turned: bool = False) -> TensorSplit:
    """Which of the four sides is bright: turns by 90° exchange the classes. Or, turned, whether a corner is."""
    draws = torch.Generator().manual_seed(seed)
    targets = torch.randint(2 if turned else 4, (n,), generator=draws)
    x = 0.5 * torch.randn(n, 1, SIDE, SIDE, generator=draws)
    turns = torch.randint(4, (n,), generator=draws)
    for i, label in enumerate(targets.tolist()):
        if turned:  # a bright corner, or two bright spots on opposite sides, in any of four poses
            spots = ((0, 0),) if label else ((0, 3), (6, 3))
        else:
            spots = tuple((0, 2 * k) for k in range(SIDE // 2))
        image = torch.zeros(SIDE, SIDE)
        for r, c in spots:
            image[r : r + 2, c : c + 2] = 2.0
        x[i, 0] += torch.rot90(image, int(turns[i]) if turned else label, (0, 1))
    return TensorSplit(x, targets)


def dataset(turned: bool = False, train: int = 48) -> Dataset:
    task = Classify(2 if turned else 4)
    parts = (half_planes(n, seed, turned) for n, seed in ((train, 1), (0, 2), (120, 3)))
    return Dataset("sides", eg.Grid(2, (SIDE, SIDE)), 1, task, *parts, {"source": "drawn here"})


TINY: dict[str, Any] = {
    "size": "tiny",
    "width": 0.5,
    "batch_size": 16,
    "precision": "float32",
    "progress": False,
}


def test_a_symmetry_that_exchanges_classes_is_wrong() -> None:
    found = compare(dataset(), "C4", arms=["plain", "augmented", "derived"], sizes=[48], seeds=2, epochs=14, **TINY)
    assert found.verdict.name == "wrong"
    assert found.mean_score("plain", "upright") > 0.8
    assert found.mean_score("derived", "upright") < 0.5  # an invariant network can only guess among four
    assert max(found.scores("derived", "moved", 48, "error").values()) < 1e-5
    assert min(found.scores("plain", "moved", 48, "flips").values()) > 0.3


def test_cells_are_kept_and_only_missing_ones_are_computed(tmp_path, monkeypatch) -> None:
    given = {"arms": ["plain", "symmetrised", "derived"], "sizes": [16, 32], "epochs": 2, "out": tmp_path, **TINY}
    data = dataset(turned=True)
    first = compare(data, "C4", seeds=1, **given)
    files = sorted((tmp_path / "cells").iterdir())
    assert [f.name.rsplit("-", 1)[0] for f in files] == ["derived-16-0", "derived-32-0", "plain-16-0", "plain-32-0"]
    lost = json.loads(files[0].read_text())
    files[0].unlink()
    done: list[Cell] = []
    monkeypatch.setattr(engines, "run_cell", lambda plan, cell: (done.append(cell), run_cell(plan, cell))[1])
    second = compare(data, "C4", seeds=1, **given)
    assert [str(c) for c in done] == ["derived, 16 examples, seed 0"]
    again = json.loads(files[0].read_text())
    assert again["scores"] == lost["scores"]  # bit for bit: the same weights, order and motions
    assert second.mean_score("plain", "moved") == first.mean_score("plain", "moved")
    more = compare(data, "C4", seeds=2, **given)
    assert len(done) == 5
    assert more.seeds == [0, 1]
    other = compare(data, "C4", seeds=1, **{**given, "epochs": 1})
    assert len(done) == 9  # another declaration has cells of its own, in the same folder
    assert other.mean_score("plain", "upright") != first.mean_score("plain", "upright")
    assert eg.Comparison.load(tmp_path).plan["epochs"] == 1
    assert (tmp_path / "comparison.svg").read_text().startswith("<?xml")
    changed = replace(data, train=TensorSplit(data.train.signals + 0.01, data.train.targets))
    compare(changed, "C4", seeds=1, **given)
    assert len(done) == 13  # so have other data of the same name and size


def test_what_was_finished_before_a_failure_is_kept(tmp_path, monkeypatch) -> None:
    def fails(plan: Plan, cell: Cell) -> dict[str, Any]:
        if cell.training == "derived":
            raise ValueError("out of luck")
        return run_cell(plan, cell)

    monkeypatch.setattr(engines, "run_cell", fails)
    given = {"arms": ["plain", "derived"], "sizes": [16], "seeds": 1, "epochs": 1, "out": tmp_path, **TINY}
    with pytest.raises(RunError, match=r"derived, 16 examples, seed 0\) failed: ValueError: out of luck"):
        compare(dataset(), "C4", **given)
    assert len(list((tmp_path / "cells").iterdir())) == 1
    monkeypatch.undo()
    assert len(compare(dataset(), "C4", **given).cells) == 2


def test_parameters_are_matched() -> None:
    plan = Plan(dataset(), group="D4", size="tiny", epochs=1)
    plain, derived = (network_of(plan, kind, plan.data, 0) for kind in ("plain", "derived"))
    assert parameters(plain) == pytest.approx(parameters(derived), rel=0.05)
    by_minutes = Plan(dataset(), group="D4", size="tiny", match="minutes", minutes=0.01)
    wide = network_of(by_minutes, "plain", plan.data, 0)
    assert parameters(wide) > 4 * parameters(derived)  # as many channels
    mine = Plan(dataset(), group="D4", size="tiny", epochs=1, plain=own_network)
    assert parameters(network_of(mine, "derived", plan.data, 0)) == pytest.approx(parameters(own_network()), rel=0.25)
    assert matched_width(mine, "derived", plan.data) > 0


def own_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(4),
        nn.Flatten(),
        nn.Linear(24 * 4, 40),
        nn.Linear(40, 4),
    )


def test_an_own_network_is_compared_with_the_derived_one() -> None:
    arms = ["plain", "augmented", "symmetrised", "derived"]
    found = compare(dataset(), "C4", arms=arms, sizes=[16], seeds=1, epochs=1, plain=own_network, **TINY)
    assert found.arms == arms
    assert {c["parameters"] for c in found.of("plain")} == {parameters(own_network())}
    assert found.scores("symmetrised", "moved", 16, "error")[0] < 1e-5 < found.scores("plain", "moved", 16, "error")[0]


def test_equal_minutes() -> None:
    given = {"match": "minutes", "minutes": 0.02, "sizes": [48], "seeds": 1, "arms": ["plain", "derived"], **TINY}
    found = compare(dataset(), "C4", **given)
    for cell in found.cells:
        assert 1.2 <= cell["seconds"] <= 3.0
    assert "equal channels and minutes" in str(found)


def test_classes_that_the_group_exchanges() -> None:
    """On which strand is the motif? The reverse complement exchanges the answers, and declared so it is right."""
    data = eg.data.load("stranded-motifs", train=64, test=200, length=40, error=0.0)
    told = replace(data, task=Classify(data.task.classes, rep="regular"))
    arms = ["plain", "augmented", "symmetrised", "derived"]
    given = {"sizes": [len(data.train)], "seeds": 1, "epochs": 15, **TINY}
    found = compare(told, "RC", arms=arms, **given)
    size = found.sizes[0]
    for arm in ("symmetrised", "derived"):
        assert found.scores(arm, "moved", size, "error")[0] < 1e-5
        assert found.scores(arm, "moved", size, "flips")[0] == 0
        assert found.mean_score(arm, "moved") == pytest.approx(found.mean_score(arm, "upright"))
    assert found.scores("plain", "moved", size, "error")[0] > 1e-3
    assert found.mean_score("derived", "upright") > 0.8
    untold = compare(data, "RC", arms=["derived"], **given)
    assert untold.mean_score("derived", "upright") < 0.7  # no invariant function knows the strand


class Reads(nn.Module):
    """Answers with a number for every node or graph that depends on the order of the nodes."""

    def forward(self, signal: Any) -> Tensor:
        places = signal.x[:, 1:] @ torch.arange(signal.x.shape[1] - 1.0)
        return torch.zeros(signal.on.num_graphs).index_add(
            0,
            torch.searchsorted(signal.on.graph_ptr[1:].contiguous(), torch.arange(signal.on.num_nodes), right=True),
            places * signal.x[:, 0],
        )


def test_a_network_that_reads_the_order_of_nodes_and_its_average() -> None:
    space = eg.Graphs(nodes=6, edges=10)
    field = space.field(None, "1 trivial")
    signal = space.sample_signal(field, 3, torch.Generator().manual_seed(0))
    net = NodeOrder(Reads())
    p = torch.cat(
        [torch.arange(a, b).flip(0) for a, b in zip(*(signal.on.graph_ptr[k:][:3] for k in (0, 1)), strict=True)]
    )
    moved = space.act(p, signal, field.rep)
    assert not torch.allclose(net(moved), net(signal))
    by_hand = [
        float((signal.x[a:b, 0] * torch.arange(b - a)).sum())
        for a, b in zip(signal.on.graph_ptr[:-1], signal.on.graph_ptr[1:], strict=True)
    ]
    assert net(signal).tolist() == pytest.approx(by_hand, rel=1e-5)
    few, many = OrderAverage(net, 2), OrderAverage(net, 400)
    assert torch.equal(few(signal), few(signal))
    gaps = [float((f(moved) - f(signal)).norm() / net(signal).norm()) for f in (few, many)]
    assert gaps[1] < 0.3 * gaps[0]
    net.shuffled = True
    assert not torch.equal(net.train()(signal), net(signal))
    assert torch.equal(net.eval()(signal), net(signal))


def test_graphs() -> None:
    pytest.importorskip("networkx")
    found = compare("graph-atlas", sizes=[32], seeds=2, epochs=1, size="tiny", test=60, progress=False)
    assert found.group == "Σn"
    assert len(found.arms) == 5
    assert max(found.scores("derived", "moved", 32, "error").values()) < 1e-5
    assert min(found.scores("plain", "moved", 32, "error").values()) > 1e-4
    assert found.plan["folds"]
    assert "fold of the data" in str(found)


def test_a_group_that_cannot_be_listed() -> None:
    field = eg.Point().field("O(3)", "2 standard")
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(60, 6, generator=draws)
    parts = (TensorSplit(p, (p[:, :3] * p[:, 3:]).sum(1, keepdim=True)) for p in (x[:30], x[:0], x[30:]))
    data = Dataset("products", eg.Point(), 6, eg.Regress(1), *parts, {"source": "drawn here"}, declared=field)
    found = compare(data, sizes=[30], seeds=2, epochs=3, size="tiny", progress=False, batch_size=10)
    assert {"plain", "derived"} <= set(found.arms)
    assert found.metric == "mse"
    assert max(found.scores("derived", "moved", 30, "error").values()) < 1e-4
    assert min(found.scores("plain", "moved", 30, "error").values()) > 1e-2


def test_what_cannot_be_compared_says_why() -> None:
    data = dataset()
    with pytest.raises(RunError, match=r"C1 is no symmetry.*group='D4'"):
        compare(data, "C1", epochs=1, **TINY)
    with pytest.raises(RunError, match="sizes from 2 to 48"):
        compare(data, "C4", sizes=[49], **TINY)
    with pytest.raises(UnknownName, match="Did you mean 'derived'"):
        compare(data, "C4", arms=["derive"], **TINY)
    with pytest.raises(UnknownName, match="Known: processes, ray"):
        compare(data, "C4", epochs=1, sizes=[16], engine="threads", **TINY)
    with pytest.raises(UnknownName, match="way to match"):
        compare(data, "C4", match="time", **TINY)
    with pytest.raises(RunError, match="need to know how many"):
        compare(data, "C4", match="minutes", **TINY)
    with pytest.raises(UnknownName, match="unknown setting 'learning_rate'"):
        compare(data, "C4", learning_rate=1.0, **TINY)
    with pytest.raises(RunError, match="seeds=0"):
        compare(data, "C4", seeds=0, **TINY)


WORDS = [
    *("compare", "--data", "motifs", "--arms", "plain", "derived", "--sizes", "32", "64", "--seeds", "2"),
    *("--epochs", "1", "--size", "tiny", "--test", "50", "--data_options.train=100", "--data_options.test=60"),
]


def test_the_command(tmp_path, capsys) -> None:
    from erlangen.cli import main

    assert main([*WORDS, "--out", str(tmp_path), "--save", str(tmp_path / "curves.png")]) == 0
    out = capsys.readouterr().out
    assert "[8/8] derived, 64 examples, seed 1: area under the ROC curve" in out
    assert "RC on motifs: area under the ROC curve" in out
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    assert main([*WORDS, "--out", str(tmp_path)]) == 0
    assert "8 of 8 cells are in" in capsys.readouterr().out
    assert main(["compare", "--data", "motifs", "--group", "D4"]) == 2
    assert main(["compare", "--data", "motif"]) == 2
    assert main(["compare", "--data", "motifs", "--plain", "nothing"]) == 2
    assert "file.py:name" in capsys.readouterr().err


OWN = """
from torch import nn
class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(4, 8, 5), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(8, 2))
    def forward(self, x):
        return self.body(x)
"""


@pytest.mark.slow
def test_parallel_processes_give_the_same_scores_and_survive_a_kill(tmp_path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    words = [*WORDS, "--plain", f"{tmp_path / 'own.py'}:Plain", "--threads", "1"]
    both = [sys.executable, "-m", "erlangen", *words, "--jobs", "2", "--out", str(tmp_path / "parallel")]
    process = subprocess.Popen(both, stdout=subprocess.PIPE, text=True, start_new_session=True)
    for line in process.stdout or ():
        if line.startswith("[2/8]"):
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.wait()
    kept = len(list((tmp_path / "parallel" / "cells").glob("*.json")))
    assert 2 <= kept < 8
    done = subprocess.run(both, capture_output=True, text=True, check=True)
    assert f"{kept} of 8 cells are in" in done.stdout
    alone = [sys.executable, "-m", "erlangen", *words, "--out", str(tmp_path / "alone")]
    subprocess.run(alone, capture_output=True, text=True, check=True)
    assert scores_in(tmp_path / "parallel") == scores_in(tmp_path / "alone")


def scores_in(folder: Path) -> list[Any]:
    return [cell["scores"] for cell in eg.Comparison.load(folder).cells]


@pytest.mark.slow
def test_a_ray_cluster_of_two_nodes_gives_the_same_scores(tmp_path) -> None:
    ray = pytest.importorskip("ray", reason="needs the extra cluster: pip install 'erlangen[cluster]'")
    from ray.cluster_utils import Cluster

    given = {"arms": ["plain", "derived"], "sizes": [16], "seeds": 2, "epochs": 1, **TINY}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False)
        assert len([n for n in ray.nodes() if n["Alive"]]) == 2
        far = compare(dataset(), "C4", engine="ray", threads=1, out=tmp_path, **given)
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert len({c["node"] for c in far.cells}) == 2
    with pytest.raises(RunError, match=r"127\.0\.0\.1:1 cannot be reached.*ray start --head"):
        compare(dataset(), "C4", engine="ray", address="127.0.0.1:1", **given)
    here = compare(dataset(), "C4", threads=1, **given)
    assert [c["scores"] for c in far.cells] == [c["scores"] for c in here.cells]
    assert len(list((tmp_path / "cells").iterdir())) == 4


def test_ray_is_named_where_it_is_missing(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"pip install 'erlangen\[cluster\]'"):
        compare(dataset(), "C4", sizes=[16], epochs=1, engine="ray", **TINY)
