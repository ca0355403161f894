"""The Fourier transform on a finite group: functions on G in the basis of matrix entries of its real irreps."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Inexact
from torch import Tensor

from erlangen.errors import FieldError
from erlangen.symmetry.finite import FiniteGroup
from erlangen.symmetry.irreps import type_dimension


class GroupFourier:
    """The Fourier transform of functions on a finite group, over its real irreps.

    The coefficient of f at an irrep σ of size d is the matrix f̂(σ) = Σ_g f(g) σ(g). For an irrep of complex or
    quaternionic type it fills only the d² / 2 or d² / 4 dimensions that the matrices σ(g) span.

    Args:
        group: a group with a multiplication table.

    Law: f(g) = Σ_σ d_σ / (t_σ |G|) ⟨f̂(σ), σ(g)⟩ with t = 1, 2, 4 by type; Σ_g f(g) k(g) = Σ_σ d_σ / (t_σ |G|)
        ⟨f̂(σ), k̂(σ)⟩ (Plancherel); the transform of (f * k)(g) = Σ_h f(h) k(h⁻¹ g) is f̂(σ) k̂(σ) (convolution).

    Source: P. Diaconis, Group Representations in Probability and Statistics, 1988, section 2C; the weights 1/t_σ are
        those of the regular representation over the real numbers.
    """

    def __init__(self, group: FiniteGroup) -> None:
        self.group = group
        self.sizes = {str(irrep.terms[0][1]): irrep.size for irrep in group.irreps}
        self.weights = {
            str(irrep.terms[0][1]): irrep.size / (type_dimension(irrep) * group.order) for irrep in group.irreps
        }
        entries = [irrep.matrices().reshape(group.order, -1) for irrep in group.irreps]
        scales = [np.full(part.shape[1], w) for part, w in zip(entries, self.weights.values(), strict=True)]
        self._entries = torch.from_numpy(np.concatenate(entries, axis=1))  # [|G|, Σ d²]
        self._scales = torch.from_numpy(np.concatenate(scales))

    def transform(self, f: Inexact[Tensor, "*batch order"]) -> dict[str, Tensor]:
        """The coefficients of functions on G.

        Args:
            f: [*, |G|], real or complex.

        Returns:
            name of every irrep -> [*, d, d].

        Raises:
            FieldError: the last dimension is not |G|.
        """
        if f.ndim == 0 or f.shape[-1] != self.group.order:
            raise FieldError(
                f"a function on {self.group} has {self.group.order} values in its last dimension, got {tuple(f.shape)}"
            )
        flat = f @ self._entries.to(f)
        parts = flat.split([d * d for d in self.sizes.values()], dim=-1)
        return {name: part.unflatten(-1, (d, d)) for (name, d), part in zip(self.sizes.items(), parts, strict=True)}

    def inverse(self, coefficients: Mapping[str, Tensor]) -> Tensor:
        """The function with these coefficients.

        Args:
            coefficients: name of an irrep -> [*, d, d]; irreps left out count as zero.

        Returns:
            [*, |G|].

        Raises:
            FieldError: a name that is no irrep of the group, a matrix of another size, or no coefficient at all.
        """
        wrong = [
            f"{name}: {tuple(c.shape)}"
            for name, c in coefficients.items()
            if name not in self.sizes or c.shape[-2:] != (self.sizes[name],) * 2
        ]
        if wrong or not coefficients:
            known = ", ".join(f"{name}: [*, {d}, {d}]" for name, d in self.sizes.items())
            raise FieldError(f"the irreps of {self.group} have coefficients {known}; got {', '.join(wrong) or 'none'}")
        like = next(iter(coefficients.values()))
        parts = [
            coefficients[name].flatten(-2) if name in coefficients else like.new_zeros(*like.shape[:-2], d * d)
            for name, d in self.sizes.items()
        ]
        flat = torch.cat(parts, dim=-1)
        return (flat * self._scales.to(flat)) @ self._entries.to(flat).mT
