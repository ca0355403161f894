"""From free weights to an ordinary convolution kernel: one gather for every pair of terms."""

from math import prod

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import Field, Tables
from erlangen.errors import NoEquivariantMap
from erlangen.grids.groups import is_finer, point_matrices
from erlangen.grids.induced import Induced
from erlangen.grids.steering import steer
from erlangen.solve import kernel_basis, solve, solve_kernel
from erlangen.symmetry import Component, FiniteGroup, Representation


class KernelExpansion(nn.Module):
    """The linear map from the free weights of a layer to its kernel.

    Every pair of terms with an equivariant kernel has weights [dim Hom, copies out, copies in]. Between signed
    permutations an entry of the kernel is plus or minus one of them, or zero, so expanding is a lookup of rows; else it
    is a product with the basis kernels. Either is transposed once into channels_last order.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        kernel_size: taps along each axis.
        groups: blocks of fields that do not mix.

    Raises:
        NoEquivariantMap: a term of the output, or a channel of one, that no term of the input can feed.
    """

    def __init__(self, in_field: Field, out_field: Field, kernel_size: tuple[int, ...], groups: int = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.rows = [(m, c.size) for m, c in out_field.rep.terms]
        self.columns = [(m // groups, c.size) for m, c in in_field.rep.terms]
        self.pairs: dict[tuple[int, int], int] = {}  # (out term, in term) -> which weights
        self.shapes: list[tuple[int, int, int]] = []
        self.group = in_field.group
        self.steered = is_finer(self.group, len(kernel_size)) or not isinstance(self.group, FiniteGroup)
        self.induced = nn.ModuleDict()
        dense: dict[str, np.ndarray] = {}
        for a, (copies_out, component_out) in enumerate(out_field.rep.terms):
            fed = np.zeros(component_out.size, bool)
            for b, (_, component_in) in enumerate(in_field.rep.terms):
                dim, used = self._solve(a, b, component_in, component_out, dense)
                if dim:
                    self.shapes.append((dim, copies_out, self.columns[b][0]))
                    fed |= used
            start = 0
            for block in component_out.blocks:
                if not fed[start : start + block.size].any():
                    which = f"{block}" if block is component_out else f"channel {start} of {block}"
                    hint = f"leave {which} out, enlarge the kernel, or give the input a component that can feed it"
                    raise NoEquivariantMap(in_field, f"{which} (term {a} of {out_field})", hint)
                start += block.size
        self.tables = Tables(dense)

    def _solve(
        self, a: int, b: int, rep_in: Component, rep_out: Component, dense: dict[str, np.ndarray]
    ) -> tuple[int, np.ndarray]:
        """Find the kernels from one component to another: (how many, [size_out] which channels they feed)."""
        k = len(self.pairs)
        if self.steered:
            return self._steer(a, b, rep_in, rep_out, dense)
        if rep_in.is_monomial and rep_out.is_monomial:
            matrices = point_matrices(self.group, len(self.kernel_size))
            basis = kernel_basis(self.kernel_size, matrices, rep_in, rep_out)
            if basis.dim:
                self.pairs[a, b] = k
                self._keep_orbits(k, basis.index, basis.sign)
            return basis.dim, (basis.sign != 0).any(axis=(1, 2))
        before, after = (Representation(self.group, ((1, rep),)) for rep in (rep_in, rep_out))
        return self._keep_basis(a, b, solve_kernel(self.kernel_size, self.group, before, after).basis, dense)

    def _steer(
        self, a: int, b: int, rep_in: Component, rep_out: Component, dense: dict[str, np.ndarray]
    ) -> tuple[int, np.ndarray]:
        """The same where the group turns the taps in least squares: Hom_G(ρ_in ⊗ ⊕ψ, ρ_out)."""
        steering = steer(self.kernel_size, self.group)
        regular = self.group.regular.terms[0][1] if isinstance(self.group, FiniteGroup) else None
        for outwards, here, other in ((True, rep_out, rep_in), (False, rep_in, rep_out)):
            if here == regular and other.is_monomial:
                k = len(self.pairs)
                self.pairs[a, b] = k
                self.induced[f"{k}"] = induced = Induced(steering, other, outwards)
                return induced.dim, np.ones(rep_out.size, bool)
        before, after = (Representation(self.group, ((1, rep),)) for rep in (rep_in, rep_out))
        found = solve(before * steering.representation, after).basis
        kernels = found.reshape(len(found), after.size, before.size, steering.functions.shape[1]) @ steering.functions.T
        return self._keep_basis(a, b, kernels, dense)

    def _keep_basis(self, a: int, b: int, kernels: np.ndarray, dense: dict[str, np.ndarray]) -> tuple[int, np.ndarray]:
        """Keep basis kernels [dim, out, in, taps]."""
        if len(kernels):
            k = self.pairs[a, b] = len(self.pairs)
            # entries in the order (out, tap, in) are what a channels_last kernel wants
            dense[f"basis_{k}"] = kernels.transpose(1, 3, 2, 0).reshape(-1, len(kernels))
        return len(kernels), np.asarray((np.abs(kernels) > 1e-9).any(axis=(0, 2, 3)))

    def _keep_orbits(self, k: int, index: np.ndarray, sign: np.ndarray) -> None:
        lookup = torch.from_numpy(index.transpose(0, 2, 1).reshape(-1).copy())
        self.register_buffer(f"index_{k}", lookup, persistent=False)
        signs = torch.from_numpy(sign.transpose(0, 2, 1).reshape(-1, 1).astype(np.float32))
        if bool((signs == 1).all()):
            setattr(self, f"sign_{k}", None)  # not a buffer: torch.export loses its place at buffers that are None
        else:
            self.register_buffer(f"sign_{k}", signs, persistent=False)

    def feeding(self) -> list[float]:
        """For the weights of every pair: how many inputs feed an output channel of their row, over all terms."""
        total = [0.0] * len(self.rows)
        for (a, b), k in self.pairs.items():
            sign, basis = getattr(self, f"sign_{k}", None), getattr(self.tables, f"basis_{k}", None)
            density = 1.0 if sign is None else float(sign.abs().mean())
            if basis is not None:  # the mean square of an entry, for weights of variance 1
                density = float(basis.square().sum(dim=1).mean())
            if f"{k}" in self.induced:
                density = self.induced[f"{k}"].density()  # pyrefly: ignore[not-callable]
            total[a] += density * prod(self.columns[b]) * prod(self.kernel_size)
        return [total[a] for a, _ in self.pairs]

    def forward(self, weights: list[Tensor], dtype: torch.dtype | None = None) -> Float[Tensor, "c_out c_in *taps"]:
        """Expand.

        Args:
            weights: as `shapes` says.
            dtype: of the result; the weights' own by default.
        """
        blocks = [
            [self._block(a, b, weights, dtype or weights[0].dtype) for b in range(len(self.columns))]
            for a in range(len(self.rows))
        ]
        rows = [row[0] if len(row) == 1 else torch.cat(row, dim=-1) for row in blocks]
        full = rows[0] if len(rows) == 1 else torch.cat(rows, dim=0)
        return full.unflatten(1, self.kernel_size).movedim(-1, 1)

    def _block(self, a: int, b: int, weights: list[Tensor], dtype: torch.dtype) -> Float[Tensor, "c_out taps c_in"]:
        (copies_out, size_out), (copies_in, size_in) = self.rows[a], self.columns[b]
        taps = prod(self.kernel_size)
        k = self.pairs.get((a, b))
        if k is None:
            return weights[0].new_zeros(copies_out * size_out, taps, copies_in * size_in, dtype=dtype)
        weight = weights[k].flatten(1)
        if hasattr(self, f"index_{k}") and copies_in <= size_in:
            entries = self._looked_up(k, weight.t().contiguous(), 1)
            entries = entries.view(copies_out, copies_in, size_out, taps, size_in).permute(0, 2, 3, 1, 4)
        else:  # few channels in many copies: rows of copies are the longer runs of memory
            entries = self._rows(k, weight)
            entries = entries.view(size_out, taps, size_in, copies_out, copies_in).permute(3, 0, 1, 4, 2)
        entries = entries.to(dtype, memory_format=torch.contiguous_format)
        # the stride of a single input channel means nothing, but convolutions read a memory format off it
        single = copies_in * size_in == 1
        entries = entries.clone(memory_format=torch.contiguous_format) if single else entries.contiguous()
        return entries.view(copies_out * size_out, taps, copies_in * size_in)

    def _rows(self, k: int, weight: Float[Tensor, "dim copies"]) -> Float[Tensor, "entries copies"]:
        if f"{k}" in self.induced:
            return self.induced[f"{k}"](weight)
        basis = getattr(self.tables, f"basis_{k}", None)
        return self._looked_up(k, weight, 0) if basis is None else basis.to(weight.dtype) @ weight

    def _looked_up(self, k: int, weight: Tensor, axis: int) -> Tensor:
        """The weights that the entries are, with their signs, along an axis."""
        entries, sign = weight.index_select(axis, getattr(self, f"index_{k}")), getattr(self, f"sign_{k}")
        return entries if sign is None else entries * (sign.t() if axis else sign).to(entries.dtype)


class BiasExpansion(nn.Module):
    """The linear map from free weights to one bias a channel: the invariant vectors of the output representation.

    They are the equivariant kernels of one tap from the trivial representation.

    Args:
        out_field: type of the output.
    """

    def __init__(self, out_field: Field) -> None:
        super().__init__()
        group = out_field.group
        d = len(out_field.space.nominal_shape())
        index, sign, self.free, start = [], [], 0, 0
        dense: list[tuple[int, int, np.ndarray]] = []  # first channel, first weight, invariant vectors [size, dim]
        for copies, component in out_field.rep.terms:
            vectors = None  # those that are no signed sums of channels
            if component.is_trivial and component.size == 1:
                dim, where, signs = 1, np.zeros(1, np.int64), np.ones(1, np.int64)
            elif isinstance(group, FiniteGroup) and component.is_monomial:
                basis = kernel_basis(
                    (1,) * d, np.tile(np.eye(d), (group.order, 1, 1)), group.trivial.terms[0][1], component
                )
                dim, where, signs = basis.dim, basis.index[:, 0, 0], basis.sign[:, 0, 0]
            else:
                found = solve(group.trivial, Representation(group, ((1, component),)))
                vectors = found.basis.reshape(found.dim, component.size).T if found.dim else None
                dim, where, signs = found.dim, np.zeros(component.size, np.int64), np.zeros(component.size, np.int64)
            for _ in range(copies):
                if vectors is not None:
                    dense.append((start, self.free, vectors))
                start += component.size
                index.append(np.where(signs == 0, 0, self.free + where))
                sign.append(signs)
                self.free += dim
        self.register_buffer("index", torch.from_numpy(np.concatenate(index)), persistent=False)
        self.register_buffer("sign", torch.from_numpy(np.concatenate(sign).astype(np.float32)), persistent=False)
        self.tables = None
        if dense:
            basis = np.zeros((out_field.size, self.free))
            for channel, weight, vectors in dense:
                basis[channel : channel + len(vectors), weight : weight + vectors.shape[1]] = vectors
            self.tables = Tables({"basis": basis})

    def forward(self, weights: Float[Tensor, " free"]) -> Float[Tensor, " c_out"]:
        """One bias a channel."""
        bias = weights[self.index] * self.sign.to(weights.dtype)
        return bias if self.tables is None else bias + self.tables.get_buffer("basis").to(weights.dtype) @ weights
