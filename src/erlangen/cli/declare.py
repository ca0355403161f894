"""From the words of a command to domain, data, group, task and network; unknown words are answered with the nearest."""

import warnings
from typing import TYPE_CHECKING, Any

from erlangen.errors import DomainError, UnknownName

if TYPE_CHECKING:
    from erlangen.blueprint import Network, Task
    from erlangen.data import Dataset

DOMAINS = ("grid", "graph")
TASKS = ("classify", "regress", "segment", "predict")


def check_word(kind: str, word: str | None, known: tuple[str, ...]) -> None:
    """Raise `UnknownName` unless the word is known or was not given."""
    if word is not None and word not in known:
        raise UnknownName(kind, word, known)


def load_dataset(name: str, domain: str | None, task: str | None, options: dict[str, Any] | None) -> "Dataset":
    """Load a data set, say what it is, and check that domain and task are what was declared.

    Raises:
        UnknownName: a domain, task or data set that does not exist.
        DomainError: the data does not live on that domain, or is not for that task.
    """
    check_word("domain", domain, DOMAINS)
    check_word("task", task, TASKS)
    from erlangen.data import FallbackWarning, info, load

    lives_on = info(name)["domain"]
    if domain is not None and domain != lives_on:
        raise DomainError(
            f"the data set {name!r} lives on the domain {lives_on!r}, not on {domain!r}. Fix: --domain {lives_on}"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FallbackWarning)  # the summary says it
        data = load(name, **(options or {}))
    if task is not None and task != data.task.name:
        raise DomainError(
            f"the data set {name!r} is for the task {data.task.name!r}, not {task!r}. Fix: --task {data.task.name}"
        )
    print(f"data     {data.summary()}", flush=True)
    return data


def network_for(
    data: "Dataset",
    group: str | None,
    size: str,
    seed: int,
    width: float = 1.0,
    depth: int | None = None,
    options: dict[str, Any] | None = None,
) -> "Network":
    """Derive the network for a data set, with weights drawn from the seed.

    Raises:
        UnknownName: no such group or size.
        DomainError: the domain does not have that group.
    """
    import torch

    from erlangen.blueprint import derive

    field = data.field(group)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return derive(field, data.task, size, width=width, depth=depth, **(options or {}))


def task_named(name: str, outputs: int) -> "Task":
    """The task with this name and number of outputs (classes, values, or channels).

    Raises:
        UnknownName: no such task.
    """
    check_word("task", name, TASKS)
    from erlangen.blueprint import Classify, Predict, Regress, Segment

    if name == "predict":
        return Predict(f"{outputs} trivial")
    return {"classify": Classify, "regress": Regress, "segment": Segment}[name](outputs)
