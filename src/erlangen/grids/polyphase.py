"""Pooling that keeps every circular shift: of the s^d ways to keep each s-th sample, the strongest one is kept.

Keeping samples 0, s, 2s, … depends on where the grid begins; a signal shifted by one pixel gives other samples. Here
the samples that are kept are chosen by the signal itself: those whose values have the largest norm. A shifted signal
has the same s^d sets of samples (its *polyphase components*), only numbered otherwise, so it keeps the same values.
"""

from math import prod

from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, check_signal
from erlangen.grids.phases import Phases


class PolyphasePool(EquivariantModule):
    """Pooling by a factor s that commutes with all circular shifts and with the point group.

    An axis of n samples is coarsened by gcd(n, s): a factor that does not divide n would make the shift by n, which
    is none, a shift of the output. So 7 stays 7 under s = 2.

    Law: f(t·x) = t′·f(x) for every circular shift t, where t′ is t/s rounded up or down; f(g·x) = g·f(x).
    Both hold unless two components have equal norms. Where a symmetry of x itself exchanges them, either choice is
    right up to that symmetry: an invariant head sees no difference, a map such as a segmentation does.

    Args:
        field: type of input and output.
        stride: the factor s, one for each axis or one number.
        kind: "blur", a circular binomial filter before; "plain", no filter; "max", the maximum over s+1 (s even) or s
            samples before; "maxblur", both.
        taps: taps of the binomial filter, an odd number; None takes 2s-1.

    Raises:
        UnknownName: no such kind.
        NonlinearityError: "max" on channels that are not permuted; a representation that changes norms.
        FieldError: an even number of taps.

    Source: Chaman & Dokmanić 2021, arXiv 2011.14214.
    """

    def __init__(
        self, field: Field, stride: "int | tuple[int, ...]" = 2, kind: str = "blur", taps: int | None = None
    ) -> None:
        super().__init__(field, field)
        self.phases = Phases(field, stride, kind, taps)

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *coarse"]:
        """Filter, then keep the strongest polyphase component of every example."""
        check_signal(self.in_field, x, "PolyphasePool")
        return self.phases.keep(x)

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Always, but for ties: an axis that the stride does not divide is not coarsened."""
        return True, "always, but for maps of images that a symmetry maps to themselves"

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """n / gcd(n, s) along each axis."""
        return tuple(n // s for n, s in zip(shape, self.phases.steps(shape), strict=True))

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """The filter at every sample, and a square for the norm."""
        return self.in_field.size * prod(shape) * (1 + prod(self.phases.taps_at(shape)))

    def export(self) -> nn.Module:
        """The same choice in plain torch."""
        return PlainPolyphasePool(self.phases)

    def extra_repr(self) -> str:
        """Kind and stride."""
        return f"{self.phases.kind}, stride {'×'.join(map(str, self.phases.stride))}"


class PolyphaseUpsample(EquivariantModule):
    """The way back from `PolyphasePool`: samples return to where they were taken from, linear interpolation between.

    Law: f(t·y, like=t·x) = t·f(y, like=x) for every circular shift t of the fine grid; likewise for the point group.

    Args:
        field: type of input and output.
        like: type of the fine signal that `PolyphasePool` coarsened.
        stride: as in `PolyphasePool`.
        kind: as in `PolyphasePool`, which decides which samples it kept.
        taps: as in `PolyphasePool`.
    """

    def __init__(
        self,
        field: Field,
        like: Field | None = None,
        stride: "int | tuple[int, ...]" = 2,
        kind: str = "blur",
        taps: int | None = None,
    ) -> None:
        super().__init__(field, field)
        self.phases = Phases(field if like is None else like, stride, kind, taps)

    def forward(self, x: Float[Tensor, "b c *coarse"], like: Float[Tensor, "b k *fine"]) -> Float[Tensor, "b c *fine"]:
        """Put x back onto the grid of `like`, from which it was taken, and interpolate."""
        check_signal(self.in_field, x, "PolyphaseUpsample")
        return self.phases.put_back(x, like)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """The filters at every sample of the fine grid."""
        taps = prod(2 * s - 1 for s in self.phases.steps(shape)) + prod(self.phases.taps_at(shape)) + 1
        return self.in_field.size * prod(shape) * taps

    def export(self) -> nn.Module:
        """The same in plain torch."""
        return PlainPolyphaseUpsample(self.phases)

    def extra_repr(self) -> str:
        """Kind and stride."""
        return f"{self.phases.kind}, stride {'×'.join(map(str, self.phases.stride))}"


class PlainPolyphasePool(nn.Module):
    """The plain-torch form of `PolyphasePool`."""

    def __init__(self, phases: Phases) -> None:
        super().__init__()
        self.phases = phases

    def forward(self, x: Tensor) -> Tensor:
        """Filter, then keep the strongest polyphase component."""
        return self.phases.keep(x)


class PlainPolyphaseUpsample(nn.Module):
    """The plain-torch form of `PolyphaseUpsample`."""

    def __init__(self, phases: Phases) -> None:
        super().__init__()
        self.phases = phases

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        """Put x back onto the grid of `like`, and interpolate."""
        return self.phases.put_back(x, like)
