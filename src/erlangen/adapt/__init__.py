"""Other ways to get a symmetry: augmentation, and networks made equivariant from outside."""

from erlangen.adapt.augment import Augmentation, augmentation, random_rotation
from erlangen.adapt.conjoin import Conjoin
from erlangen.adapt.declaration import symmetrized_from
from erlangen.adapt.elements import RandomElement
from erlangen.adapt.frames import DegenerateFrames
from erlangen.adapt.symmetrize import symmetrize
from erlangen.adapt.symmetrized import Symmetrized

__all__ = [
    "Augmentation",
    "Conjoin",
    "DegenerateFrames",
    "RandomElement",
    "Symmetrized",
    "augmentation",
    "random_rotation",
    "symmetrize",
    "symmetrized_from",
]
