"""The raw kernels under `spmm`, without derivatives, and their form for torch.compile and torch.export.

In eager mode the derivatives live in `spmm.py` (any order, forward mode, vmap). The compiler cannot trace forward-mode
rules, so there the same kernels appear as custom operators with first derivatives.
"""

import warnings

import torch
from torch import Tensor

from erlangen.graphs.pattern import Pattern

BAG_TYPES = (torch.float32, torch.bfloat16, torch.float16)


def weighted_sum(ptr: Tensor, col: Tensor, x: Tensor, weight: Tensor | None) -> Tensor:
    """[rows, C]: Σ_e w_e x_col(e) over the entries of each row."""
    rows, channels = len(ptr) - 1, x.shape[1]
    if rows == 0 or channels == 0 or len(col) == 0:
        return x.new_zeros(rows, channels)
    x = x.contiguous()
    if x.dtype in BAG_TYPES:
        values = None if weight is None else weight.contiguous()
        return torch.ops.aten._embedding_bag_forward_only(x, col, ptr, False, 0, False, values, True, -1)[0]
    return csr_matrix(ptr, col, weight, x) @ x


def dots(ptr: Tensor, row: Tensor, col: Tensor, q: Tensor, k: Tensor) -> Tensor:
    """[entries]: <q_row(e), k_col(e)>."""
    if len(col) == 0 or q.shape[1] == 0:
        return q.new_zeros(len(col))
    kind = q.dtype
    if kind in (torch.bfloat16, torch.float16):  # faster by far in float32, and the sum keeps its digits
        q, k = q.float(), k.float()
    sampled = torch.ops.aten._embedding_bag_per_sample_weights_backward
    return sampled(q.contiguous(), k.contiguous(), col, ptr, row, 0, -1).to(kind)


def argmax(ptr: Tensor, col: Tensor, x: Tensor, weight: Tensor | None) -> Tensor:
    """[rows, C] integers: the entry e of each row with the largest w_e x_col(e); `entries` where the row is empty."""
    if x.shape[1] == 0 or len(ptr) == 1:
        return col.new_zeros(len(ptr) - 1, x.shape[1])
    with torch.enable_grad():  # the operator computes positions only for inputs that want a gradient
        asking = x.detach().contiguous().requires_grad_()
        matrix = csr_matrix(ptr, col, None if weight is None else weight.detach(), asking)
        return torch.ops.aten._sparse_mm_reduce_impl(matrix, asking, "amax")[1].detach()


def csr_matrix(ptr: Tensor, col: Tensor, weight: Tensor | None, x: Tensor) -> Tensor:
    """A torch CSR tensor that shares the pattern's memory."""
    values = torch.ones(len(col), dtype=x.dtype, device=x.device) if weight is None else weight.to(x.dtype)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(ptr, col, values, (len(ptr) - 1, x.shape[0]), check_invariants=False)


# the same, for the compiler


@torch.library.custom_op("erlangen::spmm", mutates_args=())
def _spmm(ptr: Tensor, col: Tensor, x: Tensor, weight: Tensor | None, mirror: list[Tensor]) -> Tensor:
    return weighted_sum(ptr, col, x, weight)


@torch.library.custom_op("erlangen::sddmm", mutates_args=())
def _sddmm(ptr: Tensor, row: Tensor, col: Tensor, q: Tensor, k: Tensor) -> Tensor:
    return dots(ptr, row, col, q, k)


@torch.library.custom_op("erlangen::argmax", mutates_args=())
def _argmax(ptr: Tensor, col: Tensor, x: Tensor, weight: Tensor | None) -> Tensor:
    return argmax(ptr, col, x, weight)


@_spmm.register_fake
def _(ptr, col, x, weight, mirror):
    return x.new_empty(ptr.shape[0] - 1, x.shape[1])


@_sddmm.register_fake
def _(ptr, row, col, q, k):
    return q.new_empty(col.shape[0])


@_argmax.register_fake
def _(ptr, col, x, weight):
    return torch.empty(ptr.shape[0] - 1, x.shape[1], dtype=col.dtype, device=x.device)


def _save(ctx, inputs, output) -> None:
    ptr, col, x, weight, mirror = inputs
    ctx.save_for_backward(ptr, col, x if weight is not None and weight.requires_grad else None, weight, *mirror)


def _spmm_backward(ctx, grad: Tensor):
    ptr, col, x, weight, *mirror = ctx.saved_tensors
    grad_x = grad_weight = None
    if ctx.needs_input_grad[2]:
        back_ptr, back_col, order, _ = mirror
        moved = None if weight is None else weight[order.long()]
        grad_x = _spmm(back_ptr, back_col, grad, moved, [])
    if x is not None:
        grad_weight = _sddmm(ptr, mirror[3], col, grad, x)
    return None, None, grad_x, grad_weight, [None] * len(mirror)


_spmm.register_autograd(_spmm_backward, setup_context=_save)


def traced_spmm(pattern: Pattern, x: Tensor, weight: Tensor | None, diagonal: Tensor | None) -> Tensor:
    """`weighted_sum` with first derivatives, as an operator the compiler treats as one step."""
    mirror = []
    if torch.is_grad_enabled() and (x.requires_grad or (weight is not None and weight.requires_grad)):
        back, order = pattern.mirror()
        mirror = [back.ptr, back.col, order, pattern.row]
    y = _spmm(pattern.ptr, pattern.col, x, weight, mirror)
    return y if diagonal is None else y + x * diagonal.to(x.dtype)[:, None]


def traced_sddmm(pattern: Pattern, q: Tensor, k: Tensor) -> Tensor:
    """`dots` with first derivatives, for the compiler."""
    if torch.is_grad_enabled() and (q.requires_grad or k.requires_grad):
        return (q[pattern.row.long()] * k[pattern.col.long()]).sum(dim=1)
    return _sddmm(pattern.ptr, pattern.row, pattern.col, q, k)


def traced_argmax(pattern: Pattern, x: Tensor, weight: Tensor | None) -> Tensor:
    """`argmax` as an operator the compiler treats as one step."""
    return _argmax(pattern.ptr, pattern.col, x.detach(), None if weight is None else weight.detach())
