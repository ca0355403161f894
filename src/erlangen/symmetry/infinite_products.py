"""Direct products in which a factor is infinite, or too large to list: pairs of elements, never enumerated.

Representations of the factors are pulled back: "first(standard)" forgets the second factor, "second(irrep(2))" the
first. Their tensor product "first(standard)*second(standard)" is the outer one.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch

from erlangen.symmetry.atoms import Trivial
from erlangen.symmetry.constructions import Homomorphism, Restricted
from erlangen.symmetry.group import Group
from erlangen.symmetry.representation import Representation

Pair = tuple[Any, Any]


class DirectProduct(Group):
    """The direct product G x H: pairs (g, h), multiplied one by one.

    Args:
        first: G.
        second: H.

    Law: (g, h)(g', h') = (gg', hh'); the Lie algebra is the direct sum.
    """

    def __init__(self, first: Group, second: Group) -> None:
        self.factors = first, second
        self.name = f"{first}x{second}"
        compact = (first.is_compact, second.is_compact)
        self.is_compact = False if False in compact else None if None in compact else True
        orders = first.order, second.order
        self.order = None if None in orders else orders[0] * orders[1]  # type: ignore[operator]

    @property
    def identity(self) -> Pair:
        """(e, e)."""
        return self.factors[0].identity, self.factors[1].identity

    def compose(self, g: Pair, h: Pair) -> Pair:
        """(gg', hh')."""
        return self.factors[0].compose(g[0], h[0]), self.factors[1].compose(g[1], h[1])

    def inverse(self, g: Pair) -> Pair:
        """(g⁻¹, h⁻¹)."""
        return self.factors[0].inverse(g[0]), self.factors[1].inverse(g[1])

    @cached_property
    def generators(self) -> Mapping[str, Pair]:  # type: ignore[override]
        """Those of both factors; a name of H that G has too gets a prime."""
        first, second = self.factors
        mine = {name: (g, second.identity) for name, g in first.generators.items()}
        return mine | {self._primes[name]: (first.identity, h) for name, h in second.generators.items()}

    @cached_property
    def algebra(self) -> Mapping[str, np.ndarray]:  # type: ignore[override]
        """Those of both factors, each as a matrix of its own factor; a name of H that G has too gets a prime."""
        return {**self.factors[0].algebra, **{self._primes[name]: a for name, a in self.factors[1].algebra.items()}}

    @cached_property
    def _primes(self) -> dict[str, str]:
        """The names in this product of the generators of H."""
        taken = {*self.factors[0].generators, *self.factors[0].algebra}
        found = {}
        for name in (*self.factors[1].generators, *self.factors[1].algebra):
            fresh = name
            while fresh in taken:
                fresh += "'"
            taken.add(fresh)
            found[name] = fresh
        return found

    def sample(self, n: int, generator: torch.Generator | None = None) -> list[Pair]:
        """Draw n pairs, each entry as its factor draws it."""
        return list(zip(self.factors[0].sample(n, generator), self.factors[1].sample(n, generator), strict=True))

    def words(self, n: int, generator: torch.Generator | None = None, length: int = 24) -> list[Pair]:
        """Pairs of words of the factors."""
        return list(zip(self.factors[0].words(n, generator), self.factors[1].words(n, generator), strict=True))

    def label(self, g: Pair) -> str:
        """(g,h)."""
        return f"({self.factors[0].label(g[0])},{self.factors[1].label(g[1])})"

    def describe(self) -> str | dict[str, Any]:
        """Its name, or the descriptions of its factors."""
        parts = [factor.describe() for factor in self.factors]
        plain = all(isinstance(part, str) for part in parts) and not isinstance(self.factors[1], DirectProduct)
        return self.name if plain else {"product": parts}

    @property
    def representations(self) -> tuple[str, ...]:
        """Names that `representation` reads; in the brackets stands any representation of the factor."""
        return "trivial", "first(standard)", "second(standard)", "first(…)", "second(…)"

    @cached_property
    def trivial(self) -> Representation:  # type: ignore[override]
        """ρ(g, h) = 1."""
        return Representation(self, ((1, Trivial(self)),))

    def first(self, spec: str | int | Representation) -> Representation:
        """ρ(g, h) = ρ(g), for a representation of G or its string form."""
        return self._pull(0, spec)

    def second(self, spec: str | int | Representation) -> Representation:
        """ρ(g, h) = ρ(h), for a representation of H or its string form."""
        return self._pull(1, spec)

    def _pull(self, place: int, spec: str | int | Representation) -> Representation:
        factor = self.factors[place]
        rep = factor.representation(spec)
        names = {(self._primes[n] if place else n): n for n in factor.algebra}
        onto = Projection(place, names)
        terms = []
        for multiplicity, component in rep.terms:
            one = Representation(factor, ((1, component),))
            name = f"{('first', 'second')[place]}({component})"
            terms.append((multiplicity, Restricted(self, name, one, onto)))
        return Representation(self, tuple(terms))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DirectProduct) and self.factors == other.factors

    def __hash__(self) -> int:
        return hash(self.factors)


class Projection(Homomorphism):
    """(g, h) → g or (g, h) → h.

    Args:
        place: 0 or 1.
        names: name of a generator of the product's Lie algebra -> its name in the factor.
    """

    def __init__(self, place: int, names: dict[str, str]) -> None:
        self.place, self.names = place, names

    def element(self, h: Pair) -> Any:
        """One entry."""
        return h[self.place]

    def algebra(self, a: str) -> dict[str, float]:
        """The generator of the factor, or nothing for one of the other factor."""
        return {self.names[a]: 1.0} if a in self.names else {}
