"""What a group is, and how it acts on channels."""

from erlangen.symmetry.classical import GL, SL, SO, SU, Classical, O, Scaling, Sp, U
from erlangen.symmetry.clebsch_gordan import clebsch_gordan
from erlangen.symmetry.component import Component, Indexed, Tabulated
from erlangen.symmetry.euclidean import SE, E
from erlangen.symmetry.finite import FiniteGroup, Subgroup
from erlangen.symmetry.group import Group
from erlangen.symmetry.harmonic import spherical_harmonics
from erlangen.symmetry.implicit import ImplicitGroup, Permutations, Translations
from erlangen.symmetry.infinite_products import DirectProduct
from erlangen.symmetry.matrix import MatrixGroup
from erlangen.symmetry.names import group
from erlangen.symmetry.permutation import PermutationGroup
from erlangen.symmetry.planar import Z2, C, D
from erlangen.symmetry.products import direct_product
from erlangen.symmetry.representation import Representation
from erlangen.symmetry.wigner import wigner

__all__ = [
    "GL",
    "SE",
    "SL",
    "SO",
    "SU",
    "Z2",
    "C",
    "Classical",
    "Component",
    "D",
    "DirectProduct",
    "E",
    "FiniteGroup",
    "Group",
    "ImplicitGroup",
    "Indexed",
    "MatrixGroup",
    "O",
    "PermutationGroup",
    "Permutations",
    "Representation",
    "Scaling",
    "Sp",
    "Subgroup",
    "Tabulated",
    "Translations",
    "U",
    "clebsch_gordan",
    "direct_product",
    "group",
    "spherical_harmonics",
    "wigner",
]
