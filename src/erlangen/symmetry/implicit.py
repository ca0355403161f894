"""Groups too large to enumerate: all permutations of n points, all shifts of a grid.

Elements are tensors; nothing is ever listed. Channels carry the trivial representation, the group moves the points.
"""

from collections.abc import Mapping, Sequence
from math import factorial

import torch
from torch import Tensor

from erlangen.errors import DomainError
from erlangen.symmetry.atoms import Trivial
from erlangen.symmetry.group import Group
from erlangen.symmetry.representation import Representation


class ImplicitGroup(Group):
    """A group whose elements are tensors and which acts on points, not on channels."""

    @property
    def trivial(self) -> Representation:
        """ρ(g) = 1: channels stay, points move."""
        return Representation(self, ((1, Trivial(self)),))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), self.name))


class Permutations(ImplicitGroup):
    """The symmetric group Σn; an element is an index tensor p with p[i] the place to which point i goes.

    Args:
        n: number of points; None where every input has its own (graphs, sets), then only `compose` and `inverse` work.

    Law: (p q)[i] = p[q[i]].
    """

    def __init__(self, n: int | None = None) -> None:
        if n is not None and n < 0:
            raise DomainError(f"Permutations(n) needs n >= 0, got {n}")
        self.n = n
        self.name = "Σn" if n is None else f"Σ{n}"
        self.order = None if n is None else factorial(n)

    @property
    def identity(self) -> Tensor:
        """The index tensor 0 … n-1."""
        return torch.arange(self._points())

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        """First h, then g."""
        return g[h]

    def inverse(self, g: Tensor) -> Tensor:
        """The index tensor with g[g⁻¹[i]] = i."""
        return torch.argsort(g)

    @property
    def generators(self) -> Mapping[str, Tensor]:
        """The transposition of the first two points and the cycle of all."""
        n = self._points()
        swap = torch.arange(n)
        if n > 1:
            swap[:2] = torch.tensor([1, 0])
        return {"swap": swap, "cycle": torch.arange(n).roll(-1)}

    def sample(self, n: int, generator: torch.Generator | None = None) -> list[Tensor]:
        """Draw n permutations uniformly."""
        return [torch.randperm(self._points(), generator=generator) for _ in range(n)]

    def label(self, g: Tensor) -> str:
        """One-line notation, cut after eight points."""
        return "(" + " ".join(str(int(i)) for i in g[:8]) + (" …" if len(g) > 8 else "") + ")"

    def _points(self) -> int:
        if self.n is None:
            raise DomainError("Σn has no fixed number of points here; use Permutations(n)")
        return self.n


class Translations(ImplicitGroup):
    """Shifts of a periodic grid by whole pixels; an element is a tuple of shifts (x, y, z).

    Args:
        shape: size of the grid along each axis, in tensor order (…, y, x).

    Law: (s t)_i = s_i + t_i mod n_i.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        if not shape or any(n < 1 for n in shape):
            raise DomainError(f"Translations(shape) needs positive sizes, got {tuple(shape)}")
        self.shape = tuple(shape)
        self.name = "x".join(f"Z/{n}" for n in reversed(self.shape))
        self.order = 1
        for n in self.shape:
            self.order *= n

    @property
    def identity(self) -> tuple[int, ...]:
        """No shift."""
        return (0,) * len(self.shape)

    def compose(self, g: Sequence[int], h: Sequence[int]) -> tuple[int, ...]:
        """The sum of the shifts, modulo the size."""
        return tuple((a + b) % n for a, b, n in zip(g, h, reversed(self.shape), strict=True))

    def inverse(self, g: Sequence[int]) -> tuple[int, ...]:
        """The opposite shift."""
        return tuple(-a % n for a, n in zip(g, reversed(self.shape), strict=True))

    @property
    def generators(self) -> Mapping[str, tuple[int, ...]]:
        """One pixel along each axis."""
        d = len(self.shape)
        return {f"shift-{'xyz'[i]}": tuple(int(i == j) for j in range(d)) for i in range(d)}

    def sample(self, n: int, generator: torch.Generator | None = None) -> list[tuple[int, ...]]:
        """Draw n shifts uniformly."""
        axes = [torch.randint(size, (n,), generator=generator).tolist() for size in reversed(self.shape)]
        return [tuple(shift) for shift in zip(*axes, strict=True)]
