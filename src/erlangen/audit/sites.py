"""The places between the layers of a network, and what tangent is wrong there when every layer is fed the right one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from erlangen.audit.carry import UnknownAction, main_output
from erlangen.audit.flow import Flow, patches_of
from erlangen.audit.measure import norms, relative, tensor
from erlangen.audit.probe import forward
from erlangen.audit.push import differentiable, spread_over, step_of
from erlangen.audit.record import Call

ROUNDINGS = 10  # a difference of two passes is known to so many roundings
Place = tuple[int, int, int]
"""(number of the call, 0 before it or 1 after it, number of the tensor)."""


@dataclass(frozen=True)
class Site:
    """One tensor between two layers.

    Args:
        place: where it is; None for the output of the network.
        layer: the layer it comes out of, or in words the code before it.
        kind: class of the layer, or "code".
        value: the tensor itself.
        defect: the tangent that arrives less the one an equivariant network would carry, L f_i.
        intrinsic: mean of ‖L f_i‖ / ‖f_i(x)‖ over the samples.
        assumed: what was guessed about the tensor, in words.
    """

    place: Place | None
    layer: str
    kind: str
    value: Tensor
    defect: Tensor
    intrinsic: float
    assumed: str


def passing(
    model: nn.Module, x: Tensor, calls: list[Call], places: list[Place], change: Callable[[Place, Tensor], Tensor]
) -> Any:
    """The output of a network in which the tensors at some places are replaced on their way.

    Args:
        model: in evaluation mode.
        x: the samples.
        calls: of `record`, in the order of execution.
        places: where.
        change: (place, tensor) → what goes on in its stead.
    """
    wanted = set(places)
    position = 0

    def altered(value: Any, side: int) -> Any:
        leaves, tree = tree_flatten(value)
        for k, leaf in enumerate(leaves):
            if isinstance(leaf, Tensor) and (position, side, k) in wanted:
                leaves[k] = change((position, side, k), leaf)
        return tree_unflatten(leaves, tree)

    def before(module: nn.Module, args: Any, kwargs: Any) -> Any:
        return altered((args, kwargs), 0) if position < len(calls) and calls[position].module is module else None

    def after(module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        nonlocal position
        if position >= len(calls) or calls[position].module is not module:
            return None
        found = altered(output, 1)
        position += 1
        return found

    handles = []
    for module in {id(c.module): c.module for c in calls}.values():
        handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(module.register_forward_hook(after, with_kwargs=True))
    try:
        return forward(model, x)
    finally:
        for handle in handles:
            handle.remove()


def led_defects(
    model: nn.Module,
    x: Tensor,
    calls: list[Call],
    output: Tensor,
    flow: Flow,
    reps: tuple[Any, Any],
    duals: bool,
) -> list[Site]:
    """L f_i of every layer and of the code between, in one pass that leads every layer onto the right tangent.

    Args:
        model: in evaluation mode.
        x: the samples.
        calls: of `record`.
        output: of the network.
        flow: exp(tA).
        reps: representations of the channels of input and output.
        duals: whether to use forward derivatives, which are exact; otherwise two passes at a distance, after which
            what is below their rounding counts as zero.

    Returns:
        The sites with a defect in the order of execution, the output last. Tensors on which no action is known are
        passed over: what goes wrong in them is found at the next site that is known.
    """
    right = _right_tangents(x, calls, flow)
    direction = flow.tangent(x, reps[0])
    h = step_of(x, direction, 1 / 3)
    follow = _by_duals if duals else _by_differences
    arrived = follow(model, x, direction, calls, right, h)
    noise = torch.zeros(len(h)) if duals else (ROUNDINGS * torch.finfo(x.dtype).eps / h).cpu()
    sites = []
    for place in sorted(right):
        value, expected = right[place]
        call = calls[place[0]]
        code = place[1] == 0
        layer = _before(calls, place[0]) if code else call.path
        guess = patches_of(x, value)
        assumed = "" if guess is None else f"its tokens are a map of {'×'.join(map(str, guess))} patches"
        kind = "code" if code else call.type
        site = _site(place, layer, kind, value, arrived.pop(place) - expected, noise, assumed)
        if bool(site.defect.any()):
            sites.append(site)
    expected = flow.carry_tangent(x, output, reps[1])
    return [*sites, _site(None, "at the end", "code", output, arrived[None] - expected, noise, "")]


def _right_tangents(x: Tensor, calls: list[Call], flow: Flow) -> dict[Place, tuple[Tensor, Tensor]]:
    """(tensor, A·tensor) at every place where the action is known and samples go one by one."""
    found = {}
    for i, call in enumerate(calls):
        if call.unknown is not None:
            continue
        for side, value, rep in ((0, (call.args, call.kwargs), call.in_rep), (1, call.output, call.out_rep)):
            for k, leaf in enumerate(tree_flatten(value)[0]):
                if not isinstance(leaf, Tensor) or not leaf.is_floating_point() or leaf.shape[:1] != x.shape[:1]:
                    continue
                try:
                    found[i, side, k] = (leaf, flow.carry_tangent(x, leaf, rep))
                except UnknownAction:
                    continue
    return found


def _by_duals(model: nn.Module, x: Tensor, direction: Tensor, calls: list[Call], right: dict, h: Tensor) -> dict:
    """The tangent that arrives at every place, by forward derivatives."""
    arrived: dict[Place | None, Tensor] = {}

    def lead(place: Place, value: Tensor) -> Tensor:
        primal, tangent = forward_ad.unpack_dual(value)
        arrived[place] = torch.zeros_like(primal) if tangent is None else tangent.clone()
        return forward_ad.make_dual(primal.clone(), right[place][1].clone())  # a layer may work in place

    with differentiable(), forward_ad.dual_level():
        result = tensor(main_output(passing(model, forward_ad.make_dual(x, direction), calls, list(right), lead)))
        primal, tangent = forward_ad.unpack_dual(result)
        arrived[None] = torch.zeros_like(primal) if tangent is None else tangent.clone()
    return arrived


def _by_differences(model: nn.Module, x: Tensor, direction: Tensor, calls: list[Call], right: dict, h: Tensor) -> dict:
    """The same from two passes, x ± hA·x, in which every place is led to its value ± h times its right tangent."""
    ends: list[dict[Place | None, Tensor]] = []
    for sign in (1, -1):
        arrived: dict[Place | None, Tensor] = {}

        def lead(place: Place, value: Tensor, sign: int = sign, arrived: dict = arrived) -> Tensor:
            arrived[place] = value.clone()
            kept, tangent = right[place]
            return kept + sign * spread_over(h, kept) * tangent

        moved = x + sign * spread_over(h, x) * direction
        arrived[None] = tensor(main_output(passing(model, moved, calls, list(right), lead))).clone()
        ends.append(arrived)
    ahead, behind = ends
    return {p: (ahead[p] - behind[p]) / (2 * spread_over(h, ahead[p])) for p in ahead}


def _site(
    place: Place | None, layer: str, kind: str, value: Tensor, defect: Tensor, noise: Tensor, assumed: str
) -> Site:
    size = norms(value)
    defect = defect * spread_over((norms(defect) > noise * size).to(defect), defect)
    return Site(place, layer, kind, value, defect, float(relative(norms(defect), size, size).mean()), assumed)


def _before(calls: list[Call], i: int) -> str:
    return f"after {calls[i - 1].path}, before {calls[i].path}" if i else "at the start"
