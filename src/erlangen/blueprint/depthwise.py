"""Convolution of every channel with a kernel of its own, with gradients that are as fast as the forward pass.

On a CPU, oneDNN has fast depthwise kernels for the forward pass (any size, two and three axes, float32 and bfloat16)
but not for every gradient: that of the weights has one for two axes and at most three columns of taps, and falls back
to one that treats every channel as a dense group of sixteen, 10 times slower in float32 and 50 in bfloat16. So the
gradient of the input is written as a forward pass with the mirrored kernel, and that of the weights is put together
from pieces of at most three columns.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional
from torch.nn.grad import conv2d_weight

CONV = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
COLUMNS = 3  # columns of taps of the fast kernel


def depthwise_conv(
    x: Float[Tensor, "b c *space"], weight: Float[Tensor, "c 1 *taps"], padding: tuple[int, ...]
) -> Float[Tensor, "b c *moved"]:
    """Convolve channel c with weight[c], with stride 1 and zeros outside.

    Args:
        x: the signal, with one, two or three axes; the result has channels last in memory.
        weight: one kernel a channel, in the dtype of x.
        padding: zeros on both sides of each axis.
    """
    d = len(padding)
    x = _channels_last(x)
    if d == 1:  # oneDNN has no fast kernel for one axis
        return depthwise_conv(x.unsqueeze(-1), weight.unsqueeze(-1), (*padding, 0)).squeeze(-1)
    fits = all(p < k <= n + 2 * p for p, k, n in zip(padding, weight.shape[2:], x.shape[2:], strict=True))
    learning = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
    if x.device.type == "cpu" and x.numel() and learning and fits:
        return _Depthwise.apply(x, weight, padding)
    return CONV[d](x, weight, None, 1, padding, 1, x.shape[1])


def _channels_last(x: Tensor) -> Tensor:
    return x.movedim(1, -1).contiguous().movedim(-1, 1)


class _Depthwise(torch.autograd.Function):
    """Depthwise convolution with stride 1 along two or three axes; its backward is differentiable again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, padding: tuple[int, ...]) -> Tensor:
        return CONV[len(padding)](x, weight, None, 1, padding, 1, x.shape[1])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        x, weight, padding = inputs
        ctx.save_for_backward(x, weight)
        ctx.padding = padding

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # pyrefly: ignore[bad-override]
        x, weight = ctx.saved_tensors
        taps, d = weight.shape[2:], len(ctx.padding)
        dy = _channels_last(dy)
        dx = dw = None
        if ctx.needs_input_grad[0]:
            mirrored = weight.flip(list(range(2, 2 + d)))
            padding = [k - 1 - p for k, p in zip(taps, ctx.padding, strict=True)]
            dx = CONV[d](dy, mirrored, None, 1, padding, 1, x.shape[1])
        if ctx.needs_input_grad[1]:
            dw = _weight_gradient(x, dy, tuple(taps), ctx.padding)
        return dx, dw, None


def _weight_gradient(x: Tensor, dy: Tensor, taps: tuple[int, ...], padding: tuple[int, ...]) -> Tensor:
    """Σ over samples and points u of x(u + t) dy(u), for every channel and tap t."""
    if len(taps) == 3:  # one stack of planes for all samples, zeros between them; a tap shifts one against the other
        x = _planes(functional.pad(x, (0, 0, 0, 0, padding[0], padding[0])))
        dy = _planes(functional.pad(dy, (0, 0, 0, 0, 0, taps[0] - 1)))
        layers = [_weight_gradient(x[j:], dy[: len(dy) - j], taps[1:], padding[1:]) for j in range(taps[0])]
        return torch.stack(layers, dim=2)
    height, width = taps
    channels, columns = x.shape[1], dy.shape[-1]
    if width <= COLUMNS:
        return conv2d_weight(x, (channels, 1, *taps), dy, 1, padding, 1, channels)
    x = functional.pad(x, (padding[1], padding[1], 0, 0))
    pieces = []
    for start in range(0, width, COLUMNS):
        count = min(COLUMNS, width - start)
        part = _channels_last(x[..., start : start + columns + count - 1])
        pieces.append(conv2d_weight(part, (channels, 1, height, count), dy, 1, (padding[0], 0), 1, channels))
    return torch.cat(pieces, dim=-1)


def _planes(x: Tensor) -> Tensor:
    """[B, C, D, H, W] as B·D planes [B·D, C, H, W]."""
    return _channels_last(x.movedim(2, 1).flatten(0, 1))
