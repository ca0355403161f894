"""A step that adds to its signal."""

from collections.abc import Iterator

from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, operator_dtype
from erlangen.blueprint.module import first_condition
from erlangen.errors import FieldError


class Residual(EquivariantModule):
    """x ↦ S(x) + B(x), with the identity for S where both fields are one.

    Law: f(g·x) = g·f(x), since both ways keep it and their sum does.

    Args:
        body: B.
        shortcut: S; None is the identity.

    Raises:
        FieldError: the two ways end in different fields.

    Source: He, Zhang, Ren, Sun 2016, arXiv 1603.05027.
    """

    def __init__(self, body: EquivariantModule, shortcut: EquivariantModule | None = None) -> None:
        around = (body.in_field, body.in_field) if shortcut is None else (shortcut.in_field, shortcut.out_field)
        if around != (body.in_field, body.out_field):
            raise FieldError(
                f"the body maps {body.in_field} to {body.out_field}, the way around it {around[0]} to {around[1]}. "
                "Fix: give a shortcut between the fields of the body."
            )
        super().__init__(body.in_field, body.out_field)
        self.body, self.shortcut = body, shortcut

    def forward(self, x: Float[Tensor, "b c_in *space"]) -> Float[Tensor, "b c_out *space"]:
        """Both ways, added; under autocast in its dtype, since a sum of two dtypes is slow."""
        return add(x, self.body, self.shortcut)

    def _ways(self) -> list[tuple[str, EquivariantModule]]:
        around = [] if self.shortcut is None else [("shortcut", self.shortcut)]
        return [("body", self.body), *around]

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the body."""
        return self.body.out_shape(shape)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Exact if both ways are, under the conditions of the first that has any."""
        words = "always"
        for _, way in self._ways():
            exact, why = way.exact_when(shape)
            if not exact:
                return exact, why
            words = first_condition(words, why)
        return True, words

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of both ways."""
        return sum(way.multiplications(shape) for _, way in self._ways())

    def leaves(self) -> Iterator[tuple[str, EquivariantModule]]:
        """The leaves of the body, then of the shortcut."""
        for name, way in self._ways():
            for path, leaf in way.leaves():
                yield f"{name}.{path}".rstrip("."), leaf

    def trace_shapes(self, shape: tuple[int, ...]) -> Iterator[tuple[str, EquivariantModule, tuple[int, ...]]]:
        """The leaves of both ways, with the sizes of their inputs."""
        for name, way in self._ways():
            for path, leaf, at in way.trace_shapes(shape):
                yield f"{name}.{path}".rstrip("."), leaf, at

    def export(self) -> nn.Module:
        """Both ways in plain torch."""
        return PlainResidual(self.body.export(), None if self.shortcut is None else self.shortcut.export())


def add(x: Tensor, body: nn.Module, shortcut: nn.Module | None) -> Tensor:
    """S(x) + B(x), with x in the dtype of dense operators."""
    x = x.to(operator_dtype("dense", x))
    return (x if shortcut is None else shortcut(x)) + body(x)


class PlainResidual(nn.Module):
    """The plain-torch form of `Residual`."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Both ways, added."""
        return add(x, self.body, self.shortcut)
