"""The one kernel under every graph layer: a sparse matrix times features, and its partner, sampled dot products.

    spmm    y_v = ⊕_{u → v} w_uv x_u (+ d_v x_v)      ⊕ = sum, mean or max
    sddmm   s_uv = <q_v, k_u>

Both close under differentiation, so gradients of any order are made of the same two: the gradient of spmm in x is spmm
on the transpose, its gradient in w is sddmm. No tensor of size edges x channels exists at any time. In float32,
bfloat16 and float16 the sum runs as an embedding bag, which fuses gather and reduction; float64 runs as a CSR product.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function

from erlangen.errors import DomainError, FieldError
from erlangen.graphs import kernels
from erlangen.graphs.pattern import Pattern, tracing

REDUCTIONS = ("sum", "mean", "max")


def spmm(
    pattern: Pattern,
    x: Float[Tensor, "columns channels"],
    weight: Float[Tensor, " entries"] | None = None,
    reduce: str = "sum",
    *,
    diagonal: Float[Tensor, " rows"] | None = None,
    symmetric: bool = False,
) -> Float[Tensor, "rows channels"]:
    """Reduce over the neighbours: y_v = ⊕_{e = (u → v)} w_e x_u + d_v x_v.

    Args:
        pattern: which rows receive from which columns.
        x: features of the columns.
        weight: one a stored entry; None is 1 everywhere.
        reduce: "sum"; "mean", the sum over the number of entries of the row; "max". Empty rows give 0.
        diagonal: adds d_v x_v (self-loops that need not be stored); only for "sum" on a square pattern.
        symmetric: the caller knows that w_uv = w_vu, so that Aᵀ = A and no values need reordering; ignored if the
            weights require a gradient.

    Returns:
        One row of features a row of the pattern, in the type of x.

    Raises:
        FieldError: sizes do not fit.
        DomainError: an unknown reduction.

    Law: permuting rows, columns and x alike permutes y; the order of the entries of a row does not matter.
    """
    _check(pattern, x, weight, reduce, diagonal)
    if weight is not None and weight.dtype != x.dtype:
        weight = weight.to(x.dtype)
    if reduce == "max":
        return _largest(pattern, x, weight)
    if reduce == "mean":
        share = pattern.share(x.dtype)
        weight, symmetric = (share if weight is None else weight * share), False
    if tracing():
        return kernels.traced_spmm(pattern, x, weight, diagonal)
    return _Sum.apply(x, weight, diagonal, pattern, symmetric)


def sddmm(
    pattern: Pattern, q: Float[Tensor, "rows channels"], k: Float[Tensor, "columns channels"]
) -> Float[Tensor, " entries"]:
    """Dot products at the entries of a pattern only: s_e = <q_v, k_u> for e = (u → v).

    Args:
        pattern: where to evaluate.
        q: features of the rows.
        k: features of the columns.

    Returns:
        One value an entry.
    """
    if q.shape[0] != pattern.rows or k.shape[0] != pattern.columns or q.shape[1:] != k.shape[1:]:
        raise FieldError(
            f"sddmm on {pattern} needs q [{pattern.rows}, C], k [{pattern.columns}, C]; got {q.shape}, {k.shape}"
        )
    if tracing():
        return kernels.traced_sddmm(pattern, q, k)
    return _Dots.apply(q, k, pattern)


class _Sum(Function):
    """y = (A_w + diag d) x."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor | None, diagonal: Tensor | None, pattern: Pattern, symmetric: bool) -> Tensor:
        y = kernels.weighted_sum(pattern.ptr, pattern.col, x, weight)
        return y if diagonal is None else y.addcmul_(x, diagonal.to(x.dtype)[:, None])

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        x, weight, diagonal, ctx.pattern, ctx.symmetric = inputs
        need_x = ctx.needs_input_grad[1] or ctx.needs_input_grad[2]
        ctx.save_for_backward(x if need_x else None, weight, diagonal)
        ctx.save_for_forward(x, weight, diagonal)

    @staticmethod
    def backward(ctx, grad: Tensor):  # pyrefly: ignore[bad-override]
        x, weight, diagonal = ctx.saved_tensors
        to_x, to_weight, to_diagonal = ctx.needs_input_grad[:3]
        grad_x = grad_weight = grad_diagonal = None
        if to_x:
            grad_x = _transposed_sum(ctx.pattern, grad, weight, diagonal, ctx.symmetric)
        if to_weight:
            grad_weight = sddmm(ctx.pattern, grad, x)
        if to_diagonal:
            grad_diagonal = (grad * x).sum(dim=1).to(diagonal.dtype)
        return grad_x, grad_weight, grad_diagonal, None, None

    @staticmethod
    def jvp(ctx, dx: Tensor | None, dweight: Tensor | None, ddiagonal: Tensor | None, *_) -> Tensor:  # pyrefly: ignore[bad-override]
        x, weight, diagonal = ctx.saved_tensors
        parts = []
        if dx is not None:
            parts.append(spmm(ctx.pattern, dx, weight, diagonal=diagonal, symmetric=ctx.symmetric))
        if dweight is not None:
            parts.append(spmm(ctx.pattern, x, dweight))
        if ddiagonal is not None:
            parts.append(x * ddiagonal[:, None])
        return sum(parts[1:], parts[0])

    @staticmethod
    def vmap(info, in_dims, x, weight, diagonal, pattern, symmetric):  # pyrefly: ignore[bad-override]
        if in_dims[1] is None and in_dims[2] is None:  # linear in x: the batch is so many more channels
            wide = x.movedim(in_dims[0], 1)
            y = spmm(pattern, wide.flatten(1).contiguous(), weight, diagonal=diagonal, symmetric=symmetric)
            return y.unflatten(1, wide.shape[1:]), 1
        parts = []
        for b in range(info.batch_size):
            one = [t if d is None else t.select(d, b) for t, d in zip((x, weight, diagonal), in_dims[:3], strict=True)]
            parts.append(spmm(pattern, one[0], one[1], diagonal=one[2], symmetric=symmetric))
        return torch.stack(parts), 0


