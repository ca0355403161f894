"""Augmentation of vectors by matrix groups: rotations and reflections, drawn uniformly."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.adapt.frames import apply_each
from erlangen.blueprint import Field, Task
from erlangen.errors import DomainError
from erlangen.symmetry.matrix import MatrixGroup


class RandomMatrix:
    """Every vector of a batch moved by its own element of a compact matrix group.

    Args:
        field: vectors on a point, whose channels the group moves.
        task: what the targets are; they are moved with the signal, by its representation. None: targets stay.

    Law: (x, y) becomes (ρ(g) x, ρ'(g) y) with g uniform on G.

    Raises:
        DomainError: the group is not compact, so that no distribution on it is uniform; or no channel moves.
    """

    def __init__(self, field: Field, task: Task | None = None) -> None:
        group = field.group
        if not isinstance(group, MatrixGroup) or not group.is_compact:
            raise DomainError(f"no distribution on {group} is uniform. Fix: a compact subgroup, such as 'SO(3)'.")
        if field.rep.is_trivial:
            raise DomainError(
                f"{group} moves no channel of {field}. Fix: declare the channels, such as "
                f"Point().field({group.name!r}, '5 standard')."
            )
        self.field, self.task = field, task

    def __call__(self, x: Float[Tensor, "b c"], generator: torch.Generator) -> Float[Tensor, "b c"]:
        """The moved vectors."""
        return apply_each(self.field.rep, self._draw(len(x), generator).to(x.device), x)

    def targets(self, target: Tensor, generator: torch.Generator) -> Tensor:
        """Targets that the group moves, as `self` moves their signals."""
        rep = None if self.task is None else self.task.out_rep(self.field.group)
        if rep is None or rep.is_trivial:
            return target
        return apply_each(rep, self._draw(len(target), generator).to(target.device), target)

    def _draw(self, count: int, generator: torch.Generator) -> Float[Tensor, "count d d"]:
        group = self.field.group
        drawn = [group.identity, *group.sample(count, generator)]  # never an empty stack
        return torch.from_numpy(np.stack(drawn))[1:]
