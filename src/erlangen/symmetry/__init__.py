"""What a group is, and how it acts on channels."""

from erlangen.symmetry.component import Component, Indexed, Tabulated
from erlangen.symmetry.finite import FiniteGroup, Subgroup
from erlangen.symmetry.group import Group
from erlangen.symmetry.implicit import ImplicitGroup, Permutations, Translations
from erlangen.symmetry.matrix import MatrixGroup
from erlangen.symmetry.names import group
from erlangen.symmetry.permutation import PermutationGroup
from erlangen.symmetry.planar import Z2, C, D
from erlangen.symmetry.products import direct_product
from erlangen.symmetry.representation import Representation

__all__ = [
    "Z2",
    "C",
    "Component",
    "D",
    "FiniteGroup",
    "Group",
    "ImplicitGroup",
    "Indexed",
    "MatrixGroup",
    "PermutationGroup",
    "Permutations",
    "Representation",
    "Subgroup",
    "Tabulated",
    "Translations",
    "direct_product",
    "group",
]
