"""Sizes of derived networks on volumes: narrow where voxels are many, wide where they are few.

Three things that images do not need, each of which decided whether networks of the cube learnt at all: on a fine grid a
layer costs a hundred times what the same layer costs two poolings later, so most channels live on the coarse grids; a
head at every voxel after one regular field of 24 channels sees one invariant number, so hidden fields for outputs on
the grid hold trivial copies too; and the few invariants of a large group are none to drop.
"""

from typing import TYPE_CHECKING, Any

from erlangen.blueprint import Field, Recipe
from erlangen.errors import UnknownName
from erlangen.grids.hidden import hidden_of
from erlangen.symmetry import FiniteGroup

if TYPE_CHECKING:
    from erlangen.blueprint import Task

# channels of each block as expanded, blocks after which the grid is halved: for an answer a volume, for one a voxel
WHOLE: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "tiny": ((24, 24, 48), (0, 1)),
    "small": ((24, 48, 48, 96, 96), (0, 2)),
    "medium": ((24, 48, 96, 96, 192, 192), (0, 2)),
    "large": ((48, 96, 96, 192, 192, 384, 384), (0, 2, 4)),
}
DENSE: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "tiny": ((32, 32, 64), (0, 1)),
    "small": ((32, 32, 128, 128, 192, 192), (0, 1, 3)),
    "medium": ((32, 64, 64, 128, 128, 256, 256), (0, 2, 4)),
    "large": ((64, 64, 128, 128, 256, 256, 384, 384), (1, 3, 5)),
}
LARGE = 8  # a group of this order or more leaves few invariants


def volume_recipe(size: str, field: Field, task: "Task") -> Recipe:
    """The recipe of a named size on a grid with three axes.

    Raises:
        UnknownName: no recipe has this size.
    """
    sizes = DENSE if task.dense else WHOLE
    if size not in sizes:
        raise UnknownName("size", size, sizes)
    widths, halve = sizes[size]
    local: list[dict[str, Any]] = [{"kernel_size": 3} for _ in widths]
    group, space = field.group, field.space
    if getattr(space, "shape", None) is not None:  # a size that is known stays at least 4 voxels wide
        while halve and min(space.nominal_shape()) >> len(halve) < 4:
            halve = halve[:-1]
    order = len(group.table) if isinstance(group, FiniteGroup) else 1
    hidden = hidden_of(field)
    if task.dense and order > 1:
        hidden = f"regular + {max(1, order // 3)} trivial"
    return Recipe(widths, halve, tuple(local), hidden, 0.0 if task.dense or order >= LARGE else 0.3)
