"""What `discover` looks for among finite groups: the elements of those that a domain has."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.carry import UnknownAction
from erlangen.audit.generators import is_letters, vector_size
from erlangen.blueprint import Action, Field
from erlangen.errors import ErlangenError
from erlangen.grids import Grid, HexGrid, Strand
from erlangen.grids.groups import GROUPS, matrix_of
from erlangen.point import Point
from erlangen.symmetry import FiniteGroup, Representation

HEXAGONAL = ("C1", "C2", "C3", "C6", "D1", "D2", "D3", "D6")
DRAWN = 8  # permutations that are tried of a group too large to list
Change = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Candidate:
    """A finite group, and the actions that stand for its elements.

    Args:
        name: such as "D4", "translation", "permutation" or "reverse complement".
        order: number of elements; None for a group of which elements were drawn.
        actions: the elements besides the identity; equal ones of two groups are the same object.
        outputs: how each element moves a vector that comes out; empty if outputs are moved as usual.
    """

    name: str
    order: int | None
    actions: tuple[Action, ...]
    outputs: tuple[Change, ...] = ()


def candidates_of(field: Field, signal: Any, vectors: int | None, seed: int, declared: bool = False) -> list[Candidate]:
    """The finite groups of a domain, smallest first.

    On grids and hexagons: shifts by whole pixels and every point group; where channels carry a representation, its own
    group only. On letters: reversal, complement and both. On graphs: the order of nodes and of edges. On vectors:
    changes of sign and permutations of the vectors, and the elements of the declared group.

    Args:
        field: type of the input.
        signal: an input.
        vectors: dimension of the vectors on a point.
        seed: of the elements that are drawn.
        declared: whether only the group of the field says how an output moves.
    """
    generator = torch.Generator().manual_seed(seed)
    space = field.space
    if isinstance(space, Grid):
        found = _drawn(field, signal, generator, ("translation",))
        if declared or not (field.rep.is_trivial or is_letters(field)):
            return found + _declared(field, signal, generator)
        if isinstance(space, Strand):
            return found + (_strand() if is_letters(field) else _declared(field, signal, generator))
        return found + _point_groups(space, signal)
    if isinstance(space, Point):
        return _on_vectors(field, vector_size(field, vectors), generator) + _declared(field, signal, generator)
    return _drawn(field, signal, generator, None)


def _declared(field: Field, signal: Any, generator: torch.Generator) -> list[Candidate]:
    if isinstance(field.group, FiniteGroup) and field.group.order == 1:
        return []
    actions = field.space.actions(field.group, signal, DRAWN, generator)
    own = tuple(a for a in actions if a.family == field.group.name and a.exact)
    listed = isinstance(field.group, FiniteGroup) and len(own) == field.group.order - 1
    return [Candidate(field.group.name, len(own) + 1 if listed else None, own)] if own else []


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
        own = [known.setdefault(_place(group, a.element, space.d), a) for a in actions]
        found.append(Candidate(name, group.order, tuple(own)))
    return sorted(found, key=lambda c: c.order or 0)


def _place(group: FiniteGroup, g: Any, d: int) -> bytes:
    """What tells two motions of the points apart."""
    return (np.round(matrix_of(group, g, d), 6) + 0.0).tobytes()


def _strand() -> list[Candidate]:
    def action(name: str, dims: tuple[int, ...]) -> Candidate:
        def move(x: Tensor, rep: Representation | None) -> Tensor:
            if rep is None:  # a map in the output, whose channels nobody described
                return x.flip(2) if 2 in dims else x
            return x.flip(dims)

        return Candidate(name, 2, (Action(name, name, True, move, True, None, move),))

    return [action("reversal", (2,)), action("complement", (1,)), action("reverse complement", (1, 2))]


def _on_vectors(field: Field, d: int, generator: torch.Generator) -> list[Candidate]:
    """Changes of sign, and permutations of the vectors of one sample; the output stays."""
    copies = field.size // d
    found = [Candidate("sign", 2, (_channels("−1", "sign", lambda x: -x),))]
    if copies > 1:
        swap = torch.arange(copies)
        swap[:2] = swap[:2].flip(0)
        orders = {"cycle": torch.arange(copies).roll(1), "swap": swap}
        orders |= {f"p{i}": torch.randperm(copies, generator=generator) for i in range(DRAWN)}
        orders = orders if copies > 2 else {"swap": swap}
        name = f"S({copies}) of the vectors"
        moves = [_channels(label, name, _permuting(order, d)) for label, order in orders.items()]
        if copies > 2:
            cycle = f"C({copies}) of the vectors"
            turns = [(str(k), _permuting(orders["cycle"].roll(k - 1), d)) for k in range(1, copies)]
            found.append(Candidate(cycle, copies, tuple(_channels(f"cycle {k}", cycle, turn) for k, turn in turns)))
        found.append(Candidate(name, 2 if copies == 2 else None, tuple(moves)))
    return found


def moving_outputs(candidate: Candidate, field: Field, vectors: int | None, channels: int) -> Candidate | None:
    """The same elements of a group on vectors, where the output is expected to move along; None if it cannot.

    Args:
        candidate: one of `candidates_of` on a point.
        field: type of the input.
        vectors: dimension of the vectors.
        channels: of the output.
    """
    copies = field.size // vector_size(field, vectors)
    if candidate.name == "sign":
        outputs: tuple[Change, ...] = (torch.neg,)
    elif candidate.name.endswith("of the vectors") and channels % copies == 0:
        numbers = torch.arange(copies, dtype=torch.float64)[None].repeat_interleave(field.size // copies, 1)
        orders = [a.move(numbers, field.rep)[0, :: field.size // copies].long() for a in candidate.actions]
        outputs = tuple(_permuting(order, channels // copies) for order in orders)
    else:
        return None
    return replace(candidate, name=f"{candidate.name}, outputs too", outputs=outputs)


def _permuting(order: Tensor, d: int) -> Change:
    return lambda x: x.unflatten(1, (-1, d))[:, order].flatten(1)


def _channels(label: str, family: str, change: Change) -> Action:
    """An action on vectors that says nothing about the output."""

    def move(x: Tensor, rep: Representation | None) -> Tensor:
        if rep is None:
            raise UnknownAction(f"{label} is known on the input only")
        return change(x)

    return Action(label, family, True, move, True)
