"""Even and odd channels: the reverse complement keeps the one and changes the sign of the other.

With f on one strand and r on the other, e = (f + r)/√2 is even and o = (f - r)/√2 odd. Linear maps are block-diagonal
between even and odd channels, at half the multiplications; pointwise functions belong to the strands.
"""

from math import prod, sqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, check_signal
from erlangen.errors import FieldError, UnknownName
from erlangen.grids.nonlinearity import POINTWISE, norm_relu

Term = tuple[str, int, int]  # kind ("even", "odd", "permuted", "turned"), copies, size


def parities(field: Field) -> list[Term]:
    """The kind of every term of a field: even (trivial), odd (sign), permuted or turned otherwise."""
    found = []
    for copies, component in field.rep.terms:
        kind = "permuted" if component.is_permutation else "turned"
        if component.size == 1:
            kind = "even" if component.is_trivial else "odd"
        found.append((kind, copies, component.size))
    return found


class ButterflyNonlinearity(EquivariantModule):
    """A pointwise function in the strand basis, for fields of even and odd channels.

    Pairs of an even and an odd channel are turned into the two strands, put through the function, and turned back; even
    channels without a partner and permuted ones go through it directly; odd channels without a partner are scaled by a
    function of their size.

    Law: with B = [[1, 1], [1, -1]]/√2, f = B σ(B ·), and B diag(1, -1) B swaps the strands, which σ does not see.

    Args:
        field: type of input and output.
        function: the pointwise function, such as "relu".

    Raises:
        UnknownName: no such function.
    """

    def __init__(self, field: Field, function: str = "relu") -> None:
        super().__init__(field, field)
        if function not in POINTWISE:
            raise UnknownName("nonlinearity", function, sorted(POINTWISE))
        self.function, self.terms = function, parities(field)
        alone = _alone(self.terms)
        self.offset = nn.Parameter(torch.zeros(alone)) if alone else None

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Pairs, then what has no partner."""
        check_signal(self.in_field, x, "ButterflyNonlinearity")
        return butterfly_function(x, self.terms, self.function, self.offset)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Two a value."""
        return 2 * self.in_field.size * prod(shape)

    def export(self) -> nn.Module:
        """The same steps."""
        return _PlainButterfly(self.terms, self.function, self.offset)

    def extra_repr(self) -> str:
        """The function."""
        return self.function


def _alone(terms: list[Term]) -> int:
    """Copies that are scaled by their size, since they have no partner that would make a strand of them."""
    even = sum(copies for kind, copies, _ in terms if kind == "even")
    odd = sum(copies for kind, copies, _ in terms if kind == "odd")
    return max(odd - even, 0) + sum(copies for kind, copies, _ in terms if kind == "turned")


def butterfly_function(x: Tensor, terms: list[Term], function: str, offset: Tensor | None) -> Tensor:
    """σ in the strand basis.

    Args:
        x: [B, C, *space].
        terms: as `parities` says.
        function: name of σ.
        offset: [copies without a partner].
    """
    parts = list(x.split([copies * size for _, copies, size in terms], dim=1))
    sigma = POINTWISE[function]
    even = [part for part, (kind, _, _) in zip(parts, terms, strict=True) if kind == "even"]
    odd = [part for part, (kind, _, _) in zip(parts, terms, strict=True) if kind == "odd"]
    if even and odd:
        e, o = (torch.cat(part, 1) if len(part) > 1 else part[0] for part in (even, odd))
        pairs = min(e.shape[1], o.shape[1])
        f, r = sigma((e[:, :pairs] + o[:, :pairs]) / sqrt(2)), sigma((e[:, :pairs] - o[:, :pairs]) / sqrt(2))
        e = torch.cat([(f + r) / sqrt(2), sigma(e[:, pairs:])], 1)
        alone = o[:, pairs:] if offset is None else norm_relu(o[:, pairs:], offset[: o.shape[1] - pairs], 1)
        o = torch.cat([(f - r) / sqrt(2), alone], 1)
    else:
        e = sigma(torch.cat(even, 1)) if even else x[:, :0]
        o = torch.cat(odd, 1) if odd else x[:, :0]
        o = o if offset is None or not odd else norm_relu(o, offset[: o.shape[1]], 1)
        pairs = 0
    used = {"even": 0, "odd": 0, "turned": o.shape[1] - pairs}
    result = []
    for part, (kind, copies, size) in zip(parts, terms, strict=True):
        start = used.get(kind, 0)
        if kind == "turned" and offset is not None:
            result.append(norm_relu(part, offset[start : start + copies], size))
        else:
            result.append({"even": e, "odd": o}[kind][:, start : start + copies] if size == 1 else sigma(part))
        if kind in used:
            used[kind] += copies
    return result[0] if len(result) == 1 else torch.cat(result, dim=1)


