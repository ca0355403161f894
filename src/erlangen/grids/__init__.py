"""Images, volumes and lines: regular grids with shifts and the exact point groups."""

from erlangen.grids.coarsen import Pool, Upsample
from erlangen.grids.depthwise import DepthwiseConv
from erlangen.grids.fft import FFTConv
from erlangen.grids.linear import Conv
from erlangen.grids.mixing import Mixing
from erlangen.grids.nonlinearity import Nonlinearity, Pointwise
from erlangen.grids.norm import BatchNorm, LayerNorm
from erlangen.grids.polyphase import PolyphasePool, PolyphaseUpsample
from erlangen.grids.readout import DenseReadout, Flatten, InvariantReadout
from erlangen.grids.residual import Residual
from erlangen.grids.restriction import Restrict, Restricted
from erlangen.grids.rotation import rotate
from erlangen.grids.separable import separable_block
from erlangen.grids.space import Grid, point_matrices
from erlangen.grids.spectral import SpectralConv
from erlangen.grids.strand import Strand
from erlangen.grids.wide_resnet import wide_resnet

__all__ = [
    "BatchNorm",
    "Conv",
    "DenseReadout",
    "DepthwiseConv",
    "FFTConv",
    "Flatten",
    "Grid",
    "InvariantReadout",
    "LayerNorm",
    "Mixing",
    "Nonlinearity",
    "Pointwise",
    "PolyphasePool",
    "PolyphaseUpsample",
    "Pool",
    "Residual",
    "Restrict",
    "Restricted",
    "SpectralConv",
    "Strand",
    "Upsample",
    "point_matrices",
    "rotate",
    "separable_block",
    "wide_resnet",
]
