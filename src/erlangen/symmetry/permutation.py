"""Permutation groups known by their generators only, however large: order, membership and uniform elements.

A stabiliser chain G = G₀ > G₁ > … fixes one more point at every level; the order is the product of the orbit
lengths, and an element is a product of one coset representative a level.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch

from erlangen.errors import DomainError
from erlangen.symmetry.atoms import Trivial
from erlangen.symmetry.component import Component, SignedPermutation, signed_matrix
from erlangen.symmetry.group import Group
from erlangen.symmetry.representation import Representation


class PermutationGroup(Group):
    """The group that some permutations of 0 … n-1 generate; an element is an index array p, p[i] the place of i.

    Args:
        name: the name that prints.
        moves: generator name -> [n] integers.

    Law: (p q)[i] = p[q[i]].
    """

    def __init__(self, name: str, moves: Mapping[str, np.ndarray]) -> None:
        self.name, self._moves = name, dict(moves)
        self.degree = len(next(iter(self._moves.values())))

    @cached_property
    def order(self) -> int:  # type: ignore[override]
        """The number of elements, exactly."""
        return self.chain.order

    @cached_property
    def chain(self) -> "StabiliserChain":
        """The stabiliser chain, found when it is first needed."""
        return StabiliserChain(list(self._moves.values()))

    @property
    def identity(self) -> np.ndarray:
        """The index array 0 … n-1."""
        return np.arange(self.degree)

    def compose(self, g: np.ndarray, h: np.ndarray) -> np.ndarray:
        """First h, then g."""
        return g[h]

    def inverse(self, g: np.ndarray) -> np.ndarray:
        """The index array with g[g⁻¹[i]] = i."""
        return np.argsort(g)

    @property
    def generators(self) -> Mapping[str, np.ndarray]:
        """The named permutations."""
        return self._moves

    def sample(self, n: int, generator: torch.Generator | None = None) -> list[np.ndarray]:
        """Draw n elements uniformly."""
        return [self.chain.sample(generator) for _ in range(n)]

    def __contains__(self, g: Any) -> bool:
        return self.chain.contains(np.asarray(g))

    def label(self, g: np.ndarray) -> str:
        """One-line notation, cut after eight points."""
        return "(" + " ".join(str(int(i)) for i in g[:8]) + (" …" if len(g) > 8 else "") + ")"

    def describe(self) -> dict[str, Any]:
        """The generators."""
        return {"permutations": {n: m.tolist() for n, m in self._moves.items()}, "name": self.name}

    @property
    def representations(self) -> tuple[str, ...]:
        """trivial, standard."""
        return ("trivial", "standard")

    @cached_property
    def trivial(self) -> Representation:
        """ρ(g) = 1."""
        return Representation(self, ((1, Trivial(self)),))

    @cached_property
    def standard(self) -> Representation:
        """The permutation of n channels, ρ(g) e_i = e_g[i]."""
        return Representation(self, ((1, Points(self)),))

    def __eq__(self, other: object) -> bool:
        if (
            not isinstance(other, PermutationGroup)
            or self.name != other.name
            or self._moves.keys() != other._moves.keys()
        ):
            return False
        return all(np.array_equal(m, other._moves[n]) for n, m in self._moves.items())

    def __hash__(self) -> int:
        return hash((self.name, self.degree))


class Points(Component):
    """The channels are the points that a permutation group permutes."""

    def __init__(self, group: PermutationGroup) -> None:
        super().__init__(group, "standard", group.degree)

    def signed(self, g: np.ndarray) -> SignedPermutation:
        """The permutation itself."""
        return np.asarray(g), np.ones(self.size, np.int64)

    def on(self, g: np.ndarray) -> np.ndarray:
        """Its matrix."""
        return signed_matrix(self.signed(g))


class StabiliserChain:
    """A base and strong generating set, by Schreier's lemma.

    Args:
        generators: permutations [n] of one degree.

    Source: C. Sims, Computational methods in the study of permutation groups, 1970; D. Holt, B. Eick, E. O'Brien,
        Handbook of Computational Group Theory, 2005, section 4.4.
    """

    def __init__(self, generators: Sequence[np.ndarray]) -> None:
        self.levels: list[_Level] = []
        for g in generators:
            self._add(np.asarray(g), 0)

    @property
    def order(self) -> int:
        """The order of the group: the product of the orbit lengths."""
        total = 1
        for level in self.levels:
            total *= len(level.orbit)
        return total

    def contains(self, g: np.ndarray) -> bool:
        """Whether a permutation is a product of the generators."""
        rest, _ = self._sift(g, 0)
        return bool((rest == np.arange(len(rest))).all())

    def sample(self, generator: torch.Generator | None = None) -> np.ndarray:
        """One uniform element: a random coset representative of every level."""
        g: np.ndarray | None = None
        for level in self.levels:
            i = int(torch.randint(len(level.orbit), (1,), generator=generator))
            u = level.transversal[level.orbit[i]]
            g = u if g is None else g[u]
        if g is None:
            raise DomainError("the trivial permutation group has no points to move")
        return g

    def _sift(self, g: np.ndarray, start: int) -> tuple[np.ndarray, int]:
        for depth in range(start, len(self.levels)):
            level = self.levels[depth]
            image = int(g[level.point])
            if image not in level.transversal:
                return g, depth
            g = level.inverses[image][g]
        return g, len(self.levels)

    def _add(self, g: np.ndarray, start: int) -> None:
        """Take one more generator of the stabiliser at a level into account (those of deeper levels follow)."""
        rest, depth = self._sift(g, start)
        moved = np.flatnonzero(rest != np.arange(len(rest)))
        if not len(moved):
            return
        if depth == len(self.levels):
            self.levels.append(_Level(int(moved[0]), len(rest)))
        for k in range(depth, start - 1, -1):
            self._extend(k, rest)

    def _extend(self, depth: int, g: np.ndarray) -> None:
        level = self.levels[depth]
        level.generators.append(g)
        before = len(level.orbit)
        level.grow()
        for i, point in enumerate(list(level.orbit)):  # Schreier generators not seen before
            u = level.transversal[point]
            for s in [g] if i < before else level.generators:
                product = s[u]
                schreier = level.inverses[int(product[level.point])][product]
                self._add(schreier, depth + 1)


class _Level:
    """One level of a stabiliser chain: a point, its orbit, and an element that reaches each place."""

    def __init__(self, point: int, degree: int) -> None:
        self.point, self.orbit = point, [point]
        self.generators: list[np.ndarray] = []
        self.transversal: dict[int, np.ndarray] = {point: np.arange(degree)}
        self.inverses: dict[int, np.ndarray] = {point: np.arange(degree)}

    def grow(self) -> None:
        """Close the orbit under the generators."""
        i = 0
        while i < len(self.orbit):
            for s in self.generators:
                place = int(s[self.orbit[i]])
                if place not in self.transversal:
                    u = s[self.transversal[self.orbit[i]]]
                    self.orbit.append(place)
                    self.transversal[place], self.inverses[place] = u, np.argsort(u)
            i += 1


def parse_cycles(generators: "Mapping[str, str | Sequence[int]]") -> dict[str, np.ndarray]:
    """Permutations of one degree from cycles or from lists of places.

    Raises:
        DomainError: no generators, a list that is no permutation, or cycles that name a point twice.
    """
    if not generators:
        raise DomainError("a permutation group needs at least one generator, such as {'r': '(0 1 2 3)'}")
    points: dict[str, dict[int, int]] = {}
    for name, spec in generators.items():
        points[name] = _cycles(name, spec) if isinstance(spec, str) else dict(enumerate(int(i) for i in spec))
    degree = max((max(p) for p in points.values() if p), default=0) + 1
    moves = {}
    for name, moved in points.items():
        move = np.arange(degree)
        for i, j in moved.items():
            if not 0 <= j < degree:
                raise DomainError(f"generator {name} sends {i} to {j}, outside 0 … {degree - 1}")
            move[i] = j
        if len(set(move.tolist())) != degree:
            raise DomainError(f"generator {name} is no permutation of 0 … {degree - 1}: {move.tolist()}")
        moves[name] = move
    return moves


def _cycles(name: str, text: str) -> dict[int, int]:
    moved: dict[int, int] = {}
    body = text.strip()
    if body not in ("", "e", "()") and not (body.startswith("(") and body.endswith(")")):
        raise DomainError(f"generator {name}: cannot read {text!r}; write cycles as '(0 1 2)(3 4)'")
    for part in body.strip("e()").replace(")(", ") (").split(") ("):
        letters = part.replace(",", " ").split()
        if any(not letter.isdigit() for letter in letters):
            raise DomainError(f"generator {name}: cannot read {text!r}; write cycles as '(0 1 2)(3 4)'")
        cycle = [int(letter) for letter in letters]
        if len(set(cycle)) != len(cycle) or set(cycle) & set(moved):
            raise DomainError(f"generator {name}: {text!r} names a point twice; cycles must be disjoint")
        moved |= dict(zip(cycle, cycle[1:] + cycle[:1], strict=True))
    return moved
