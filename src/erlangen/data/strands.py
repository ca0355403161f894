"""Targets that were cut along the genome, turned to the strand that a window is read along."""

from collections.abc import Sequence

import torch
from torch import Tensor

from erlangen.blueprint import Field, Task
from erlangen.data.bed import Interval
from erlangen.errors import DataError, UnknownName
from erlangen.point import Point

ALONG = ("genome", "strand")


def along_strand(
    targets: Tensor, intervals: Sequence[Interval], task: Task, field: Field, along: str | None, name: str
) -> Tensor:
    """Targets as they are for letters that are read along the strand of their interval.

    Args:
        targets: [N, …], one an interval.
        intervals: where they were cut; those along the strand from the window of each, `interval.window(width)`.
        task: what they are; its representation says what the reverse complement does to them.
        field: type of the letters, of the group "RC".
        along: "genome" turns those of intervals on strand "-", "strand" leaves all as they are; None may only be left
            out where both are the same.
        name: of the data set, for messages.

    Law: y of a window on "-" is ρ(rc) y of the same letters on "+".

    Raises:
        DataError: not one target an interval; or targets that have a direction, intervals on strand "-", and nothing
            said.
        UnknownName: another word.
    """
    if along is not None and along not in ALONG:
        raise UnknownName("direction of targets", along, ALONG)
    rep = task.out_rep(field.group)
    if len(targets) != len(intervals):
        raise DataError(f"{name}: {len(intervals)} intervals but {len(targets)} targets. Fix: give one an interval.")
    rows = torch.tensor([i for i, interval in enumerate(intervals) if interval.strand == "-"], dtype=torch.long)
    if along == "strand" or not len(rows) or (rep.is_trivial and not task.dense):
        return targets
    if along is None:
        raise DataError(
            f"{name}: {len(rows)} intervals lie on strand '-', whose letters are read backwards, and the targets of "
            f"{type(task).__name__} have a direction. Fix: targets_along='genome' if they were cut in the order of the "
            "genome (they are turned then), or 'strand' if they already follow the strand of their interval."
        )
    turned, found = targets[rows], targets.clone()
    flip = 1  # the reverse complement among the elements of RC
    if targets.is_floating_point() or task.name in ("profile", "count", "predict", "regress"):
        space = field.space if task.dense else Point()
        found[rows] = space.act(flip, turned.float(), rep).to(targets.dtype)
        return found
    if task.dense:
        turned = turned.flip(-1)
    if not rep.is_trivial:  # classes that are exchanged; -1 is no class
        image = rep.apply(flip, torch.eye(rep.size), dim=0).argmax(0)
        turned = torch.where(turned < 0, turned, image[turned.clamp(min=0)])
    found[rows] = turned
    return found
