"""The strand: a line of nucleotides with shifts and the reverse complement."""

from dataclasses import replace
from operator import index
from typing import TYPE_CHECKING, Any

from erlangen.blueprint import Field, Recipe, register_space
from erlangen.errors import DomainError, ExactnessError, FieldError
from erlangen.grids.space import Grid
from erlangen.grids.strand.group import StrandGroup, strand_group
from erlangen.symmetry import Representation

if TYPE_CHECKING:
    from erlangen.blueprint import EquivariantModule, Task

# heads of whole signals: a few thousand examples of motifs want as few, and as plain, features as there are
WHOLE = {"expansion": 1, "standardise": False}
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
        if length is not None and (isinstance(length, bool) or not hasattr(length, "__index__") or length < 1):
            raise DomainError(f"Strand(length) needs a positive number of letters, got {length!r}")
        super().__init__(1, None if length is None else (index(length),))

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

    def nonlinearity(self, field: Field) -> "EquivariantModule":
        """In the strand basis where there are even and odd channels, as on every grid otherwise."""
        from erlangen.grids.strand.parity import ButterflyNonlinearity, parities

        kinds = {kind for kind, _, _ in parities(field)}
        return ButterflyNonlinearity(field) if {"even", "odd"} <= kinds else super().nonlinearity(field)

    def block(self, in_field: Field, out_field: Field, **local: Any) -> "EquivariantModule":
        """The block that `kind` names, of a strand or of every grid; then a restriction to a subgroup, if any.

        Args:
            in_field: type of the input.
            out_field: type of the output.
            local: options of its layers, as for every grid; `words`, how many neighbouring letters the block reads as
                one word.
        """
        from erlangen.blueprint import Sequential
        from erlangen.grids.restriction import Restrict
        from erlangen.grids.strand.architectures import STRAND_BLOCKS
        from erlangen.grids.strand.tokens import Kmers

        k, kind = local.pop("words", 1), local.get("kind")
        if k > 1:
            read = Kmers(in_field, k, padding=(k - 1) // 2)
            return Sequential(read, self.block(read.out_field, out_field, **local))
        if kind not in STRAND_BLOCKS:
            return super().block(in_field, out_field, **local)
        if "nonlinearity" in local:
            raise FieldError(
                f"{kind} blocks have nonlinearities of their own. Fix: block='dense', or no nonlinearity=…"
            )
        restrict = local.pop("restrict", None)
        built = STRAND_BLOCKS[local.pop("kind")](in_field, out_field, **local)
        return built if restrict is None else Sequential(built, Restrict(built.out_field, restrict))

    def readout(self, field: Field, task: "Task", **options: Any) -> "EquivariantModule":
        """The head of every grid; profiles, vectors that turn, and reading frames have heads of their own."""
        from erlangen.blueprint import Sequential
        from erlangen.grids.strand.architectures import has_frames
        from erlangen.grids.strand.frames import FrameFeatures
        from erlangen.grids.strand.readout import ProfileReadout, VectorReadout

        circular = options.pop("circular", False)
        if task.dense or not task.out_rep(field.group).is_trivial:
            options.pop("nonlinearity", None)  # these heads are linear
        if has_frames(field, task):
            read = FrameFeatures(field, remainder=self._remainder(task.out_rep(field.group)))
            head = super().readout if task.dense else VectorReadout
            return Sequential(read, head(read.out_field, task, **options))
        if task.name == "profile":
            mode = "circular" if circular else "zeros"
            return ProfileReadout(
                field, task, padding_mode=mode, **{k: v for k, v in options.items() if k != "dropout"}
            )
        if not task.dense and not task.out_rep(field.group).is_trivial:
            return VectorReadout(field, task, **options)
        if task.dense:
            return super().readout(field, task, **options)
        return super().readout(field, task, **{**WHOLE, **options})

    def _remainder(self, rep: Representation) -> int | None:
        """Letters modulo 3 that an output of frames counted from the left is declared for.

        Raises:
            DomainError: the strand has another length.
        """
        names = [component.name for _, component in rep.terms if component.name.startswith("frames_from_left(")]
        found = {int(name.removesuffix(")").rpartition("(")[2]) for name in names}
        for rest in found:
            if len(found) > 1 or (self.length is not None and self.length % 3 != rest):
                raise DomainError(
                    f"{rep} counts frames from the left of strands of 3n + {rest} letters, and {self} is none of them: "
                    f"the reverse complement would move other frames. Fix: frames_from_left({self.length or 'length'}),"
                    " or frames, which every length has."
                )
        return found.pop() if found else None

    def recipe(self, size: str, field: Field, task: "Task") -> Recipe:
        """Widths, kernels and dilations of a named size, as in `erlangen.grids.strand.architectures`."""
        from erlangen.grids.strand.architectures import recipe

        return recipe(size, field, task)

    def adapt(self, recipe: Recipe, options: dict[str, Any]) -> Recipe:
        """The recipe with `block="residual"`, "attention" or "state-space", and `words=1` to read letters, not 3-mers.

        Other options are those of every grid.
        """
        from erlangen.grids.strand.architectures import FAR, block_option, words_option

        others = dict(options)
        if "scales" in others:
            raise FieldError("letters have one size, so scales=… is for Grid. Fix: leave it out")
        kind = others.pop("block", None)
        recipe = words_option(recipe, others.pop("words")) if "words" in others else recipe
        if others.get("shift") == "exact" and kind in FAR:
            raise ExactnessError(
                f"{kind} blocks see how far the ends are, so they are not exact under circular shifts. "
                f"Fix: block='residual', or leave shift='exact' out."
            )
        if others.get("shift") == "exact":  # words at the ends would not go round
            recipe = words_option(recipe, 1)
        adapted = super().adapt(recipe if kind is None else block_option(recipe, kind), others)
        if others.get("shift") != "exact":
            return adapted
        return replace(adapted, options={**adapted.options, "circular": True})  # for heads with wide kernels

    def option_names(self) -> tuple[str, ...]:
        """Those of grids that a strand has, and its own."""
        return ("words", *(name for name in super().option_names() if name != "scales"))

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
