"""Random smooth deformations of images: turns, changes of size, shears and elastic warps, in one interpolation."""

from math import pi

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from erlangen.errors import DomainError

STRETCH = 0.12  # standard deviation of the logarithm of the size along two axes, which also shears
ELASTIC = 0.035  # standard deviation of a displacement, in halves of the image
KNOTS = 6  # of the displacement along each axis; between them it is smooth


class RandomWarp:
    """A smooth random deformation for every image.

    A point u comes from R(a) S u + v(u): a uniform turn R, a symmetric stretch S with logarithms of its axes drawn from
    a normal distribution along random directions, and a smooth displacement v. The image is interpolated once, bicubic.

    Args:
        turns: whether to turn by a uniform angle; else images stay upright.
        stretch: standard deviation of the logarithms of the sizes.
        elastic: standard deviation of the displacement, in halves of the image.

    Raises:
        DomainError: a negative strength.

    Source: elastic distortions: Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks
        applied to visual document analysis".
    """

    def __init__(self, turns: bool = True, stretch: float = STRETCH, elastic: float = ELASTIC) -> None:
        if min(stretch, elastic) < 0:
            raise DomainError(f"strengths of a deformation are not negative, got {stretch} and {elastic}")
        self.turns, self.stretch, self.elastic = turns, stretch, elastic

    def __call__(self, x: Float[Tensor, "b c n m"], generator: torch.Generator) -> Float[Tensor, "b c n m"]:
        """Deform every image by a draw of its own."""
        batch = len(x)
        draw = torch.rand(batch, 2, generator=generator) * 2 * pi
        sizes = (self.stretch * torch.randn(batch, 2, generator=generator)).exp()
        knots = self.elastic * torch.randn(batch, 2, KNOTS, KNOTS, generator=generator)
        frame = _turn(draw[:, 0])
        matrix = frame @ torch.diag_embed(sizes) @ frame.mT
        if self.turns:
            matrix = _turn(draw[:, 1]) @ matrix
        theta = torch.cat([matrix, torch.zeros(batch, 2, 1)], dim=2).to(x)
        where = functional.affine_grid(theta, list(x.shape), align_corners=False)
        smooth = functional.interpolate(knots.to(x), size=x.shape[2:], mode="bicubic", align_corners=True)
        return functional.grid_sample(
            x, where + smooth.permute(0, 2, 3, 1), mode="bicubic", padding_mode="zeros", align_corners=False
        )


def _turn(angle: Float[Tensor, " b"]) -> Float[Tensor, "b 2 2"]:
    c, s = angle.cos(), angle.sin()
    return torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2)
