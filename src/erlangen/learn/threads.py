"""How many threads a training step should use, by measurement: small steps and busy machines want one."""

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from erlangen.blueprint import precision as precision_context
from erlangen.learn.metrics import output_tensor

STEPS = 4  # timed with each number of threads, after one that warms up; the median counts


def quickest_threads(model: nn.Module, data: Any, *, batch_size: int = 64, precision: str = "auto") -> int:
    """The faster of one thread and as many as torch uses now, for forward and backward on one batch.

    Where processes share the cores, threads wait for each other: a step on two can take ten times as long as on one.

    Args:
        model: the network; a copy of it is tried.
        data: a `Dataset`.
        batch_size: examples a step.
        precision: mode of `erlangen.blueprint.precision`.
    """
    most = torch.get_num_threads()
    if most == 1 or next(model.parameters()).device.type != "cpu":
        return most
    twin = copy.deepcopy(model).train()
    signal, target = data.train.batch(torch.arange(min(batch_size, len(data.train))))
    medians = {}
    for count in (1, most):
        with threads(count):
            times = []
            for _ in range(STEPS + 1):
                start = time.perf_counter()
                with precision_context(precision):
                    output = output_tensor(twin(signal))
                data.task.loss(output, target).backward()
                times.append(time.perf_counter() - start)
        medians[count] = sorted(times[1:])[STEPS // 2]
    return min(medians, key=medians.__getitem__)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use this many threads for the time of a `with` block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
