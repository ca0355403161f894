"""What a group is, and how it acts on channels."""

from erlangen.symmetry.atoms import Indexed, Tabulated
from erlangen.symmetry.characters import CharacterTable
from erlangen.symmetry.classical import GL, SL, SO, SU, Classical, O, Scaling, Sp, U
from erlangen.symmetry.clebsch_gordan import clebsch_gordan
from erlangen.symmetry.component import Component
from erlangen.symmetry.euclidean import SE, E
from erlangen.symmetry.finite import FiniteGroup, Subgroup
from erlangen.symmetry.fourier import GroupFourier
from erlangen.symmetry.group import Group
from erlangen.symmetry.harmonic import spherical_harmonics
from erlangen.symmetry.implicit import ImplicitGroup, Permutations, Translations
from erlangen.symmetry.induction import induce
from erlangen.symmetry.infinite_products import DirectProduct
from erlangen.symmetry.isotypic import Isotypic, isotypic
from erlangen.symmetry.matrix import MatrixGroup
from erlangen.symmetry.names import group
from erlangen.symmetry.permutation import PermutationGroup
from erlangen.symmetry.planar import Z2, C, D
from erlangen.symmetry.polyhedral import I, Ih, Oh, T, cube_faces
from erlangen.symmetry.products import direct_product
from erlangen.symmetry.quaternion import Q
from erlangen.symmetry.representation import Representation
from erlangen.symmetry.rubik import rubiks_cube
from erlangen.symmetry.semidirect import semidirect_product, wreath_product
from erlangen.symmetry.symmetric import A, S
from erlangen.symmetry.wigner import wigner

__all__ = [
    "GL",
    "SE",
    "SL",
    "SO",
    "SU",
    "Z2",
    "A",
    "C",
    "CharacterTable",
    "Classical",
    "Component",
    "D",
    "DirectProduct",
    "E",
    "FiniteGroup",
    "Group",
    "GroupFourier",
    "I",
    "Ih",
    "ImplicitGroup",
    "Indexed",
    "Isotypic",
    "MatrixGroup",
    "O",
    "Oh",
    "PermutationGroup",
    "Permutations",
    "Q",
    "Representation",
    "S",
    "Scaling",
    "Sp",
    "Subgroup",
    "T",
    "Tabulated",
    "Translations",
    "U",
    "clebsch_gordan",
    "cube_faces",
    "direct_product",
    "group",
    "induce",
    "isotypic",
    "rubiks_cube",
    "semidirect_product",
    "spherical_harmonics",
    "wigner",
    "wreath_product",
]
