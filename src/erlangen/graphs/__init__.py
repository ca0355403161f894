"""Graphs and sets, under permutations of their nodes."""

from erlangen.graphs import tree  # registers Graph with torch.export
from erlangen.graphs.batch import batch_graphs, batch_signals, split_signal
from erlangen.graphs.convolution import GraphConvolution
from erlangen.graphs.graph import Graph
from erlangen.graphs.interop import from_networkx, from_pyg, from_scipy, to_networkx, to_pyg, to_scipy
from erlangen.graphs.message import GraphIsomorphism, MessagePassing
from erlangen.graphs.nodewise import NodeLinear, SetLinear
from erlangen.graphs.nonlinearity import NodeActivation
from erlangen.graphs.norm import NodeNorm
from erlangen.graphs.pattern import Pattern
from erlangen.graphs.propagation import Propagation, propagation
from erlangen.graphs.readout import GraphReadout, NodeReadout
from erlangen.graphs.space import Graphs
from erlangen.graphs.spmm import sddmm, spmm

__all__ = [
    "Graph",
    "GraphConvolution",
    "GraphIsomorphism",
    "GraphReadout",
    "Graphs",
    "MessagePassing",
    "NodeActivation",
    "NodeLinear",
    "NodeNorm",
    "NodeReadout",
    "Pattern",
    "Propagation",
    "SetLinear",
    "batch_graphs",
    "batch_signals",
    "from_networkx",
    "from_pyg",
    "from_scipy",
    "propagation",
    "sddmm",
    "split_signal",
    "spmm",
    "to_networkx",
    "to_pyg",
    "to_scipy",
    "tree",
]
