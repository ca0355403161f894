"""From the free weights of a layer to its matrix, block by block, in plain torch."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import Tables
from erlangen.errors import FieldError
from erlangen.solve import Block, Certificate

FEW = 8  # up to this many basis maps a product with the dense basis is quicker than looking entries up


class Expansion(nn.Module):
    """The linear map from free weights to the non-zero blocks of an equivariant matrix.

    The weights of a block are [dim, copies_out, copies_in] of a `Block`; its matrix is Σ_d weights[d] ⊗ basis[d].

    Args:
        certificate: the solved space of maps.
    """

    def __init__(self, certificate: Certificate) -> None:
        super().__init__()
        self.counts = [block.count for block in certificate.blocks]
        self.shapes = [_shape(block) for block in certificate.blocks]
        self.kinds: list[str] = []
        tables: dict[str, np.ndarray] = {}
        for k, block in enumerate(certificate.blocks):
            d, _, _, a, b = self.shapes[k]
            if (d, a, b) == (1, 1, 1) and float(block.basis[0, 0, 0]) == 1.0:
                self.kinds.append("weights")
            elif block.pair.index is not None and d > FEW:
                self.kinds.append("lookup")
                index, entry = block.pair.scaled()
                self.register_buffer(f"index_{k}", torch.from_numpy(index.ravel().copy()), persistent=False)
                tables[f"table_{k}"] = entry.reshape(a * b, 1)
            else:
                self.kinds.append("product")
                tables[f"table_{k}"] = block.basis.reshape(d, a * b).T
        self.tables = Tables(tables)

    def forward(self, weight: Float[Tensor, " dim"]) -> list[Tensor]:
        """The matrix [copies_out·size_out, copies_in·size_in] of every block.

        Args:
            weight: all free weights.
        """
        parts = weight.split(self.counts) if len(self.counts) > 1 else (weight,)
        return [self._block(k, parts[k]) for k in range(len(self.counts))]

    def _block(self, k: int, weight: Tensor) -> Tensor:
        d, n, m, a, b = self.shapes[k]
        if self.kinds[k] == "weights":
            return weight.view(n, m)
        table = getattr(self.tables, f"table_{k}")
        if self.kinds[k] == "lookup":
            entries = functional.embedding(getattr(self, f"index_{k}"), weight.view(d, n * m)) * table
        else:
            entries = table @ weight.view(d, n * m)
        return entries.view(a, b, n, m).permute(2, 0, 3, 1).reshape(n * a, m * b)


def _shape(block: Block) -> tuple[int, int, int, int, int]:
    if block.pair.dense is not None and np.iscomplexobj(block.pair.dense):
        raise FieldError(
            "layers have real weights, and this representation is complex. Fix: use its real form, of twice the size"
        )
    return block.pair.dim, block.copies_out, block.copies_in, block.size_out, block.size_in
