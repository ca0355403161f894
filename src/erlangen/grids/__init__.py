"""Images, volumes and lines: regular grids with shifts and the exact point groups."""

from erlangen.grids.coarsen import Pool, Upsample
from erlangen.grids.linear import Conv
from erlangen.grids.nonlinearity import Nonlinearity, Pointwise
from erlangen.grids.norm import BatchNorm, LayerNorm
from erlangen.grids.polyphase import PolyphasePool, PolyphaseUpsample
from erlangen.grids.readout import DenseReadout, Flatten, InvariantReadout
from erlangen.grids.restriction import Restrict, Restricted
from erlangen.grids.rotation import rotate
from erlangen.grids.space import Grid, point_matrices
from erlangen.grids.strand import Strand

__all__ = [
    "BatchNorm",
    "Conv",
    "DenseReadout",
    "Flatten",
    "Grid",
    "InvariantReadout",
    "LayerNorm",
    "Nonlinearity",
    "Pointwise",
    "PolyphasePool",
    "PolyphaseUpsample",
    "Pool",
    "Restrict",
    "Restricted",
    "Strand",
    "Upsample",
    "point_matrices",
    "rotate",
]
