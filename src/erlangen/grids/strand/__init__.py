"""Strands of DNA and RNA: shifts and the reverse complement."""

from erlangen.grids.strand.attention import StrandAttention
from erlangen.grids.strand.frames import FrameFeatures, Frames
from erlangen.grids.strand.group import RC, StrandGroup
from erlangen.grids.strand.letters import one_hot, partners, read_letters, reverse_complement
from erlangen.grids.strand.parity import ButterflyNonlinearity, ParityLinear
from erlangen.grids.strand.readout import ProfileReadout, VectorReadout
from erlangen.grids.strand.residual import Residual
from erlangen.grids.strand.space import Strand
from erlangen.grids.strand.state_space import GatedStateSpace, StateSpace
from erlangen.grids.strand.tokens import Kmers, TokenEmbedding

__all__ = [
    "RC",
    "ButterflyNonlinearity",
    "FrameFeatures",
    "Frames",
    "GatedStateSpace",
    "Kmers",
    "ParityLinear",
    "ProfileReadout",
    "Residual",
    "StateSpace",
    "Strand",
    "StrandAttention",
    "StrandGroup",
    "TokenEmbedding",
    "VectorReadout",
    "one_hot",
    "partners",
    "read_letters",
    "reverse_complement",
]
