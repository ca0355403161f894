"""`erlangen compare`: does the symmetry pay, and is it better built in, shown, or put on afterwards?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from erlangen.errors import RunError

if TYPE_CHECKING:
    from torch import nn


def compare(
    data: str = "mnist-rot",
    group: str | None = None,
    arms: list[str] | None = None,
    sizes: list[int] | None = None,
    seeds: int = 3,
    match: str = "parameters",
    epochs: int | None = None,
    minutes: float | None = None,
    size: str = "small",
    width: float = 1.0,
    options: dict[str, Any] | None = None,
    augment: str | None = None,
    plain: str | None = None,
    metric: str | None = None,
    test: int = 5000,
    data_options: dict[str, Any] | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    precision: str = "auto",
    jobs: int = 1,
    threads: int | None = None,
    engine: str = "processes",
    address: str | None = None,
    out: str | None = None,
    save: list[str] | None = None,
) -> int:
    """Train a task with and without a symmetry, and say whether the symmetry helped, was neutral, or was wrong.

    The same command goes on where a killed one stopped; more seeds, sizes or arms add to what is there.

    Args:
        data: name of a data set; `erlangen data list` shows them. Where it comes in folds, seed s takes fold s.
        group: the symmetry group; that of the data if not given.
        arms: any of plain, augmented, symmetrised, augmented+symmetrised, derived, derived+augmented.
        sizes: numbers of training examples; all, a quarter and a sixteenth of them if not given.
        seeds: how often everything is repeated.
        match: parameters (equally many) or minutes (equally many of training, and of channels).
        epochs: length of a training on all examples; with fewer it takes more epochs.
        minutes: length of every training.
        size: of the derived network: tiny, small, medium or large.
        width: multiplies its channels.
        options: further words for the networks, such as --options.dropout=0.1.
        augment: what moves the training examples of the augmented arms; the group itself if not given.
        plain: your own network in place of the plain one: file.py:name.
        metric: what to compare by: accuracy, balanced_accuracy, auc, dice, mse, mae or loss.
        test: how many test examples are judged; 0 is all.
        data_options: further words for the data set, such as --data_options.fold=3.
        batch_size: examples a step.
        lr: peak learning rate.
        precision: auto, float32 or bfloat16.
        jobs: how many trainings at a time, each in its process.
        threads: of every process.
        engine: processes, or ray for a cluster.
        address: of the Ray cluster, such as auto; one is started on this machine if not given.
        out: the folder; runs/compare-<data>-<group> if not given.
        save: further files to write, ending in .json, .svg, .png, .pdf or .html.
    """
    from erlangen.data import info
    from erlangen.learn import compare as run
    from erlangen.learn.compare.result import check_ending

    info(data)  # an unknown name is told at once
    for path in save or []:
        check_ending(path)
    folder = Path(out or "runs/" + "-".join(["compare", data, *([group] if group else [])]))
    given: dict[str, Any] = {"batch_size": batch_size, "lr": lr, "precision": precision}
    found = run(
        data,
        group,
        arms=arms,
        sizes=sizes,
        seeds=seeds,
        match=match,
        epochs=epochs,
        minutes=minutes,
        size=size,
        width=width,
        options=options,
        augment=augment,
        plain=None if plain is None else FromFile(plain),
        metric=metric,
        test=test or None,
        data_options=data_options,
        out=folder,
        jobs=jobs,
        threads=threads,
        engine=engine,
        address=address,
        **{name: value for name, value in given.items() if value is not None},
    )
    print(f"\n{found}\n\nsaved    {folder}/comparison.json, {folder}/comparison.svg")
    for path in save or []:
        print(f"saved    {found.save(path)}")
    return 0


class FromFile:
    """Makes the network of a name in a Python file, in whatever process it is called.

    Args:
        target: file.py:name.

    Raises:
        RunError: the target has another form.
    """

    def __init__(self, target: str) -> None:
        path, colon, name = target.rpartition(":")
        if not colon or not path.endswith(".py"):
            raise RunError(f"{target!r} names no network. Fix: --plain file.py:name")
        self.path, self.name = Path(path).resolve(), name

    def __call__(self) -> "nn.Module":
        """A new network, if the name is a class or a function; a copy of the one there is otherwise."""
        from copy import deepcopy

        from erlangen.cli.audit import load_module

        return deepcopy(load_module(self.path, self.name))

    def __repr__(self) -> str:
        return f"{self.path.name}:{self.name}"
