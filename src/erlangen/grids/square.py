"""Layers that count on square pixels say so on other lattices, where they would lose the symmetry in silence."""

from erlangen.blueprint import Field
from erlangen.errors import FieldError


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