class _Dots(Function):
    """s_e = <q_row(e), k_col(e)>."""

    @staticmethod
    def forward(q: Tensor, k: Tensor, pattern: Pattern) -> Tensor:
        return kernels.dots(pattern.ptr, pattern.row, pattern.col, q, k)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        q, k, ctx.pattern = inputs
        ctx.save_for_backward(q, k)
        ctx.save_for_forward(q, k)

    @staticmethod
    def backward(ctx, grad: Tensor):  # pyrefly: ignore[bad-override]
        q, k = ctx.saved_tensors
        grad_q = spmm(ctx.pattern, k, grad) if ctx.needs_input_grad[0] else None
        grad_k = _transposed_sum(ctx.pattern, q, grad, None, False) if ctx.needs_input_grad[1] else None
        return grad_q, grad_k, None

    @staticmethod
    def jvp(ctx, dq: Tensor | None, dk: Tensor | None, *_) -> Tensor:  # pyrefly: ignore[bad-override]
        q, k = ctx.saved_tensors
        parts = [sddmm(ctx.pattern, a, b) for a, b in ((dq, k), (q, dk)) if a is not None and b is not None]
        return sum(parts[1:], parts[0])

    @staticmethod
    def vmap(info, in_dims, q, k, pattern):  # pyrefly: ignore[bad-override]
        parts = []
        for b in range(info.batch_size):
            one = [t if d is None else t.select(d, b) for t, d in zip((q, k), in_dims[:2], strict=True)]
            parts.append(sddmm(pattern, *one))
        return torch.stack(parts), 0


class _Argmax(Function):
    """The entry that attains the maximum of w_e x_u, by row and channel; `entries` where the row is empty."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor | None, pattern: Pattern) -> Tensor:
        return kernels.argmax(pattern.ptr, pattern.col, x, weight)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx, grad):  # pyrefly: ignore[bad-override]
        return None, None, None

    @staticmethod
    def jvp(ctx, *tangents):  # pyrefly: ignore[bad-override]
        return None

    @staticmethod
    def vmap(info, in_dims, x, weight, pattern):  # pyrefly: ignore[bad-override]
        parts = []
        for b in range(info.batch_size):
            one = [t if d is None else t.select(d, b) for t, d in zip((x, weight), in_dims[:2], strict=True)]
            parts.append(_Argmax.apply(*one, pattern))
        return torch.stack(parts), 0


def _transposed_sum(
    pattern: Pattern, x: Tensor, weight: Tensor | None, diagonal: Tensor | None, symmetric: bool
) -> Tensor:
    """(A_w + diag d)ᵀ x, on the same memory where A is symmetric."""
    free = weight is not None and weight.requires_grad
    if (weight is None or (symmetric and not free)) and pattern.is_symmetric:
        return spmm(pattern, x, weight, diagonal=diagonal, symmetric=symmetric)
    back, order = pattern.mirror()
    moved = None if weight is None else weight[order.long()]
    return spmm(back, x, moved, diagonal=diagonal)


def _largest(pattern: Pattern, x: Tensor, weight: Tensor | None) -> Tensor:
    """Maximum over neighbours: the winners are found once, then picked out differentiably."""
    if pattern.entries == 0:
        return spmm(pattern, x, weight)  # nothing to compare, nothing to add up
    if tracing():
        winner = kernels.traced_argmax(pattern, x, weight)
    else:
        winner = _Argmax.apply(x, weight, pattern)
    there = winner < pattern.entries
    entry = winner.clamp(max=pattern.entries - 1).long()
    y = x.gather(0, pattern.col[entry].long())
    if weight is not None:
        y = y * weight[entry]
    return torch.where(there, y, torch.zeros_like(y))


def _check(pattern: Pattern, x: Tensor, weight: Tensor | None, reduce: str, diagonal: Tensor | None) -> None:
    if reduce not in REDUCTIONS:
        raise DomainError(f"unknown reduction {reduce!r} over neighbours. Fix: one of {', '.join(REDUCTIONS)}")
    if x.ndim != 2 or x.shape[0] != pattern.columns:
        raise FieldError(f"spmm on {pattern} needs features [{pattern.columns}, channels], got {tuple(x.shape)}")
    if not x.is_floating_point():
        raise FieldError(f"spmm needs floating-point features, got {x.dtype}. Fix: x.float()")
    if weight is not None and weight.shape != (pattern.entries,):
        raise FieldError(f"{pattern} needs one weight an entry, [{pattern.entries}], got {tuple(weight.shape)}")
    if diagonal is not None and (
        reduce != "sum" or diagonal.shape != (pattern.rows,) or pattern.rows != pattern.columns
    ):
        raise FieldError(f"a diagonal needs reduce='sum', a square pattern and [{pattern.rows}] values")
