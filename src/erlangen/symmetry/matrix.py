"""Matrix groups: exponentials of a Lie algebra, and discrete elements besides.

Elements are float64 (or complex128) arrays [d, d]. A representation is known by dρ on the algebra generators and ρ on
the discrete ones, which determine all equivariant maps of the group they generate, compact or not.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch

from erlangen.errors import DomainError
from erlangen.symmetry.atoms import Trivial
from erlangen.symmetry.component import Component
from erlangen.symmetry.group import Group
from erlangen.symmetry.representation import Representation


class MatrixGroup(Group):
    """A group of d x d matrices from generators of its Lie algebra and discrete generators.

    Args:
        name: the name that prints.
        algebra: name -> [d, d]; exp(tA) lies in the group for every t.
        discrete: name -> [d, d] elements.
        compact: whether the group is compact, so that averages over it exist; None if not known.
        description: JSON-able words from which `erlangen.symmetry.group` makes an equal group; None for its name.

    Law: elements multiply as matrices; d/dt exp(tA) = A exp(tA).
    """

    order = None

    def __init__(
        self,
        name: str,
        algebra: Mapping[str, np.ndarray],
        discrete: Mapping[str, np.ndarray] | None = None,
        compact: bool | None = None,
        description: dict[str, Any] | None = None,
    ) -> None:
        self.name, self.is_compact, self._description = name, compact, description
        self._algebra, self._discrete = dict(algebra), dict(discrete or {})
        every = [*self._algebra.values(), *self._discrete.values()]
        if not every:
            raise DomainError(f"{name} needs at least one generator")
        self.degree = len(every[0])

    @property
    def identity(self) -> np.ndarray:
        """The unit matrix."""
        return np.eye(self.degree)

    @property
    def algebra(self) -> Mapping[str, np.ndarray]:
        """Named generators of the Lie algebra."""
        return self._algebra

    @property
    def generators(self) -> Mapping[str, np.ndarray]:
        """Named discrete generators."""
        return self._discrete

    def compose(self, g: np.ndarray, h: np.ndarray) -> np.ndarray:
        """The matrix product gh."""
        return g @ h

    def inverse(self, g: np.ndarray) -> np.ndarray:
        """The inverse matrix."""
        return np.linalg.inv(g)

    def sample(self, n: int, generator: torch.Generator | None = None) -> list[np.ndarray]:
        """Draw n elements: products of random exponentials and discrete elements.

        For a compact group they come close to the Haar measure, for others they are only generic. The classical
        groups override this by exact Haar sampling.
        """
        return self.words(n, generator, length=8)

    def words(self, n: int, generator: torch.Generator | None = None, length: int = 3) -> list[np.ndarray]:
        """Products of `length` exponentials of random combinations of the algebra, and of random discrete elements."""
        directions = [a for a in self._algebra.values()]
        letters = [self.identity, *self._discrete.values(), *(np.linalg.inv(m) for m in self._discrete.values())]
        scale = 1.0 if self.is_compact else 0.5  # boosts and shears grow exponentially, and rounding with them
        found = []
        for _ in range(n):
            g = self.identity
            for _ in range(length):
                if directions:
                    weights = scale * torch.randn(len(directions), generator=generator, dtype=torch.float64).numpy()
                    g = g @ exponential(np.tensordot(weights, np.stack(directions), axes=1))
                if len(letters) > 1:
                    g = g @ letters[int(torch.randint(len(letters), (1,), generator=generator))]
            found.append(g)
        return found

    def label(self, g: np.ndarray) -> str:
        """The matrix on one line, to two digits."""
        return "[" + "; ".join(" ".join(f"{v:.2g}" for v in row) for row in np.asarray(g)) + "]"

    def describe(self) -> "str | dict[str, Any]":
        """Its name, or the words it was made from."""
        return self._description or self.name

    @property
    def representations(self) -> tuple[str, ...]:
        """Names that `representation` reads."""
        return ("trivial", "standard")

    @cached_property
    def trivial(self) -> Representation:
        """ρ(g) = 1."""
        return Representation(self, ((1, Trivial(self)),))

    @cached_property
    def standard(self) -> Representation:
        """ρ(g) = g."""
        return Representation(self, ((1, Defining(self)),))

    def _from_images(self, images: Mapping[str, Any]) -> Representation:
        """dρ on the algebra and ρ on discrete generators, every relation checked."""
        from erlangen.symmetry.images import from_images

        return from_images(self, images)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MatrixGroup) or self.name != other.name:
            return False
        pairs = ((self._algebra, other._algebra), (self._discrete, other._discrete))
        return all(a.keys() == b.keys() and all(np.array_equal(a[n], b[n]) for n in a) for a, b in pairs)

    def __hash__(self) -> int:
        return hash((self.name, self.degree))


class Defining(Component):
    """The matrices of a matrix group themselves."""

    def __init__(self, group: MatrixGroup) -> None:
        super().__init__(group, "standard", group.degree)

    def on(self, g: np.ndarray) -> np.ndarray:
        """g."""
        return np.asarray(g)

    def derivative(self, a: str) -> np.ndarray:
        """A."""
        return self.group.algebra[a]


def exponential(a: np.ndarray) -> np.ndarray:
    """exp(A) of one matrix [d, d] or many [*, d, d], by Taylor's series of A/2ˢ squared s times, to rounding."""
    norm = np.abs(a).sum(axis=-1).max(initial=0.0)
    squarings = max(0, int(np.ceil(np.log2(norm))) + 1) if norm > 0 else 0
    small = a / 2.0**squarings
    term = total = np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    for k in range(1, 19):  # 0.5¹⁹/19! < 1e-22
        term = term @ small / k
        total = total + term
    for _ in range(squarings):
        total = total @ total
    return total


def from_lie_algebra(
    algebra: Mapping[str, Any],
    discrete: Mapping[str, Any],
    *,
    name: str | None = None,
    compact: bool | None = None,
) -> MatrixGroup:
    """The group generated by exponentials and discrete elements (see `Group.from_lie_algebra`)."""
    label = name or f"<{', '.join([*algebra, *discrete])}>"
    flow = {n: _square(label, n, a) for n, a in algebra.items()}
    jumps = {n: _square(label, n, m) for n, m in discrete.items()}
    shapes = {m.shape for m in (*flow.values(), *jumps.values())}
    if len(shapes) != 1:
        raise DomainError(f"{label} needs at least one generator, and all of one size; got {sorted(shapes)}")
    both = set(flow) & set(jumps)
    if both:
        raise DomainError(f"{label}: {', '.join(sorted(both))} names both an algebra and a discrete generator")
    for n, m in jumps.items():
        if np.linalg.matrix_rank(m) < len(m):
            raise DomainError(f"discrete generator {n} of {label} is not invertible, so it is no element of a group")
    if compact is None and all(np.allclose(a, -a.conj().T) for a in flow.values()):
        if all(np.allclose(m @ m.conj().T, np.eye(len(m))) for m in jumps.values()):
            compact = True  # a group of orthogonal (unitary) matrices: its closure is compact
    words = {
        "algebra": {n: a.tolist() for n, a in flow.items()},
        "discrete": {n: m.tolist() for n, m in jumps.items()},
        "name": label,
        "compact": compact,
    }
    return MatrixGroup(label, flow, jumps, compact, words)


def _square(group: str, name: str, matrix: Any) -> np.ndarray:
    array = np.asarray(matrix)
    array = array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not np.isfinite(array).all():
        raise DomainError(f"generator {name} of {group} must be a square matrix of finite numbers, got {array.shape}")
    return array
