"""Data sets with provenance: files are checked against hashes, splits have a recorded seed, fallbacks are announced."""

from erlangen.data.arrays import from_arrays
from erlangen.data.catalogue import FallbackWarning, get, info, list_datasets, load
from erlangen.data.dataset import Dataset
from erlangen.data.entries import CATALOGUE
from erlangen.data.entry import Entry
from erlangen.data.split import GraphSplit, NodeSplit, Split, TensorSplit
from erlangen.data.store import Unreachable

__all__ = [
    "CATALOGUE",
    "Dataset",
    "Entry",
    "FallbackWarning",
    "GraphSplit",
    "NodeSplit",
    "Split",
    "TensorSplit",
    "Unreachable",
    "from_arrays",
    "get",
    "info",
    "list_datasets",
    "load",
]
