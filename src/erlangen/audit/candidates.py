"""What `discover` looks for: generators of Lie algebras, and elements of the finite groups of a domain."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.algebra import Generator
from erlangen.audit.carry import UnknownAction
from erlangen.audit.flow import Flow, flows_of
from erlangen.audit.motifs import LETTERS
from erlangen.blueprint import Action, Field, Signal
from erlangen.errors import DomainError, ErlangenError
from erlangen.grids import Grid, HexGrid, Strand
from erlangen.grids.groups import GROUPS, matrix_of
from erlangen.point import Point
from erlangen.symmetry import FiniteGroup, Representation

LARGEST = 10  # dimension d of the vectors whose d² generators are looked at
HEXAGONAL = ("C1", "C2", "C3", "C6", "D1", "D2", "D3", "D6")
DRAWN = 8  # permutations that are tried of a group too large to list


@dataclass(frozen=True)
class Candidate:
    """A finite group, and the actions that stand for its elements.

    Args:
        name: such as "D4", "translation", "permutation" or "reverse complement".
        order: number of elements; None for a group of which elements were drawn.
        actions: the elements besides the identity; equal ones of two groups are the same object.
    """

    name: str
    order: int | None
    actions: tuple[Action, ...]


def vector_size(field: Field, vectors: int | None) -> int:
    """The dimension d of the vectors of which a signal on a point is made: declared, else that of the representation.

    Raises:
        DomainError: the channels are not copies of vectors of this dimension, or d is too large.
    """
    standard = [c.size for _, c in field.rep.terms if c.name == "standard"]
    d = vectors or (standard[0] if standard else field.size)
    if field.size % d:
        raise DomainError(f"{field.size} channels are no vectors of dimension {d}. Fix: another vectors=…")
    if d > LARGEST:
        raise DomainError(
            f"vectors of dimension {d} have {d * d} generators, more than {LARGEST}². Fix: vectors=3 if the {d} "
            f"channels are vectors of dimension 3 side by side."
        )
    return d


def generators_of(field: Field, signal: Any, vectors: int | None, moved: bool) -> list[Generator]:
    """The generators A_1 … A_p to combine: motions of the points of a grid, or all d × d matrices on vectors.

    Args:
        field: type of the input.
        signal: an input.
        vectors: dimension of the vectors on a point.
        moved: whether vectors in the output are expected to move as those of the input do; else they stay.
    """
    if isinstance(signal, Signal):
        return []
    if isinstance(field.space, Point):
        d = vector_size(field, vectors)
        return [_unit(d, i, j, moved) for i in range(d) for j in range(d)]
    wanted = ("translation", "rotation", "scale", "shear", "hyperbolic")
    return [_from_flow(flow, field) for flow in flows_of(field, signal) if flow.family in wanted]


def _unit(d: int, i: int, j: int, moved: bool) -> Generator:
    matrix = np.zeros((d, d))
    matrix[i, j] = 1.0

    def move(x: Tensor) -> Tensor:
        parts = x.unflatten(1, (-1, d))
        return torch.nn.functional.one_hot(torch.tensor(i), d).to(x) * parts[..., j, None]

    def flat(x: Tensor) -> Tensor:
        return move(x).flatten(1)

    def carry(x: Tensor, y: Tensor) -> Tensor:
        return flat(y) if moved else torch.zeros_like(y)

    name = f"E{i + 1}{j + 1}" if d < 10 else f"E{i + 1},{j + 1}"
    return Generator(name, flat, carry, matrix)


def _from_flow(flow: Flow, field: Field) -> Generator:
    rep = None if field.rep.is_trivial else field.rep
    return Generator(flow.name, lambda x: flow.tangent(x, rep), lambda x, y: flow.carry_tangent(x, y, None))


def candidates_of(field: Field, signal: Any, vectors: int | None, seed: int) -> list[Candidate]:
    """The finite groups of a domain, smallest first.

    On grids and hexagons: shifts by whole pixels and every point group; where channels carry a representation, its own
    group only. On letters: reversal, complement and both. On graphs: the order of nodes and of edges. On vectors:
    permutations and changes of sign of the vectors, and the elements of the declared group.
    """
    generator = torch.Generator().manual_seed(seed)
    space = field.space
    if isinstance(space, Strand) and field.size == LETTERS:
        return [*_strand(), *_drawn(field, signal, generator, ("translation",))]
    if isinstance(space, Grid):
        found = _drawn(field, signal, generator, ("translation",))
        plain = isinstance(space, Strand) or not field.rep.is_trivial
        return found + (_declared(field, signal, generator) if plain else _point_groups(space, signal))
    if isinstance(space, Point):
        return _on_vectors(field, vector_size(field, vectors), generator) + _declared(field, signal, generator)
    return _drawn(field, signal, generator, None)


def _declared(field: Field, signal: Any, generator: torch.Generator) -> list[Candidate]:
    if isinstance(field.group, FiniteGroup) and field.group.order == 1:
        return []
    actions = field.space.actions(field.group, signal, DRAWN, generator)
    own = tuple(a for a in actions if a.family == field.group.name and a.exact)
    order = field.group.order if isinstance(field.group, FiniteGroup) else None
    return [Candidate(field.group.name, order, own)] if own else []


def _drawn(field: Field, signal: Any, generator: torch.Generator, names: tuple[str, ...] | None) -> list[Candidate]:
    actions = field.space.actions(field.group, signal, DRAWN, generator)
    families = list(dict.fromkeys(a.family for a in actions if a.exact and (names is None or a.family in names)))
    return [Candidate(f, None, tuple(a for a in actions if a.family == f)) for f in families]


def _point_groups(space: Grid, signal: Tensor) -> list[Candidate]:
    """Every point group that the grid has; elements that are one motion in several groups are tried once."""
    known: dict[bytes, Action] = {}
    found = []
    for name in HEXAGONAL if isinstance(space, HexGrid) else GROUPS[space.d]:
        try:
            group = space.symmetries(name)
        except ErlangenError:
            continue
        if not isinstance(group, FiniteGroup) or group.order == 1:
            continue
        actions = [a for a in space.actions(group, signal, 0) if a.family == group.name and a.exact]
        if len(actions) < group.order - 1:
            continue  # the signal is not as long along axes that the group exchanges
        own = [known.setdefault(np.round(matrix_of(group, a.element, space.d), 6).tobytes(), a) for a in actions]
        found.append(Candidate(name, group.order, tuple(own)))
    return sorted(found, key=lambda c: c.order or 0)


def _strand() -> list[Candidate]:
    def action(name: str, dims: tuple[int, ...]) -> Candidate:
        def move(x: Tensor, rep: Representation | None) -> Tensor:
            if rep is None:  # a map in the output, whose channels nobody described
                return x.flip(2) if 2 in dims else x
            return x.flip(dims)

        return Candidate(name, 2, (Action(name, name, True, move, True, None, move),))

    return [action("reversal", (2,)), action("complement", (1,)), action("reverse complement", (1, 2))]


def _on_vectors(field: Field, d: int, generator: torch.Generator) -> list[Candidate]:
    """Changes of sign, and permutations of the vectors of one sample."""
    copies = field.size // d
    found = [Candidate("sign", 2, (_channels("−1", "sign", lambda x: -x),))]
    if copies > 1:
        swap = torch.arange(copies)
        swap[:2] = swap[:2].flip(0)
        orders = {"cycle": torch.arange(copies).roll(1), "swap": swap}
        orders |= {f"p{i}": torch.randperm(copies, generator=generator) for i in range(DRAWN)}
        for name, chosen in ((f"C({copies}) of the vectors", ["cycle"]), (f"S({copies}) of the vectors", list(orders))):
            moves = [_permuting(label, name, orders[label], d) for label in chosen]
            found.append(Candidate(name, copies if len(chosen) == 1 else None, tuple(moves)))
    return found


def _permuting(label: str, family: str, order: Tensor, d: int) -> Action:
    return _channels(label, family, lambda x: x.unflatten(1, (-1, d))[:, order].flatten(1))


def _channels(label: str, family: str, change: Callable[[Tensor], Tensor]) -> Action:
    """An action on vectors that leaves the output alone."""

    def move(x: Tensor, rep: Representation | None) -> Tensor:
        if rep is None:
            raise UnknownAction(f"{label} is known on the input only")
        return change(x)

    return Action(label, family, True, move, True)
