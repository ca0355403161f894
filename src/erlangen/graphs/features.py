"""Linear maps of node features that may be wide and sparse, such as bags of words.

A bag of words with 1433 entries, 18 of them not zero, is a row of a sparse matrix: x W = Σ_words value · W[word] is the
same sparse product as a hop over edges. Dropout then touches the nonzeros only, which is dropout of x, since 0 stays 0.
"""

import weakref

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from erlangen.graphs.pattern import Pattern, tracing
from erlangen.graphs.spmm import spmm

SMALLEST = 2**18  # entries below which a dense product is cheap anyway
DENSITY = 0.1  # share of nonzeros below which the sparse product wins clearly

_SEEN: "dict[int, tuple[weakref.ref[Tensor], int, tuple[Pattern, Tensor] | None]]" = {}


def feature_linear(
    x: Float[Tensor, "nodes c_in"],
    weight: Float[Tensor, "c_out c_in"],
    bias: Float[Tensor, " c_out"] | None = None,
    dropout: float = 0.0,
) -> Float[Tensor, "nodes c_out"]:
    """x Wᵀ + b, after dropout of x.

    Args:
        x: node features; large ones that need no gradient and are mostly zero take the sparse route.
        weight: as of `torch.nn.Linear`.
        bias: as of `torch.nn.Linear`.
        dropout: share of the entries of x dropped; the others grow by 1 / (1 - dropout).

    Returns:
        The transformed features.
    """
    sparse = sparse_features(x)
    if sparse is None:
        return functional.linear(functional.dropout(x, dropout) if dropout else x, weight, bias)
    pattern, values = sparse
    values = functional.dropout(values, dropout) if dropout else values
    y = spmm(pattern, weight.t().contiguous(), values)
    return y if bias is None else y + bias


def sparse_features(x: Tensor) -> tuple[Pattern, Tensor] | None:
    """(places, values) of the nonzeros of large, mostly zero features, else None; kept while x lives unchanged."""
    if x.requires_grad or x.numel() < SMALLEST or x.shape[1] < 2 or tracing():
        return None
    if type(x) is not Tensor or torch._C._functorch.is_functorch_wrapped_tensor(x):
        return None
    known = _SEEN.get(id(x))
    if known is not None and known[0]() is x and known[1] == x._version:
        return known[2]
    found = None
    if int(torch.count_nonzero(x)) <= DENSITY * x.numel():
        row, col = x.nonzero(as_tuple=True)
        pattern, _ = Pattern.from_coordinates(row, col, x.shape[0], x.shape[1], symmetric=False)
        found = pattern, x[row, col]
    key = id(x)
    _SEEN[key] = (weakref.ref(x, lambda _: _SEEN.pop(key, None)), x._version, found)
    return found
