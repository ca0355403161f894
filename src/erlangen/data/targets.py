"""Targets of one's own, checked against the task before training, where a message can still say what is wrong."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlangen.blueprint import Classify, Count, Predict, Profile, Regress, Segment, Task
from erlangen.errors import DataError
from erlangen.symmetry import Group

UNLABELLED = -1  # the label that the loss of Segment leaves out


def numbers(values: Any, what: str) -> Tensor:
    """Real numbers as a tensor on the CPU without a gradient.

    Args:
        values: a tensor, an array or lists of numbers.
        what: what they are, for messages.

    Raises:
        DataError: they are complex, or no numbers in rows of equal length.
    """
    try:
        if isinstance(values, Tensor):
            found = values.detach().cpu()
        else:
            array = np.asarray(values)
            found = torch.as_tensor(np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape))
    except (TypeError, ValueError) as error:
        raise DataError(f"{what}: {error}. Fix: give a tensor, or an array of numbers.") from error
    if found.is_complex():
        raise DataError(f"{what} are complex. Fix: give their real and imaginary parts as two channels.")
    return found


def checked_targets(targets: Any, task: Task, group: Group, space: Sequence[int], name: str) -> Tensor:
    """Targets as the loss of a task takes them.

    Args:
        targets: one an example.
        task: what is to be predicted.
        group: of the field of the signals; it decides the channels of an output that is declared by a representation.
        space: points of a signal along each axis; () for vectors.
        name: of the data set, for messages.

    Returns:
        [N] int64 labels for `Classify`, [N, *space] for `Segment`, [N, k] values for `Regress` (where [N] is one
        output) and `Count`, [N, k, *space] for `Predict` and `Profile`; of any other task as they are, if finite.

    Raises:
        DataError: another shape, labels that are no classes, values that are NaN or infinite, or counts below 0.
    """
    y = numbers(targets, f"{name}, targets")
    if isinstance(task, Classify):
        if y.ndim == 2 and y.shape[1] == task.classes > 1:
            raise DataError(
                f"{name}: the targets are {list(y.shape)}, one column a class, but a classification takes labels [N]. "
                "Fix: give targets.argmax(1)."
            )
        _check_shape(y, (), task, name)
        return labels(y, task.classes, name)
    if isinstance(task, Segment):
        _check_shape(y, tuple(space), task, name)
        return labels(y, task.classes, name, lowest=UNLABELLED)
    if isinstance(task, Predict | Profile | Count | Regress):
        inner = tuple(space) if task.dense else ()
        channels = task.out_rep(group).size
        if isinstance(task, Regress) and channels == y.ndim == 1:
            y = y[:, None]
        _check_shape(y, (channels, *inner), task, name)
        y = y.float()
    wrong = 0 if not y.is_floating_point() else int((~y.isfinite()).sum())
    if wrong:
        raise DataError(f"{name}: {wrong} numbers of the targets are NaN or infinite. Fix: leave those examples out.")
    if isinstance(task, Count | Profile) and y.numel() and bool((y < 0).any()):
        raise DataError(
            f"{name}: {int((y < 0).sum())} targets of {type(task).__name__} are negative, and counts are not. Fix: "
            "give counts, or task=Predict(…) for numbers of either sign."
        )
    return (y.float() if y.is_floating_point() else y).contiguous()


def labels(values: Tensor, classes: int | None, name: str, lowest: int = 0) -> Tensor:
    """Class labels as int64.

    Args:
        values: numbers, of any type.
        classes: how many classes there are; None checks only that they are whole.
        name: of the data set, for messages.
        lowest: the smallest label allowed.

    Raises:
        DataError: they are NaN, infinite, fractions or out of range.
    """
    if values.is_floating_point():
        wrong = values[values != values.round()] if values.isfinite().all() else values[~values.isfinite()]
        if len(wrong):
            shown = ", ".join(f"{v:g}" for v in wrong.flatten()[:4].tolist()) + (", …" if wrong.numel() > 4 else "")
            raise DataError(
                f"{name}: the labels {shown} are numbers that are no classes, which are numbered 0, 1, …. Fix: number "
                "the classes, or give a task for values, such as task=Regress(1)."
            )
    found = values.long()
    if classes is not None and found.numel() and not lowest <= int(found.min()) <= int(found.max()) < classes:
        ignored = f", and {lowest} where there is none" if lowest < 0 else ""
        raise DataError(
            f"{name}: labels {int(found.min())} … {int(found.max())}, but the task has classes 0 … {classes - 1}"
            f"{ignored}. Fix: number the classes from 0, or declare more of them."
        )
    return found.contiguous()


def _check_shape(y: Tensor, wanted: tuple[int, ...], task: Task, name: str) -> None:
    if not y.ndim or tuple(y.shape[1:]) != wanted:
        needed = ", ".join(map(str, ("N", *wanted)))
        raise DataError(
            f"{name}: the targets are {list(y.shape)}, but {type(task).__name__} needs [{needed}]. Fix: reshape them, "
            "or declare another task."
        )
