"""The networks of the arms: derived with the symmetry, plain without it, and their widths matched."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from erlangen.blueprint import Field, derive
from erlangen.learn.compare.ordered import PLACES, NodeOrder
from erlangen.learn.compare.plan import Plan

NARROWEST, WIDEST, HALVINGS = 1 / 32, 8.0, 11


def network_of(plan: Plan, kind: str, data: Any, seed: int, shuffled: bool = False) -> nn.Module:
    """The network of an arm, with weights drawn from the seed.

    Args:
        plan: the declaration.
        kind: "plain" or "derived".
        data: the data set.
        seed: of the weights.
        shuffled: of a plain network on graphs: whether it is trained on random orders of the nodes.
    """
    width = plan.width
    if plan.match == "parameters" and (kind == "plain") == (plan.plain is None):
        width = matched_width(plan, kind, data)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _built(plan, kind, data, width)
    if shuffled and isinstance(net, NodeOrder):
        net.shuffled = True
    return net


def matched_width(plan: Plan, kind: str, data: Any) -> float:
    """The width at which this network has as many parameters as the other one has at the plan's width, or nearly."""
    other = "derived" if kind == "plain" else "plain"
    with torch.random.fork_rng(devices=[]):
        wanted = parameters(_built(plan, other, data, plan.width))
        return _search(lambda width: parameters(_built(plan, kind, data, width)), wanted)


def _search(count: Callable[[float], int], wanted: int) -> float:
    """The width with the number of parameters nearest to the wanted one, by halving on a logarithmic scale."""
    low, high = NARROWEST, WIDEST
    tried: dict[float, int] = {}
    for _ in range(HALVINGS):
        middle = (low * high) ** 0.5
        tried[middle] = count(middle)
        low, high = (middle, high) if tried[middle] < wanted else (low, middle)
    return min(tried, key=lambda width: abs(tried[width] - wanted))


def parameters(net: nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(p.numel() for p in net.parameters())


def _built(plan: Plan, kind: str, data: Any, width: float) -> nn.Module:
    field = plan.field(data)
    if kind == "derived":
        return derive(field, data.task, plan.size, width=width, **plan.options)
    if plan.plain is not None:
        return plan.plain()
    task = data.task.of_scalars(field.group)
    if field.space.name == "graph":
        return NodeOrder(derive(field.with_rep(field.size + PLACES), task, plan.size, width=width, **plan.options))
    return derive(plain_field(data, field), task, plan.size, width=width, **plan.options)


def plain_field(data: Any, field: Field) -> Field:
    """The same channels under the trivial group."""
    if field.space.name == "point":  # whatever acts on vectors, without it they are so many numbers
        return field.space.field("C1", field.size)
    return data.field("C1")
