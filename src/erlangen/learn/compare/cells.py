"""One cell of a comparison: train a network, judge it as it is and averaged over the group."""

import time
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from erlangen.adapt import Conjoin
from erlangen.allocator import freed_memory_kept
from erlangen.blueprint import Field, Task
from erlangen.learn.compare.arms import ARMS, posthoc
from erlangen.learn.compare.networks import network_of, parameters
from erlangen.learn.compare.ordered import NodeOrder, OrderAverage
from erlangen.learn.compare.plan import Cell, Plan, available
from erlangen.learn.compare.poses import judged, motions
from erlangen.learn.fit import fit
from erlangen.learn.recipe import settings_for
from erlangen.symmetry import FiniteGroup

ORDERS = 8
"""Random orders of the nodes that a symmetrised network on graphs is averaged over."""


def run_cell(plan: Plan, cell: Cell) -> dict[str, Any]:
    """Train and judge.

    Args:
        plan: the declaration.
        cell: what to train.

    Returns:
        JSON-able: the cell, what the training cost, and `scores`: {arm: {pose: {metric: value}}}.
    """
    arm = ARMS[cell.training]
    data = plan.dataset(cell.seed)
    field = plan.field(data)
    whole = available(data.train)
    examples = min(cell.examples, whole)
    part = data.train if examples == whole else data.train.subset(examples, cell.seed)
    data = replace(data, train=part)
    net = network_of(plan, arm.network, data, cell.seed, shuffled=arm.augmented)
    own: Any = getattr(net, "task", None)
    run = fit(
        net,
        _without_test(data),
        seed=cell.seed,
        augment=augmentation_name(plan, field) if arm.augmented and not isinstance(net, NodeOrder) else None,
        progress=False,
        task=own or data.task,
        **_length(plan, data, plan.stretched(examples, whole)),
        **plan.settings,
    )
    start = time.perf_counter()
    test, poses = judged_part(plan, data), motions(field, data.task)
    averaged = posthoc(arm.name)
    with freed_memory_kept():
        scores = {arm.name: judged(run.model, test, data.task, poses)}
        if averaged is not None and can_average(field, run.model):
            scores[averaged] = judged(symmetrised(run.model, field, data.task), test, data.task, poses)
    kept = ("epochs", "steps", "seconds", "train_loss", "multiplications")
    return {
        "training": cell.training,
        "examples": cell.examples,
        "examples_used": examples,
        "seed": cell.seed,
        "parameters": parameters(run.model),
        **{name: run.metrics[name] for name in kept if name in run.metrics},
        "judging_seconds": round(time.perf_counter() - start, 3),
        "judged": available(test),
        "threads": torch.get_num_threads(),
        "data": data.summary(),
        "fallback": data.fallback,
        "group": field.group.name,
        "scores": scores,
    }


def _length(plan: Plan, data: Any, factor: float) -> dict[str, Any]:
    """The length of a training that is `factor` times as many epochs long as that on all examples."""
    if plan.minutes is not None:
        return {"minutes": plan.minutes}
    epochs = plan.epochs or settings_for(data.space.name, data.task.name, data.name).epochs or 1
    return {"epochs": max(1, round(epochs * factor))}


def _without_test(data: Any) -> Any:
    """The data set without its test part, which is judged here and not by `fit`; one big graph keeps it."""
    return data if hasattr(data.test, "nodes") else replace(data, test=data.test.take([]))


def judged_part(plan: Plan, data: Any) -> Any:
    """The test examples that are judged: all, or as many as the plan says, the same for every cell."""
    if plan.test is None or hasattr(data.test, "nodes") or available(data.test) <= plan.test:
        return data.test
    return data.test.subset(plan.test, 0)


def augmentation_name(plan: Plan, field: Field) -> str:
    """What moves the training examples of the augmented arms: the group itself, unless the plan names another."""
    return plan.augment or field.group.name


def can_average(field: Field, model: nn.Module) -> bool:
    """Whether a network can be averaged over the group: all of it, or random orders of the nodes of a graph."""
    return isinstance(field.group, FiniteGroup) or isinstance(model, NodeOrder)


def symmetrised(model: nn.Module, field: Field, task: Task) -> nn.Module:
    """A network averaged over the group; on graphs over `ORDERS` random orders of the nodes."""
    return OrderAverage(model, ORDERS) if isinstance(model, NodeOrder) else Conjoin(model, field, task)
