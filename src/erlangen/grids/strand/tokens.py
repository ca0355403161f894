"""Words and tokens as input: one-hot k-mers from one-hot letters, and embeddings tied between the strands."""

from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, check_signal
from erlangen.errors import DomainError, FieldError
from erlangen.grids.linear import Conv


class Kmers(EquivariantModule):
    """One-hot words of k letters from one-hot letters, at every place: products of k neighbours.

    An unknown letter, all zeros, makes every word that holds it all zeros. A signal of L letters has L + 2p - k + 1
    words.

    Law: the words of the other strand, read backwards, are the reverse complements: f(g·x) = g·f(x).

    Args:
        field: one copy of "letters".
        k: letters a word.
        padding: unknown letters p added at both ends.

    Raises:
        FieldError: another field.
        DomainError: in forward, fewer than k letters.
    """

    def __init__(self, field: Field, k: int = 3, padding: int = 0) -> None:
        if field.rep != field.group.representation("letters"):
            raise FieldError(f"Kmers reads one copy of 'letters', got {field.rep} of {field.group}")
        super().__init__(field, field.with_rep(f"kmers({k})"))
        self.k, self.padding = k, padding

    def forward(self, x: Float[Tensor, "b 4 l"]) -> Float[Tensor, "b words m"]:
        """Multiply k shifted copies."""
        check_signal(self.in_field, x, "Kmers")
        return words(x, self.k, self.padding)

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """L + 2p - k + 1."""
        return (shape[0] + 2 * self.padding - self.k + 1,)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """One a word and step."""
        return sum(4 ** (i + 1) * (shape[0] + 2 * self.padding - i) for i in range(1, self.k))

    def export(self) -> nn.Module:
        """The same products."""
        return PlainKmers(self.k, self.padding)

    def extra_repr(self) -> str:
        """k."""
        return f"k={self.k}"


def words(x: Tensor, k: int, padding: int = 0) -> Tensor:
    """Products of k neighbours: [B, 4, L] to [B, 4^k, L + 2p - k + 1]."""
    x = functional.pad(x, (padding, padding)) if padding else x
    length = x.shape[2]
    if length < k:
        raise DomainError(f"{length} letters hold no word of {k}. Fix: longer sequences, or a smaller k.")
    found = x
    for i in range(1, k):
        found = (found[:, :, None, : length - i] * x[:, None, :, i:]).flatten(1, 2)
    return found


class PlainKmers(nn.Module):
    """The plain-torch form of `Kmers`."""

    def __init__(self, k: int, padding: int) -> None:
        super().__init__()
        self.k, self.padding = k, padding

    def forward(self, x: Tensor) -> Tensor:
        """Multiply k shifted copies."""
        return words(x, self.k, self.padding)


class TokenEmbedding(EquivariantModule):
    """An embedding of letters, words or tokens that is tied between the strands.

    It takes one-hot signals [B, vocabulary, L], or token numbers [B, L], which are looked up.

    Law: E π(rc) = ρ_out(rc) E, with π the involution of the vocabulary; a token that is its own reverse complement
    gets a vector that ρ_out(rc) keeps.

    Args:
        in_field: the vocabulary, such as "kmers(6)", or an involution from `partners`.
        out_field: type of the output, such as "64 regular".

    Raises:
        FieldError: the vocabulary is not permuted; in forward, token numbers of another type or out of range.
    """

    def __init__(self, in_field: Field, out_field: Field) -> None:
        super().__init__(in_field, out_field)
        if not in_field.rep.is_permutation:
            raise FieldError(f"TokenEmbedding needs a vocabulary that is permuted, got {in_field.rep}")
        self.map = Conv(in_field, out_field, 1, bias=False)

    def forward(self, x: Tensor) -> Float[Tensor, "b c l"]:
        """Look up, or multiply."""
        if x.is_floating_point():
            check_signal(self.in_field, x, "TokenEmbedding")
            return self.map(x)
        if x.ndim != 2:
            raise FieldError(f"token numbers are [B, L], got a tensor of shape {tuple(x.shape)}")
        _check_numbers(x, self.in_field.size)
        return functional.embedding(x, self.map.kernel()[:, :, 0].T).movedim(-1, 1)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """None where tokens are looked up; one a weight and place for one-hot signals."""
        return self.in_field.size * self.out_field.size * prod(shape)

    def hom_dimension(self) -> int:
        """All equivariant maps."""
        return self.map.hom_dimension()

    def export(self) -> nn.Module:
        """The table, for both kinds of input."""
        return _PlainEmbedding(self.map.kernel().detach()[:, :, 0])

    def extra_repr(self) -> str:
        """Fields."""
        return f"{self.in_field.size} tokens -> {self.out_field.rep}"


def _check_numbers(x: Tensor, count: int) -> None:
    """Raise unless token numbers are of a type that can be looked up and in range (on a CPU, where that costs little).

    Raises:
        FieldError: another type, or numbers out of range.
    """
    if x.dtype not in (torch.int32, torch.int64):
        raise FieldError(f"token numbers are int64 or int32, got {x.dtype}. Fix: x.long().")
    if x.device.type != "cpu" or torch.compiler.is_compiling() or not x.numel():
        return
    low, high = (int(v) for v in x.aminmax())
    if low < 0 or high >= count:
        raise FieldError(f"token numbers are 0 … {count - 1}, got {low} … {high}. Fix: another vocabulary, or tokens.")


class _PlainEmbedding(nn.Module):
    """The plain-torch form of `TokenEmbedding`."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(matrix.T.contiguous())

    def forward(self, x: Tensor) -> Tensor:
        if x.is_floating_point():
            return torch.matmul(x.movedim(1, -1), self.weight).movedim(-1, 1)
        return functional.embedding(x, self.weight).movedim(-1, 1)
