"""Images, volumes and lines: regular grids with shifts and the exact point groups."""

from erlangen.grids.coarsen import Pool, Upsample
from erlangen.grids.colour import IlluminationNorm, colour_field, hue_matrix, hue_turn, lighting
from erlangen.grids.depthwise import DepthwiseConv
from erlangen.grids.fourier_nonlinearity import FourierNonlinearity
from erlangen.grids.groups import point_matrices
from erlangen.grids.hexagon import HexBatchNorm, HexConv, HexGrid, HexPool, HexUpsample, to_hexagon, to_square
from erlangen.grids.linear import Conv
from erlangen.grids.mixing import Mixing
from erlangen.grids.nonlinearity import Nonlinearity, Pointwise
from erlangen.grids.norm import BatchNorm, LayerNorm
from erlangen.grids.polyphase import PolyphasePool, PolyphaseUpsample
from erlangen.grids.readout import DenseReadout, Flatten, InvariantReadout
from erlangen.grids.residual import Residual
from erlangen.grids.restriction import Restrict, Restricted
from erlangen.grids.rotation import rotate
from erlangen.grids.scale import ScaleGrid
from erlangen.grids.scale_law import scale_error, zoom_out, zooming
from erlangen.grids.scale_linear import ScaleConv, ScaleLift
from erlangen.grids.scale_pool import PoolEveryScale, ScalePool
from erlangen.grids.separable import separable_block
from erlangen.grids.space import Grid
from erlangen.grids.spectral import SpectralConv
from erlangen.grids.strand import Strand
from erlangen.grids.wide_resnet import wide_resnet

__all__ = [
    "BatchNorm",
    "Conv",
    "DenseReadout",
    "DepthwiseConv",
    "Flatten",
    "FourierNonlinearity",
    "Grid",
    "HexBatchNorm",
    "HexConv",
    "HexGrid",
    "HexPool",
    "HexUpsample",
    "IlluminationNorm",
    "InvariantReadout",
    "LayerNorm",
    "Mixing",
    "Nonlinearity",
    "Pointwise",
    "PolyphasePool",
    "PolyphaseUpsample",
    "Pool",
    "PoolEveryScale",
    "Residual",
    "Restrict",
    "Restricted",
    "ScaleConv",
    "ScaleGrid",
    "ScaleLift",
    "ScalePool",
    "SpectralConv",
    "Strand",
    "Upsample",
    "colour_field",
    "hue_matrix",
    "hue_turn",
    "lighting",
    "point_matrices",
    "rotate",
    "scale_error",
    "separable_block",
    "to_hexagon",
    "to_square",
    "wide_resnet",
    "zoom_out",
    "zooming",
]
