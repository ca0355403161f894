"""All 1,252 graphs with one to seven nodes, which the package networkx ships: does each survive the loss of any node?

Source: Read and Wilson, An Atlas of Graphs, 1998; the property is biconnectedness, computed here, not read.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from erlangen.data.dataset import Dataset
from erlangen.data.store import Located, Unreachable, sha256_of
from erlangen.data.tu import FOLDS, check_fold, graph_dataset, one_hot_signals

_MAX_DEGREE = 6


def atlas_file() -> Path:
    """The atlas inside the installed package networkx.

    Raises:
        Unreachable: networkx is not installed.
    """
    spec = find_spec("networkx")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "generators" / "atlas.dat.gz"
        if path.is_file():
            return path
    raise Unreachable(
        "the package networkx, which ships the atlas of graphs, is not installed. Fix: pip install 'erlangen[graph]'."
    )


def graph_atlas(fold: int = 0, validation: float = 0.1, seed: int = 0) -> Dataset:
    """Every graph of one to seven nodes; label 1 if it is biconnected: connected, and still so without any one node.

    Args:
        fold: which of ten random tenths is the test part.
        validation: share of the training part that is held out, class by class.
        seed: of the tenths and of that choice.
    """
    check_fold(fold)
    path = atlas_file()
    import networkx

    tags, edges, labels = [], [], []
    for graph in networkx.graph_atlas_g()[1:]:  # the first one has no nodes
        pairs = np.array(graph.edges, dtype=np.int64).reshape(-1, 2)
        both = np.concatenate([pairs, pairs[:, ::-1]]).T
        edges.append(np.ascontiguousarray(both))
        tags.append(np.bincount(both[1], minlength=len(graph)))
        labels.append(int(networkx.is_biconnected(graph)))
    signals = one_hot_signals(tags, edges, _MAX_DEGREE + 1)
    order = np.random.default_rng(seed).permutation(len(signals))
    test = np.sort(np.array_split(order, FOLDS)[fold])
    files = [Located(path, sha256_of(path), "the installed package networkx")]
    labels_array = np.array(labels, dtype=np.int64)
    return graph_dataset("graph-atlas", signals, labels_array, test, validation, seed, {"files": files, "fold": fold})
