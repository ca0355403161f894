"""Cora with its public split, from the pickles of the Planetoid repository, read without running any code in them.

Source: Yang, Cohen and Salakhutdinov, ICML 2016 (files and split); Sen et al., AI Magazine 2008 (the citation network).
"""

import io
import pickle
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from erlangen.blueprint import Segment, Signal
from erlangen.data.dataset import Dataset
from erlangen.data.split import NodeSplit
from erlangen.data.store import fetch, renewed, unreadable
from erlangen.errors import DataError

CORA_FILES = tuple(f"planetoid/ind.cora.{part}" for part in ("tx", "allx", "ty", "ally", "graph", "test.index"))
_TRAIN, _VALIDATION, _CLASSES = 140, 500, 7


class SparseRows:
    """A sparse matrix by rows, holding exactly what the pickles store of scipy's class: no code of scipy runs."""

    data: NDArray[Any]
    indices: NDArray[Any]
    indptr: NDArray[Any]
    _shape: tuple[int, int]

    def dense(self) -> NDArray[np.float32]:
        """The matrix [rows, columns]."""
        full = np.zeros(self._shape, np.float32)
        rows = np.repeat(np.arange(self._shape[0]), np.diff(self.indptr))
        full[rows, self.indices] = self.data
        return full


def _blank(cls: Any, _base: type, _state: Any) -> Any:
    return cls.__new__(cls)


class RestrictedUnpickler(pickle.Unpickler):
    """Builds arrays, lists, dictionaries and sparse rows; refuses every other name: a pickle cannot run code."""

    _ALLOWED: dict[tuple[str, str], Any] = {  # noqa: RUF012
        ("numpy.core.multiarray", "_reconstruct"): np.zeros(1).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("scipy.sparse.csr", "csr_matrix"): SparseRows,
        ("collections", "defaultdict"): defaultdict,
        ("__builtin__", "list"): list,
        ("__builtin__", "object"): object,
        ("copy_reg", "_reconstructor"): _blank,
    }

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name in the pickle.

        Raises:
            UnpicklingError: the name is not one of the few that data files need.
        """
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no data file needs")
        return self._ALLOWED[module, name]


def read_pickle(path: Path) -> Any:
    """The object in a pickle of Python 2 that holds plain data.

    Raises:
        DataError: it cannot be read, is damaged, or asks for code.
    """
    try:
        return RestrictedUnpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except OSError as error:
        raise unreadable(path, error) from error
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise DataError(f"{path} was refused: {error}. Fix: {renewed(path)}.") from error


def cora(row_normalize: bool = True) -> Dataset:
    """Cora: 2,708 papers, 5,278 citations, 1,433 words, 7 subjects; 140 train, 500 validation, 1,000 test labels.

    Args:
        row_normalize: divide every paper's word indicators by their number, as usual for this set.
    """
    from erlangen.graphs import Graph, Graphs

    files = {name.removeprefix("planetoid/ind.cora."): fetch(name) for name in CORA_FILES}
    read = {part: read_pickle(file.path) for part, file in files.items() if part != "test.index"}
    test = np.array(files["test.index"].path.read_text().split(), dtype=np.int64)
    known = len(read["ally"])
    x = np.zeros((len(read["graph"]), read["allx"].dense().shape[1]), np.float32)
    y = np.zeros(len(x), np.int64)
    x[:known], x[test] = read["allx"].dense(), read["tx"].dense()
    y[:known], y[test] = read["ally"].argmax(1), read["ty"].argmax(1)
    if row_normalize:
        x /= np.maximum(x.sum(1, keepdims=True), 1)
    edges = citation_edges(read["graph"])
    graph = Graph.from_edges(torch.from_numpy(edges), len(x), symmetric=True)
    signal = Signal(torch.from_numpy(x), graph)
    rows = np.arange(len(x))
    masks = rows < _TRAIN, (rows >= _TRAIN) & (rows < _TRAIN + _VALIDATION), np.isin(rows, test)
    train, validation, tested = (NodeSplit(signal, torch.from_numpy(np.where(mask, y, -1))) for mask in masks)
    space = Graphs(nodes=len(x), edges=edges.shape[1])
    provenance = {"files": list(files.values())}
    return Dataset("cora", space, x.shape[1], Segment(_CLASSES), train, validation, tested, provenance)


def citation_edges(neighbours: dict[int, list[int]]) -> NDArray[np.int64]:
    """Neighbour lists as [2, E]: both directions of every edge once, no self-loops, sorted."""
    pairs = np.array([(i, j) for i, row in neighbours.items() for j in row if i != j], dtype=np.int64).reshape(-1, 2)
    return np.ascontiguousarray(np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0).T)
