"""The answer of the solver: a basis of Hom_G(ρ_in, ρ_out) and the evidence for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erlangen.errors import FieldError
from erlangen.solve.memory import check_memory
from erlangen.solve.nullspace import Gap
from erlangen.symmetry import Representation


@dataclass(frozen=True)
class Basis:
    """All equivariant maps between two components, as a dense basis or as orbits that share a weight.

    Args:
        size_out: rows of a map.
        size_in: columns of a map.
        dim: number of basis maps.
        method: "orbits", "null space", "isotypic", "averaging" or "iteration".
        dense: [dim, size_out, size_in], orthonormal; None for orbits.
        index: [size_out, size_in], which basis map an entry belongs to; None for a dense basis.
        sign: [size_out, size_in] in {-1, 0, 1}; 0 where every equivariant map vanishes.
        gap: of the singular values; None where whole numbers decided.
    """

    size_out: int
    size_in: int
    dim: int
    method: str
    dense: np.ndarray | None = None
    index: np.ndarray | None = None
    sign: np.ndarray | None = None
    gap: Gap | None = None

    @cached_property
    def matrices(self) -> np.ndarray:
        """The basis maps, [dim, size_out, size_in], orthonormal in the Frobenius product."""
        if self.dense is not None:
            return self.dense
        check_memory(8 * self.dim * self.size_out * self.size_in, f"a dense basis of {self.dim} maps")
        found = np.zeros((self.dim, self.size_out * self.size_in))
        index, entry = self.scaled()
        used = entry.ravel() != 0
        found[index.ravel()[used], np.flatnonzero(used)] = entry.ravel()[used]
        return found.reshape(self.dim, self.size_out, self.size_in)

    def scaled(self) -> tuple[np.ndarray, np.ndarray]:
        """(index, entry), both [size_out, size_in]: W = weights[index] · entry, with orthonormal basis maps.

        Raises:
            FieldError: the basis is not one of orbits.
        """
        if self.index is None or self.sign is None:
            raise FieldError(f"a basis found by {self.method} has no index form")
        counts = np.bincount(self.index.ravel(), np.abs(self.sign).ravel(), minlength=max(self.dim, 1))
        return self.index, self.sign / np.sqrt(np.maximum(counts, 1.0))[self.index]


@dataclass(frozen=True)
class Block:
    """The part of a map between the copies of one component and the copies of another.

    Its free weights are numbers start … start + dim·copies_out·copies_in of a map, in the order [dim, copies_out,
    copies_in]: W[a·n, b·m] = Σ_d weights[d, n, m] basis[d, a, b].

    Args:
        out_channels: rows.
        in_channels: columns.
        copies_out: copies of the output component.
        copies_in: copies of the input component.
        pair: the maps between one copy and one copy.
        start: position of the first weight.
    """

    out_channels: slice
    in_channels: slice
    copies_out: int
    copies_in: int
    pair: Basis
    start: int

    @property
    def count(self) -> int:
        """Number of free weights."""
        return self.pair.dim * self.copies_out * self.copies_in

    @property
    def basis(self) -> np.ndarray:
        """The maps between one copy and one copy, [dim, size_out, size_in], orthonormal."""
        return self.pair.matrices

    @property
    def size_out(self) -> int:
        """Channels of one copy of the output component."""
        return self.pair.size_out

    @property
    def size_in(self) -> int:
        """Channels of one copy of the input component."""
        return self.pair.size_in


@dataclass(frozen=True, eq=False)
class Certificate:
    """All linear maps W with ρ_out(g) W = W ρ_in(g) for every g, and why you may believe it.

    Args:
        rho_in: representation of the input.
        rho_out: representation of the output.
        blocks: the maps, block by block of the two direct sums; blocks without maps are left out.
        dim: dim Hom_G(ρ_in, ρ_out).
        oracle: the same number from characters, ∫ χ̄_in χ_out; None where no formula is known.
        residual: the largest ‖ρ_out(g) W - W ρ_in(g)‖ / ‖W‖ over basis maps and fresh random elements g.
        gap: how clearly zero singular values differ from the others; None if whole numbers decided.
        method: how it was found.
        seconds: how long it took.
    """

    rho_in: Representation
    rho_out: Representation
    blocks: tuple[Block, ...]
    dim: int
    oracle: int | None
    residual: float
    gap: Gap | None
    method: str
    seconds: float

    @property
    def basis(self) -> np.ndarray:
        """The basis maps, [dim, size_out, size_in] float64, orthonormal in the Frobenius product.

        Raises:
            TooLarge: they do not fit in memory; use `blocks` or `expand`.
        """
        shape = (self.dim, self.rho_out.size, self.rho_in.size)
        kind = complex if self.rho_in.is_complex or self.rho_out.is_complex else float
        check_memory(np.dtype(kind).itemsize * int(np.prod(shape)), f"a dense basis of {self.dim} maps")
        found = np.zeros(shape, kind)
        for block in self.blocks:
            n, m, d = block.copies_out, block.copies_in, block.pair.dim
            rows = np.arange(block.out_channels.start, block.out_channels.stop).reshape(n, block.size_out)
            columns = np.arange(block.in_channels.start, block.in_channels.stop).reshape(m, block.size_in)
            number = block.start + np.arange(block.count).reshape(d, n, m)
            for i in range(n):
                for j in range(m):
                    found[np.ix_(number[:, i, j], rows[i], columns[j])] = block.basis
        return found

    def expand(self, weights: Float[Tensor, " dim"]) -> Float[Tensor, "size_out size_in"]:
        """The map Σ_d weights[d] basis[d], differentiable in the weights.

        Args:
            weights: [dim].
        """
        matrix = weights.new_zeros(self.rho_out.size, self.rho_in.size)
        for block in self.blocks:
            part = weights[block.start : block.start + block.count]
            part = part.reshape(block.pair.dim, block.copies_out, block.copies_in)
            basis = torch.from_numpy(block.basis).to(weights)
            dense = torch.einsum("dab,dnm->namb", basis, part)
            matrix[block.out_channels, block.in_channels] = dense.flatten(2).flatten(0, 1)
        return matrix

    def coordinates(self, matrix: np.ndarray) -> np.ndarray:
        """The weights of the equivariant map nearest to a matrix [size_out, size_in], [dim]."""
        if matrix.shape != (self.rho_out.size, self.rho_in.size):
            raise FieldError(f"a map {self.rho_in} → {self.rho_out} is {self.rho_out.size} x {self.rho_in.size}")
        found = np.zeros(self.dim, np.result_type(float, matrix))
        for block in self.blocks:
            part = matrix[block.out_channels, block.in_channels]
            part = part.reshape(block.copies_out, block.size_out, block.copies_in, block.size_in)
            weights = np.einsum("dab,namb->dnm", block.basis.conj(), part)
            found[block.start : block.start + block.count] = weights.ravel()
        return found

    def project(self, matrix: np.ndarray) -> np.ndarray:
        """The equivariant map nearest to a matrix in the Frobenius norm."""
        return self.expand(torch.from_numpy(self.coordinates(np.asarray(matrix)))).numpy()

    def explain(self) -> str:
        """Every basis map as a formula that a reader can check, or as its nonzero entries."""
        from erlangen.solve.explain import explain

        return explain(self)

    def __str__(self) -> str:
        oracle = "no formula known" if self.oracle is None else f"{self.oracle} from characters"
        gap = (
            "none: orbits and multiplicities are whole numbers"
            if self.gap is None
            else f"{self.gap} (zero | not zero, relative)"
        )
        rows, columns = self.rho_out.size, self.rho_in.size
        return "\n".join(
            [
                f"Hom_{self.rho_in.group}({self.rho_in}, {self.rho_out})",
                f"  dimension        {self.dim}  ({oracle})",
                f"  unknowns         {rows * columns:,} = {rows} x {columns}",
                f"  method           {self.method}, {self.seconds:.3g} s",
                f"  residual         {self.residual:.1e} on fresh elements",
                f"  singular values  {gap}",
            ]
        )

    def __repr__(self) -> str:
        return f"Certificate(dim={self.dim}, {self.rho_in} → {self.rho_out} of {self.rho_in.group}, {self.method})"


def lay_out(rho_in: Representation, rho_out: Representation, pairs: dict[tuple[int, int], Basis]) -> Sequence[Block]:
    """The blocks of a map between two direct sums, from the maps between their components.

    Args:
        rho_in: the input.
        rho_out: the output.
        pairs: (number of the output term, number of the input term) -> maps between single copies.
    """
    blocks, start = [], 0
    for i, (rows, n, _) in enumerate(rho_out.slices()):
        for j, (columns, m, _) in enumerate(rho_in.slices()):
            pair = pairs[i, j]
            if pair.dim:
                blocks.append(Block(rows, columns, n, m, pair, start))
                start += blocks[-1].count
    return blocks
