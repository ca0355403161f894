"""By which numbers the versions of an input compete to be its canonical form."""

import torch
from torch import Tensor, nn


class FirstMoment(nn.Module):
    """A first moment of a signal, along a direction that no axis, diagonal or channel shares: no parameters.

    The score is Σ_c Σ_u a_c (1 + r·u) x_c(u) / Σ |x|, in float64: a lever along the direction r = (1, √2 - 1, …) that
    also tells the channels apart by a_c. It reads where the signal is heavier, and ties where a signal is symmetric or
    balanced.
    """

    unit = 1.0  # scores are relative to the size of the signal

    def forward(self, x: Tensor) -> Tensor:
        """Scores [B] of signals [B, C, *space]."""
        wide = x.detach().double()
        size = wide.abs().flatten(1).sum(1).clamp_min(torch.finfo(torch.float64).tiny)
        return (wide * lever(tuple(x.shape[1:])).to(wide)).flatten(1).sum(1) / size


def lever(shape: tuple[int, ...]) -> Tensor:
    """The template [C, *space], float64, with entries of at most about 1."""
    channels, space = shape[0], shape[1:]
    ramp = torch.ones(space, dtype=torch.float64)
    for axis, n in enumerate(reversed(space)):
        place = (torch.arange(n, dtype=torch.float64) - (n - 1) / 2) * 2 / max(n - 1, 1)
        along = [1] * len(space)
        along[len(space) - 1 - axis] = n
        ramp = ramp + 0.6 * (2**0.5 - 1) ** axis * place.reshape(along)
    irrational = (torch.arange(channels, dtype=torch.float64) * (5**0.5 - 1) / 2 + 0.5) % 1.0
    return (0.5 + irrational).reshape(-1, *[1] * len(space)) * ramp / 2
