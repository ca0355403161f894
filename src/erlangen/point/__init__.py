"""The domain of one point: vectors that carry any representation of any group, and the networks between them."""

from erlangen.point.architectures import EquivariantMLP
from erlangen.point.bilinear import EquivariantBilinear
from erlangen.point.factored import FactoredBilinear
from erlangen.point.linear import EquivariantLinear
from erlangen.point.nonlinearity import Gate, Nonlinearity, gated
from erlangen.point.norm import CopyNorm
from erlangen.point.quadratic import EquivariantQuadratic
from erlangen.point.readout import PointReadout
from erlangen.point.residual import GatedResidual
from erlangen.point.space import Point

__all__ = [
    "CopyNorm",
    "EquivariantBilinear",
    "EquivariantLinear",
    "EquivariantMLP",
    "EquivariantQuadratic",
    "FactoredBilinear",
    "Gate",
    "GatedResidual",
    "Nonlinearity",
    "Point",
    "PointReadout",
    "gated",
]
