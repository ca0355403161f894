"""Data sets with provenance: files are checked against hashes, splits have a recorded seed, fallbacks are announced."""

from erlangen.data.arrays import from_arrays
from erlangen.data.bed import Interval, read_bed
from erlangen.data.catalogue import FallbackWarning, get, info, list_datasets, load
from erlangen.data.dataset import Dataset
from erlangen.data.entries import CATALOGUE
from erlangen.data.entry import Entry
from erlangen.data.fasta import Genome, Record, read_fasta
from erlangen.data.nifti import read_nifti, write_nifti
from erlangen.data.ragged import RaggedSplit
from erlangen.data.resample import isotropic
from erlangen.data.scans import from_scans
from erlangen.data.split import GraphSplit, NodeSplit, Split, TensorSplit
from erlangen.data.store import Unreachable
from erlangen.data.volume import Volume
from erlangen.data.windows import WindowSplit, from_bed

__all__ = [
    "CATALOGUE",
    "Dataset",
    "Entry",
    "FallbackWarning",
    "Genome",
    "GraphSplit",
    "Interval",
    "NodeSplit",
    "RaggedSplit",
    "Record",
    "Split",
    "TensorSplit",
    "Unreachable",
    "Volume",
    "WindowSplit",
    "from_arrays",
    "from_bed",
    "from_scans",
    "get",
    "info",
    "isotropic",
    "list_datasets",
    "load",
    "read_bed",
    "read_fasta",
    "read_nifti",
    "write_nifti",
]
