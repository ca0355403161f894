"""From the words of a command to domain, data, group, task and network; unknown words are answered with the nearest."""

import warnings
from typing import TYPE_CHECKING, Any

from erlangen.errors import DomainError, UnknownName

if TYPE_CHECKING:
    from erlangen.blueprint import Network, Space, Task
    from erlangen.data import Dataset

DOMAINS = ("grid", "hexagons", "strand", "graph", "point")
TASKS = ("classify", "regress", "segment", "predict", "profile", "count")


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
    from erlangen.data.own import DOMAINS as OF_OWN

    lives_on = OF_OWN[name] if name in OF_OWN else info(name)["domain"]
    if domain is not None and lives_on is not None and domain != lives_on:
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
        return derive(field, data.task_under(field.group), size, width=width, depth=depth, **(options or {}))


def task_named(name: str, outputs: str) -> "Task":
    """The task with this name.

    Args:
        name: one of `TASKS`.
        outputs: how many classes, values or channels; or the representation that comes out, where a task has one.

    Raises:
        UnknownName: no such task.
        DomainError: a representation for a task that counts its outputs.
    """
    check_word("task", name, TASKS)
    from erlangen.blueprint import Classify, Count, Predict, Profile, Regress, Segment

    if name in ("predict", "profile", "count"):
        rep = f"{outputs} trivial" if outputs.isdigit() else outputs
        return {"predict": Predict, "profile": Profile, "count": Count}[name](rep)
    if not outputs.isdigit():
        raise DomainError(f"the task {name!r} has a number of outputs, not {outputs!r}. Fix: --outputs 10")
    return {"classify": Classify, "regress": Regress, "segment": Segment}[name](int(outputs))


def space_named(domain: str, d: int, shape: list[int] | None) -> "Space":
    """The space with this name.

    Args:
        domain: one of `DOMAINS`.
        d: axes of a grid.
        shape: pixels along each axis of a grid, the radius of hexagons, or the length of a strand; None: any.

    Raises:
        UnknownName: no such domain.
        DomainError: a shape of the wrong length.
    """
    check_word("domain", domain, DOMAINS)
    from erlangen.blueprint import space_from

    if domain == "grid":
        return space_from({"domain": domain, "d": d, "shape": shape})
    if domain in ("graph", "point") or shape is None:
        return space_from({"domain": domain})
    if len(shape) != 1:
        raise DomainError(
            f"the shape of {domain} is one number, got {shape}. Fix: --shape [{shape[0] if shape else 16}]"
        )
    return space_from({"domain": domain, {"hexagons": "radius", "strand": "length"}[domain]: shape[0]})
