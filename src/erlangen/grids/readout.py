"""Heads: invariant vectors, equivariant maps, and the flatten that loses the symmetry."""

from math import pi, prod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Sequential, Task, check_signal
from erlangen.errors import FieldError, NoEquivariantMap
from erlangen.grids.linear import Conv
from erlangen.grids.needs import needs_orthogonal
from erlangen.point import Point
from erlangen.symmetry import Representation

EXPANSION = 4  # times as many copies before the invariants are taken


def invariant_head(
    field: Field,
    task: Task,
    expansion: int = EXPANSION,
    nonlinearity: "str | dict[str, Any] | None" = None,
    **options: Any,
) -> "InvariantReadout | Sequential":
    """More copies by a block of one tap, then `InvariantReadout`.

    A copy of the regular representation of G has |G| channels but gives two invariants, so without the block the head
    of a large group would see few features.

    Args:
        field: type of the input.
        task: `Classify` or `Regress`; decides the number of outputs.
        expansion: how many times as many copies, at most one for each channel of the input; 1 leaves the block out.
        nonlinearity: of the block, as `dense_block` takes it; None takes the default of the space.
        options: of `InvariantReadout`.

    Raises:
        FieldError: an expansion that is no whole number, or below 1.
    """
    if not isinstance(expansion, int) or expansion < 1:
        raise FieldError(
            f"expansion is a whole number of times as many copies as there are, at least 1; got {expansion!r}"
        )
    factor = min(expansion, field.size // max((m for m, _ in field.rep.terms), default=1))
    if factor <= 1:
        return InvariantReadout(field, task, **options)
    wide = Field(field.space, Representation(field.group, tuple((factor * m, c) for m, c in field.rep.terms)))
    local = {} if nonlinearity is None else {"nonlinearity": nonlinearity}
    return Sequential(field.space.block(field, wide, kernel_size=1, **local), InvariantReadout(wide, task, **options))


class InvariantReadout(EquivariantModule):
    """Global pooling to invariants of every copy, standardised unless asked not to, then a linear map.

    A permuted copy gives the maximum and the mean over its channels and all points; another copy gives the maximum
    and the mean of its norm. Such numbers lie far from zero and differ little from one example to the next, so that a
    linear map learns little else than their mean at first; `InvariantNorm` takes that away.

    Law: f(g·x) = f(x), for the point group and for shifts of a periodic signal.

    Args:
        field: type of the input.
        task: `Classify` or `Regress`; decides the number of outputs.
        dropout: share of invariants dropped in training.
        standardise: take means and spreads away; without, rare features keep their small weight, which is what a few
            thousand examples of motifs want.

    Raises:
        NoEquivariantMap: an output that is not invariant.
        NonlinearityError: a representation that changes norms.
    """

    def __init__(self, field: Field, task: Task, dropout: float = 0.0, standardise: bool = True) -> None:
        super().__init__(field, Point().field(field.group, task.out_rep(field.group)))
        if not self.out_field.rep.is_trivial:
            raise NoEquivariantMap("invariants", self.out_field, "ask for trivial outputs, or use a dense task")
        needs_orthogonal(field, "InvariantReadout")
        self.terms = [(m, c.size, c.is_permutation) for m, c in field.rep.terms]
        copies = sum(m for m, _, _ in self.terms)
        self.norm = InvariantNorm(2 * copies) if standardise else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(2 * copies, self.out_field.size)

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b k"]:
        """Invariants, their norm if there is one, then the linear map."""
        check_signal(self.in_field, x, "InvariantReadout")
        found = self.norm(invariants(x, self.terms).to(self.linear.weight.dtype))
        return self.linear(self.dropout(found))

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A point."""
        return ()

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the linear map, one an invariant for the norm and one a value for the mean."""
        normed = self.linear.in_features if isinstance(self.norm, InvariantNorm) else 0
        return self.linear.weight.numel() + normed + self.in_field.size * prod(shape)

    def export(self) -> nn.Module:
        """Pooling, `nn.BatchNorm1d` and `nn.Linear`."""
        norm = self.norm.export() if isinstance(self.norm, InvariantNorm) else nn.Identity()
        return PlainReadout(self.terms, norm, self.linear)

    def extra_repr(self) -> str:
        """Fields."""
        return f"{self.in_field.rep} -> {self.out_field.rep}"


class InvariantNorm(nn.Module):
    """Batch norm of invariants, without an affine map of its own, that also takes single examples.

    In training, a batch of at least `fewest` examples is normalised by its own mean and variance; a smaller one, whose
    variance would say little (of two examples only their order is left), by the running ones, which it leaves as they
    are: 0 and 1 at first, so that training in small batches is training without a norm.

    Args:
        size: how many invariants.
        momentum: share of the new statistics in the running ones.
        eps: added to the variance.
        fewest: examples in a batch that is normalised by itself.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, size: int, momentum: float = 0.1, eps: float = 1e-5, fewest: int = 8) -> None:
        super().__init__()
        self.momentum, self.eps, self.fewest = momentum, eps, fewest
        self.register_buffer("running_mean", torch.zeros(size))
        self.register_buffer("running_var", torch.ones(size))

    def forward(self, x: Float[Tensor, "b n"]) -> Float[Tensor, "b n"]:
        """(x - mean) / √(variance + eps)."""
        mean, variance = self.running_mean, self.running_var
        if self.training and len(x) >= self.fewest:
            return functional.batch_norm(x, mean, variance, training=True, momentum=self.momentum, eps=self.eps)
        return (x - mean) * (variance + self.eps).rsqrt()

    def export(self) -> nn.BatchNorm1d:
        """`BatchNorm1d` with these statistics, which evaluates."""
        plain = nn.BatchNorm1d(len(self.running_mean), self.eps, self.momentum, affine=False).to(self.running_mean)
        plain.load_state_dict({**plain.state_dict(), **self.state_dict()})
        return plain.eval()


def invariants(x: Float[Tensor, "b c *space"], terms: list[tuple[int, int, bool]]) -> Float[Tensor, "b invariants"]:
    """Maximum and mean of every copy over its channels and all points, in float32 at least.

    Args:
        x: the signal.
        terms: (copies, size, permuted) of every term of its representation.
    """
    peaks, means, start = [], [], 0
    points = tuple(range(2, x.ndim))
    for copies, size, permuted in terms:
        block, channels = x[:, start : start + copies * size], (copies, size)
        start += copies * size
        if not permuted:
            block = block.float() if block.dtype == torch.float16 else block  # 1e-12 is nothing there
            block = (block.unflatten(1, channels).square().sum(2) + 1e-12).sqrt()
            channels = (copies, 1)
        peaks.append(_largest(block).unflatten(1, channels).amax(2))
        mean = block.mean(points, dtype=torch.promote_types(block.dtype, torch.float32))
        means.append(mean.unflatten(1, channels).mean(2))
    return torch.cat([*(p.to(means[0].dtype) for p in peaks), *means], dim=1)


def _largest(x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c"]:
    """The maximum over all points, whose gradient costs a tenth of that of `amax`."""
    image = x.unsqueeze(-1) if x.ndim == 3 else x.flatten(3)
    if not image.numel():
        return x.amax(tuple(range(2, x.ndim)))
    return functional.adaptive_max_pool2d(image, 1).flatten(1)


class PlainReadout(nn.Module):
    """The plain-torch form of `InvariantReadout`."""

    def __init__(self, terms: list[tuple[int, int, bool]], norm: nn.Module, linear: nn.Linear) -> None:
        super().__init__()
        self.terms = terms
        self.norm = norm
        self.linear = nn.Linear(linear.in_features, linear.out_features).to(linear.weight)
        self.linear.load_state_dict(linear.state_dict())

    def forward(self, x: Tensor) -> Tensor:
        """Invariants, their norm, then the linear map."""
        return self.linear(self.norm(invariants(x, self.terms).to(self.linear.weight.dtype)))


class DenseReadout(EquivariantModule):
    """A 1×1 convolution to the output representation at every point.

    The features after a ReLU have a mean, which the shared weights of an orbit add up |orbit| times: weights drawn for
    features of mean zero would start a network of the cube with outputs of 6 in place of 1. So they are rescaled.

    Law: f(g·x) = g·f(x).

    Args:
        field: type of the input.
        task: `Segment` or `Predict`; decides the output representation.

    Raises:
        NoEquivariantMap: the hidden field shares no irrep with the output.
    """

    def __init__(self, field: Field, task: Task) -> None:
        super().__init__(field, Field(field.space, task.out_rep(field.group)))
        self.conv = Conv(field, self.out_field, 1)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Outputs of mean square 1 for features max(0, z), z ~ N(0, 1): of mean 1/√(2π), variance 1/2 - 1/(2π)."""
        self.conv.reset_parameters()
        rows = self.conv.kernel().flatten(1)
        square = (0.5 - 0.5 / pi) * rows.square().sum(1) + 0.5 / pi * rows.sum(1).square()
        for weight in self.conv.weights:
            weight /= square.mean().clamp_min(1e-12).sqrt()

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b k *space"]:
        """One linear map at every point."""
        return self.conv(x)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the 1×1 convolution."""
        return self.conv.multiplications(shape)

    def export(self) -> nn.Module:
        """An ordinary 1×1 convolution."""
        return self.conv.export()


class Flatten(EquivariantModule):
    """Flatten the grid and apply one linear map: the head of a textbook CNN, which LOSES the symmetry.

    Every pixel has weights of its own, so a moved signal meets other weights: f(g·x) ≠ f(x). It is here to be
    compared with, and so that the audit has something to find.

    Args:
        field: type of the input.
        task: decides the number of outputs.
        shape: the one size of input it will take.
    """

    def __init__(self, field: Field, task: Task, shape: tuple[int, ...]) -> None:
        super().__init__(field, Point().field(field.group, task.out_rep(field.group)))
        self.shape = tuple(shape)
        self.linear = nn.Linear(field.size * prod(self.shape), self.out_field.size)

    @property
    def law(self) -> str:
        """None."""
        return "none: f(g·x) ≠ f(x)"

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b k"]:
        """Flatten, then the linear map."""
        check_signal(self.in_field, x, "Flatten")
        return self.linear(x.flatten(1))

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A point."""
        return ()

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Never."""
        return False, "never: weights differ from pixel to pixel"

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the linear map."""
        return self.linear.weight.numel()

    def export(self) -> nn.Module:
        """`nn.Flatten` and `nn.Linear`."""
        linear = nn.Linear(self.linear.in_features, self.linear.out_features).to(self.linear.weight)
        linear.load_state_dict(self.linear.state_dict())
        return nn.Sequential(nn.Flatten(), linear)
