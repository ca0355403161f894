"""Convolution of lines as images one pixel high, whose channels lie together in memory.

The kernels of torch for one-dimensional convolutions read and write contiguous lines only and rearrange them on the
way. An image [B, C, 1, L] in channels_last order saves that; the line that comes out is a view of it, and so the next
layer finds it in order already. Of such images oneDNN computes outputs and gradients of inputs faster than of lines,
but gradients of weights in float32 are slower, five times so at 10,000 samples: for long lines of many channels they
are one matrix product a tap instead.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

LONG, WIDE = 512, 16  # samples and input channels from which on products are faster, measured with AVX-512


def as_image(x: Float[Tensor, "b c l"]) -> Float[Tensor, "b c 1 l"]:
    """The line as an image one pixel high, in channels_last order; a view where it is in that order already."""
    return x.movedim(1, -1).contiguous().movedim(-1, 1).unsqueeze(2)


def convolve_line(
    x: Float[Tensor, "b c_in l"],
    weight: Float[Tensor, "c_out c_own k"],
    bias: Float[Tensor, " c_out"] | None = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Float[Tensor, "b c_out m"]:
    """`torch.nn.functional.conv1d`, computed as a convolution of images one pixel high.

    Args:
        x: lines.
        weight: kernel.
        bias: one number a channel.
        stride: one step.
        padding: zeros on both sides.
        dilation: distance between taps.
        groups: blocks of channels that do not mix.
    """
    image, kernel = as_image(x), as_image(weight)
    learning = torch.is_grad_enabled() and weight.requires_grad
    long = x.shape[2] >= LONG and x.shape[1] >= WIDE and x.shape[0] > 0
    full = x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)
    if learning and long and full and stride[0] == 1 and groups == 1:
        return _LongLine.apply(image, kernel, bias, padding[0], dilation[0]).squeeze(2)
    return functional.conv2d(image, kernel, bias, (1, *stride), (0, *padding), (1, *dilation), groups).squeeze(2)


class _LongLine(torch.autograd.Function):
    """Convolution with stride 1 of images one pixel high; its backward is differentiable again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int, dilation: int) -> Tensor:
        return functional.conv2d(x, weight, bias, 1, (0, padding), (1, dilation))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        x, weight, _, padding, dilation = inputs
        ctx.save_for_backward(x, weight)
        ctx.padding, ctx.dilation = padding, dilation

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # pyrefly: ignore[bad-override]
        x, weight = ctx.saved_tensors
        dx = dw = None
        if ctx.needs_input_grad[0]:
            geometry = ([1, 1], [0, ctx.padding], [1, ctx.dilation], False, [0, 0], 1)
            dx = torch.ops.aten.convolution_backward(dy, x, weight, None, *geometry, [True, False, False])[0]
        if ctx.needs_input_grad[1]:
            dw = _weight_gradient(x.squeeze(2), dy.squeeze(2), weight.shape[3], ctx.padding, ctx.dilation)
        return dx, dw, dy.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None, None, None


def _weight_gradient(x: Tensor, dy: Tensor, taps: int, padding: int, dilation: int) -> Float[Tensor, "o c 1 k"]:
    """Σ over samples and places t of dy(t) x(t + k)ᵀ, one product for every tap k."""
    rows = functional.pad(x.movedim(1, -1), (0, 0, padding, padding))  # [B, L + 2p, C]
    length = dy.shape[2]
    products = [torch.bmm(dy, rows[:, k * dilation : k * dilation + length]).sum(0) for k in range(taps)]
    return torch.stack(products, dim=1).movedim(1, 2).unsqueeze(2)
