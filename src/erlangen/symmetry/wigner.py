"""Wigner matrices: the irreps of SO(3) as functions of rotation matrices, in torch, batched and differentiable.

Degree l lies inside degree l-1 ⊗ standard, so D^l(R) = C (D^{l-1}(R) ⊗ R) Cᵀ with a constant isometry C: a polynomial
in the entries of R. There are no angles, hence no poles: values and gradients are exact at every rotation.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.errors import DomainError, FieldError
from erlangen.symmetry.ladder import couple

_COUPLINGS: dict[int, Tensor] = {}


def wigner(degree: int, rotation: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch size size"]:
    """The Wigner matrix D^l(R), of size 2l + 1.

    Args:
        degree: l >= 0.
        rotation: rotation matrices R on (x, y, z), [*, 3, 3].

    Returns:
        [*, 2l + 1, 2l + 1], channels (cos l, sin l, …, cos 1, sin 1, 0) as in `erlangen.symmetry.ladder`.

    Raises:
        DomainError: a degree that is negative.
        FieldError: a tensor that does not end in 3 x 3.

    Law: D(R S) = D(R) D(S), D(R⁻¹) = D(R)ᵀ, D¹(R) = R.
    """
    return wigner_up_to(degree, rotation)[-1]


def wigner_up_to(degree: int, rotation: Float[Tensor, "*batch 3 3"]) -> list[Tensor]:
    """D⁰(R), …, D^l(R), each from the one before (see `wigner`).

    Before a function is compiled with fullgraph=True, call this once with the same degree: torch.compile cannot trace
    how the constants are found.
    """
    if not isinstance(degree, int) or degree < 0:
        raise DomainError(f"the degree of a Wigner matrix is an integer >= 0, got {degree!r}")
    if rotation.shape[-2:] != (3, 3):
        raise FieldError(f"rotations are matrices [*, 3, 3], got a tensor of shape {list(rotation.shape)}")
    found = [rotation.new_ones(*rotation.shape[:-2], 1, 1), rotation]
    for l in range(2, degree + 1):  # noqa: E741
        table = coupling(l).to(rotation)
        before = found[-1] @ table.transpose(0, 1).flatten(
            1
        )  # D^{l-1} on the left factor of every column, [*, i, (b q)]
        both = torch.einsum("...pq,...ibq->...ipb", rotation, before.unflatten(-1, (2 * l + 1, 3)))
        found.append(table.flatten(1) @ both.flatten(-3, -2))
    return found[: degree + 1]


def coupling(degree: int) -> Tensor:
    """The isometry of degree l into degree l-1 ⊗ standard, [2l + 1, 2l - 1, 3] float64, made once a process."""
    if degree not in _COUPLINGS:  # a plain dictionary, which torch.compile can read; it cannot run what fills it
        _COUPLINGS[degree] = torch.tensor(couple(degree - 1, 1)[degree])
    return _COUPLINGS[degree]
