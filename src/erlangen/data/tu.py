"""MUTAG and PROTEINS: small graphs with one label each, in the text form and with the ten folds of DGCNN.

The first line is the number of graphs; a graph is a line "nodes label" and a line "tag degree neighbour ..." a node.

Source: Zhang, Cui, Neumann and Chen, AAAI 2018 (files and folds); Debnath et al., J. Med. Chem. 1991 (MUTAG);
Borgwardt et al., Bioinformatics 2005 (PROTEINS).
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from erlangen.blueprint import Classify, Signal
from erlangen.data.dataset import Dataset
from erlangen.data.split import GraphSplit
from erlangen.data.store import fetch, renewed, unreadable
from erlangen.errors import DataError

FOLDS = 10


def tu_files(name: str, folds: tuple[int, ...] = tuple(range(FOLDS))) -> tuple[str, ...]:
    """The graphs, and the test rows of these folds."""
    return (f"tu/{name}/{name}.txt", *(f"tu/{name}/10fold_idx/test_idx-{k + 1}.txt" for k in folds))


def read_tu(path: Path) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]], NDArray[np.int64]]:
    """The graphs of a text file.

    Returns:
        node tags [n] a graph, directed edges [2, E] a graph (source, destination), labels as written in the file.

    Raises:
        DataError: it cannot be read, or is not in this form.
    """
    try:
        return _parse(path.read_text("ascii"))
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, StopIteration, IndexError) as error:
        raise DataError(f"{path} is not in the text form of graphs (or is cut short). Fix: {renewed(path)}.") from error


def _parse(text: str) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]], NDArray[np.int64]]:
    lines = iter(text.splitlines())
    count = int(next(lines))
    tags, edges, labels = [], [], []
    for _ in range(count):
        nodes, label = (int(word) for word in next(lines).split()[:2])
        rows = [[int(word) for word in next(lines).split()] for _ in range(nodes)]
        neighbours = [row[2 : 2 + row[1]] for row in rows]
        if any(len(found) != row[1] for found, row in zip(neighbours, rows, strict=True)):
            raise ValueError("a node has fewer neighbours than it says")
        destination = np.repeat(np.arange(nodes), [len(row) for row in neighbours])
        source = np.array([j for row in neighbours for j in row], dtype=np.int64)
        if len(source) and not 0 <= source.min() <= source.max() < nodes:
            raise ValueError("an edge leaves its graph")
        tags.append(np.array([row[0] for row in rows], dtype=np.int64))
        edges.append(np.stack([source, destination]))
        labels.append(label)
    return tags, edges, np.array(labels, dtype=np.int64)


def one_hot_signals(tags: list[NDArray[np.int64]], edges: list[NDArray[np.int64]], channels: int) -> list[Signal]:
    """One signal a graph: node tag t as the t-th unit vector."""
    from erlangen.graphs import Graph

    eye = torch.eye(channels)
    return [
        Signal(eye[torch.from_numpy(t)], Graph.from_edges(torch.from_numpy(e), len(t), symmetric=True))
        for t, e in zip(tags, edges, strict=True)
    ]


def hold_out(labels: NDArray[np.int64], rows: NDArray[np.int64], count: int, seed: int) -> NDArray[np.bool_]:
    """Which of `rows` to hold out: `count` of them at random, every class by its share (largest remainders).

    Returns:
        [len(rows)] mask. The same seed gives the same rows.
    """
    random = np.random.default_rng(seed)
    classes, members = np.unique(labels[rows], return_inverse=True)
    wanted = np.bincount(members, minlength=len(classes)) * count / max(len(rows), 1)
    quota = np.floor(wanted).astype(int)
    for k in np.argsort(quota - wanted, kind="stable")[: count - quota.sum()]:
        quota[k] += 1
    mask = np.zeros(len(rows), bool)
    for k, number in enumerate(quota):
        mask[random.permutation(np.flatnonzero(members == k))[:number]] = True
    return mask


def graph_dataset(
    name: str,
    signals: list[Signal],
    labels: NDArray[np.int64],
    test: NDArray[np.int64],
    validation: float,
    seed: int,
    provenance: dict[str, Any],
) -> Dataset:
    """Graphs with the rows `test` to report, the rest to train on, a share of which is held out for validation.

    Raises:
        DataError: the share is not in [0, 1).
    """
    from erlangen.graphs import Graphs

    if not 0 <= validation < 1:
        raise DataError(f"validation={validation} is the share of the training graphs to hold out: 0 <= share < 1")
    rest = np.setdiff1d(np.arange(len(signals)), test)
    mask = hold_out(labels, rest, round(validation * len(rest)), seed)
    everything = GraphSplit(signals, torch.from_numpy(labels))
    train, held_out, tested = (everything.take(torch.from_numpy(r)) for r in (rest[~mask], rest[mask], test))
    nodes = round(float(np.mean([len(s.x) for s in signals])))
    edges = round(float(np.mean([s.on.num_edges for s in signals])))
    channels, classes = signals[0].x.shape[1], int(labels.max()) + 1
    space = Graphs(nodes=nodes, edges=edges)
    return Dataset(name, space, channels, Classify(classes), train, held_out, tested, {"seed": seed, **provenance})


def check_fold(fold: int) -> None:
    """Raise a `DataError` unless 0 <= fold < 10."""
    if fold not in range(FOLDS):
        raise DataError(f"fold={fold} does not exist. Fix: choose 0 to {FOLDS - 1}.")


def _load(name: str, fold: int, validation: float, seed: int) -> Dataset:
    check_fold(fold)
    graphs_file, test_file = (fetch(path) for path in tu_files(name, (fold,)))
    tags, edges, raw_labels = read_tu(graphs_file.path)
    labels = np.unique(raw_labels, return_inverse=True)[1].astype(np.int64)  # MUTAG writes its classes as 0 and 2
    try:
        test = np.array(test_file.path.read_text().split(), dtype=np.int64)
    except OSError as error:
        raise unreadable(test_file.path, error) from error
    signals = one_hot_signals(tags, edges, 1 + max(int(t.max()) for t in tags))
    provenance = {"files": [graphs_file, test_file], "fold": fold}
    return graph_dataset(name.lower(), signals, labels, test, validation, seed, provenance)


def mutag(fold: int = 0, validation: float = 0.1, seed: int = 0) -> Dataset:
    """MUTAG: 188 nitroaromatic compounds, mutagenic or not; 7 kinds of atoms.

    Args:
        fold: which of the ten official folds is the test part (together they test 180 of the 188 graphs).
        validation: share of the training part that is held out, class by class.
        seed: of that choice.
    """
    return _load("MUTAG", fold, validation, seed)


def proteins(fold: int = 0, validation: float = 0.1, seed: int = 0) -> Dataset:
    """PROTEINS: 1,113 proteins, enzyme or not; nodes are secondary structure elements of 3 kinds.

    Args:
        fold: which of the ten official folds is the test part (together they test 1,110 of the 1,113 graphs).
        validation: share of the training part that is held out, class by class.
        seed: of that choice.
    """
    return _load("PROTEINS", fold, validation, seed)
