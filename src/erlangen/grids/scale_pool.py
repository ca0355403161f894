"""Pooling of signals at several scales: over the scales, and over points at every scale."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, check_signal
from erlangen.errors import FieldError, NonlinearityError, UnknownName
from erlangen.grids.coarsen import Pool
from erlangen.grids.scale import ScaleGrid

KINDS = ("max", "mean")


class ScalePool(EquivariantModule):
    """From S scales to one: the maximum or the mean over scales, at every point.

    Law: f(g·x) = g·f(x) for the point group. Zooming out moves the scales by one, so that the output is what it was at
    a·u but for the scale that left and the one that entered: the maximum does not change if neither holds it.

    Args:
        field: type of the input, on a `ScaleGrid`.
        kind: "max" or "mean".

    Raises:
        NonlinearityError: "max" on channels that are not permuted.
    """

    def __init__(self, field: Field, kind: str = "max") -> None:
        if not isinstance(field.space, ScaleGrid):
            raise FieldError(f"ScalePool needs a field on a ScaleGrid, got {field}")
        super().__init__(field, Field(field.space.grid, field.rep))
        if kind not in KINDS:
            raise UnknownName("kind of pooling", kind, KINDS)
        if kind == "max" and not field.rep.is_permutation:
            raise NonlinearityError(
                f"the maximum commutes with permutations of channels only, {field.rep} turns them. Fix: kind='mean'."
            )
        self.kind = kind

    def forward(self, x: Float[Tensor, "b c s *space"]) -> Float[Tensor, "b c *space"]:
        """Pool over scales."""
        check_signal(self.in_field, x, "ScalePool")
        return x.amax(2) if self.kind == "max" else x.mean(2)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Without the scales."""
        return shape[1:]

    def export(self) -> nn.Module:
        """The same in plain torch."""
        return PlainScalePool(self.kind)

    def extra_repr(self) -> str:
        """Kind."""
        return self.kind


class PlainScalePool(nn.Module):
    """The plain-torch form of `ScalePool`."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        """Pool over scales."""
        return x.amax(2) if self.kind == "max" else x.mean(2)


class PoolEveryScale(EquivariantModule):
    """Anti-aliased pooling over points, at every scale alike.

    Law: f(g·x) = g·f(x) for the point group, at every size.

    Args:
        field: type of input and output, on a `ScaleGrid`.
        stride: as in `Pool`.
        kind: as in `Pool`.
    """

    def __init__(self, field: Field, stride: "int | tuple[int, ...]" = 2, kind: str = "blur") -> None:
        super().__init__(field, field)
        if not isinstance(field.space, ScaleGrid):
            raise FieldError(f"PoolEveryScale needs a field on a ScaleGrid, got {field}")
        self.pool = Pool(Field(field.space.grid, field.rep), stride, kind)

    def forward(self, x: Float[Tensor, "b c s *space"]) -> Float[Tensor, "b c s *coarse"]:
        """Pool every scale."""
        check_signal(self.in_field, x, "PoolEveryScale")
        return every_scale(self.pool, x)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """ceil(n / s) along each axis but that of scales."""
        return (shape[0], *self.pool.out_shape(shape[1:]))

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the filter, at every scale."""
        return shape[0] * self.pool.multiplications(shape[1:])

    def export(self) -> nn.Module:
        """The same in plain torch."""
        return PlainPoolEveryScale(self.pool.export())


class PlainPoolEveryScale(nn.Module):
    """The plain-torch form of `PoolEveryScale`.

    Args:
        pool: of one scale.
    """

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """Pool every scale."""
        return every_scale(self.pool, x)


def every_scale(layer: nn.Module, x: Tensor) -> Tensor:
    """A layer of signals [B, C, *shape], applied to every scale of [B, C, S, *shape]."""
    return torch.stack([layer(part) for part in x.unbind(2)], dim=2)
