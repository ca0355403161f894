"""From free weights to a hexagonal convolution kernel in its box: every equivariant kernel on the live taps.

Between signed permutations a basis kernel is an orbit of entries, so that expanding is a lookup; else it is a product
with the basis that the solver finds. Dead taps are zero.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import Field, Tables
from erlangen.errors import FieldError, NoEquivariantMap
from erlangen.grids.hexagon.lattice import BASIS, cells, live, sources
from erlangen.solve import invariants, solve_kernel
from erlangen.solve.orbits import orbits
from erlangen.symmetry import Component, FiniteGroup, Representation


class HexKernel(nn.Module):
    """The linear map from the free weights of a hexagonal layer to its kernel.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        radius: ρ; the kernel has 1 + 3ρ(ρ + 1) live taps in a box of 2ρ + 1 rows and columns.
        groups: blocks of fields that do not mix.

    Raises:
        NoEquivariantMap: a term of the output that no term of the input can feed.
        FieldError: the group is not finite.

    Law: K(g t) = ρ_out(g) K(t) ρ_in(g)⁻¹ at every live tap t.
    """

    def __init__(self, in_field: Field, out_field: Field, radius: int, groups: int = 1) -> None:
        super().__init__()
        self.side = 2 * radius + 1
        self.rows = [(m, c.size) for m, c in out_field.rep.terms]
        self.columns = [(m // groups, c.size) for m, c in in_field.rep.terms]
        self.pairs: dict[tuple[int, int], int] = {}  # (out term, in term) -> which weights
        self.shapes: list[tuple[int, int, int]] = []
        dense: dict[str, np.ndarray] = {}
        for a, (copies, after) in enumerate(out_field.rep.terms):
            fed = np.zeros(after.size, bool)
            for b, (_, before) in enumerate(in_field.rep.terms):
                dim, used = self._solve((a, b), before, after, radius, dense)
                if dim:
                    self.shapes.append((dim, copies, self.columns[b][0]))
                    fed |= used
            if not fed.all():
                hint = f"leave {after} out, enlarge the kernel, or give the input a component that can feed it"
                raise NoEquivariantMap(in_field, f"{after} (term {a} of {out_field})", hint)
        self.tables = Tables(dense)

    def _solve(
        self, pair: tuple[int, int], before: Component, after: Component, radius: int, dense: dict[str, np.ndarray]
    ) -> tuple[int, np.ndarray]:
        """Keep the kernels from one component to another: (how many, [size_out] which channels they feed)."""
        k, group = len(self.pairs), before.group
        if not isinstance(group, FiniteGroup):
            raise FieldError(f"{group} is not finite, so it maps no hexagonal kernel to itself")
        alive = live(radius)
        if before.is_monomial and after.is_monomial:
            dim, index, sign = hexagonal_orbits(group, before, after, radius)
            if dim:
                self.pairs[pair] = k
                lookup = np.where(sign == 0, 0, index).transpose(0, 2, 1).reshape(-1)
                self.register_buffer(f"index_{k}", torch.from_numpy(lookup), persistent=False)
                signs = torch.from_numpy(sign.transpose(0, 2, 1).reshape(-1, 1).astype(np.float32))
                self.register_buffer(f"sign_{k}", signs, persistent=False)
            return dim, (sign != 0).any(axis=(1, 2))
        rho_in, rho_out = (Representation(group, ((1, rep),)) for rep in (before, after))
        found = solve_kernel(cells(radius)[alive] @ BASIS.T, group, rho_in, rho_out).basis
        if len(found):
            self.pairs[pair] = k
            box = np.zeros((*found.shape[:3], len(alive)))
            box[..., alive] = found
            dense[f"basis_{k}"] = box.transpose(1, 3, 2, 0).reshape(-1, len(found))
        return len(found), np.asarray((np.abs(found) > 1e-9).any(axis=(0, 2, 3)))

    def feeding(self) -> list[float]:
        """For the weights of every pair: how many inputs feed an output channel of their row, over all terms."""
        total = [0.0] * len(self.rows)
        for (a, b), k in self.pairs.items():
            basis = getattr(self.tables, f"basis_{k}", None)  # the mean square of an entry, for weights of variance 1
            squares = getattr(self, f"sign_{k}").square() if basis is None else basis.square().sum(dim=1)
            total[a] += float(squares.mean()) * self.columns[b][0] * self.columns[b][1] * self.side**2
        return [total[a] for a, _ in self.pairs]

    def forward(self, weights: list[Tensor], dtype: torch.dtype | None = None) -> Float[Tensor, "c_out c_in k k"]:
        """Expand.

        Args:
            weights: as `shapes` says.
            dtype: of the result; the weights' own by default.
        """
        kept = dtype or weights[0].dtype
        rows = [
            torch.cat([self._block(a, b, weights, kept) for b in range(len(self.columns))], dim=-1)
            for a in range(len(self.rows))
        ]
        return torch.cat(rows, dim=0).unflatten(1, (self.side, self.side)).movedim(-1, 1)

    def _block(self, a: int, b: int, weights: list[Tensor], dtype: torch.dtype) -> Float[Tensor, "c_out taps c_in"]:
        (copies_out, size_out), (copies_in, size_in) = self.rows[a], self.columns[b]
        taps, k = self.side**2, self.pairs.get((a, b))
        if k is None:
            return weights[0].new_zeros(copies_out * size_out, taps, copies_in * size_in, dtype=dtype)
        weight = weights[k].flatten(1)
        basis = getattr(self.tables, f"basis_{k}", None)
        if basis is not None:
            entries = basis.to(weight.dtype) @ weight
        else:
            entries = functional.embedding(getattr(self, f"index_{k}"), weight) * getattr(self, f"sign_{k}").to(weight)
        entries = entries.view(size_out, taps, size_in, copies_out, copies_in).permute(3, 0, 1, 4, 2)
        return entries.to(dtype).reshape(copies_out * size_out, taps, copies_in * size_in)


def hexagonal_orbits(
    group: FiniteGroup, before: Component, after: Component, radius: int
) -> tuple[int, np.ndarray, np.ndarray]:
    """The equivariant kernels between signed permutations: (dim, index, sign), both [size_out, size_in, taps]."""
    taps, alive = (2 * radius + 1) ** 2, live(radius)
    shape = (after.size, before.size, int(alive.sum()))
    moves = []
    for g in group.generators.values():
        out, into = after.signed(g), before.signed(g)
        if out is None or into is None:
            raise FieldError(f"{before} or {after} of {group} is not a signed permutation")
        number = np.cumsum(alive) - 1  # of a place in the box, among the live ones
        to = number[sources(group, radius)[group.inverse(g)].numpy()[alive]]
        sign = np.broadcast_to(out[1][:, None, None] * into[1][:, None], shape)
        moves.append((np.ravel_multi_index(np.ix_(out[0], into[0], to), shape).ravel(), sign.ravel()))
    dim, index, sign = orbits(moves, int(np.prod(shape)))
    boxes = np.zeros((2, after.size, before.size, taps), np.int64)
    boxes[0][..., alive], boxes[1][..., alive] = index.reshape(shape), sign.reshape(shape)
    return dim, boxes[0], boxes[1]


class HexBias(nn.Module):
    """The linear map from free weights to one bias a channel: the invariant vectors of the output representation.

    Args:
        out_field: type of the output.
    """

    def __init__(self, out_field: Field) -> None:
        super().__init__()
        tables, self.parts, self.free = {}, [], 0
        for k, (copies, component) in enumerate(out_field.rep.terms):
            basis = invariants(Representation(out_field.group, ((1, component),))).basis.reshape(-1, component.size)
            largest = np.abs(basis).max(axis=1, keepdims=True, initial=0.0)
            tables[f"basis_{k}"] = basis / np.where(largest > 0, largest, 1.0)
            self.parts.append((copies, len(basis)))
            self.free += copies * len(basis)
        self.tables = Tables(tables)

    def forward(self, weights: Float[Tensor, " free"]) -> Float[Tensor, " c_out"]:
        """One bias a channel."""
        pieces = weights.split([copies * dim for copies, dim in self.parts])
        found = []
        for k, (piece, (copies, dim)) in enumerate(zip(pieces, self.parts, strict=True)):
            basis = getattr(self.tables, f"basis_{k}").to(weights.dtype)
            found.append((piece.view(copies, dim) @ basis).flatten())
        return torch.cat(found)
