"""Kernels between a regular representation and another one, on a stencil that the group turns in least squares.

Kernels to the regular representation are free functions of one row, and kernels from it of one column: the group makes
the others. So |G| small products replace a basis of all entries.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlangen.blueprint import Tables
from erlangen.grids.steering import Steering
from erlangen.symmetry import Component


class Induced(nn.Module):
    """From the coefficients of one row (or column) to all entries of a kernel: Hom_G(ρ, regular) = Hom(ρ, 1).

    Law: to the regular representation, K[g, i](t) = Σ_j (R_g K[e, j])(t) ρ_in(g)[i, j]; from it,
    K[o, g](t) = Σ_p ρ_out(g)[o, p] (R_g K[p, e])(t), where R_g turns functions on the taps.

    Args:
        steering: how the taps turn.
        other: the representation on the other side, by signed permutations.
        outwards: whether the regular representation is the output.
    """

    def __init__(self, steering: Steering, other: Component, outwards: bool) -> None:
        super().__init__()
        turned = steering.turned()
        order, self.taps, self.functions = turned.shape
        self.size, self.outwards = other.size, outwards
        self.tables = Tables({"turned": turned.reshape(order * self.taps, self.functions)})
        image, sign = other.monomial  # type: ignore[misc]
        back = np.argsort(image, axis=1)  # which j goes to i
        g, t, _ = np.ogrid[:order, : self.taps, : other.size]
        rows = (g * self.taps + t) * other.size + back[:, None, :]  # of the products, as [g, t, j]
        signs = np.broadcast_to(np.take_along_axis(sign, back, axis=1)[:, None, :], rows.shape)
        # entries of a kernel come in the order (out, tap, in)
        axes = (0, 1, 2) if outwards else (2, 1, 0)
        index = torch.from_numpy(np.ascontiguousarray(rows.transpose(axes)).reshape(-1))
        self.register_buffer("index", index, persistent=False)
        flat = torch.from_numpy(signs.transpose(axes).reshape(-1, 1).astype(np.float32))
        if bool((flat == 1).all()):
            self.sign = None
        else:
            self.register_buffer("sign", flat, persistent=False)

    @property
    def dim(self) -> int:
        """Free weights: functions on the taps times channels on the other side."""
        return self.functions * self.size

    def density(self) -> float:
        """The mean square of an entry, for weights of variance 1."""
        return float(self.tables.get_buffer("turned").square().sum(1).mean())

    def forward(self, weight: Float[Tensor, "dim copies"]) -> Float[Tensor, "entries copies"]:
        """All entries, in the order (out, tap, in)."""
        copies = weight.shape[1]
        products = self.tables.get_buffer("turned").to(weight.dtype) @ weight.view(self.functions, self.size * copies)
        entries = products.view(-1, copies).index_select(0, self.index)
        return entries if self.sign is None else entries * self.sign.to(entries.dtype)
