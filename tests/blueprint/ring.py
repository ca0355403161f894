"""A domain of its own, in one page: a ring of points and its mirror, so that `derive` is tested without the others.

Signals are tensors [B, C, n]; the group Z2 mirrors the ring. Every coarsening halves n and counts one level up, so that
the space itself changes on the way, which fields and skips must follow.
"""

from typing import Any

import torch
from torch import Tensor, nn

from erlangen.blueprint import Action, EquivariantModule, Field, Recipe, Space, Task, register_space
from erlangen.errors import DomainError
from erlangen.point import Point
from erlangen.symmetry import Z2, Group, Representation


class Ring(Space):
    name = "ring"

    def __init__(self, points: int = 16, level: int = 0) -> None:
        self.points, self.level = points, level

    def act(self, g: int, signal: Tensor, rep: Representation) -> Tensor:
        return rep.apply(g, signal.flip(-1) if g else signal)

    def linear(self, in_field: Field, out_field: Field, **local: Any) -> EquivariantModule:
        return Mix(in_field, out_field, **local)

    def norm(self, field: Field) -> EquivariantModule:
        return Scale(field)

    def nonlinearity(self, field: Field) -> EquivariantModule:
        return Relu(field)

    def coarsen(self, field: Field, **options: Any) -> EquivariantModule:
        fine = field.space
        assert isinstance(fine, Ring)
        return Halve(field, Field(Ring(fine.points // 2, fine.level + 1), field.rep))

    def refine(self, field: Field, **options: Any) -> EquivariantModule:
        coarse = field.space
        assert isinstance(coarse, Ring)
        return Double(field, Field(Ring(coarse.points * 2, coarse.level - 1), field.rep))

    def concatenate(self, finer: Tensor, coarser: Tensor) -> Tensor:
        return torch.cat([finer, coarser], dim=1)

    def readout(self, field: Field, task: Task, **options: Any) -> EquivariantModule:
        return Head(field, task, **options)

    def recipe(self, size: str, field: Field, task: Task) -> Recipe:
        if size == "bare":
            return Recipe((4, 4))
        return Recipe(
            (4, 6, 8), coarsen_after=(0, 1), local=({"mark": "a"}, {"mark": "b"}, {"mark": "c"}), hidden="regular"
        )

    def symmetries(self, name: str | None = None) -> Group:
        if name not in (None, "D1", "Z2"):
            raise DomainError(f"a ring has D1, not {name}")
        return Z2()

    def sample_signal(self, field: Field, batch: int = 2, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn(batch, field.size, self.points, generator=generator)

    def actions(self, group: Group, signal: Any, count: int = 8, generator: Any = None) -> list[Action]:
        return [Action("m", "D1", True, lambda x, rep: self.act(1, x, rep), True)]

    def nominal_shape(self) -> tuple[int, ...]:
        return (self.points,)

    def describe(self) -> dict[str, Any]:
        return {"domain": "ring", "points": self.points, "level": self.level}

    def __repr__(self) -> str:
        return f"Ring({self.points}, level {self.level})"


class Mix(EquivariantModule):
    """Mixes copies, not the channels of a copy."""

    def __init__(self, in_field: Field, out_field: Field, mark: str = "", bias: bool = True) -> None:
        super().__init__(in_field, out_field)
        self.mark, self.bias = mark, bias
        (copies_out, component_out), copies_in = out_field.rep.terms[0], in_field.rep
        self.size = component_out.size
        self.weight = nn.Parameter(torch.randn(copies_out, copies_in.size))

    def forward(self, x: Tensor) -> Tensor:
        """Every copy out is a mix of all that is in, and of its mirror image."""
        y = torch.einsum("oi,bin->bon", self.weight, x)
        if self.size == 1:
            return y
        mirrored = self.in_field.act(1, x).flip(-1)
        return torch.stack([y, torch.einsum("oi,bin->bon", self.weight, mirrored)], 2).flatten(1, 2)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        return self.weight.numel() * self.size * shape[0]


class Scale(EquivariantModule):
    def __init__(self, field: Field) -> None:
        super().__init__(field, field)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Relu(EquivariantModule):
    def __init__(self, field: Field) -> None:
        super().__init__(field, field)

    def forward(self, x: Tensor) -> Tensor:
        return x.relu()

    def export(self) -> nn.Module:
        return nn.ReLU()


class Halve(EquivariantModule):
    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, 2)).mean(-1)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0] // 2,)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        return shape[0] % 2 == 0, "even sizes"


class Double(EquivariantModule):
    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        return x.repeat_interleave(2, -1)


class Head(EquivariantModule):
    def __init__(self, field: Field, task: Task, dropout: float = 0.0, pooled: str = "mean") -> None:
        rep = task.out_rep(field.group)
        super().__init__(field, Field(field.space, rep) if task.dense else Point().field(field.group, rep))
        self.dense, self.dropout, self.pooled = task.dense, dropout, pooled
        self.mix = Mix(field, Field(field.space, rep))

    def forward(self, x: Tensor) -> Tensor:
        y = self.mix(x)
        if not self.dense:
            y = y.mean(-1)
        return y if self.out_field.rep.terms[0][1].size > 1 else (y + self._mirror(x, y)) / 2

    def _mirror(self, x: Tensor, y: Tensor) -> Tensor:
        z = self.mix(self.in_field.act(1, x))
        return z.flip(-1) if self.dense else z.mean(-1)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape if self.dense else ()


register_space("ring", Ring)
