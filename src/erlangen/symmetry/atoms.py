"""The components that are written down: the trivial one, tables of matrices, tables of signed permutations."""

from functools import cached_property
from typing import Any

import numpy as np

from erlangen.symmetry.component import Component, SignedPermutation, as_signed, signed_matrix
from erlangen.symmetry.group import Group


class Trivial(Component):
    """ρ(g) = 1, for any group."""

    def __init__(self, group: Group) -> None:
        super().__init__(group, "trivial", 1)

    def on(self, g: Any) -> np.ndarray:
        """[[1.0]]."""
        return np.ones((1, 1))

    def derivative(self, a: str) -> np.ndarray:
        """[[0.0]]."""
        return np.zeros((1, 1))

    @cached_property
    def signed_generators(self) -> dict[str, SignedPermutation]:
        """Nothing moves, even where the generators of the group have no fixed size."""
        return {}


class Tabulated(Component):
    """A component of a finite group by the matrices of all its elements.

    Args:
        group: the finite group.
        name: its name.
        matrices: [|G|, size, size] float64.
    """

    def __init__(self, group: Group, name: str, matrices: np.ndarray) -> None:
        super().__init__(group, name, matrices.shape[1])
        self.__dict__["matrices"] = self._table = matrices

    def on(self, g: int) -> np.ndarray:
        """Looked up."""
        return self._table[g]

    @cached_property
    def monomial(self) -> SignedPermutation | None:
        """(image, sign) of all elements at once."""
        return as_signed(self._table) if self.is_monomial else None

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, matrices=state["_table"])


class Indexed(Component):
    """A component of a finite group that permutes the channels up to sign, by indices instead of matrices.

    Args:
        group: the finite group.
        name: its name.
        image: [|G|, size] integers, ρ(g) e_j = sign[g, j] e_image[g, j].
        sign: [|G|, size] in {-1, 1}; None for all ones.
    """

    def __init__(self, group: Group, name: str, image: np.ndarray, sign: np.ndarray | None = None) -> None:
        super().__init__(group, name, image.shape[1])
        self._image = image
        self._sign = np.ones((1, 1), np.int64) if sign is None else sign

    def signed(self, g: int) -> SignedPermutation:
        """Looked up."""
        image, sign = self.monomial
        return image[g], sign[g]

    def on(self, g: int) -> np.ndarray:
        """The signed permutation matrix."""
        return signed_matrix(self.signed(g))

    @cached_property
    def monomial(self) -> SignedPermutation:
        """(image, sign) of all elements."""
        return self._image, np.broadcast_to(self._sign, self._image.shape)

    @cached_property
    def character(self) -> np.ndarray:
        """The signed number of fixed channels of every element."""
        image, sign = self.monomial
        return (sign * (image == np.arange(self.size))).sum(axis=1).astype(float)
