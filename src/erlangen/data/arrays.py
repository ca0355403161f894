"""Your own numbers as a data set: vectors or images in one array, targets in another."""

import hashlib
from typing import Any

import torch
from torch import Tensor

from erlangen.blueprint import Field, Task, check_channels
from erlangen.data.dataset import Dataset
from erlangen.data.split import TensorSplit
from erlangen.data.targets import checked_targets, numbers
from erlangen.errors import DataError


def from_arrays(
    signals: Any,
    targets: Any,
    field: Field,
    task: Task,
    *,
    validation: "float | tuple[Any, Any]" = 0.1,
    test: "float | tuple[Any, Any]" = 0.2,
    seed: int = 0,
    name: str = "arrays",
) -> Dataset:
    """A data set from arrays, for `fit` and `audit`.

    Args:
        signals: [N, C, *spatial] numbers, a numpy array or tensor: vectors [N, C], images [N, C, H, W].
        targets: one an example: labels [N] of a classification, values [N, k] (k channels of the output); for outputs
            at every point labels [N, *spatial], -1 where there is none, or values [N, k, *spatial].
        field: what the signals are: the domain, its group, the representation of the C channels.
        task: what is to be predicted.
        validation: share held out to choose by; or (signals, targets) of its own.
        test: share held out to report; or (signals, targets) of its own.
        seed: of the random split.
        name: what prints.

    Returns:
        The data set; `dataset.field()` is the declared field.

    Raises:
        DataError: lengths that differ, nothing left to train on, numbers that are not finite, targets of another shape
            than the task has, or labels that are no classes of it.
        FieldError: the number of channels is not that of the field.
    """
    if not isinstance(task, Task):
        raise DataError(f"{name}: task={task!r} is no task. Fix: task=eg.Classify(2), or another task.")
    x, y = _checked(signals, targets, field, task, name)
    left = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    parts = {}
    for part, wish in (("test", test), ("validation", validation)):
        if isinstance(wish, tuple):
            parts[part] = TensorSplit(*_checked(*wish, field, task, f"{name}, {part}"))
            continue
        if not 0 <= wish < 1:
            raise DataError(f"{name}: {part} must be a share in [0, 1) or (signals, targets), got {wish}")
        rows, left = left[: round(wish * len(x))], left[round(wish * len(x)) :]
        parts[part] = TensorSplit(x[rows], y[rows])
    if not len(left):
        raise DataError(
            f"{name}: nothing is left to train on. Fix: hold out less, or give more than {len(x)} examples."
        )
    rows = left.sort().values
    train = TensorSplit(x[rows], y[rows])
    digest = content(train, parts["validation"], parts["test"])
    provenance = {"asked": name, "source": "arrays in memory", "sha256": digest, "seed": seed, "fallback": False}
    return Dataset(name, field.space, field.size, task, train, parts["validation"], parts["test"], provenance, field)


def content(*splits: TensorSplit) -> str:
    """A hash of all signals and targets of some splits, in their order."""
    digest = hashlib.sha256()
    for split in splits:
        for tensor in (split.signals, split.targets):
            digest.update(repr(tuple(tensor.shape)).encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _checked(signals: Any, targets: Any, field: Field, task: Task, name: str) -> tuple[Tensor, Tensor]:
    x = numbers(signals, f"{name}, signals").float().contiguous()
    if x.ndim < 2:
        raise DataError(
            f"{name}: signals must be [N, C, *spatial], got {list(x.shape)}. Fix: add the channel dimension."
        )
    check_channels(field, x.shape[1], name)
    declared = getattr(field.space, "shape", None)
    if declared is not None and tuple(x.shape[2:]) != tuple(declared):
        raise DataError(
            f"{name}: the signals have the points {list(x.shape[2:])}, but their field is declared on {field.space}. "
            "Fix: declare that shape, or none."
        )
    if not x.isfinite().all():
        raise DataError(f"{name}: {int((~x.isfinite()).sum())} numbers of the signals are NaN or infinite")
    y = checked_targets(targets, task, field.group, x.shape[2:], name)
    if len(x) != len(y):
        raise DataError(f"{name}: {len(x)} signals but {len(y)} targets")
    return x, y
