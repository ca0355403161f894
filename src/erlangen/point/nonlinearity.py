"""Nonlinearities that commute with any representation.

A pointwise function commutes with permutations of channels. Any other copy may be scaled by a function of invariants:
`Gate` takes them from extra trivial channels that the layer before provides, `Nonlinearity` from the copy itself.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Tables, check_channels
from erlangen.errors import NonlinearityError, UnknownName
from erlangen.point.forms import bilinear_basis, symmetric_maps
from erlangen.symmetry import Component, Representation

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": functional.silu,
    "gelu": functional.gelu,
    "relu": functional.relu,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
}


def gated(field: Field) -> Field:
    """The field with one more trivial channel, in front, for every copy that is not permuted: what `Gate` takes.

    Args:
        field: type of the output of the gate.
    """
    gates = sum(m for m, c in field.rep.terms if not c.is_permutation)
    return field.with_rep(gates * field.group.trivial + field.rep)


class Gate(EquivariantModule):
    """A pointwise function of permuted channels; every other copy times the sigmoid of its own gate channel.

    Law: v ↦ sigmoid(s) v commutes with every ρ, since s is invariant.

    Args:
        field: type of the output; the input is `gated(field)`.
        function: the pointwise function, "silu", "gelu", "relu", "tanh" or "softplus".

    Raises:
        UnknownName: no such function.

    Source: Weiler et al. 2018, arXiv 1807.02547, section 4.1; Finzi et al. 2021, arXiv 2104.09459, section 5.
    """

    def __init__(self, field: Field, function: str = "silu") -> None:
        super().__init__(gated(field), field)
        self.function = _known(function)
        self.body = GateBody(_grouped(field.rep), function)

    def forward(self, x: Float[Tensor, "b c_in *space"]) -> Float[Tensor, "b c_out *space"]:
        """Gate term by term."""
        check_channels(self.in_field, x.shape[1], "Gate")
        return self.body(x)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """One a gated channel."""
        return sum(m * size for m, size, permuted in self.body.terms if not permuted) * torch.Size(shape).numel()

    def export(self) -> nn.Module:
        """The same in plain torch."""
        return GateBody(self.body.terms, self.function)

    def extra_repr(self) -> str:
        """The function and the number of gates."""
        return f"{self.out_field.rep} of {self.out_field.group}, {self.function}, {self.body.gates} gates"


class GateBody(nn.Module):
    """Plain torch: the terms of a `Gate`.

    Args:
        terms: (copies, size, permuted) of every term of the output.
        function: of permuted channels.
    """

    def __init__(self, terms: list[tuple[int, int, bool]], function: str) -> None:
        super().__init__()
        self.terms, self.function = list(terms), function
        self.gates = sum(m for m, _, permuted in terms if not permuted)
        self.sizes = [m for m, _, permuted in terms if not permuted] + [m * size for m, size, _ in terms]

    def forward(self, x: Tensor) -> Tensor:
        """[B, gates + C, *space] to [B, C, *space]."""
        if not self.gates:
            return FUNCTIONS[self.function](x)
        parts = x.split(self.sizes, dim=1)
        count = len(parts) - len(self.terms)
        outputs, k = [], 0
        for part, (copies, size, permuted) in zip(parts[count:], self.terms, strict=True):
            if permuted:
                outputs.append(FUNCTIONS[self.function](part))
                continue
            gate = torch.sigmoid(parts[k]).unsqueeze(2)
            outputs.append((part.unflatten(1, (copies, size)) * gate).flatten(1, 2))
            k += 1
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)


class Nonlinearity(EquivariantModule):
    """A pointwise function of permuted channels; every other copy scaled by a function of its own quadratic invariants.

    Law: v ↦ v · sigmoid(Σ_f w_f q_f(v) + b) with all invariant quadratic forms q_f of the representation: the square of
    the norm for an orthogonal one, the Lorentz product for four-vectors.

    Args:
        field: type of input and output.
        function: the pointwise function.

    Raises:
        UnknownName: no such function.
        NonlinearityError: a component that is not permuted and has no invariant quadratic form.
    """

    def __init__(self, field: Field, function: str = "silu") -> None:
        super().__init__(field, field)
        self.body = NonlinearityBody(_grouped(field.rep), _known(function), _forms(field))

    def forward(self, x: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        """Term by term."""
        check_channels(self.in_field, x.shape[1], "Nonlinearity")
        return self.body(x)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """The quadratic forms, and one a scaled channel."""
        return sum(m * size * (size + 1) for m, size, permuted in self.body.terms if not permuted)

    def export(self) -> nn.Module:
        """The same in plain torch."""
        from copy import deepcopy

        return deepcopy(self.body)

    def extra_repr(self) -> str:
        """The field and the function."""
        return f"{self.in_field.rep} of {self.in_field.group}, {self.body.function}"


class NonlinearityBody(nn.Module):
    """Plain torch: the terms of a `Nonlinearity`.

    Args:
        terms: (copies, size, permuted) of every term.
        function: of permuted channels.
        forms: [f, size, size] invariant quadratic forms of every term that is not permuted.
    """

    def __init__(self, terms: list[tuple[int, int, bool]], function: str, forms: list[np.ndarray]) -> None:
        super().__init__()
        self.terms, self.function = list(terms), function
        turned = [(m, size) for m, size, permuted in terms if not permuted]
        tables = {f"form_{k}": q.reshape(len(q), -1).T for k, q in enumerate(forms)}
        self.tables = Tables(tables)
        self.slopes = nn.ParameterList(
            nn.Parameter(torch.ones(m, len(q)) / len(q)) for (m, _), q in zip(turned, forms, strict=True)
        )
        self.offset = nn.Parameter(torch.zeros(sum(m for m, _ in turned))) if turned else None

    def forward(self, x: Tensor) -> Tensor:
        """[B, C] to [B, C]."""
        if self.offset is None:
            return FUNCTIONS[self.function](x)
        outputs, k, start = [], 0, 0
        for part, (copies, size, permuted) in zip(
            x.split([m * size for m, size, _ in self.terms], dim=1), self.terms, strict=True
        ):
            if permuted:
                outputs.append(FUNCTIONS[self.function](part))
                continue
            v = part.unflatten(1, (copies, size))
            square = (v.unsqueeze(-1) * v.unsqueeze(-2)).flatten(2) @ getattr(self.tables, f"form_{k}")
            root = square * (1 + square.square()) ** -0.25  # ± its square root far from zero, smooth at zero
            offset = self.offset[start : start + copies].unsqueeze(-1)
            gate = torch.sigmoid((root * self.slopes[k]).sum(2, keepdim=True) + offset)
            outputs.append((v * gate).flatten(1))
            k, start = k + 1, start + copies
        return torch.cat(outputs, dim=1)


def _known(function: str) -> str:
    if function not in FUNCTIONS:
        raise UnknownName("nonlinearity", function, sorted(FUNCTIONS))
    return function


def _grouped(rep: Representation) -> list[tuple[int, int, bool]]:
    """(copies, size, permuted) of every term."""
    return [(m, c.size, c.is_permutation) for m, c in rep.terms]


def _forms(field: Field) -> list[np.ndarray]:
    """The invariant quadratic forms of every term that is not permuted, scaled to have mean eigenvalue ±1 or so."""
    found = []
    for _, component in field.rep.terms:
        if component.is_permutation:
            continue
        forms = quadratic_forms(component)
        if not len(forms):
            raise NonlinearityError(
                f"{component} of {field.group} has no invariant quadratic form, so a copy has no norm to be scaled by. "
                f"Fix: use Gate with extra trivial channels, as Point().block does, or a bilinear layer."
            )
        found.append(forms)
    return found


def quadratic_forms(component: Component) -> np.ndarray:
    """All symmetric Q with ρ(g)ᵀ Q ρ(g) = Q, orthonormal up to the factor 1/√size: [f, size, size].

    Args:
        component: ρ.
    """
    rep = Representation(component.group, ((1, component),))
    return symmetric_maps(bilinear_basis(rep, rep, component.group.trivial))[:, 0] * component.size**-0.5