class _PlainButterfly(nn.Module):
    """The plain-torch form of `ButterflyNonlinearity`."""

    def __init__(self, terms: list[Term], function: str, offset: Tensor | None) -> None:
        super().__init__()
        self.terms, self.function = terms, function
        self.offset = None if offset is None else nn.Parameter(offset.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        return butterfly_function(x, self.terms, self.function, self.offset)


class ParityLinear(EquivariantModule):
    """One linear map at every point between fields of even and odd channels: two blocks, half the multiplications.

    Law: W = diag(W_even, W_odd) commutes with diag(1, -1).

    Args:
        in_field: type of the input, such as "32 trivial + 32 sign".
        out_field: type of the output, such as "48 trivial + 16 sign".
        bias: whether to add a number to every even channel.

    Raises:
        FieldError: a field is not some even channels followed by some odd ones.
    """

    def __init__(self, in_field: Field, out_field: Field, bias: bool = True) -> None:
        super().__init__(in_field, out_field)
        if in_field.space != out_field.space or in_field.group != out_field.group:
            raise FieldError(f"ParityLinear needs one space and group, got {in_field} and {out_field}")
        self.even_in, self.odd_in = _counts(in_field)
        self.even_out, self.odd_out = _counts(out_field)
        for there, fed, kind in ((self.even_out, self.even_in, "trivial"), (self.odd_out, self.odd_in, "sign")):
            if there and not fed:
                raise FieldError(f"{there} {kind} of the output have no {kind} to come from in {in_field.rep}")
        self.even = nn.Linear(self.even_in, self.even_out, bias) if self.even_out else None
        self.odd = nn.Linear(self.odd_in, self.odd_out, False) if self.odd_out else None

    def forward(self, x: Float[Tensor, "b c_in *space"]) -> Float[Tensor, "b c_out *space"]:
        """Two products."""
        check_signal(self.in_field, x, "ParityLinear")
        return parity_map(x, self.even, self.odd, self.even_in)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """One a weight and point."""
        return (self.even_in * self.even_out + self.odd_in * self.odd_out) * prod(shape)

    def hom_dimension(self) -> int:
        """Every equivariant map and bias."""
        bias = self.even_out if self.even is not None and self.even.bias is not None else 0
        return self.even_in * self.even_out + self.odd_in * self.odd_out + bias

    def export(self) -> nn.Module:
        """The two products."""
        return _PlainParity(self.even, self.odd, self.even_in)

    def extra_repr(self) -> str:
        """Fields."""
        return f"{self.in_field.rep} -> {self.out_field.rep}"


def parity_map(x: Tensor, even: nn.Linear | None, odd: nn.Linear | None, split: int) -> Tensor:
    """Both products, on channels that lie together in memory."""
    rows = x.movedim(1, -1)
    parts = []
    if even is not None:
        parts.append(functional.linear(rows[..., :split], even.weight, even.bias))
    if odd is not None:
        parts.append(functional.linear(rows[..., split:], odd.weight))
    return (parts[0] if len(parts) == 1 else torch.cat(parts, -1)).movedim(-1, 1)


class _PlainParity(nn.Module):
    """The plain-torch form of `ParityLinear`."""

    def __init__(self, even: nn.Linear | None, odd: nn.Linear | None, split: int) -> None:
        super().__init__()
        self.even, self.odd, self.split = _copied(even), _copied(odd), split

    def forward(self, x: Tensor) -> Tensor:
        return parity_map(x, self.even, self.odd, self.split)


def _copied(linear: nn.Linear | None) -> nn.Linear | None:
    if linear is None:
        return None
    copy = nn.Linear(linear.in_features, linear.out_features, linear.bias is not None).to(linear.weight)
    copy.load_state_dict(linear.state_dict())
    return copy


def _counts(field: Field) -> tuple[int, int]:
    kinds = [(kind, copies) for kind, copies, _ in parities(field)]
    if [kind for kind, _ in kinds] not in (["even"], ["odd"], ["even", "odd"]):
        raise FieldError(
            f"ParityLinear maps fields of even channels followed by odd ones, such as '32 trivial + 32 sign', "
            f"got {field.rep}. Fix: use Conv with kernel 1, which takes every field."
        )
    return sum(n for kind, n in kinds if kind == "even"), sum(n for kind, n in kinds if kind == "odd")
