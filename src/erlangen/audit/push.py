"""df(x)·v, how an output changes as its input moves in one direction: by differences, forwards, or backwards twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from erlangen.errors import UnknownName

METHODS = ("differences", "extrapolated", "forward", "double backward")
PASSES = {"differences": 2, "extrapolated": 4}
Function = Callable[[Tensor], Tensor]


def push(f: Function, x: Tensor, v: Tensor, method: str = "differences") -> Tensor:
    """df(x)·v.

    Args:
        f: the function, on a batch.
        x: [B, …] where.
        v: [B, …] in which direction.
        method: "differences", [f(x + hv) − f(x − hv)] / 2h, two passes and no derivative of any layer, so that it works
            for every callable; "extrapolated", the same for h and 2h, extrapolated to h = 0 (Richardson), four passes;
            "forward", the Jacobian-vector product, exact; "double backward", the same by two passes backwards.

    Returns:
        [B, …] in the type of the output.

    Raises:
        UnknownName: no such method.
        NotImplementedError: torch has no forward derivative of some operation in f.
    """
    if method not in METHODS:
        raise UnknownName("way to differentiate", method, METHODS)
    if method == "forward":
        return _forward(f, x, v)
    if method == "double backward":
        return _double_backward(f, x, v)
    if method == "differences":
        return _difference(f, x, v, step_of(x, v, 1 / 3))
    h = step_of(x, v, 1 / 5)
    return (4 * _difference(f, x, v, h) - _difference(f, x, v, 2 * h)) / 3


def step_of(x: Tensor, v: Tensor, power: float) -> Tensor:
    """h for every sample, [B]: ε^power times the ratio of the sizes of x and v, which balances truncation and rounding.

    Args:
        x: [B, …].
        v: [B, …].
        power: 1/3 for a rule of second order, 1/5 for one of fourth.
    """
    sizes = [t.reshape(len(t), -1).norm(dim=1) for t in (x, v)]
    tiny = torch.finfo(x.dtype).tiny
    ratio = torch.where((sizes[0] > tiny) & (sizes[1] > tiny), sizes[0] / sizes[1].clamp_min(tiny), 1.0)
    return torch.finfo(x.dtype).eps ** power * ratio


def spread_over(h: Tensor, like: Tensor) -> Tensor:
    """One number a sample, [B], in the shape of a batch [B, 1, …]."""
    return h.reshape(-1, *[1] * (like.ndim - 1))


def _difference(f: Function, x: Tensor, v: Tensor, h: Tensor) -> Tensor:
    step = spread_over(h, x) * v
    ahead, behind = f(x + step), f(x - step)
    return (ahead - behind) / (2 * spread_over(h, ahead))


def _forward(f: Function, x: Tensor, v: Tensor) -> Tensor:
    with differentiable(), forward_ad.dual_level():
        y, tangent = forward_ad.unpack_dual(f(forward_ad.make_dual(x, v)))
    return torch.zeros_like(y) if tangent is None else tangent


def _double_backward(f: Function, x: Tensor, v: Tensor) -> Tensor:
    with torch.enable_grad(), differentiable():
        x = x.detach().requires_grad_()
        y = f(x)
        u = torch.zeros_like(y, requires_grad=True)  # ⟨u, df·v⟩ is linear in u, so its value does not matter
        (back,) = torch.autograd.grad(y, x, u, create_graph=True, allow_unused=True)
        if back is None or not back.requires_grad:
            return torch.zeros_like(y)
        (found,) = torch.autograd.grad(back, u, v, allow_unused=True)
    return torch.zeros_like(y) if found is None else found.detach()


@contextmanager
def differentiable() -> Iterator[None]:
    """Attention in its plain form, since the fused ones have no forward and no second derivative."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
