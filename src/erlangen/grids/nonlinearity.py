"""Nonlinearities that commute with the representation of a field.

A pointwise function commutes with permutations of channels; an odd one also with changes of sign; a function of the
norm of each copy, which it scales, with every orthogonal representation.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, check_signal
from erlangen.errors import NonlinearityError, UnknownName
from erlangen.grids.needs import needs_orthogonal

POINTWISE: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "elu": functional.elu,
    "leaky_relu": functional.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softsign": functional.softsign,
}
ODD = ("tanh", "softsign")
PLAIN: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softsign": nn.Softsign,
}


class Pointwise(EquivariantModule):
    """One scalar function applied to every value.

    Law: σ(ρ(g) x) = ρ(g) σ(x) if ρ permutes channels, or changes their signs and σ is odd.

    Args:
        field: type of input and output.
        function: its name, such as "relu".

    Raises:
        UnknownName: no such function.
        NonlinearityError: it does not commute with the representation.
    """

    def __init__(self, field: Field, function: str = "relu") -> None:
        super().__init__(field, field)
        if function not in POINTWISE:
            raise UnknownName("nonlinearity", function, sorted(POINTWISE))
        kind = "odd" if function in ODD else "pointwise"
        if kind not in field.rep.nonlinearities:
            culprit = next(c for _, c in field.rep.terms if not c.is_permutation)
            raise NonlinearityError(
                f"{function} acts pointwise, so it commutes with permutations of channels only; "
                f"{culprit} of {field.group} is none. "
                f"Fix: use one of {', '.join(field.rep.nonlinearities)}, as Nonlinearity(field) does."
            )
        self.function = function

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """σ(x)."""
        check_signal(self.in_field, x, "Pointwise")
        return POINTWISE[self.function](x)

    def export(self) -> nn.Module:
        """torch's own module."""
        return PLAIN[self.function]()

    def extra_repr(self) -> str:
        """The function."""
        return self.function


class Nonlinearity(EquivariantModule):
    """ReLU on copies that are permuted, norm-ReLU on the others.

    Law: a permuted copy: σ(ρ(g) x) = ρ(g) σ(x); another: x ↦ x · relu(|x| + b)/|x|, with |ρ(g) x| = |x|.

    Args:
        field: type of input and output.
        function: the pointwise function for permuted copies.
        offset: b/√size at first, where |x|/√size is the root mean square of a copy. With 0, copies that are not
            permuted pass as they are until b is learnt; after a norm, -0.75 closes about half of them.

    Raises:
        UnknownName: no such function.
        NonlinearityError: a representation that changes norms.
    """

    def __init__(self, field: Field, function: str = "relu", offset: float = 0.0) -> None:
        super().__init__(field, field)
        if function not in POINTWISE:
            raise UnknownName("nonlinearity", function, sorted(POINTWISE))
        self.function = function
        self.mixed = not field.rep.is_permutation
        needs_orthogonal(field, "Nonlinearity")
        self.terms = [(m, c.size, c.is_permutation) for m, c in field.rep.terms]
        turned = [offset * size**0.5 for copies, size, permuted in self.terms if not permuted for _ in range(copies)]
        self.offset = nn.Parameter(torch.tensor(turned)) if turned else None

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Pointwise, or term by term."""
        check_signal(self.in_field, x, "Nonlinearity")
        if not self.mixed or self.offset is None:
            return POINTWISE[self.function](x)
        parts, start = [], 0
        for part, (copies, size, permuted) in zip(
            x.split([copies * size for copies, size, _ in self.terms], dim=1), self.terms, strict=True
        ):
            if permuted:
                parts.append(POINTWISE[self.function](part))
                continue
            parts.append(norm_relu(part, self.offset[start : start + copies], size))
            start += copies
        return torch.cat(parts, dim=1)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Two a value of the normed copies."""
        turned = sum(copies * size for copies, size, permuted in self.terms if not permuted)
        return 2 * turned * torch.Size(shape).numel()

    def export(self) -> nn.Module:
        """torch's own module, or the term-by-term form."""
        if not self.mixed or self.offset is None:
            return PLAIN[self.function]()
        return _TermByTerm(self.terms, self.offset.detach(), self.function)

    def extra_repr(self) -> str:
        """What is applied to what."""
        return f"{self.function}, norm-relu on turned copies" if self.mixed else self.function


def norm_relu(x: Tensor, offset: Tensor, size: int) -> Tensor:
    """x · relu(|x| + b)/|x| for copies of `size` channels; zero where x is zero, with a finite gradient.

    Args:
        x: [B, copies·size, *space].
        offset: [copies], b.
        size: channels a copy.
    """
    v = x.unflatten(1, (-1, size))
    v = v.float() if v.dtype == torch.float16 else v  # 1e-12 is nothing there
    square = v.square().sum(2, keepdim=True)
    norm = (square + 1e-12).sqrt()  # smooth at zero
    b = offset.to(v.dtype).view(1, -1, *[1] * (v.ndim - 2))
    return (v * (functional.relu(norm + b) / norm)).flatten(1, 2).to(x.dtype)


class _TermByTerm(nn.Module):
    """The plain-torch form of a mixed nonlinearity."""

    def __init__(self, terms: list[tuple[int, int, bool]], offset: Tensor, function: str) -> None:
        super().__init__()
        self.terms, self.offset, self.function = terms, nn.Parameter(offset.clone()), PLAIN[function]()

    def forward(self, x: Tensor) -> Tensor:
        """Term by term."""
        parts, channel, start = [], 0, 0
        for copies, size, permuted in self.terms:
            block = x[:, channel : channel + copies * size]
            if permuted:
                parts.append(self.function(block))
            else:
                parts.append(norm_relu(block, self.offset[start : start + copies], size))
                start += copies
            channel += copies * size
        return torch.cat(parts, dim=1)
