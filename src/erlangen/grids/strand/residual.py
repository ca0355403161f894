"""Residual steps on a strand: x + body(x), with a projection where the field changes."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, Sequential
from erlangen.errors import FieldError
from erlangen.grids.linear import Conv


class Residual(EquivariantModule):
    """x ↦ P x + body(x), where P is the identity, or a 1×1 convolution if the body changes the field.

    Law: f(g·x) = g·f(x), a sum of equivariant maps.

    Args:
        body: keeps the size of its input.

    Source: He et al. 2016, arXiv 1603.05027.
    """

    def __init__(self, body: EquivariantModule) -> None:
        super().__init__(body.in_field, body.out_field)
        if body.out_shape((64,)) != (64,):
            raise FieldError(
                f"a residual step keeps the length, but {type(body).__name__} makes {body.out_shape((64,))[0]} of 64. "
                f"Fix: an odd kernel with its default padding, and pooling between the steps."
            )
        self.body = body
        same = body.in_field == body.out_field
        self.project = None if same else Conv(body.in_field, body.out_field, 1, bias=False)

    def forward(self, x: Any) -> Any:
        """The sum."""
        return (x if self.project is None else self.project(x)) + self.body(x)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Exact if the body is."""
        return self.body.exact_when(shape)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Both ways."""
        along = 0 if self.project is None else self.project.multiplications(shape)
        return self.body.multiplications(shape) + along

    def leaves(self) -> Iterator[tuple[str, EquivariantModule]]:
        """The leaves of both ways."""
        for path, leaf, _ in self.trace_shapes((64,)):
            yield path, leaf

    def trace_shapes(self, shape: tuple[int, ...]) -> Iterator[tuple[str, EquivariantModule, tuple[int, ...]]]:
        """The leaves of both ways, with the sizes of their inputs."""
        for path, leaf, at in self.body.trace_shapes(shape):
            yield f"body.{path}".rstrip("."), leaf, at
        if self.project is not None:
            yield "project", self.project, shape

    def export(self) -> nn.Module:
        """The same sum."""
        return _PlainResidual(self.body.export(), None if self.project is None else self.project.export())


class _PlainResidual(nn.Module):
    """The plain-torch form of `Residual`."""

    def __init__(self, body: nn.Module, project: nn.Module | None) -> None:
        super().__init__()
        self.body, self.project = body, project

    def forward(self, x: Tensor) -> Tensor:
        return (x if self.project is None else self.project(x)) + self.body(x)


def residual_block(in_field: Field, out_field: Field, **local: Any) -> EquivariantModule:
    """σ(x + norm B σ norm B' x), where B' is dilated and B mixes the channels of a place.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        local: of the dilated convolution B', such as kernel_size and dilation.
    """
    space, options = in_field.space, {"bias": False, **local}
    body = Sequential(
        space.linear(in_field, out_field, **options),
        space.norm(out_field),
        space.nonlinearity(out_field),
        Conv(out_field, out_field, 1, bias=False),
        space.norm(out_field),
    )
    return Sequential(Residual(body), space.nonlinearity(out_field))
