"""Convolution of lines as images one pixel high, whose channels lie together in memory.

The kernels of torch for one-dimensional convolutions read and write contiguous lines only and rearrange them on the
way. An image [B, C, 1, L] in channels_last order saves that; the line that comes out is a view of it, and so the next
layer finds it in order already.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def as_image(x: Float[Tensor, "b c l"]) -> Float[Tensor, "b c 1 l"]:
    """The line as an image one pixel high, in channels_last order; a view where it is in that order already."""
    return x.movedim(1, -1).contiguous().movedim(-1, 1).unsqueeze(2)


def convolve_line(
    x: Float[Tensor, "b c_in l"],
    weight: Float[Tensor, "c_out c_in k"],
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
    image = functional.conv2d(as_image(x), as_image(weight), bias, (1, *stride), (0, *padding), (1, *dilation), groups)
    return image.squeeze(2)
