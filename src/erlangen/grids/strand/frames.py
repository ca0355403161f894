"""Reading frames: from the place of a letter in its codon to the six frames of a sequence.

A feature can say, for either strand, whether a letter looks like the first, second or third of a codon: three regular
channels, to which shifts and the reverse complement do nothing special. A frame is a place modulo 3: shifts rotate the
frames of a strand, and the reverse complement exchanges the strands. Together these are the regular representation of
D3, the symmetries of a triangle.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, check_signal
from erlangen.errors import DomainError, FieldError
from erlangen.grids.linear import Conv
from erlangen.symmetry import Representation


class Frames(EquivariantModule):
    """Codon positions to reading frames: y(t, f) = x(t, (t - f) mod 3), on each strand from its own 5' end.

    Law: rc exchanges the frames f of both strands at every length; a shift by one takes frame f to f + 1 mod 3 on this
    strand and to f - 1 on the other.

    Args:
        field: 3n regular, n features for the first, second and third letter of a codon; of the group "C1", 6n trivial.

    Raises:
        FieldError: another field.
    """

    incomplete = "it only renames channels, and has no weights"

    def __init__(self, field: Field) -> None:
        copies, rest = divmod(field.size, 6)
        if rest or field.rep != codon_positions(field, copies):
            raise FieldError(
                f"Frames takes 3n copies of 'regular', features of the three letters of a codon on both strands; got "
                f"{field.rep} of {field.group}. Fix: Conv(field, field.with_rep('3 regular'), 1) before it."
            )
        super().__init__(field, field.with_rep(copies * field.group.representation("frames")))

    def forward(self, x: Float[Tensor, "b c l"]) -> Float[Tensor, "b c l"]:
        """Choose, at every place, the codon position that each frame reads there."""
        check_signal(self.in_field, x, "Frames")
        return frames(x)

    def export(self) -> nn.Module:
        """The same choice."""
        return _PlainFrames()


def codon_positions(field: Field, copies: int) -> Representation:
    """n features of the three letters of a codon, on both strands."""
    regular = field.group.representation("regular")
    return (6 // regular.size * copies) * regular


def frames(x: Tensor) -> Tensor:
    """[B, copies · (position, strand), L] to [B, copies · (strand, frame), L]."""
    place = torch.arange(x.shape[2], device=x.device)
    frame = torch.arange(3, device=x.device)
    reads = (place - frame[:, None]) % 3  # [frame, L] the codon position on this strand
    reads = torch.stack([reads, reads.flip(1)])  # the other strand counts from the right
    split = x.unflatten(1, (-1, 3, 2)).transpose(2, 3)  # [B, copies, strand, position, L]
    return split.gather(3, reads.expand(*split.shape)).flatten(1, 3)


class _PlainFrames(nn.Module):
    """The plain-torch form of `Frames`."""

    def forward(self, x: Tensor) -> Tensor:
        return frames(x)


class FrameFeatures(EquivariantModule):
    """x ↦ (x, frames of B x): a field beside what its six reading frames hold.

    Law: f(g·x) = g·f(x).

    Args:
        field: type of the input.
        copies: how many features to read in frames.
        remainder: letters modulo 3 of the signals, where the output counts frames from the left; None for any.

    Raises:
        DomainError: in forward, signals of another remainder.
    """

    incomplete = "the input is passed on, and what is read in frames is not the same map at every place"

    def __init__(self, field: Field, copies: int = 8, remainder: int | None = None) -> None:
        positions = field.with_rep(codon_positions(field, copies))
        project, read = Conv(field, positions, 1), Frames(positions)
        super().__init__(field, field.with_rep(field.rep + read.out_field.rep))
        self.project, self.read, self.remainder = project, read, remainder

    def forward(self, x: Float[Tensor, "b c l"]) -> Float[Tensor, "b k l"]:
        """Join both."""
        if self.remainder is not None and x.shape[2] % 3 != self.remainder:
            raise DomainError(
                f"frames are counted from the left of 3n + {self.remainder} letters, got {x.shape[2]}, on which the "
                "reverse complement moves other frames. Fix: cut the sequences, or declare 'frames'."
            )
        return torch.cat([x, self.read(self.project(x))], dim=1)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of B."""
        return self.project.multiplications(shape)

    def export(self) -> nn.Module:
        """The same join."""
        return _PlainFeatures(self.project.export())


class _PlainFeatures(nn.Module):
    """The plain-torch form of `FrameFeatures`."""

    def __init__(self, project: nn.Module) -> None:
        super().__init__()
        self.project = project

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, frames(self.project(x))], dim=1)
