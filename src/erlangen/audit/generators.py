"""What `discover` looks for among continuous motions: generators on vectors and on the points of a grid."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlangen.audit.algebra import Generator
from erlangen.audit.flow import Flow, flows_of
from erlangen.audit.motifs import LETTERS
from erlangen.blueprint import Field, Signal
from erlangen.errors import DomainError
from erlangen.grids import Grid, Strand
from erlangen.point import Point
from erlangen.symmetry import Representation

LARGEST = 10  # dimension d of the vectors whose d² generators are looked at
SMOOTH = ("translation", "rotation", "scale", "shear", "hyperbolic")


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


def is_letters(field: Field) -> bool:
    """Whether the channels are the four letters of DNA, which a reverse complement permutes."""
    return isinstance(field.space, Strand) and field.size == LETTERS


def moving_rep(field: Field) -> Representation | None:
    """What an action needs to move an input: its representation, or None where points move and channels stay."""
    stay = isinstance(field.space, Grid) and field.rep.is_trivial and not is_letters(field)
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
