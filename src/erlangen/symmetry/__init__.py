"""What a group is, and how it acts on channels."""

from erlangen.symmetry.finite import C, D, FiniteGroup, Subgroup, Z2, direct_product
from erlangen.symmetry.group import Group
from erlangen.symmetry.implicit import ImplicitGroup, Permutations, Translations
from erlangen.symmetry.names import group
from erlangen.symmetry.representation import Component, Representation

__all__ = [
    "C",
    "Component",
    "D",
    "FiniteGroup",
    "Group",
    "ImplicitGroup",
    "Permutations",
    "Representation",
    "Subgroup",
    "Translations",
    "Z2",
    "direct_product",
    "group",
]
