"""The strand: a line of nucleotides with shifts and the reverse complement."""

from typing import TYPE_CHECKING, Any

from erlangen.blueprint import Field, Recipe, register_space
from erlangen.errors import DomainError
from erlangen.grids.space import Grid
from erlangen.grids.strand.group import StrandGroup, strand_group

if TYPE_CHECKING:
    from erlangen.blueprint import Task

NOMINAL = 200  # letters at which plans are priced where a network takes any length


class Strand(Grid):
    """A strand of DNA or RNA; signals are tensors [B, C, length].

    Args:
        length: letters; None where a network should take any length.

    Raises:
        DomainError: the length is not positive.

    Law: (rc·x)(t) = ρ(rc) x(length - 1 - t).
    """

    name = "strand"

    def __init__(self, length: int | None = None) -> None:
        if length is not None and (not isinstance(length, int) or length < 1):
            raise DomainError(f"Strand(length) needs a positive number of letters, got {length!r}")
        super().__init__(1, None if length is None else (length,))

    @property
    def length(self) -> int | None:
        """Letters, if the space fixes them."""
        return None if self.shape is None else self.shape[0]

    def symmetries(self, name: str | None = None) -> StrandGroup:  # type: ignore[override]
        """The reverse complement "RC", or "C1" where the strands are to be told apart.

        Raises:
            UnknownName: a strand has no such group.
        """
        return strand_group(name)

    def recipe(self, size: str, field: Field, task: "Task") -> Recipe:
        """Widths, kernels and dilations of a named size, as in `erlangen.grids.strand.architectures`."""
        from erlangen.grids.strand.architectures import recipe

        return recipe(self, size, field, task)

    def nominal_shape(self) -> tuple[int, ...]:
        """The length, or 200 letters where any length is welcome."""
        return self.shape or (NOMINAL,)

    def describe(self) -> dict[str, Any]:
        """{"domain": "strand", "length": …}."""
        return {"domain": "strand", "length": self.length}

    def __repr__(self) -> str:
        return "Strand()" if self.length is None else f"Strand({self.length})"


def strand_from(length: int | None = None) -> Strand:
    """The strand that `Strand.describe` described."""
    return Strand(length)


register_space("strand", strand_from)
