"""`compare`: does a symmetry pay, and is it better built in, shown, or put on afterwards?"""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from torch import nn

from erlangen.errors import ErlangenError, RunError
from erlangen.learn.checkpoint import read_json, write_json
from erlangen.learn.compare.arms import Arm, arms_named, trainings
from erlangen.learn.compare.cells import augmentation_name, can_average
from erlangen.learn.compare.engines import computed
from erlangen.learn.compare.networks import network_of, parameters
from erlangen.learn.compare.ordered import NodeOrder
from erlangen.learn.compare.plan import Cell, Plan, available
from erlangen.learn.compare.result import Comparison
from erlangen.learn.compare.score import check_metric, chosen_metric
from erlangen.learn.compare.table import cell_line
from erlangen.learn.environment import environment
from erlangen.learn.folder import RunFolder
from erlangen.learn.recipe import settings_for


def compare(
    data: Any,
    group: str | None = None,
    *,
    arms: "list[str] | tuple[str, ...] | None" = None,
    sizes: "list[int] | tuple[int, ...] | None" = None,
    seeds: int = 3,
    match: str = "parameters",
    epochs: int | None = None,
    minutes: float | None = None,
    size: str = "small",
    width: float = 1.0,
    options: dict[str, Any] | None = None,
    augment: str | None = None,
    plain: "Callable[[], nn.Module] | None" = None,
    metric: str | None = None,
    test: int | None = 5000,
    data_options: dict[str, Any] | None = None,
    out: "str | Path | None" = None,
    jobs: int = 1,
    threads: int | None = None,
    engine: str = "processes",
    address: str | None = None,
    progress: bool = True,
    **settings: Any,
) -> Comparison:
    """Train the same task with and without a symmetry, and say whether the symmetry helped.

    The same call on the same folder computes only what is missing; more seeds, sizes or arms add to it.

    Args:
        data: name of a data set, or a `Dataset`. Where a named set comes in folds, seed s takes fold s.
        group: the symmetry; None for that of the data.
        arms: names of `ARMS`: plain, augmented, symmetrised, augmented+symmetrised, derived, derived+augmented; None
            for all but the last.
        sizes: numbers of training examples; None for all, a quarter and a sixteenth of them.
        seeds: how often everything is repeated; scores are compared seed by seed.
        match: "parameters" narrows the plain network to as many parameters as the derived one; "minutes" gives both
            as many channels and as many minutes.
        epochs: length of a training on all examples; n of N examples take √(N/n) times as many.
        minutes: length of every training, in place of epochs.
        size: of the derived network: "tiny", "small", "medium" or "large".
        width: multiplies its channels.
        options: further words for `derive`.
        augment: name for `erlangen.adapt.augmentation`; None moves training examples by the group.
        plain: makes your own network, to compare the derived one with: a class or function without arguments.
        metric: what to compare by, such as "accuracy" or "auc"; None: see `chosen_metric`.
        test: how many test examples are judged, the same in all cells; None for all.
        data_options: options of a data set that is named.
        out: folder that keeps every cell; None keeps nothing.
        jobs: how many cells are computed at a time, each in its process.
        threads: of torch, in every process; None shares the processors among the jobs.
        engine: "processes" on this machine, or "ray" for a cluster.
        address: of the Ray cluster; None starts one on this machine.
        progress: print a line for every cell.
        settings: fields of `Settings`, such as lr or batch_size.

    Returns:
        The comparison; print it, `save` it as .json, .svg, .png, .pdf or .html, read its `verdict`.

    Raises:
        RunError: nothing to compare, sizes that the data do not have, or a cell that failed.
        UnknownName: an arm, engine, metric or setting that does not exist.
    """
    plan = Plan(
        data,
        dict(data_options or {}),
        group,
        match,
        size,
        width,
        dict(options or {}),
        epochs,
        minutes,
        dict(settings),
        augment,
        plain,
        test,
    )
    if seeds < 1:
        raise RunError(f"seeds={seeds}: at least 1; 3 or more decide something")
    check_metric(metric, plan.dataset(0).task)
    numbers = _checked_sizes(plan, sizes)
    chosen, left_out = _feasible(plan, arms_named(arms), progress)
    cells = [Cell(t, n, seed) for seed in range(seeds) for n in numbers for t in trainings(chosen)]
    folder = None if out is None else Path(out)
    with nullcontext() if folder is None else RunFolder(folder).lock():
        found = _all_cells(plan, cells, folder, metric, progress, engine, jobs, threads, address)
        name = plan.dataset(0).name
        told = {**plan.describe(), "folds": plan.folds, "seeds": seeds, "sizes": numbers}
        result = Comparison(told, [a.name for a in chosen], found, metric, name, left_out, environment())
        if folder is not None:
            result.save(folder / "comparison.json")
            result.save(folder / "comparison.svg")
    return result


