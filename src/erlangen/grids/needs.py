"""What layers need of a field, asked when they are built: elsewhere they would lose the symmetry in silence."""

from erlangen.blueprint import Field
from erlangen.errors import FieldError, NonlinearityError


def needs_squares(field: Field, layer: str, instead: str) -> None:
    """Refuse a field on hexagonal cells.

    Args:
        field: type of the input.
        layer: the name of the layer.
        instead: the layer that hexagons have.

    Raises:
        FieldError: the cells of the space are hexagons.
    """
    if field.space.name == "hexagons":
        raise FieldError(f"{layer} is for square pixels, {field.space} has hexagonal cells. Fix: {instead}")


def needs_one_scale(field: Field, layer: str, instead: str = "ScalePool before it") -> None:
    """Refuse a field at several scales, whose axis of scales is none of space.

    Args:
        field: type of the input.
        layer: the name of the layer.
        instead: what there is for several scales.

    Raises:
        FieldError: the space has several scales.
    """
    if field.space.name == "scale":
        raise FieldError(f"{layer} is for signals at one scale, got {field.space}. Fix: {instead}")


def needs_orthogonal(field: Field, layer: str) -> None:
    """Refuse a representation that changes norms.

    Args:
        field: type of the input.
        layer: the name of the layer.

    Raises:
        NonlinearityError: some ρ(g) is no orthogonal matrix.

    Law: |ρ(g) x| = |x|.
    """
    if not field.rep.is_orthogonal:
        raise NonlinearityError(
            f"{layer} takes norms of copies, which {field.rep} of {field.group} does not leave alone. "
            "Fix: an orthogonal representation, or a layer that takes no norms."
        )
