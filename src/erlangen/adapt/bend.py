"""Augmentations that bend the domain: perspective and elastic changes of images, warps of time."""

from math import pi

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from erlangen.errors import DomainError

CORNERS = 0.15  # largest displacement of a corner, in sizes of the image
ELASTIC = 0.05  # standard deviation of an elastic displacement, in halves of the image
SPEED, KNOTS = 0.4, 6  # standard deviation of the logarithm of the speed of time, and how many places have their own


class RandomPerspective:
    """Every image seen from another side: its corners move inwards by independent uniform amounts.

    Args:
        strength: largest displacement of a corner along each axis, in sizes of the image.
    """

    def __init__(self, strength: float = CORNERS) -> None:
        _check(strength)
        self.strength = strength

    def __call__(self, x: Float[Tensor, "b c n m"], generator: torch.Generator) -> Float[Tensor, "b c n m"]:
        """The images in perspective, zero outside."""
        from kornia.geometry.transform import get_perspective_transform, warp_perspective

        n, m = x.shape[2:]
        corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]) * torch.tensor([m - 1.0, n - 1.0])
        inwards = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
        drawn = self.strength * torch.rand(len(x), 4, 2, generator=generator)
        moved = corners + inwards * drawn * torch.tensor([float(m), float(n)])
        matrix = get_perspective_transform(corners.expand(len(x), 4, 2), moved)
        return warp_perspective(x, matrix.to(x), (n, m), mode="bicubic")


class RandomElastic:
    """Every image drawn on its own piece of rubber: a smooth random displacement of its points.

    Args:
        strength: standard deviation of the displacement, in halves of the image.

    Source: Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks applied to visual
        document analysis".
    """

    def __init__(self, strength: float = ELASTIC) -> None:
        _check(strength)
        self.strength = strength

    def __call__(self, x: Float[Tensor, "b c n m"], generator: torch.Generator) -> Float[Tensor, "b c n m"]:
        """The bent images, zero outside."""
        from kornia.geometry.transform import elastic_transform2d

        sizes = tuple(x.shape[2:])
        sigma = tuple(max(1.0, n / 8) for n in sizes)
        kernel = tuple(min(2 * int(2 * s) + 1, 2 * ((n - 1) // 2) + 1) for s, n in zip(sigma, sizes, strict=True))
        noise = 2 * torch.rand(len(x), 2, *sizes, generator=generator) - 1
        # a Gaussian filter divides the spread of noise, 1/√3 here, by 2√(π σ σ')
        alpha = self.strength * 3**0.5 * 2 * (pi * sigma[0] * sigma[1]) ** 0.5
        return elastic_transform2d(
            x, noise.to(x), kernel_size=kernel, sigma=sigma, alpha=(alpha, alpha), mode="bicubic"
        )


class TimeWarp:
    """Every sequence at another, smoothly changing speed; its ends stay where they are and no moment is passed twice.

    Args:
        strength: standard deviation of the logarithm of the speed.

    Law: y(t) = x(τ(t)) with τ increasing, τ(0) = 0 and τ(1) = 1.
    """

    def __init__(self, strength: float = SPEED) -> None:
        _check(strength)
        self.strength = strength

    def __call__(self, x: Float[Tensor, "b c n"], generator: torch.Generator) -> Float[Tensor, "b c n"]:
        """The warped sequences, interpolated linearly."""
        n = x.shape[2]
        if n < 2:
            return x
        place = self.times(len(x), n, generator).to(x) * (n - 1)
        left = place.floor().long().clamp(0, n - 2)
        share = (place - left).unsqueeze(1)
        left = left.unsqueeze(1).expand(-1, x.shape[1], -1)
        return x.gather(2, left) * (1 - share) + x.gather(2, left + 1) * share

    def times(self, count: int, n: int, generator: torch.Generator) -> Float[Tensor, "count n"]:
        """τ at n equal steps from 0 to 1, for each of `count` sequences."""
        knots = self.strength * torch.randn(count, 1, KNOTS, generator=generator)
        speed = functional.interpolate(knots, size=n - 1, mode="linear", align_corners=True)[:, 0].exp()
        passed = torch.cat([speed.new_zeros(count, 1), speed.cumsum(1)], 1)
        return passed / passed[:, -1:]


def _check(strength: float) -> None:
    if strength < 0:
        raise DomainError(f"the strength of a deformation is not negative, got {strength}")
