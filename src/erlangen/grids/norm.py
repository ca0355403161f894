"""Batch and layer normalisation that commute with the representation of a field.

All channels of one copy share their statistics and their affine map, so that no symmetry can tell them apart. Only
copies that are permuted have a mean; the others (vectors, signs) are scaled by their root mean square.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, check_signal
from erlangen.errors import FieldError
from erlangen.grids.line import as_image
from erlangen.grids.needs import needs_orthogonal, needs_squares

PLAIN = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


def shifts(centred: Tensor) -> Tensor:
    """Which shift a copy has, [copies]: the permuted ones are counted; the others have none, and any number will do."""
    return (centred.cumsum(0).long() - 1).clamp(min=0)


def copy_maps(field: Field) -> tuple[Tensor, Tensor, Tensor]:
    """Which copy a channel belongs to.

    Returns:
        copy: [C] index of the copy of each channel; average: [copies, C] the mean over each copy's channels;
        centred: [copies] 1 where the copy is permuted and so has a mean, else 0.
    """
    starts = list(field.rep.copies())
    copy = torch.cat([torch.full((c.size,), i) for i, (_, c) in enumerate(starts)])
    average = torch.zeros(len(starts), field.size)
    average[copy, torch.arange(field.size)] = 1.0
    average /= average.sum(dim=1, keepdim=True)
    centred = torch.tensor([float(c.is_permutation) for _, c in starts])
    return copy, average, centred


class _SharedStatistics(torch.autograd.Function):
    """Batch normalisation of channels whose statistics are averaged over copies: (x - μ)/σ·γ + β, with μ and σ of x.

    Forward is one pass for the statistics of every channel and one for the affine map; both are torch's own kernels.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, maps: tuple[Tensor, Tensor, Tensor], eps: float, share: float
    ) -> tuple[Tensor, ...]:
        copy, average, centred = maps
        mean, variance = _channel_statistics(x)
        shared_mean, shared_variance = _shared(mean, variance, maps, share)
        mean_c, variance_c = shared_mean[copy], shared_variance[copy]
        y = functional.batch_norm(x, mean_c, variance_c, gamma, beta, False, 0.0, eps)
        ctx.save_for_backward(x, gamma, beta, mean_c, variance_c, copy, average, centred)
        ctx.eps, ctx.share = eps, share
        ctx.mark_non_differentiable(shared_mean, shared_variance)
        return y, shared_mean, shared_variance

    @staticmethod
    def backward(  # pyrefly: ignore[bad-override]
        ctx: Any, dy: Tensor, _mean: Any, _variance: Any
    ) -> tuple[Tensor | None, ...]:
        x, gamma, beta, mean, variance, copy, average, centred = ctx.saved_tensors
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            return _differentiable(dy, x, gamma, beta, (copy, average, centred), ctx)
        dx, dgamma, dbeta = torch.ops.aten.native_batch_norm_backward(
            dy, x, gamma, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        inverse = (variance + ctx.eps).rsqrt()
        count = x.numel() // x.shape[1] * ctx.share
        through_mean = (average @ (gamma * dbeta) * centred / count)[copy]
        through_scale = (average @ (gamma * dgamma) / count)[copy]
        slope = inverse * inverse * through_scale
        offset = inverse * through_mean - slope * mean
        nothing = torch.zeros_like(mean)
        correction = functional.batch_norm(x, nothing, nothing + 1.0, slope, offset, False, 0.0, 0.0)
        return dx.sub_(correction), dgamma, dbeta, None, None, None


def _shared(mean: Tensor, variance: Tensor, maps: tuple[Tensor, Tensor, Tensor], share: float) -> tuple[Tensor, Tensor]:
    """Mean and variance of every copy from those of its channels; about the mean, since squares would cancel."""
    copy, average, centred = maps
    shared_mean = (average @ mean) * centred / share
    about = average @ (variance + (mean - shared_mean[copy]).square())
    outside = (1.0 - share) * shared_mean.square()  # zeros where there is no signal
    return shared_mean, ((about - outside) / share).clamp(min=0.0)


def _differentiable(
    dy: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, maps: tuple[Tensor, Tensor, Tensor], ctx: Any
) -> tuple[Tensor | None, ...]:
    """The gradient as a function that has a gradient again: the statistics depend on x."""
    axes = [0, *range(2, x.ndim)]
    shape = [1, -1] + [1] * (x.ndim - 2)
    with torch.enable_grad():
        wide = x if x.dtype == torch.float64 else x.float()
        variance, mean = torch.var_mean(wide, dim=axes, correction=0)
        means, variances = (v[maps[0]].view(shape) for v in _shared(mean, variance, maps, ctx.share))
        y = (wide - means) * (variances + ctx.eps).rsqrt() * gamma.view(shape) + beta.view(shape)
    wanted = [v for v, needed in zip((x, gamma, beta), ctx.needs_input_grad[:3], strict=True) if needed]
    found = iter(torch.autograd.grad(y, wanted, dy.to(y.dtype), create_graph=True, materialize_grads=True))
    return (*(next(found) if needed else None for needed in ctx.needs_input_grad[:3]), None, None, None)


def _channel_statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of every channel, in float32 at least."""
    if x.device.type in ("cpu", "cuda") and x.dtype in (torch.float32, torch.float64, torch.bfloat16):
        mean, variance = torch.ops.aten.batch_norm_update_stats(x, None, None, 0.0)
        if x.device.type == "cpu":
            return mean, variance
    axes = [0, *range(2, x.ndim)]
    wide = x if x.dtype == torch.float64 else x.float()
    variance, mean = torch.var_mean(wide, dim=axes, correction=0)
    return mean, variance


class BatchNorm(EquivariantModule):
    """Batch normalisation with statistics and affine map shared by the channels of each copy.

    Law: f(g·x) = g·f(x), in training too, since the statistics are means over an orbit.

    Args:
        field: type of input and output.
        momentum: share of the new statistics in the running ones.
        eps: added to the variance.
        affine: whether to learn a scale a copy, and a shift where the copy is permuted.

    Raises:
        NonlinearityError: a representation that changes norms.
    """

    incomplete = "a normalisation mixes no copies: one scale each, and one shift each that is permuted"
    copy: Tensor
    average: Tensor
    centred: Tensor
    shift: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, field: Field, momentum: float = 0.1, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__(field, field)
        needs_orthogonal(field, "BatchNorm")
        self.momentum, self.eps, self.affine = momentum, eps, affine
        copy, average, centred = copy_maps(field)
        copies = len(centred)
        for name, value in (("copy", copy), ("average", average), ("centred", centred), ("shift", shifts(centred))):
            self.register_buffer(name, value, persistent=False)
        self.register_buffer("running_mean", torch.zeros(copies))
        self.register_buffer("running_var", torch.ones(copies))
        self.weight = nn.Parameter(torch.ones(copies)) if affine else None
        self.bias = nn.Parameter(torch.zeros(int(centred.sum()))) if affine and bool(centred.any()) else None

    def affine_map(self) -> tuple[Tensor, Tensor]:
        """(γ, β), one of each a channel."""
        one = torch.ones_like(self.running_mean) if self.weight is None else self.weight
        zero = torch.zeros_like(self.running_mean) if self.bias is None else self.bias[self.shift] * self.centred
        return one[self.copy], zero[self.copy]

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Normalise by the batch in training, by the running statistics otherwise."""
        check_signal(self.in_field, x, "BatchNorm")
        return self.normalise(as_image(x)).squeeze(2) if x.ndim == 3 else self.normalise(x)

    def normalise(
        self, x: Float[Tensor, "b c *space"], share: float = 1.0, less: Float[Tensor, " copies"] | None = None
    ) -> Float[Tensor, "b c *space"]:
        """Normalise signals that live on a part of their box only.

        Args:
            x: the signal, zero elsewhere.
            share: of the points of the box that carry the signal.
            less: what was taken off every copy before, which the running means count in; training only.
        """
        if x.dtype == torch.float64 and self.running_mean.dtype != x.dtype:
            raise FieldError(
                f"the signal is {x.dtype}, the statistics of BatchNorm are {self.running_mean.dtype}. "
                "Fix: x.float(), or network.double()"
            )
        gamma, beta = self.affine_map()
        if not self.training or x.numel() == 0:
            mean, variance = self.running_mean[self.copy], self.running_var[self.copy]
            return functional.batch_norm(x, mean, variance, gamma, beta, False, 0.0, self.eps)
        maps = (self.copy, self.average, self.centred)
        y, mean, variance = _SharedStatistics.apply(x, gamma, beta, maps, self.eps, share)
        self._update(mean if less is None else mean + less, variance, x.numel() // x.shape[1] * share)
        return y

    def _update(self, mean: Tensor, variance: Tensor, count: float) -> None:
        with torch.no_grad():
            total = count * self.copy.numel() / self.running_mean.numel()
            unbiased = variance * (total / max(total - 1.0, 1.0))
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
            self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """One a value."""
        return self.in_field.size * torch.Size(shape).numel()

    def export(self) -> nn.Module:
        """`BatchNormNd` with statistics repeated over channels."""
        plain = PLAIN[len(self.in_field.space.nominal_shape())](self.in_field.size, self.eps, self.momentum)
        plain = plain.to(self.running_mean)
        gamma, beta = self.affine_map()
        with torch.no_grad():
            plain.weight.copy_(gamma)
            plain.bias.copy_(beta)
            plain.running_mean.copy_(self.running_mean[self.copy])  # type: ignore[union-attr]
            plain.running_var.copy_(self.running_var[self.copy])  # type: ignore[union-attr]
        return plain.eval()

    def extra_repr(self) -> str:
        """The field."""
        return f"{self.in_field.rep} of {self.in_field.group}"


class LayerNorm(EquivariantModule):
    """Normalise the channels at every point of every sample: subtract the mean of the permuted ones, divide by the RMS.

    A single permuted channel is left uncentred: nothing else would be left of it.

    Law: f(g·x) = g·f(x), since mean and RMS over whole copies are invariant.

    Args:
        field: type of input and output.
        eps: added to the mean square.

    Raises:
        NonlinearityError: a representation that changes norms.
        FieldError: hexagonal cells.
    """

    def __init__(self, field: Field, eps: float = 1e-6) -> None:
        super().__init__(field, field)
        needs_orthogonal(field, "LayerNorm")
        needs_squares(field, "LayerNorm", "HexBatchNorm, as space.norm(field) makes it")
        self.eps = eps
        copy, _, centred = copy_maps(field)
        if float(centred[copy].sum()) == 1:  # a channel that is a mean of its own would be lost with it
            centred = torch.zeros_like(centred)
        self.register_buffer("copy", copy, persistent=False)
        self.register_buffer("centred", centred[copy], persistent=False)
        self.register_buffer("shift", shifts(centred)[copy], persistent=False)
        self.weight = nn.Parameter(torch.ones(len(centred)))
        self.bias = nn.Parameter(torch.zeros(int(centred.sum()))) if bool(centred.any()) else None

    def _shift(self) -> Tensor:
        return torch.zeros_like(self.centred) if self.bias is None else self.bias[self.shift]

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """(x - mean) / rms · γ + β at every point, computed in float32 at least."""
        check_signal(self.in_field, x, "LayerNorm")
        y, centred, gamma, beta = _LayerNormForm.normalise(
            x, self.centred, self.weight[self.copy], self._shift(), self.eps
        )
        return (y * gamma + beta * centred).to(x.dtype)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Three a value."""
        return 3 * self.in_field.size * torch.Size(shape).numel()

    def export(self) -> nn.Module:
        """The same formula with one weight a channel."""
        return _LayerNormForm(self.centred, self.weight[self.copy].detach(), self._shift().detach(), self.eps)

    def extra_repr(self) -> str:
        """The field."""
        return f"{self.in_field.rep} of {self.in_field.group}"


class _LayerNormForm(nn.Module):
    """Layer normalisation over channels, with a mean over some of them."""

    def __init__(self, centred: Tensor, weight: Tensor, bias: Tensor, eps: float) -> None:
        super().__init__()
        self.register_buffer("centred", centred.clone(), persistent=False)
        self.weight, self.bias, self.eps = nn.Parameter(weight.clone()), nn.Parameter(bias.clone()), eps

    @staticmethod
    def normalise(x: Tensor, centred: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, ...]:
        """The normalised signal, and the channel vectors shaped to multiply it."""
        wide = x if x.dtype == torch.float64 else x.float()
        shape = [1, -1] + [1] * (x.ndim - 2)
        mask, gamma, beta = (v.to(wide.dtype).view(shape) for v in (centred, weight, bias))
        mean = (wide * mask).sum(1, keepdim=True) / mask.sum().clamp(min=1.0)
        centred_x = wide - mean * mask
        rms = (centred_x.square().mean(1, keepdim=True) + eps).rsqrt()
        return centred_x * rms, mask, gamma, beta

    def forward(self, x: Tensor) -> Tensor:
        """(x - mean) / rms · γ + β."""
        y, centred, gamma, beta = self.normalise(x, self.centred, self.weight, self.bias, self.eps)
        return (y * gamma + beta * centred).to(x.dtype)
