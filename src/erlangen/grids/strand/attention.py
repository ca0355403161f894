"""Attention along both strands, with relative positions that each strand measures in its own direction."""

from math import prod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Sequential, check_signal
from erlangen.errors import FieldError
from erlangen.grids.linear import Conv
from erlangen.grids.norm import LayerNorm
from erlangen.grids.strand.residual import Residual

SCALES = 8  # decay lengths 1, 2, 4, … of the bias, up to 128 letters


class StrandAttention(EquivariantModule):
    """Multi-head self-attention whose heads come in pairs, one on each strand.

    Queries, keys and values are regular fields, each made from both strands of the input by a complete equivariant map.
    The heads of a pair share their weights; the bias for the distance t - s is even + odd on one strand and even - odd
    on the other: every function of the distance along the own strand. Any length is taken.

    Law: rc exchanges the heads of a pair and turns t - s into s - t, which the bias follows: f(g·x) = g·f(x).

    Args:
        in_field: type of the input.
        out_field: type of the output; None for that of the input.
        heads: pairs of heads.
        head_size: channels a head; None for (channels of the input) / (2 heads), at least 4.

    Raises:
        FieldError: no heads.

    Source: Vaswani et al. 2017, arXiv 1706.03762; relative biases: Raffel et al. 2020, arXiv 1910.10683, section 2.1.
    """

    def __init__(
        self, in_field: Field, out_field: Field | None = None, heads: int = 4, head_size: int | None = None
    ) -> None:
        super().__init__(in_field, in_field if out_field is None else out_field)
        if heads < 1 or (head_size is not None and head_size < 1):
            raise FieldError(f"attention needs at least one pair of heads of one channel, got {heads} of {head_size}")
        self.heads, self.head_size = heads, max(4, in_field.size // (2 * heads)) if head_size is None else head_size
        regular, inner = in_field.group.representation("regular"), heads * self.head_size
        self.strands = regular.size
        self.project = Conv(in_field, in_field.with_rep(3 * inner * regular), 1)
        self.merge = Conv(in_field.with_rep(inner * regular), self.out_field, 1)
        self.even = nn.Parameter(0.1 * torch.randn(heads, SCALES))
        self.odd = nn.Parameter(0.1 * torch.randn(heads, SCALES))
        for weight in (*self.project.weights, *self.merge.weights):  # no ReLU follows them, which would halve variances
            weight.data.mul_(0.5**0.5)

    def forward(self, x: Float[Tensor, "b c_in l"]) -> Float[Tensor, "b c_out l"]:
        """Project, attend on each strand, merge."""
        check_signal(self.in_field, x, "StrandAttention")
        return self.merge(attend(self.project(x), self.even, self.odd, self.strands))

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of both maps, and two a pair of positions and channel."""
        pairs = 2 * self.strands * self.heads * self.head_size * prod(shape) ** 2
        return self.project.multiplications(shape) + self.merge.multiplications(shape) + pairs

    def export(self) -> nn.Module:
        """The same attention between ordinary convolutions."""
        return _PlainAttention(self.project.export(), self.merge.export(), self.even, self.odd, self.strands)

    def extra_repr(self) -> str:
        """Fields and heads."""
        return f"{self.in_field.rep} -> {self.out_field.rep}, {self.heads} pairs of heads of {self.head_size}"


def distance_bias(even: Float[Tensor, "h j"], odd: Float[Tensor, "h j"], strands: int, length: int) -> Tensor:
    """b(t - s) for every head, [strands, heads, length, length]: sums of exponentials, e(|δ|) ± sign(δ) o(|δ|)."""
    place = torch.arange(length, device=even.device)
    distance = torch.arange(1 - length, length, device=even.device, dtype=even.dtype)
    rates = torch.exp2(-torch.arange(even.shape[1], device=even.device, dtype=even.dtype))
    decay = (-distance.abs() * rates[:, None]).exp()  # [scales, distances]
    same, other = even @ decay, odd @ (decay * distance.sign())
    table = torch.stack([same + other, same - other][:strands])
    return table[:, :, place[:, None] - place + (length - 1)]


def attend(projected: Float[Tensor, "b c l"], even: Tensor, odd: Tensor, strands: int) -> Float[Tensor, "b inner l"]:
    """Attention of every head on its strand.

    Args:
        projected: queries, keys and values, each [B, heads · head size · strands, L] with the strands innermost.
        even: [heads, scales] the bias that both strands share.
        odd: [heads, scales] the bias that changes sign between them.
        strands: 2, or 1 without the symmetry.
    """
    heads, length = even.shape[0], projected.shape[2]
    split = projected.unflatten(1, (3, heads, -1, strands))  # [B, 3, heads, size, strands, L]
    query, key, value = split.permute(1, 0, 4, 2, 5, 3).flatten(2, 3).unbind(0)  # [B, strands·heads, L, size]
    bias = distance_bias(even, odd, strands, length).flatten(0, 1).to(query.dtype)
    mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    return mixed.unflatten(1, (strands, heads)).permute(0, 2, 4, 1, 3).flatten(1, 3)


class _PlainAttention(nn.Module):
    """The plain-torch form of `StrandAttention`."""

    def __init__(self, project: nn.Module, merge: nn.Module, even: Tensor, odd: Tensor, strands: int) -> None:
        super().__init__()
        self.project, self.merge, self.strands = project, merge, strands
        self.even, self.odd = nn.Parameter(even.detach().clone()), nn.Parameter(odd.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(attend(self.project(x), self.even, self.odd, self.strands))


def attention_block(
    in_field: Field, out_field: Field, *, heads: int = 4, expand: int = 2, **local: Any
) -> EquivariantModule:
    """norm (y + B σ B' norm y) with y = x + attention(norm x), where B' is a convolution that sees neighbours.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        heads: pairs of heads.
        expand: channels between B' and B, as a multiple of those of the output.
        local: of the convolution B', such as kernel_size.
    """
    space = in_field.space
    inner = out_field.with_rep(expand * out_field.rep)
    return Sequential(
        Residual(Sequential(LayerNorm(in_field), StrandAttention(in_field, out_field, heads))),
        Residual(
            Sequential(
                LayerNorm(out_field),
                Conv(out_field, inner, **local),
                space.nonlinearity(inner),
                Conv(inner, out_field, 1),
            )
        ),
        space.norm(out_field),
    )
