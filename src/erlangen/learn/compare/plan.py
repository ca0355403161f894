"""What is compared: the declaration of a comparison, and the cells it consists of."""

import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from torch import nn

from erlangen.blueprint import Field
from erlangen.errors import RunError, UnknownName
from erlangen.learn.metrics import output_tensor
from erlangen.learn.run import describe_data, describe_model, splits_of
from erlangen.symmetry import FiniteGroup

MATCHES = ("parameters", "minutes")
SMALLEST = 16  # training examples


@dataclass(frozen=True)
class Cell:
    """One training.

    Args:
        training: name of the arm that is trained.
        examples: how many training examples.
        seed: decides which examples, the weights at the start, the order of the data and the augmentation.
    """

    training: str
    examples: int
    seed: int

    def __str__(self) -> str:
        return f"{self.training}, {self.examples:,} examples, seed {self.seed}"


@dataclass(frozen=True)
class Plan:
    """All that decides the result of a cell, besides the cell itself.

    Args:
        data: name of a data set, or a `Dataset`.
        data_options: options of the data set.
        group: the symmetry; None for that of the task.
        match: "parameters": networks with equally many parameters, trained equally long; "minutes": networks with
            equally many channels, trained for equally many minutes.
        size: of the derived network.
        width: multiplies its channels.
        options: further words for `derive`.
        epochs: length of a training on all examples; with fewer it is longer, see `stretched`.
        minutes: in place of epochs.
        settings: fields of `Settings` besides.
        augment: name of the augmentation of the augmented arms; None: the group itself.
        plain: makes the plain network; None derives it for the trivial group.
        test: how many test examples are judged, drawn once; None for all.
    """

    data: Any
    data_options: dict[str, Any] = field(default_factory=dict)
    group: str | None = None
    match: str = "parameters"
    size: str = "small"
    width: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)
    epochs: int | None = None
    minutes: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    augment: str | None = None
    plain: Callable[[], nn.Module] | None = None
    test: int | None = 5000

    def __post_init__(self) -> None:
        if self.match not in MATCHES:
            raise UnknownName("way to match the arms", self.match, MATCHES)
        if self.epochs is not None and self.minutes is not None:
            raise RunError("give the length of the trainings as epochs or as minutes, not both")
        if self.match == "minutes" and self.minutes is None:
            raise RunError("arms of equal minutes need to know how many. Fix: minutes=2, --minutes 2.")
        if self.test is not None and self.test < 1:
            raise RunError(f"test={self.test} examples to judge by: at least 1, or None for all")

    def dataset(self, seed: int) -> Any:
        """The data set of a seed; where it comes in folds, seed s takes fold s, unless a fold was chosen."""
        if not isinstance(self.data, str):
            return self.data
        return _load(self.data, json.dumps(self._options(seed)))

    @property
    def folds(self) -> bool:
        """Whether every seed takes another fold of the data."""
        return self._options(0) != self._options(1)

    def _options(self, seed: int) -> dict[str, Any]:
        from erlangen.data import CATALOGUE

        entry = CATALOGUE.get(self.data) if isinstance(self.data, str) else None
        if entry is None or "fold" in self.data_options or "fold" not in inspect.signature(entry.build).parameters:
            return self.data_options
        return {**self.data_options, "fold": seed % 10}

    def field(self, data: Any) -> Field:
        """The type of the signals under the symmetry that is compared.

        Raises:
            RunError: the group is trivial.
        """
        found = data.field(self.group)
        if isinstance(found.group, FiniteGroup) and len(found.group.table) == 1:
            raise RunError(
                f"{found.group} is no symmetry, so there is nothing to compare. Fix: name one that {data.name!r} may "
                f"have, such as group={data.space.symmetries().name!r}."
            )
        return found

    def sizes(self) -> list[int]:
        """All training examples, a quarter and a sixteenth of them, as far as there are enough."""
        whole = available(self.dataset(0).train)
        return sorted({n for n in (whole // 16, whole // 4) if n >= SMALLEST} | {whole})

    def stretched(self, examples: int, whole: int) -> float:
        """By how much more epochs a training on fewer examples takes: √(whole / examples).

        The number of steps then falls with the square root of the number of examples, a compromise between as many
        epochs (few steps: undertrained) and as many steps (overfitted, and as slow as all examples).
        """
        return (whole / examples) ** 0.5

    def describe(self) -> dict[str, Any]:
        """The declaration as JSON-able data."""
        from erlangen import __version__

        named = isinstance(self.data, str)
        return {
            "version": __version__,
            "data": self.data if named else {**describe_data(self.data), "content": fingerprint(self.data)},
            "data_options": self.data_options,
            "group": self.group,
            "match": self.match,
            "size": self.size,
            "width": self.width,
            "options": self.options,
            "epochs": self.epochs,
            "minutes": self.minutes,
            "settings": self.settings,
            "augment": self.augment,
            "plain": None if self.plain is None else _described(self.plain),
            "test": self.test,
        }

    def key(self, cell: Cell) -> str:
        """The file name of a cell: what it is in words, and a hash of the whole declaration."""
        return f"{cell.training}-{cell.examples}-{cell.seed}-{self._hash}"

    @cached_property
    def _hash(self) -> str:
        text = json.dumps(self.describe(), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


@lru_cache(maxsize=2)
def _load(name: str, options: str) -> Any:
    """A data set, kept for the next cell of the same process."""
    from erlangen.data import load

    return load(name, **json.loads(options))


def fingerprint(data: Any) -> str:
    """A hash of all targets and of the first signals of every part, so that other data have cells of their own."""
    digest = hashlib.sha256()
    for split in splits_of(data).values():
        if split is not None and len(split):
            signal, _ = split.batch(range(min(SMALLEST, len(split))))
            for tensor in (split.targets, output_tensor(signal)):
                digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _described(plain: Callable[[], nn.Module]) -> dict[str, Any]:
    """What makes a network, and what it makes."""
    net = plain()
    return {"maker": getattr(plain, "__qualname__", None) or repr(plain), "layers": str(net), **describe_model(net)}


def available(split: Any) -> int:
    """How many examples there are: of one big graph, how many labelled nodes."""
    return len(getattr(split, "nodes", split))
