"""Normalisation that commutes with the representation of a field."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import EquivariantModule, Field, check_channels


class CopyNorm(EquivariantModule):
    """Each term divided by the root mean square of its channels, then one learned scale a copy.

    The mean square over a term is invariant where its component is orthogonal. Terms of other components (four-vectors)
    have no invariant size: they pass through with their learned scales, and so does a single trivial channel, of which
    only the sign would be left.

    Law: ρ(g) orthogonal: |ρ(g) x| = |x|, hence f(ρ(g) x) = ρ(g) f(x).

    Args:
        field: type of input and output.
        eps: added to the mean square.

    Source: Zhang & Sennrich 2019, arXiv 1910.07467 (root mean square norm).
    """

    def __init__(self, field: Field, eps: float = 1e-5) -> None:
        super().__init__(field, field)
        terms = [(m, c.size, c.is_orthogonal and m * c.size > 1) for m, c in field.rep.terms]
        self.body = CopyNormBody(terms, eps)

    def forward(self, x: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        """Term by term."""
        check_channels(self.in_field, x.shape[1], "CopyNorm")
        return self.body(x)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Three a channel."""
        return 3 * self.in_field.size

    def export(self) -> nn.Module:
        """The same in plain torch."""
        from copy import deepcopy

        return deepcopy(self.body)

    def extra_repr(self) -> str:
        """The field."""
        return f"{self.in_field.rep} of {self.in_field.group}"


class CopyNormBody(nn.Module):
    """Plain torch: the terms of a `CopyNorm`.

    Args:
        terms: (copies, size, whether it is divided by its root mean square) of every term.
        eps: added to the mean square.
    """

    def __init__(self, terms: list[tuple[int, int, bool]], eps: float) -> None:
        super().__init__()
        self.terms, self.eps = list(terms), eps
        self.scale = nn.Parameter(torch.ones(sum(m for m, _, _ in terms)))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C] to [B, C]."""
        parts = x.split([m * size for m, size, _ in self.terms], dim=1)
        scales = self.scale.split([m for m, _, _ in self.terms])
        outputs = []
        for part, scale, (copies, size, divided) in zip(parts, scales, self.terms, strict=True):
            v = part.unflatten(1, (copies, size))
            if divided:
                v = v * torch.rsqrt(v.square().mean(dim=(1, 2), keepdim=True) + self.eps)
            outputs.append((v * scale.unsqueeze(1)).flatten(1))
        return torch.cat(outputs, dim=1)
