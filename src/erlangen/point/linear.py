"""Every equivariant affine map between two representations of any group."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, check_channels
from erlangen.errors import FieldError, NoEquivariantMap
from erlangen.point.expansion import Expansion
from erlangen.solve import invariants, solve


class EquivariantLinear(EquivariantModule):
    """x ↦ W x + b, with every equivariant matrix W and every invariant vector b, and nothing else.

    The solver finds both when the layer is built; one forward pass expands the free weights and multiplies block by
    block, so pairs of terms without an equivariant map cost nothing.

    Law: W ρ_in(g) = ρ_out(g) W, ρ_out(g) b = b, hence f(g·x) = g·f(x).

    Args:
        in_field: type of the input, a field on `Point`.
        out_field: type of the output, of the same group.
        bias: whether to add the invariant vectors of the output.
        partial: leave terms of the output that nothing can feed at zero, for sums with other layers.

    Raises:
        NoEquivariantMap: dim Hom = 0 for a term of the output, or for channels of one that the group never mixes with
            the others, which would be constant.
        FieldError: fields of different groups or of other domains, or complex representations.

    Source: Finzi, Welling, Wilson 2021, arXiv 2104.09459, section 4.
    """

    def __init__(self, in_field: Field, out_field: Field, bias: bool = True, *, partial: bool = False) -> None:
        super().__init__(in_field, out_field)
        check_pair(in_field, out_field, "EquivariantLinear")
        found = solve(in_field.rep, out_field.rep)
        self.expand = Expansion(found)
        self.in_sizes = [m * c.size for m, c in in_field.rep.terms]
        self.rows: list[list[tuple[int, int]]] = [[] for _ in out_field.rep.terms]  # (block, input term) of a row
        starts_out = {rows.start: i for i, (rows, _, _) in enumerate(out_field.rep.slices())}
        starts_in = {columns.start: j for j, (columns, _, _) in enumerate(in_field.rep.slices())}
        fed = [np.zeros(component.size, bool) for _, component in out_field.rep.terms]
        for k, block in enumerate(found.blocks):
            i = starts_out[block.out_channels.start]
            self.rows[i].append((k, starts_in[block.in_channels.start]))
            fed[i] |= (np.abs(block.basis) > 1e-9).any(axis=(0, 2))
        self.row_sizes = [m * c.size for m, c in out_field.rep.terms]
        for i, (_, component) in enumerate([] if partial else out_field.rep.terms):
            start = 0
            for block in component.blocks:  # parts that the group never mixes
                if not fed[i][start : start + block.size].any():
                    which = f"{component}" if block is component else f"channel {start} of {component}"
                    hint = f"leave {which} out, give the input a term that can feed it, or use EquivariantQuadratic"
                    raise NoEquivariantMap(in_field, f"{which} (term {i} of {out_field})", hint)
                start += block.size
        self.weight = nn.Parameter(torch.empty(found.dim))
        constant = invariants(out_field.rep) if bias else None
        self.expand_bias, self.bias, self.biased = None, None, [-1] * len(self.rows)
        if constant is not None and constant.dim:
            self.expand_bias = Expansion(constant)
            self.bias = nn.Parameter(torch.empty(constant.dim))
            for k, block in enumerate(constant.blocks):
                self.biased[starts_out[block.out_channels.start]] = k
        self.reset_parameters()

    def reset_parameters(self, gain: float = 1.0) -> None:
        """Unit gain: inputs of variance 1 give outputs of variance gain², on average over the channels of a copy."""
        parts = list(self.weight.detach().split(self.expand.counts))
        for row in self.rows:
            fan = sum(self.expand.shapes[k][2] * self.expand.shapes[k][0] for k, _ in row)
            for k, _ in row:
                size_out = self.expand.shapes[k][3]
                nn.init.normal_(parts[k], std=gain * (size_out / fan) ** 0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def feeds(self) -> list[bool]:
        """For every term of the output, whether some term of the input reaches it."""
        return [bool(row) for row in self.rows]

    def forward(self, x: Float[Tensor, "b c_in"]) -> Float[Tensor, "b c_out"]:
        """Expand the weights, multiply block by block."""
        check_channels(self.in_field, x.shape[1], "EquivariantLinear")
        matrices = self.expand(self.weight)
        biases = self._biases()
        parts = x.split(self.in_sizes, dim=1) if len(self.in_sizes) > 1 else (x,)
        outputs = []
        for row, bias, size in zip(self.rows, biases, self.row_sizes, strict=True):
            y = None
            for k, j in row:
                z = functional.linear(parts[j], matrices[k], bias if y is None else None)
                y = z if y is None else y + z
            if y is None:
                y = x.new_zeros(x.shape[0], size)
                y = y if bias is None else y + bias
            outputs.append(y)
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)

    def _biases(self) -> list[Tensor | None]:
        if self.bias is None or self.expand_bias is None:
            return [None] * len(self.rows)
        found = self.expand_bias(self.bias)
        return [None if k < 0 else found[k].flatten() for k in self.biased]

    def matrix(self) -> Float[Tensor, "c_out c_in"]:
        """The expanded matrix W."""
        matrices = self.expand(self.weight)
        rows = []
        for row, size in zip(self.rows, self.row_sizes, strict=True):
            fed = {j: matrices[k] for k, j in row}
            zeros = self.weight.new_zeros
            rows.append(torch.cat([fed.get(j, zeros(size, n)) for j, n in enumerate(self.in_sizes)], dim=1))
        return torch.cat(rows)

    def constant(self) -> Float[Tensor, " c_out"] | None:
        """The expanded bias b; None if the output has no invariant vector or the layer no bias."""
        if self.bias is None:
            return None
        zeros = self.bias.new_zeros
        return torch.cat([zeros(n) if b is None else b for b, n in zip(self._biases(), self.row_sizes, strict=True)])

    def hom_dimension(self) -> int:
        """dim Hom_G(ρ_in, ρ_out), plus the dimension of the invariant vectors if there is a bias."""
        return self.weight.numel() + (0 if self.bias is None else self.bias.numel())

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """One an entry of the non-zero blocks."""
        return sum(n * a * m * b for _, n, m, a, b in self.expand.shapes)

    def export(self) -> nn.Module:
        """`nn.Linear` with the expanded matrix."""
        bias = self.constant()
        plain = nn.Linear(self.in_field.size, self.out_field.size, bias is not None).to(self.weight)
        with torch.no_grad():
            plain.weight.copy_(self.matrix())
            if bias is not None:
                plain.bias.copy_(bias)
        return plain

    def extra_repr(self) -> str:
        """Fields and free weights."""
        return f"{self.in_field.rep} -> {self.out_field.rep} of {self.in_field.group}, {self.hom_dimension()} weights"


def check_pair(in_field: Field, out_field: Field, where: str) -> None:
    """Raise a `FieldError` unless both are real fields of one group on a point."""
    for field in (in_field, out_field):
        if field.space.name != "point":
            raise FieldError(f"{where} maps vectors, fields on Point(); got {field}. Fix: Point().field(group, rep)")
        if field.rep.is_complex:
            raise FieldError(
                f"{where} has real weights, and {field.rep} of {field.group} is complex. "
                f"Fix: use the real form of twice the size, (Re, Im)."
            )
    if in_field.group != out_field.group:
        raise FieldError(
            f"{where} needs fields of one group, got {in_field} and {out_field}. Fix: restrict the larger group."
        )
