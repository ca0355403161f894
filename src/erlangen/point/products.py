"""Products of pairs of copies, and their mixture: the plain-torch heart of the bilinear layers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from erlangen.blueprint import Tables

IDENTITY = 1e-14


@dataclass(frozen=True)
class Pair:
    """Some pairs of copies (u, v) of two components, and the equivariant bilinear maps out of them.

    Args:
        copies: number of pairs.
        left: channels of u.
        right: channels of v.
        maps: number of the output term -> [d, size_out, left, right].
    """

    copies: int
    left: int
    right: int
    maps: dict[int, np.ndarray]


class Products(nn.Module):
    """y_c[n] = Σ over pairs k and maps d of w[n, k, d] B_d(u_k, v_k), for every term c of the output.

    Args:
        pairs: what is multiplied.
        terms: (copies, size) of every term of the output.
    """

    def __init__(self, pairs: Sequence[Pair], terms: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.terms = list(terms)
        self.shapes = [(p.copies, p.left, p.right) for p in pairs]
        self.targets = [[(c, len(b), b.shape[1]) for c, b in p.maps.items()] for p in pairs]
        tables: dict[str, np.ndarray] = {}
        self.kinds: list[str] = []
        for i, p in enumerate(pairs):
            # each map is scaled so that independent inputs of variance 1 give outputs of variance 1
            rows = np.concatenate([b.reshape(-1, p.left, p.right) * b.shape[1] ** 0.5 for b in p.maps.values()])
            self.kinds.append(_kind(rows))
            if self.kinds[-1] == "contract":  # few outputs, such as an inner product: B(u, v) = Σ_a u_a (Σ_b B_ab v_b)
                tables[f"table_{i}"] = rows.transpose(2, 0, 1).reshape(p.right, -1)
            elif self.kinds[-1] == "outer":
                tables[f"table_{i}"] = rows.reshape(len(rows), -1).T
        self.tables = Tables(tables)
        self.summands = [0] * len(self.terms)
        for (copies, _, _), targets in zip(self.shapes, self.targets, strict=True):
            for c, d, _ in targets:
                self.summands[c] += copies * d
        self.weights = nn.ParameterList(
            nn.Parameter(torch.empty(n, total))
            for (n, _), total in zip(self.terms, self.summands, strict=True)
            if total
        )
        self.reset_parameters()

    def reset_parameters(self, gain: float = 1.0) -> None:
        """Unit gain for independent inputs of variance 1."""
        for weight in self.weights:
            nn.init.normal_(weight, std=gain * weight.shape[1] ** -0.5)

    def forward(self, lefts: Sequence[Tensor], rights: Sequence[Tensor]) -> Float[Tensor, "b c_out"]:
        """Multiply and mix.

        Args:
            lefts: [B, copies·left] of every pair.
            rights: [B, copies·right] of every pair.
        """
        found: list[list[Tensor]] = [[] for _ in self.terms]
        for i, (u, v) in enumerate(zip(lefts, rights, strict=True)):
            for (c, d, size), z in zip(self.targets[i], self._multiply(i, u, v), strict=True):
                found[c].append(z if d == 1 else z.unflatten(2, (d, size)).flatten(1, 2))
        outputs, k = [], 0
        for c, (copies, size) in enumerate(self.terms):
            if not found[c]:
                outputs.append(lefts[0].new_zeros(lefts[0].shape[0], copies * size))
                continue
            z = found[c][0] if len(found[c]) == 1 else torch.cat(found[c], dim=1)
            if size == 1:
                outputs.append(functional.linear(z.flatten(1), self.weights[k]))
            else:
                outputs.append(functional.linear(z.transpose(1, 2), self.weights[k]).transpose(1, 2).flatten(1))
            k += 1
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)

    def _multiply(self, i: int, u: Tensor, v: Tensor) -> Sequence[Tensor]:
        copies, left, right = self.shapes[i]
        u, v = u.unflatten(1, (copies, left)), v.unflatten(1, (copies, right))
        if self.kinds[i] == "values":
            product = u * v
        elif self.kinds[i] == "contract":
            product = (v @ getattr(self.tables, f"table_{i}")).unflatten(2, (-1, left))
            product = (product * u.unsqueeze(2)).sum(3)
        else:
            product = (u.unsqueeze(3) * v.unsqueeze(2)).flatten(2) @ getattr(self.tables, f"table_{i}")
        sizes = [d * size for _, d, size in self.targets[i]]
        return product.split(sizes, dim=2) if len(sizes) > 1 else (product,)

    def multiplications(self) -> int:
        """Products, contractions and mixtures for one input."""
        total = 0
        for (copies, left, right), targets, kind in zip(self.shapes, self.targets, self.kinds, strict=True):
            columns = sum(d * size for _, d, size in targets)
            if kind == "values":
                total += copies * left * right
            elif kind == "contract":
                total += copies * columns * left * (right + 1)
            else:
                total += copies * left * right * (1 + columns)
        return total + sum(n * size * s for (n, size), s in zip(self.terms, self.summands, strict=True))


def _kind(rows: np.ndarray) -> str:
    """How to evaluate bilinear maps [k, left, right]: the products are the values, contract first, or multiply out."""
    k, left, right = rows.shape
    if k == left * right and (left == 1 or right == 1) and np.allclose(rows.reshape(k, -1), np.eye(k), 0, IDENTITY):
        return "values"
    return "contract" if k < right else "outer"
