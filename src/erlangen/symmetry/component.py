"""The atoms of representations: one named block of matrices."""

from functools import cached_property

import numpy as np

from erlangen.errors import FieldError
from erlangen.symmetry.group import Group

TOLERANCE = 1e-9  # matrices are built in float64 from closed forms; entries this close to 0 or ±1 are exact


class Component:
    """One named representation, as matrices: the atom of a direct sum.

    Args:
        group: the group represented.
        name: its name in the string form, such as "regular" or "irrep(1)".
        matrices: [|G|, size, size] float64, ρ(g) for every element; None for the trivial
            component of an implicit group.

    Law: ρ(gh) = ρ(g) ρ(h).
    """

    def __init__(self, group: Group, name: str, matrices: np.ndarray | None) -> None:
        self.group, self.name, self.matrices = group, name, matrices
        self.size = 1 if matrices is None else matrices.shape[1]

    def table(self) -> np.ndarray:
        """ρ(g) for every element, [|G|, size, size].

        Raises:
            FieldError: the group is implicit, so there is no such table.
        """
        if self.matrices is None:
            raise FieldError(f"{self} of the implicit group {self.group} has no matrices")
        return self.matrices

    @cached_property
    def monomial(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(image, sign), both [|G|, size], with ρ(g) e_j = sign[g, j] e_image[g, j]; None if ρ is not of that form."""
        if self.matrices is None:
            return None
        magnitude = np.abs(self.matrices)
        image = magnitude.argmax(axis=1)
        one_hot = np.zeros_like(magnitude)
        np.put_along_axis(one_hot, image[:, None, :], 1.0, axis=1)
        if np.abs(magnitude - one_hot).max(initial=0.0) > TOLERANCE:
            return None
        sign = np.take_along_axis(self.matrices, image[:, None, :], axis=1)[:, 0, :]
        return image, np.round(sign).astype(np.int64)

    @cached_property
    def is_permutation(self) -> bool:
        """Whether every ρ(g) permutes the channels, so that pointwise nonlinearities commute with it."""
        if self.matrices is None:
            return True
        return self.monomial is not None and bool((self.monomial[1] == 1).all())

    @cached_property
    def is_trivial(self) -> bool:
        """Whether ρ(g) = 1 for every g."""
        return self.matrices is None or bool(np.allclose(self.matrices, np.eye(self.size), atol=TOLERANCE))

    @cached_property
    def character(self) -> np.ndarray:
        """χ(g) = trace ρ(g), [|G|]."""
        return np.trace(self.table(), axis1=1, axis2=2)

    @cached_property
    def blocks(self) -> tuple["Component", ...]:
        """The smallest diagonal blocks that all ρ(g) share, in order of their channels; often the component itself."""
        if self.matrices is None:
            return (self,)
        mixes: np.ndarray = np.abs(self.matrices).max(axis=0) > TOLERANCE
        cuts = [i for i in range(1, self.size) if not (mixes[:i, i:].any() or mixes[i:, :i].any())]
        if not cuts:
            return (self,)
        bounds = zip([0, *cuts], [*cuts, self.size], strict=True)
        return tuple(Component(self.group, self.name, self.matrices[:, a:b, a:b]) for a, b in bounds)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Component) or self.group != other.group or self.size != other.size:
            return False
        if self.matrices is None or other.matrices is None:
            return self.matrices is other.matrices
        return bool(np.allclose(self.matrices, other.matrices, atol=TOLERANCE))

    def __hash__(self) -> int:
        return hash((self.group, self.size))

    def __repr__(self) -> str:
        return self.name
