"""Other ways to get a symmetry: augmentation, and averaging over the group (conjoining)."""

from erlangen.adapt.augment import Augmentation, augmentation, random_rotation
from erlangen.adapt.conjoin import Conjoin
from erlangen.adapt.elements import RandomElement

__all__ = ["Augmentation", "Conjoin", "RandomElement", "augmentation", "random_rotation"]