def _all_cells(
    plan: Plan,
    cells: list[Cell],
    folder: Path | None,
    metric: str | None,
    progress: bool,
    engine: str,
    jobs: int,
    threads: int | None,
    address: str | None,
) -> list[dict[str, Any]]:
    """The results of all cells: those that the folder has, and the others, each kept when it is there."""
    found: dict[Cell, dict[str, Any]] = {}
    for cell in cells:
        file = None if folder is None else _file(folder, plan, cell)
        if file is not None and file.exists():
            found[cell] = read_json(file)
    missing = [cell for cell in cells if cell not in found]
    if progress and found:
        print(f"{len(found)} of {len(cells)} cells are in {folder} already", flush=True)
    for cell, result in computed(plan, missing, engine, jobs, threads, address):
        found[cell] = result
        if folder is not None:
            write_json(_file(folder, plan, cell), result)
        if progress:
            scores = next(iter(result["scores"].values()))["upright"]
            print(cell_line(len(found), len(cells), result, chosen_metric(metric, scores)), flush=True)
    return [found[cell] for cell in cells]


def _file(folder: Path, plan: Plan, cell: Cell) -> Path:
    return folder / "cells" / f"{plan.key(cell)}.json"


def _checked_sizes(plan: Plan, sizes: "list[int] | tuple[int, ...] | None") -> list[int]:
    if sizes is None:
        return plan.sizes()
    whole = available(plan.dataset(0).train)
    for n in sizes:
        if not 2 <= n <= whole:
            raise RunError(f"{n} training examples were asked for, of {whole:,}. Fix: sizes from 2 to {whole}.")
    return sorted(set(sizes))


def _feasible(plan: Plan, arms: tuple[Arm, ...], progress: bool) -> tuple[tuple[Arm, ...], dict[str, str]]:
    """The arms that can be made, and why the others cannot; what is wrong for all of them is raised before training.

    Raises:
        RunError: no arm can be made.
    """
    data = plan.dataset(0)
    field = plan.field(data)
    settings_for(data.space.name, data.task.name, data.name, minutes=plan.minutes, epochs=plan.epochs, **plan.settings)
    nets = {kind: network_of(plan, kind, data, 0) for kind in sorted({arm.network for arm in arms})}
    if progress:
        counts = ", ".join(f"{kind} {parameters(net):,}" for kind, net in nets.items())
        print(f"data      {data.summary()}\nnetworks  parameters: {counts}", flush=True)
    kept, left_out = [], {}
    for arm in arms:
        net, reason = nets[arm.network], None
        if arm.symmetrised and not can_average(field, net):
            reason = f"the elements of {field.group} cannot all be tried"
        if arm.augmented and not isinstance(net, NodeOrder):
            reason = _why_not_augmented(plan, data) or reason
        if reason is None:
            kept.append(arm)
        else:
            left_out[arm.name] = reason
    if not kept:
        raise RunError(f"no arm can be made: {'; '.join(f'{k}: {v}' for k, v in left_out.items())}")
    return tuple(kept), left_out


def _why_not_augmented(plan: Plan, data: Any) -> str | None:
    from erlangen.adapt import augmentation

    try:
        augmentation(augmentation_name(plan, plan.field(data)), data.space, data.field, data.task)
    except ErlangenError as error:
        return str(error)
    return None
