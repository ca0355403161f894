"""What `discover` looks for: generators of Lie algebras, and elements of the finite groups of a domain."""

from collections.abc import Callable
from dataclasses import dataclass, replace
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
SMOOTH = ("translation", "rotation", "scale", "shear", "hyperbolic")
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


def vector_size(field: Field, vectors: int | None) -> int:
    """The dimension d of the vectors of which a signal on a point is made: declared, else that of the representation.

    Raises:
        DomainError: the channels are not copies of vectors of this dimension, or d is too large.
    """
    standard = [c.size for _, c in field.rep.terms if c.name == "standard"]
    d = vectors if vectors is not None else (standard[0] if standard else field.size)
    if d < 1 or field.size % d:
        raise DomainError(f"{field.size} channels are no vectors of dimension {d}. Fix: another number of vectors.")
    if d > LARGEST:
        raise DomainError(
            f"vectors of dimension {d} have {d * d} generators, more than {LARGEST}². Fix: vectors=3 if the "
            f"{field.size} channels are vectors of dimension 3 side by side."
        )
    return d


def moving_rep(field: Field) -> Representation | None:
    """What an action needs to move an input: its representation, or None where points move and channels stay."""
    stay = isinstance(field.space, Grid) and field.rep.is_trivial and not _is_letters(field)
    return None if stay else field.rep


def generators_of(field: Field, signal: Any, vectors: int | None, moved: bool, out_rep: Any = None) -> list[Generator]:
    """The generators A_1 … A_p to combine: motions of the points of a grid, or all d × d matrices on vectors.

    Args:
        field: type of the input.
        signal: an input.
        vectors: dimension of the vectors on a point.
        moved: whether vectors in the output are expected to move as those of the input do; else they stay.
        out_rep: representation of the channels of an output on a grid; None: they stay.
    """
    if isinstance(signal, Signal):
        return []
    if isinstance(field.space, Point):
        d = vector_size(field, vectors)
        return [_unit(d, i, j, moved) for i in range(d) for j in range(d)]
    return [_from_flow(flow, field, out_rep) for flow in flows_of(field, signal) if flow.family in SMOOTH]


def _unit(d: int, i: int, j: int, moved: bool) -> Generator:
    matrix = np.zeros((d, d))
    matrix[i, j] = 1.0

    def move(x: Tensor) -> Tensor:
        parts = x.unflatten(1, (-1, d))
        found = torch.zeros_like(parts)
        found[..., i] = parts[..., j]
        return found.flatten(1)

    def carry(x: Tensor, y: Tensor) -> Tensor:
        return move(y) if moved else torch.zeros_like(y)

    name = f"E{i + 1}{j + 1}" if d < 10 else f"E{i + 1},{j + 1}"
    return Generator(name, move, carry, matrix)


def _from_flow(flow: Flow, field: Field, out_rep: Representation | None) -> Generator:
    rep = moving_rep(field)
    out_rep = None if out_rep is None or out_rep.is_trivial else out_rep
    return Generator(flow.name, lambda x: flow.tangent(x, rep), lambda x, y: flow.carry_tangent(x, y, out_rep))


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
        if declared or not (field.rep.is_trivial or _is_letters(field)):
            return found + _declared(field, signal, generator)
        if isinstance(space, Strand):
            return found + (_strand() if _is_letters(field) else _declared(field, signal, generator))
        return found + _point_groups(space, signal)
    if isinstance(space, Point):
        return _on_vectors(field, vector_size(field, vectors), generator) + _declared(field, signal, generator)
    return _drawn(field, signal, generator, None)


def _is_letters(field: Field) -> bool:
    return isinstance(field.space, Strand) and field.size == LETTERS


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


def turns_of(d: int) -> list[tuple[str, np.ndarray]]:
    """(name, generator) of the one-parameter groups that are tried on the distribution of vectors: turns and scaling.

    Args:
        d: dimension of the vectors.
    """
    found = []
    for i in range(d):
        for j in range(i + 1, d):
            turn = np.zeros((d, d))
            turn[j, i], turn[i, j] = 1.0, -1.0
            found.append((f"so(2) in the plane {i + 1}{j + 1}", turn))
    return [*found, ("scaling", np.eye(d))]
