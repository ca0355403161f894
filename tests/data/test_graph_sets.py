"""Graph sets: the readers on tiny files, the splits, and the published figures where the real files are at hand."""

import pickle

import numpy as np
import pytest
import torch

from erlangen.data import load, planetoid, tu
from erlangen.errors import DataError

# A triangle with tags 0 1 2 and label 2, one edge with tags 0 0 and label 0, a point with tag 1 and label 2.
TINY = "3\n3 2\n0 2 1 2\n1 2 0 2\n2 2 0 1\n2 0\n0 1 1\n0 1 0\n1 2\n1 0\n"


def test_the_text_form_is_read(tmp_path):
    path = tmp_path / "TINY.txt"
    path.write_text(TINY)
    tags, edges, labels = tu.read_tu(path)
    assert [t.tolist() for t in tags] == [[0, 1, 2], [0, 0], [1]]
    assert [set(map(tuple, e.T.tolist())) for e in edges] == [
        {(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)},
        {(0, 1), (1, 0)},
        set(),
    ]
    assert labels.tolist() == [2, 0, 2]


@pytest.mark.parametrize(
    "text", ["", "nonsense", TINY[:-8], TINY.replace("0 2 1 2", "0 2 1"), TINY.replace("0 1 1\n", "0 1 7\n")]
)
def test_broken_text_is_refused(tmp_path, text):
    path = tmp_path / "TINY.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=r"TINY\.txt is not in the text form"):
        tu.read_tu(path)


