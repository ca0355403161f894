"""Hexagonal grids, whose cells are mapped to cells by rotations by 60° and by mirrors."""

from erlangen.grids.hexagon.coarsen import HexPool, HexUpsample
from erlangen.grids.hexagon.linear import HexConv
from erlangen.grids.hexagon.norm import HexBatchNorm
from erlangen.grids.hexagon.picture import paint, plot
from erlangen.grids.hexagon.resample import to_hexagon, to_square, turn_cells
from erlangen.grids.hexagon.space import HexGrid

__all__ = [
    "HexBatchNorm",
    "HexConv",
    "HexGrid",
    "HexPool",
    "HexUpsample",
    "paint",
    "plot",
    "to_hexagon",
    "to_square",
    "turn_cells",
]
