"""Linear maps between the fields of one point, as one dense matrix or block by block in the basis of irreps."""

from math import prod

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import EquivariantModule, Field, Tables, check_signal, operator_dtype
from erlangen.blueprint.precision import GAIN, rates, seconds
from erlangen.errors import FieldError, UnknownName
from erlangen.grids.expansion import BiasExpansion, KernelExpansion
from erlangen.grids.harmonics import Harmonics, harmonics
from erlangen.grids.linear import PLAIN
from erlangen.symmetry import FiniteGroup, Representation

FORMS = ("auto", "dense", "blocks")
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
COPIES = 5  # passes over the numbers of a point that blocks make, where one matrix makes one


class Mixing(EquivariantModule):
    """One equivariant linear map at every point: a 1×1 group convolution.

    Between regular fields it can be applied in the basis of irreps, where a pair of fields costs Σ d³ multiplications
    instead of |G|², besides the change of basis; weights and outputs are the same. It pays for wide fields of large
    groups, by a measured table of this machine.

    Law: f(g·x) = g·f(x).

    Args:
        in_field: type of the input.
        out_field: type of the output, same space and group.
        bias: whether to add the invariant vectors of the output representation.
        gain: mean square of an output over that of an input, before training.
        form: "dense", "blocks" or "auto", whichever the table says is faster.

    Raises:
        NoEquivariantMap: dim Hom = 0 for a term of the output, which would be constantly zero.
        FieldError: "blocks" between fields that are not copies of the regular representation.
        UnknownName: no such form.

    Source: Diaconis 1988, Group Representations in Probability and Statistics, section 2C (convolution is a product
        of blocks).
    """

    def __init__(
        self, in_field: Field, out_field: Field, *, bias: bool = True, gain: float = 1.0, form: str = "auto"
    ) -> None:
        super().__init__(in_field, out_field)
        if form not in FORMS:
            raise UnknownName("form", form, FORMS)
        self.d = len(in_field.space.nominal_shape())
        self.expand = KernelExpansion(in_field, out_field, (1,) * self.d)
        self.weights = nn.ParameterList(nn.Parameter(torch.empty(shape)) for shape in self.expand.shapes)
        self.expand_bias = BiasExpansion(out_field) if bias else None
        free = self.expand_bias.free if self.expand_bias is not None else 0
        self.bias = nn.Parameter(torch.empty(free)) if free else None
        self.gain = gain
        found = None if form == "dense" else _harmonics(in_field, out_field)
        if form == "blocks" and found is None:
            raise FieldError(
                f"blocks are those of regular fields of a finite group, got {in_field.rep} -> {out_field.rep} of "
                f"{in_field.group}. Fix: form='dense'."
            )
        self.blocks = () if found is None else found.blocks
        self.order = 1 if found is None else len(found.basis)
        self.tables = Tables({} if found is None else _tables(found))
        self.copies = (in_field.size // self.order, out_field.size // self.order)
        # in which precisions the blocks are used; settled here, so that compiled forward passes ask nobody
        choose = found is not None and form == "auto"
        self.wins = {d: form == "blocks" or (choose and self._blocks_win(d)) for d in FLOATS}
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The mean square of an output is `gain` times that of an input."""
        for weight, feeding in zip(self.weights, self.expand.feeding(), strict=True):
            nn.init.normal_(weight, std=(self.gain / max(feeding, 1.0)) ** 0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def matrix(self, dtype: torch.dtype | None = None) -> Float[Tensor, "c_out c_in"]:
        """The expanded matrix.

        Args:
            dtype: of the result; the weights' own by default.
        """
        return self.expand(list(self.weights), dtype).flatten(1)

    def expanded_bias(self, dtype: torch.dtype | None = None) -> Float[Tensor, " c_out"] | None:
        """One bias a channel: Σ free invariant vectors."""
        return None if self.bias is None or self.expand_bias is None else self.expand_bias(self.bias).to(dtype)

    def forward(self, x: Float[Tensor, "b c_in *space"]) -> Float[Tensor, "b c_out *space"]:
        """One matrix at every point, channels last in memory."""
        check_signal(self.in_field, x, "Mixing")
        dtype = operator_dtype("dense", x)
        rows = x.movedim(1, -1).to(dtype)
        bias = self.expanded_bias(dtype)
        if self.wins[dtype]:
            y = self._by_blocks(rows.flatten(0, -2)).unflatten(0, rows.shape[:-1])
            y = y if bias is None else y + bias
        else:
            y = functional.linear(rows, self.matrix(dtype), bias)
        return y.movedim(-1, 1)

    def _by_blocks(self, rows: Float[Tensor, "n c_in"]) -> Float[Tensor, "n c_out"]:
        """To the basis of irreps, one product for every row of every block, and back."""
        (m, k), n, weight = self.copies, self.order, self.weights[0]
        basis = self.tables.get_buffer("basis").to(rows.dtype)
        turned = (basis.mT @ rows.reshape(-1, n).mT).view(n, -1, m)  # one matrix [points, copies] a coefficient
        parts, start = [], 0
        for i, (s, r) in enumerate(self.blocks):
            # from (position, copy) to (position, copy)
            block = torch.einsum("abg,gki->biak", getattr(self.tables, f"map_{i}").to(weight.dtype), weight)
            block = block.reshape(s * m, s * k).to(rows.dtype)
            here = turned[start : start + s * r].unflatten(0, (r, s)).transpose(1, 2).reshape(-1, s * m)
            parts.append((here @ block).view(r, -1, s, k).transpose(1, 2).flatten(0, 1))
            start += s * r
        back = torch.cat(parts, dim=0).view(n, -1)
        return (back.mT @ basis.mT).view(-1, k * n)

    # what the plan says

    def _prices(self) -> tuple[int, int]:
        """Multiplications at a point as one matrix, and block by block with both changes of basis."""
        m, k = self.copies
        inside = m * k * sum(s * s * r for s, r in self.blocks)
        return self.in_field.size * self.out_field.size, inside + (m + k) * self.order**2

    def _blocks_win(self, dtype: torch.dtype) -> bool:
        """Whether the table of this machine says so: blocks copy the numbers of a point more often."""
        dense, blocks = self._prices()
        numbers = self.in_field.size + self.out_field.size
        at = rates(dtype)
        by_blocks = seconds(at, product=blocks, memory=COPIES * numbers, basis=numbers)
        return GAIN * by_blocks < seconds(at, product=dense, memory=numbers)

    def multiplications(self, shape: tuple[int, ...]) -> int:
        """Those of the form that float32 uses."""
        dense, blocks = self._prices()
        return prod(shape) * (blocks if self.wins[torch.float32] else dense)

    def hom_dimension(self) -> int:
        """All free parameters."""
        return sum(w.numel() for w in self.weights) + (0 if self.bias is None else self.bias.numel())

    def export(self) -> nn.Module:
        """An ordinary 1×1 convolution."""
        plain = PLAIN[self.d](self.in_field.size, self.out_field.size, 1, bias=self.bias is not None)
        plain = plain.to(self.weights[0])
        with torch.no_grad():
            plain.weight.copy_(self.matrix().view_as(plain.weight))
            bias = self.expanded_bias()
            if bias is not None and plain.bias is not None:
                plain.bias.copy_(bias)
        return plain

    def extra_repr(self) -> str:
        """Fields, and the form if blocks are used."""
        winning = [str(dtype).removeprefix("torch.") for dtype, wins in self.wins.items() if wins]
        where = "" if len(winning) == len(FLOATS) else f" in {' and '.join(winning)}"
        words = f", blocks{where}" if winning else ""
        return f"{self.in_field.rep} -> {self.out_field.rep} of {self.in_field.group}{words}"


def _harmonics(in_field: Field, out_field: Field) -> Harmonics | None:
    group, terms = in_field.group, (in_field.rep.terms, out_field.rep.terms)
    if not isinstance(group, FiniteGroup) or any(len(t) != 1 or t[0][1] != group.regular.terms[0][1] for t in terms):
        return None
    one = group.regular.terms[0][1]
    before, after = (in_field.with_rep(Representation(group, ((copies, one),))) for copies in (1, group.order))
    units = KernelExpansion(before, after, (1,) * len(in_field.space.nominal_shape()))
    if units.shapes != [(group.order, group.order, 1)]:
        return None
    basis = units([torch.eye(group.order, dtype=torch.float64).unsqueeze(-1)])
    return harmonics(group, basis.reshape(group.order, group.order, group.order).numpy())


def _tables(found: Harmonics) -> dict[str, np.ndarray]:
    return {"basis": found.basis} | {f"map_{i}": blocks for i, blocks in enumerate(found.maps)}
