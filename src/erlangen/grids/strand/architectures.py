"""Sizes of derived networks on strands: one dial sets widths, kernels and pooling."""

from typing import TYPE_CHECKING, Any

from erlangen.blueprint import Field, Recipe
from erlangen.errors import UnknownName

if TYPE_CHECKING:
    from erlangen.blueprint import Task
    from erlangen.grids.strand.space import Strand

# channels of each block as expanded, kernel sizes, blocks after which the strand is halved
SIZES: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    "tiny": ((32, 32), (15, 9), (0,)),
    "small": ((64, 64, 96), (15, 9, 9), (0, 1)),
    "medium": ((128, 128, 128, 192), (19, 11, 11, 11), (0, 1)),
    "large": ((256, 256, 256, 384, 384), (19, 11, 11, 11, 11), (0, 1, 2)),
}


def recipe(space: "Strand", size: str, field: Field, task: "Task") -> Recipe:
    """The recipe of a named size.

    Raises:
        UnknownName: no recipe has this size.
    """
    if size not in SIZES:
        raise UnknownName("size", size, SIZES)
    widths, kernels, halve = SIZES[size]
    local: tuple[dict[str, Any], ...] = tuple({"kernel_size": k} for k in kernels)
    hidden = "regular" if field.group.name == "RC" else "trivial"
    dropout = 0.3 if task.name == "classify" else 0.0
    return Recipe(widths, halve, local, hidden, dropout)