def test_hidden_text_is_unreadable(tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        tu.read_tu(tmp_path)


@pytest.mark.parametrize("count", [0, 1, 10, 37])
def test_held_out_rows_are_stratified_and_seeded(count):
    labels, rows = np.array([0] * 63 + [1] * 125), np.arange(0, 188, 2)
    mask, again, other = (tu.hold_out(labels, rows, count, seed) for seed in (1, 1, 2))
    assert mask.sum() == count
    assert np.array_equal(mask, again)
    assert count == 0 or not np.array_equal(mask, other)
    shares = np.bincount(labels[rows[mask]], minlength=2) - count * np.bincount(labels[rows]) / len(rows)
    assert np.abs(shares).max() < 1


def put_tiny_mutag(put) -> None:
    one, other = "2 1\n0 1 1\n1 1 0\n", "3 0\n0 1 1\n1 2 0 2\n0 1 1\n"
    put("tu/MUTAG/MUTAG.txt", ("20\n" + (one + other) * 10).encode())
    for fold in range(10):
        put(f"tu/MUTAG/10fold_idx/test_idx-{fold + 1}.txt", f"{2 * fold}\n{2 * fold + 1}\n".encode())


def test_folds_and_nested_validation(put):
    put_tiny_mutag(put)
    data = load("mutag", fold=3, validation=0.25, fallback=False)
    assert (len(data.train), len(data.validation), len(data.test)) == (14, 4, 2)
    assert data.channels == 2
    assert data.task.describe()["classes"] == 2
    signal, targets = data.test.batch([0, 1])
    assert targets.tolist() == [1, 0]
    assert signal.x.tolist() == [[1, 0], [0, 1], [1, 0], [0, 1], [1, 0]]
    assert signal.on.num_nodes == 5
    assert data.validation.targets.bincount().tolist() == [2, 2]
    assert data.space.nominal_shape() == (2, 3)  # 2.5 nodes and 3 directed edges on average


@pytest.mark.parametrize("fold", [-1, 10])
def test_unknown_folds_are_refused(fold):
    with pytest.raises(DataError, match=rf"fold={fold} does not exist\. Fix: choose 0 to 9"):
        load("mutag", fold=fold)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_impossible_shares_are_refused(put, share):
    put_tiny_mutag(put)
    with pytest.raises(DataError, match="share of the training graphs"):
        load("mutag", validation=share)


def test_mutag_has_its_published_figures(real):
    real(*tu.tu_files("MUTAG"))
    tested = []
    for fold in range(10):
        data = load("mutag", fold=fold, fallback=False)
        parts = [data.train, data.validation, data.test]
        assert [len(part) for part in parts] == [153, 17, 18]
        assert torch.cat([part.targets for part in parts]).bincount().tolist() == [63, 125]
        tested.append(data.provenance["files"][1]["sha256"])
    assert len(set(tested)) == 10
    assert data.channels == 7
    assert data.space.nominal_shape() == (18, 40)  # 17.93 nodes, 19.79 undirected edges on average
    sizes = sum(len(signal.x) for part in parts for signal in part.signals)
    assert sizes == 3371
    assert all(bool((signal.x.sum(1) == 1).all()) for signal in data.train.signals)


def test_proteins_has_its_published_figures(real):
    real(*tu.tu_files("PROTEINS", (0,)))
    data = load("proteins")
    parts = [data.train, data.validation, data.test]
    assert sum(map(len, parts)) == 1113
    assert torch.cat([part.targets for part in parts]).bincount().tolist() == [663, 450]
    assert data.channels == 3


def test_the_same_seed_holds_out_the_same_graphs(real):
    real(*tu.tu_files("MUTAG", (0,)))
    first, again, other = (load("mutag", seed=seed) for seed in (0, 0, 1))
    same = [torch.equal(a.x, b.x) for a, b in zip(first.validation.signals, again.validation.signals, strict=True)]
    assert all(same)
    differ = [a.x.shape == b.x.shape for a, b in zip(first.validation.signals, other.validation.signals, strict=True)]
    assert not all(differ)


def test_the_atlas_is_labelled_by_biconnectedness():
    pytest.importorskip("networkx")
    data = load("graph-atlas")
    signals = data.train.signals + data.validation.signals + data.test.signals
    labels = torch.cat([data.train.targets, data.validation.targets, data.test.targets])
    assert len(signals) == 1252
    assert labels.bincount().tolist() == [713, 539]  # 1 + 1 + 3 + 10 + 56 + 468 blocks with 2..7 nodes (OEIS A002218)
    tested = sum(len(load("graph-atlas", fold=fold).test) for fold in range(10))
    assert tested == 1252
    for signal, label in zip(signals[:100], labels[:100].tolist(), strict=True):
        assert bool(label) == _survives_any_loss(signal)
        assert torch.equal(signal.x.argmax(1), (signal.on.ptr[1:] - signal.on.ptr[:-1]).long())


def _survives_any_loss(signal) -> bool:
    """Connected, and connected without any one node; by powers of the adjacency matrix."""
    n = len(signal.x)
    adjacency = torch.zeros(n, n)
    for node in range(n):
        adjacency[node, signal.on.col[signal.on.ptr[node] : signal.on.ptr[node + 1]].long()] = 1

    def connected(kept: list[int]) -> bool:
        part = adjacency[kept][:, kept] + torch.eye(len(kept))
        return bool((torch.linalg.matrix_power(part, max(len(kept), 1)) > 0).all())

    everything = list(range(n))
    return n > 1 and connected(everything) and all(connected([j for j in everything if j != i]) for i in everything)


def test_cora_has_its_published_figures(real):
    real(*planetoid.CORA_FILES)
    data = load("cora")
    signal, targets = data.train.batch([0])
    assert signal.x.shape == (2708, 1433)
    assert signal.on.num_edges == 2 * 5278
    assert [len(part.nodes) for part in (data.train, data.validation, data.test)] == [140, 500, 1000]
    assert [len(part) for part in (data.train, data.validation, data.test)] == [1, 1, 1]
    assert targets[targets >= 0].bincount().tolist() == [20] * 7
    used = torch.stack([part.targets >= 0 for part in (data.train, data.validation, data.test)]).sum(0)
    assert used.max() == 1
    assert torch.allclose(signal.x.sum(1), torch.ones(2708))
    words = load("cora", row_normalize=False).train.signal.x
    assert int(words.sum()) == 49216
    assert set(words.unique().tolist()) == {0.0, 1.0}
    assert data.validation.signal is data.test.signal


def test_cora_labels_of_every_paper(real):
    real(*planetoid.CORA_FILES)
    data = load("cora")
    total = sum((part.targets + 1) for part in (data.train, data.validation, data.test))
    assert total[total > 0].bincount().sum() == 1640


class _Harmful:
    def __reduce__(self):
        return (print, ("this must never run",))


def test_a_pickle_that_asks_for_code_is_refused(tmp_path, capsys):
    path = tmp_path / "ind.cora.x"
    path.write_bytes(pickle.dumps(_Harmful(), protocol=2))
    with pytest.raises(DataError, match=r"ind\.cora\.x was refused: .*print"):
        planetoid.read_pickle(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"\x80\x02]q\x00(K\x01"])
def test_a_broken_pickle_is_refused(tmp_path, content):
    path = tmp_path / "ind.cora.x"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"ind\.cora\.x was refused"):
        planetoid.read_pickle(path)


def test_citation_edges_are_symmetric_without_loops_or_repeats():
    edges = planetoid.citation_edges({0: [1, 1, 0], 1: [0, 2], 2: [1], 3: []})
    assert set(map(tuple, edges.T.tolist())) == {(0, 1), (1, 0), (1, 2), (2, 1)}
    assert edges.shape == (2, 4)
