"""Ordinary image classifiers, built here: residual networks, a ConvNeXt-like one and a vision transformer.

The residual networks are those of He et al. 2015 (arXiv 1512.03385); their ways to halve the size are the usual stride,
a binomial filter before it (Zhang 2019, arXiv 1904.11486), and the strongest polyphase component (Chaman & Dokmanić
2021, arXiv 2011.14214).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from erlangen.grids import Grid, PolyphasePool

DOWN = ("stride", "blur", "polyphase")


class BlurPool(nn.Module):
    """A binomial filter of three taps, then every second pixel."""

    def __init__(self, channels: int, padding: str) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", torch.outer(taps, taps).expand(channels, 1, 3, 3).clone())
        self.mode = "circular" if padding == "circular" else "constant"

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(functional.pad(x, (1,) * 4, self.mode), self.kernel, stride=2, groups=len(self.kernel))


def _conv(channels_in: int, channels: int, size: int, stride: int, padding: str) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels, size, stride, size // 2, bias=False, padding_mode=padding)


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels_in: int, channels: int, halve: bool, down: str, padding: str) -> None:
        super().__init__()
        stride = 2 if halve and down == "stride" else 1
        self.first = _conv(channels_in, channels, 3, stride, padding)
        self.norm1, self.act = nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
        self.second, self.norm2 = _conv(channels, channels, 3, 1, padding), nn.BatchNorm2d(channels)
        self.blur = BlurPool(channels, padding) if halve and down == "blur" else nn.Identity()
        self.short = nn.Identity()
        if halve or channels_in != channels:
            shrink = BlurPool(channels_in, padding) if halve and down == "blur" else nn.Identity()
            self.short = nn.Sequential(
                shrink, nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )
        phases = halve and down == "polyphase"
        self.phases = PolyphasePool(Grid(2).field("C1", channels), 2, "plain") if phases else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.blur(self.act(self.norm1(self.first(x))))
        return self.phases(self.act(self.norm2(self.second(y)) + self.short(x)))


class ResNet(nn.Module):
    """A residual network.

    Args:
        classes: how many.
        widths: channels of the stages, each of two blocks; every stage but the first halves the size.
        channels: of the input.
        down: "stride", "blur" or "polyphase".
        padding: "zeros" or "circular".
        large: whether the stem is that for photographs, stride 2 and a maximum over 3×3 with stride 2.
    """

    def __init__(
        self,
        classes: int = 10,
        widths: tuple[int, ...] = (64, 128, 256, 512),
        channels: int = 3,
        down: str = "stride",
        padding: str = "zeros",
        large: bool = False,
    ) -> None:
        super().__init__()
        self.stem = _conv(channels, widths[0], 7 if large else 3, 2 if large else 1, padding)
        self.norm, self.act = nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, 2, 1) if large else nn.Identity()
        blocks, before = [], widths[0]
        for i, width in enumerate(widths):
            blocks += [Block(before, width, i > 0, down, padding), Block(width, width, False, down, padding)]
            before = width
        self.blocks = nn.Sequential(*blocks)
        self.mean, self.flat, self.head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.flat(self.mean(self.blocks(self.pool(self.act(self.norm(self.stem(x))))))))


class LayerNorm2d(nn.LayerNorm):
    """A layer norm over channels of images."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """A depthwise convolution, a norm and two pointwise maps beside a shortcut (Liu et al. 2022, arXiv 2201.03545)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(width, width, 7, padding=3, groups=width), LayerNorm2d(width)
        self.wide, self.act, self.narrow = nn.Conv2d(width, 4 * width, 1), nn.GELU(), nn.Conv2d(4 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(self.act(self.wide(self.norm(self.depthwise(x)))))


def convnext(classes: int = 10, widths: tuple[int, ...] = (32, 64), channels: int = 3, patch: int = 2) -> nn.Module:
    """A ConvNeXt-like network: a stem of patches, two blocks a stage, convolutions of stride 2 between."""
    layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], patch, patch), LayerNorm2d(widths[0])]
    for i, width in enumerate(widths):
        if i:
            layers += [LayerNorm2d(widths[i - 1]), nn.Conv2d(widths[i - 1], width, 2, 2)]
        layers += [ConvNeXtBlock(width), ConvNeXtBlock(width)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes))


class ViT(nn.Module):
    """A vision transformer (Dosovitskiy et al. 2020, arXiv 2010.11929) that averages its tokens.

    Args:
        classes: how many.
        side: of the images.
        patch: side of a patch.
        width: channels of a token.
        depth: layers.
        channels: of the input.
    """

    def __init__(
        self, classes: int = 10, side: int = 32, patch: int = 4, width: int = 64, depth: int = 4, channels: int = 3
    ) -> None:
        super().__init__()
        self.patches = nn.Conv2d(channels, width, patch, patch)
        self.position = nn.Parameter(0.2 * torch.randn(1, (side // patch) ** 2, width))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True)
            for _ in range(depth)
        )
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).mT + self.position
        for layer in self.layers:
            tokens = layer(tokens)
        return self.head(self.norm(tokens).mean(1))


ARMS: dict[str, Callable[..., nn.Module]] = {
    "ResNet, stride": lambda w, c, n: ResNet(n, w, c),
    "ResNet, blur": lambda w, c, n: ResNet(n, w, c, "blur"),
    "ResNet, circular stride": lambda w, c, n: ResNet(n, w, c, "stride", "circular"),
    "ResNet, circular blur": lambda w, c, n: ResNet(n, w, c, "blur", "circular"),
    "ResNet, circular polyphase": lambda w, c, n: ResNet(n, w, c, "polyphase", "circular"),
    "ConvNeXt-like": lambda w, c, n: convnext(n, w, c),
    "ViT-like": lambda w, c, n: ViT(n, 32, 4, w[-1], 4, c),
}
"""name → (widths, channels, classes) → network for images of 32×32."""
