"""Representations: what a symmetry does to the channels of a signal.

A `Representation` is a direct sum of named components with multiplicities, `4*G.regular + 2*G.standard`. Channels lie
component by component, copy by copy: the channels of one copy are contiguous.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.errors import FieldError
from erlangen.symmetry import constructions
from erlangen.symmetry.component import Component, SignedPermutation
from erlangen.symmetry.group import Group

if TYPE_CHECKING:
    from erlangen.symmetry.finite import FiniteGroup, Subgroup


class Representation:
    """A direct sum of components, ρ = ⊕ m_i ρ_i.

    Args:
        group: the group represented.
        terms: (multiplicity, component) pairs; equal neighbours are merged.

    Two representations are equal if all their matrices are, whatever the names of their components.

    Law: ρ(gh) = ρ(g) ρ(h), ρ(e) = 1.
    """

    def __init__(self, group: Group, terms: tuple[tuple[int, Component], ...]) -> None:
        merged: list[tuple[int, Component]] = []
        for multiplicity, component in terms:
            if multiplicity < 0:
                raise FieldError(
                    f"a representation cannot have {multiplicity} copies of {component}; give a number >= 0"
                )
            if multiplicity == 0:
                continue
            if merged and merged[-1][1] == component:
                merged[-1] = (merged[-1][0] + multiplicity, merged[-1][1])
            else:
                merged.append((multiplicity, component))
        self.group = group
        self.terms = tuple(merged)
        self.size = sum(m * c.size for m, c in self.terms)

    # arithmetic

    def __add__(self, other: "Representation") -> "Representation":
        if not isinstance(other, Representation):
            return NotImplemented
        if self.group != other.group:
            raise FieldError(
                f"cannot add representations of {self.group} and {other.group}; restrict one of them first"
            )
        return Representation(self.group, self.terms + other.terms)

    def __rmul__(self, copies: int) -> "Representation":
        if not isinstance(copies, int):
            return NotImplemented
        if copies < 0:
            raise FieldError(f"a representation cannot have {copies} copies of {self}; give a number >= 0")
        if len(self.terms) == 1:
            multiplicity, component = self.terms[0]
            return Representation(self.group, ((copies * multiplicity, component),))
        return Representation(self.group, copies * self.terms)

    def __mul__(self, other: "Representation | int") -> "Representation":
        """Tensor product: (ρ ⊗ σ)(g) = ρ(g) ⊗ σ(g); an integer gives that many copies."""
        if isinstance(other, int):
            return other * self
        if not isinstance(other, Representation):
            return NotImplemented
        if self.group != other.group:
            raise FieldError(f"the tensor product needs one group, got {self.group} and {other.group}")
        return Representation(self.group, ((1, constructions.Tensor(self, other)),))

    def __pow__(self, power: int) -> "Representation":
        """The tensor power ρ ⊗ … ⊗ ρ; ρ⁰ is trivial."""
        if not isinstance(power, int) or power < 0:
            raise FieldError(f"a tensor power needs an integer >= 0, got ({self})^{power}")
        total = self if power else self.group.trivial
        for _ in range(power - 1):
            total = total * self
        return total

    @property
    def dual(self) -> "Representation":
        """The dual representation, ρ*(g) = ρ(g⁻¹)ᵀ; an orthogonal representation is its own dual."""
        if self.is_orthogonal and not self.is_complex:
            return self
        terms = tuple(
            (m, c)
            if c.is_orthogonal and not c.is_complex
            else (m, constructions.Dual(Representation(self.group, ((1, c),))))
            for m, c in self.terms
        )
        return Representation(self.group, terms)

    def restrict(self, subgroup: "Subgroup | FiniteGroup | str") -> "Representation":
        """The same matrices, on the elements of a subgroup H only.

        Args:
            subgroup: a subgroup of this representation's group, or a group or name found inside it, such as "C4" in D4
                or C(8) in SO(2).

        Returns:
            The representation of H. Components that are representations H has a name for take that name.
        """
        if not self.group.is_listed:
            from erlangen.symmetry.inclusion import restrict_to_finite

            return restrict_to_finite(self, subgroup)  # type: ignore[arg-type]
        inside = self._finite().subgroup(subgroup)
        terms = []
        for multiplicity, component in self.terms:
            matrices = np.stack([component.on(g) for g in inside.elements])
            terms.append((multiplicity, inside.group.component_of(matrices, f"{component.name}|{inside.group}")))
        return Representation(inside.group, tuple(terms))

    def induce(self, subgroup: "Subgroup") -> "Representation":
        """The induced representation of the group that this one's group lies in (see `erlangen.symmetry.induce`).

        Args:
            subgroup: this representation's group H and its place in G, such as `G.subgroup("C4")`.
        """
        from erlangen.symmetry.induction import induce

        return induce(self, subgroup)

    def decompose(self) -> dict[str, int]:
        """Multiplicity of every real irrep: m_i = ⟨χ, χ_i⟩ / ⟨χ_i, χ_i⟩; also for SO(2), O(2), SO(3) and O(3).

        Raises:
            FieldError: the irreps of the group are not known, or its list of irreps is incomplete.
        """
        count = getattr(self.group, "multiplicities", None)
        if count is not None:
            return count(self)
        chi = self.character
        result, covered = {}, 0
        for irrep in self._finite().irreps:
            multiplicity = float(chi @ irrep.character) / float(irrep.character @ irrep.character)
            if round(multiplicity):
                result[str(irrep.terms[0][1])] = round(multiplicity)
                covered += round(multiplicity) * irrep.size
        if covered != self.size:
            raise FieldError(
                f"the irreps listed for {self.group} cover {covered} of the {self.size} channels of {self}: the "
                f"list is incomplete. Fix: build the group with irreps=None, which finds them all."
            )
        return result

    # matrices

    def __call__(self, g: Any) -> Float[Tensor, "*batch size size"]:
        """ρ(g) as a float64 matrix; a batch of matrices for a list of elements (or, of a finite group, a tensor)."""
        if isinstance(g, list):
            return torch.stack([self(h) for h in g]) if g else torch.zeros(0, self.size, self.size, dtype=torch.float64)
        if isinstance(g, Tensor) and self.group.is_listed and g.ndim:
            return torch.from_numpy(self.matrices())[g]
        return torch.from_numpy(self.on(int(g) if isinstance(g, Tensor) and self.group.is_listed else g))

    def on(self, g: Any) -> np.ndarray:
        """ρ(g) as a numpy matrix, [size, size]."""
        return self._block_diagonal([c.on(g) for _, c in self.terms])

    def derivative(self, a: str) -> np.ndarray:
        """dρ(A) for the generator of the Lie algebra with this name, [size, size]."""
        return self._block_diagonal([c.derivatives[a] for _, c in self.terms])

    def signed(self, g: Any) -> SignedPermutation | None:
        """ρ(g) as a signed permutation (image, sign): ρ(g) e_j = sign[j] e_image[j]; None if it is not one."""
        image, sign, start = [], [], 0
        for multiplicity, component in self.terms:
            pair = component.signed(g)
            if pair is None:
                return None
            starts = start + component.size * np.arange(multiplicity)[:, None]
            image.append((starts + pair[0]).ravel())
            sign.append(np.tile(pair[1], multiplicity))
            start += multiplicity * component.size
        if not image:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return np.concatenate(image), np.concatenate(sign)

    def trace(self, g: Any) -> complex:
        """χ(g) = trace ρ(g)."""
        return sum((m * c.trace(g) for m, c in self.terms), 0.0)

    def _block_diagonal(self, blocks: list[np.ndarray]) -> np.ndarray:
        dense = np.zeros((self.size, self.size), np.result_type(float, *blocks))
        start = 0
        for (multiplicity, component), block in zip(self.terms, blocks, strict=True):
            for _ in range(multiplicity):
                stop = start + component.size
                dense[start:stop, start:stop] = block
                start = stop
        return dense

    def matrices(self) -> np.ndarray:
        """All ρ(g) of a finite group, [|G|, size, size] float64."""
        if len(self.terms) == 1 and self.terms[0][0] == 1:
            return self.terms[0][1].matrices
        dense = np.zeros((len(self._finite().table), self.size, self.size))
        for start, component in self.copies():
            stop = start + component.size
            dense[:, start:stop, start:stop] = component.matrices
        return dense

    @property
    def character(self) -> np.ndarray:
        """χ(g) = trace ρ(g), [|G|]."""
        total = np.zeros(len(self._finite().table))
        for multiplicity, component in self.terms:
            total = total + multiplicity * component.character
        return total

    def copies(self) -> Iterator[tuple[int, Component]]:
        """(first channel, component) of every single copy, in order."""
        start = 0
        for multiplicity, component in self.terms:
            for _ in range(multiplicity):
                yield start, component
                start += component.size

    def slices(self) -> Iterator[tuple[slice, int, Component]]:
        """(channels, multiplicity, component) of every term, in order."""
        start = 0
        for multiplicity, component in self.terms:
            stop = start + multiplicity * component.size
            yield slice(start, stop), multiplicity, component
            start = stop

    def apply(self, g: Any, x: Tensor, dim: int = 1) -> Tensor:
        """ρ(g) on dimension `dim` of a tensor, exactly (index and sign) where ρ is a signed permutation.

        Args:
            g: an element of the group.
            x: a tensor with `size` channels in dimension `dim`.
            dim: the channel dimension.

        Returns:
            A tensor of the same shape.

        Raises:
            FieldError: the channel count differs from the size of the representation.
        """
        if x.shape[dim] != self.size:
            raise FieldError(f"{self} of {self.group} has {self.size} channels, got a tensor with {x.shape[dim]}")
        if self.is_trivial:
            return x
        pair = self.signed(g) if self.is_monomial else None
        if pair is not None:
            image, sign = pair
            y = x.index_select(dim, torch.from_numpy(np.argsort(image)).to(x.device))
            if (sign == 1).all():
                return y
            shape = [1] * x.ndim
            shape[dim] = -1
            return y * torch.from_numpy(sign[np.argsort(image)]).to(y).reshape(shape)
        parts = []
        for channels, multiplicity, component in self.slices():
            block = x.movedim(dim, -1)[..., channels].unflatten(-1, (multiplicity, component.size))
            matrix = torch.from_numpy(component.on(g)).to(x)
            parts.append(torch.einsum("ij,...mj->...mi", matrix, block).flatten(-2))
        return torch.cat(parts, dim=-1).movedim(-1, dim)

    @property
    def is_monomial(self) -> bool:
        """Whether every ρ(g) is a signed permutation of the channels."""
        return all(c.is_monomial for _, c in self.terms)

    @property
    def is_permutation(self) -> bool:
        """Whether every ρ(g) permutes the channels."""
        return all(c.is_permutation for _, c in self.terms)

    @property
    def is_trivial(self) -> bool:
        """Whether ρ(g) = 1 for every g."""
        return all(c.is_trivial for _, c in self.terms)

    @property
    def is_orthogonal(self) -> bool:
        """Whether every ρ(g) is orthogonal, so that the norm of a copy is invariant."""
        return all(c.is_orthogonal for _, c in self.terms)

    @property
    def is_complex(self) -> bool:
        """Whether some ρ(g) is complex."""
        return any(c.is_complex for _, c in self.terms)

    @property
    def nonlinearities(self) -> tuple[str, ...]:
        """Kinds of nonlinearity that commute with ρ.

        Pointwise for permutations, odd pointwise for signed permutations, norm for orthogonal ones, gate always.
        """
        legal = ("norm", "gate") if self.is_orthogonal else ("gate",)
        if self.is_permutation:
            return ("pointwise", "odd", *legal)
        return ("odd", *legal) if self.is_monomial else legal

    def _finite(self) -> "FiniteGroup":
        from erlangen.symmetry.finite import FiniteGroup

        if not isinstance(self.group, FiniteGroup):
            raise FieldError(f"{self.group} is implicit: its elements are never enumerated")
        return self.group

    def _blocks(self) -> tuple[tuple[int, Component], ...]:
        """The direct sum over the smallest common diagonal blocks, with equal neighbours merged: a normal form."""
        if all(len(c.blocks) == 1 for _, c in self.terms):
            return self.terms
        parts = tuple((1, block) for m, c in self.terms for _ in range(m) for block in c.blocks)
        return Representation(self.group, parts).terms

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Representation) or self.group != other.group or self.size != other.size:
            return False
        if self.terms == other.terms:
            return True
        mine, theirs = self._blocks(), other._blocks()
        return len(mine) == len(theirs) and all(m == n and c == d for (m, c), (n, d) in zip(mine, theirs, strict=True))

    def __hash__(self) -> int:
        return hash((self.group, self.size))

    def __repr__(self) -> str:
        return " + ".join(f"{m} {c}" for m, c in self.terms) or "0"
