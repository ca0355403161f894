"""Other ways to get a symmetry: augmentation."""

from erlangen.adapt.augment import Augmentation, augmentation, random_rotation

__all__ = ["Augmentation", "augmentation", "random_rotation"]
