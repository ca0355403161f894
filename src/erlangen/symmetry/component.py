"""The atoms of representations: one named block of matrices.

A component is known by its images on generators: ρ(h) for the discrete ones, dρ(A) for a basis of the Lie algebra.
Those determine it on the whole (connected) group, so equality, solving and plotting never need more.
"""

from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from erlangen.errors import FieldError
from erlangen.symmetry.group import Group

TOLERANCE = 1e-9  # matrices are built in float64 from closed forms; entries this close to 0 or ±1 are exact

SignedPermutation = tuple[np.ndarray, np.ndarray]  # (image, sign), both [size]: ρ(g) e_j = sign[j] e_image[j]


class Component:
    """One named representation ρ of a group, as matrices: the atom of a direct sum.

    Subclasses say what ρ(g) is (`on`), and for groups with a Lie algebra what dρ(A) is (`derivative`).

    Args:
        group: the group represented.
        name: its name in the string form, such as "regular" or "irrep(1)".
        size: dimension of the space it acts on.

    Law: ρ(gh) = ρ(g) ρ(h), dρ([A, B]) = [dρ(A), dρ(B)].
    """

    def __init__(self, group: Group, name: str, size: int) -> None:
        self.group, self.name, self.size = group, name, size

    def on(self, g: Any) -> np.ndarray:
        """ρ(g), [size, size] float64 (complex128 for a complex representation)."""
        raise FieldError(f"{self} of the implicit group {self.group} has no matrices")

    def derivative(self, a: str) -> np.ndarray:
        """dρ(A) = d/dt ρ(exp tA) at t = 0 for the element of the algebra with this name, [size, size]."""
        raise FieldError(f"{self} of {self.group} has no derivative along {a}")

    def signed(self, g: Any) -> SignedPermutation | None:
        """ρ(g) as a signed permutation, exactly; None if it is not one."""
        return as_signed(self.on(g))

    def trace(self, g: Any) -> complex:
        """χ(g) = trace ρ(g)."""
        return np.trace(self.on(g)).item()

    # what it is on generators

    @cached_property
    def generators(self) -> dict[str, np.ndarray]:
        """ρ(h) for every discrete generator of the group."""
        return {name: self.on(h) for name, h in self.group.generators.items()}

    @cached_property
    def derivatives(self) -> dict[str, np.ndarray]:
        """dρ(A) for every generator of the Lie algebra; empty for a finite group."""
        return {name: self.derivative(name) for name in self.group.algebra}

    @cached_property
    def signed_generators(self) -> dict[str, SignedPermutation] | None:
        """The discrete generators as signed permutations; None if some are not, or if a Lie algebra moves channels."""
        if any(np.abs(d).max(initial=0.0) > TOLERANCE for d in self.derivatives.values()):
            return None
        found: dict[str, SignedPermutation] = {}
        for name, h in self.group.generators.items():
            pair = self.signed(h)
            if pair is None:
                return None
            found[name] = pair
        return found

    @cached_property
    def is_monomial(self) -> bool:
        """Whether every ρ(g) is a signed permutation of the channels."""
        return self.signed_generators is not None

    @cached_property
    def is_permutation(self) -> bool:
        """Whether every ρ(g) permutes the channels, so that pointwise nonlinearities commute with it."""
        found = self.signed_generators
        return found is not None and all((sign == 1).all() for _, sign in found.values())

    @cached_property
    def is_trivial(self) -> bool:
        """Whether ρ(g) = 1 for every g."""
        found = self.signed_generators
        order = np.arange(self.size)
        return found is not None and all((i == order).all() and (s == 1).all() for i, s in found.values())

    @cached_property
    def is_orthogonal(self) -> bool:
        """Whether every ρ(g) is orthogonal (unitary, if complex), so that norms are invariant and ρ is its own dual."""
        if self.is_monomial:
            return True
        eye = np.eye(self.size)
        return all(np.allclose(m @ m.conj().T, eye, atol=TOLERANCE) for m in self.generators.values()) and all(
            np.allclose(d, -d.conj().T, atol=TOLERANCE) for d in self.derivatives.values()
        )

    @cached_property
    def is_complex(self) -> bool:
        """Whether some ρ(g) is complex, so that dimensions count over the complex numbers."""
        return any(np.iscomplexobj(m) for m in (*self.generators.values(), *self.derivatives.values()))

    # all elements of a finite group

    @cached_property
    def matrices(self) -> np.ndarray:
        """ρ(g) for every element of a finite group, [|G|, size, size] float64.

        Raises:
            FieldError: the group is not listed, so there is no such table.
        """
        return np.stack([self.on(g) for g in listed(self.group, self)])

    @cached_property
    def monomial(self) -> SignedPermutation | None:
        """(image, sign), both [|G|, size], with ρ(g) e_j = sign[g, j] e_image[g, j]; None if ρ is not of that form."""
        if not self.is_monomial:
            return None
        pairs = [self.signed(g) for g in listed(self.group, self)]
        return np.stack([p[0] for p in pairs if p]), np.stack([p[1] for p in pairs if p])

    @cached_property
    def character(self) -> np.ndarray:
        """χ(g) = trace ρ(g) for every element of a finite group, [|G|]."""
        if "matrices" in self.__dict__:
            return np.trace(self.matrices, axis1=1, axis2=2)
        return np.array([self.trace(g) for g in listed(self.group, self)]).real

    # structure

    @cached_property
    def blocks(self) -> tuple["Component", ...]:
        """The smallest diagonal blocks that all ρ(g) share, in order of their channels; often the component itself."""
        reach = np.zeros(self.size, np.int64)  # the last channel that channel j is mixed with
        if self.signed_generators is not None:
            for image, _ in self.signed_generators.values():
                reach = np.maximum(reach, np.maximum(image, np.argsort(image)))
        else:
            for m in (*self.generators.values(), *self.derivatives.values()):
                mixes = np.abs(m) > TOLERANCE
                last = np.where(mixes | mixes.T, np.arange(self.size), 0).max(axis=1)
                reach = np.maximum(reach, last)
        ends = np.flatnonzero(np.maximum.accumulate(reach) <= np.arange(self.size)) + 1
        if len(ends) < 2:
            return (self,)
        edges = [0, *map(int, ends)]
        return tuple(Block(self, a, b) for a, b in pairwise(edges))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Component) or self.size != other.size or self.group != other.group:
            return False
        if self.is_trivial or other.is_trivial:
            return self.is_trivial and other.is_trivial
        mine, theirs = self.signed_generators, other.signed_generators
        if (mine is None) != (theirs is None):
            return False
        if mine is not None and theirs is not None:
            return all(np.array_equal(x, y) for n in mine for x, y in zip(mine[n], theirs[n], strict=True))
        return all(
            np.allclose(a[n], b[n], atol=TOLERANCE)
            for a, b in ((self.generators, other.generators), (self.derivatives, other.derivatives))
            for n in a
        )

    def __hash__(self) -> int:
        return hash((self.group, self.size))

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle holds: what defines the component, not the tables found from it."""
        return {k: v for k, v in self.__dict__.items() if k not in _DERIVED}

    def __repr__(self) -> str:
        return self.name


_DERIVED = frozenset(name for name, value in vars(Component).items() if isinstance(value, cached_property))


class Block(Component):
    """Some neighbouring channels of a component that ρ(g) never mixes with the others.

    Args:
        whole: the component.
        start: first channel.
        stop: one after the last channel.
    """

    def __init__(self, whole: Component, start: int, stop: int) -> None:
        super().__init__(whole.group, whole.name, stop - start)
        self.whole, self.channels = whole, slice(start, stop)

    def on(self, g: Any) -> np.ndarray:
        """The diagonal block of ρ(g)."""
        return self.whole.on(g)[self.channels, self.channels]

    def derivative(self, a: str) -> np.ndarray:
        """The diagonal block of dρ(A)."""
        return self.whole.derivative(a)[self.channels, self.channels]

    def signed(self, g: Any) -> SignedPermutation | None:
        """The block of the signed permutation."""
        pair = self.whole.signed(g)
        return None if pair is None else (pair[0][self.channels] - self.channels.start, pair[1][self.channels])


def as_signed(matrices: np.ndarray) -> SignedPermutation | None:
    """(image, sign) of one matrix [n, n] or many [*, n, n], if all are signed permutations to rounding."""
    if np.iscomplexobj(matrices):
        return None
    magnitude = np.abs(matrices)
    image = magnitude.argmax(axis=-2)
    one_hot = np.zeros_like(magnitude)
    np.put_along_axis(one_hot, image[..., None, :], 1.0, axis=-2)
    if np.abs(magnitude - one_hot).max(initial=0.0) > TOLERANCE:
        return None
    sign = np.take_along_axis(matrices, image[..., None, :], axis=-2)[..., 0, :]
    return image, np.round(sign).astype(np.int64)


def signed_matrix(pair: SignedPermutation) -> np.ndarray:
    """The matrix of a signed permutation."""
    image, sign = pair
    matrix = np.zeros((len(image), len(image)))
    matrix[image, np.arange(len(image))] = sign
    return matrix


def listed(group: Group, what: object) -> range:
    """The elements of a finite group that holds its table."""
    elements = getattr(group, "elements", None)
    if elements is None:
        raise FieldError(f"{what} of {group}: the group is implicit, its elements are never enumerated")
    return elements
