"""Heads on a strand: vectors that the reverse complement moves, and profiles of stranded tracks."""

from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, Task, check_signal
from erlangen.grids.linear import Conv
from erlangen.point import EquivariantLinear, Point
from erlangen.symmetry import Representation

START = 0.1  # of the usual size of weights: logarithms of rates start there


class VectorReadout(EquivariantModule):
    """Mean over all places (and maximum, of permuted channels), then every equivariant linear map to the output.

    The output is a vector that the symmetry moves: counts on either strand, which strand a gene is on, its frame.

    Law: f(g·x) = ρ(g) f(x).

    Args:
        field: type of the input.
        task: decides the representation of the output.
        dropout: share of channels dropped in training, whole copies at a time.

    Raises:
        NoEquivariantMap: the field shares no irrep with the output.
    """

    copy: Tensor

    def __init__(self, field: Field, task: Task, dropout: float = 0.0) -> None:
        super().__init__(field, Point().field(field.group, task.out_rep(field.group)))
        self.terms = [(m * c.size, c.is_permutation) for m, c in field.rep.terms]
        permuted = [m * Representation(field.group, ((1, c),)) for m, c in field.rep.terms if c.is_permutation]
        pooled = sum(permuted, field.rep)
        self.linear = EquivariantLinear(Point().field(field.group, pooled), self.out_field)
        sizes = [c.size for _, c in pooled.copies()]
        self.dropout, self.copies = nn.Dropout(dropout), len(sizes)
        copy = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        self.register_buffer("copy", copy, persistent=False)  # of which each channel is part

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b k"]:
        """Pool, then the linear map."""
        check_signal(self.in_field, x, "VectorReadout")
        vectors = pooled_vectors(x, self.terms).to(self.linear.weight.dtype)
        if self.training and self.dropout.p:
            vectors = vectors * self.dropout(vectors.new_ones(len(vectors), self.copies))[:, self.copy]
        return self.linear(vectors)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A point."""
        return ()

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the linear map, and one a value for the mean."""
        return self.linear.multiplications(()) + self.in_field.size * prod(shape)

    def export(self) -> nn.Module:
        """Pooling and `nn.Linear`."""
        return _PlainVector(self.terms, self.linear.export())

    def extra_repr(self) -> str:
        """Fields."""
        return f"{self.in_field.rep} -> {self.out_field.rep}"


def pooled_vectors(x: Tensor, terms: list[tuple[int, bool]]) -> Tensor:
    """[B, C + permuted channels]: means of all channels, then maxima of those that are permuted."""
    flat = x.flatten(2)
    mean = flat.mean(dim=2, dtype=torch.promote_types(x.dtype, torch.float32))
    peaks, start = [mean], 0
    for channels, permuted in terms:
        if permuted:
            peaks.append(flat[:, start : start + channels].amax(dim=2).to(mean.dtype))
        start += channels
    return torch.cat(peaks, dim=1) if len(peaks) > 1 else mean


class _PlainVector(nn.Module):
    """The plain-torch form of `VectorReadout`."""

    linear: nn.Linear

    def __init__(self, terms: list[tuple[int, bool]], linear: nn.Module) -> None:
        super().__init__()
        self.terms, self.linear = terms, linear  # pyrefly: ignore[bad-assignment]

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(pooled_vectors(x, self.terms).to(self.linear.weight.dtype))


class ProfileReadout(EquivariantModule):
    """The logarithm of the rate of every track at every place: a shape from a wide kernel plus a level from the whole.

    Tracks carry a representation of their own, so stranded ones are exchanged and flipped, the others only flipped. The
    outputs start near 0, rates near 1: rates are exponentials, and to start among rates of a thousand costs features.

    Law: f(g·x) = g·f(x).

    Args:
        field: type of the input.
        task: decides the representation of the tracks.
        kernel_size: taps of the kernel, odd.
        padding_mode: "zeros" or "circular".

    Source: the two heads of Avsec et al. 2021, Nature Genetics 53 (BPNet), shape and total, added in logarithms.
    """

    def __init__(self, field: Field, task: Task, kernel_size: int = 15, padding_mode: str = "zeros") -> None:
        super().__init__(field, Field(field.space, task.out_rep(field.group)))
        self.shape = Conv(field, self.out_field, kernel_size, padding_mode=padding_mode)
        vectors = Point().field(field.group, field.rep)
        self.level = EquivariantLinear(vectors, Point().field(field.group, self.out_field.rep), bias=False)
        for weight in (*self.shape.weights, *self.level.parameters()):
            weight.data.mul_(START)

    def forward(self, x: Float[Tensor, "b c l"]) -> Float[Tensor, "b tracks l"]:
        """The sum."""
        check_signal(self.in_field, x, "ProfileReadout")
        return self.shape(x) + self.level(_mean(x))[:, :, None]

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """As the kernel."""
        return self.shape.exact_when(shape)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the input for odd kernels."""
        return self.shape.out_shape(shape)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of both maps."""
        return self.shape.multiplications(shape) + self.level.multiplications(()) + self.in_field.size * prod(shape)

    def export(self) -> nn.Module:
        """An ordinary convolution and `nn.Linear`."""
        return _PlainProfile(self.shape.export(), self.level.export())


def _mean(x: Tensor) -> Tensor:
    return x.mean(dim=2, dtype=torch.promote_types(x.dtype, torch.float32)).to(x.dtype)


class _PlainProfile(nn.Module):
    """The plain-torch form of `ProfileReadout`."""

    def __init__(self, shape: nn.Module, level: nn.Module) -> None:
        super().__init__()
        self.shape, self.level = shape, level

    def forward(self, x: Tensor) -> Tensor:
        return self.shape(x) + self.level(_mean(x))[:, :, None]
