"""A scene: a domain with samples to look at, motions to make, and networks to break."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from erlangen.blueprint import Field, Space, Task
from erlangen.explore.motion import Motion


@dataclass(frozen=True)
class Sample:
    """One signal to look at.

    Args:
        title: as the page has it.
        signal: a batch of one.
        label: its class.
    """

    title: str
    signal: Any
    label: int


@dataclass(frozen=True)
class Scene:
    """A domain as the explorer shows it.

    Args:
        name: as the address has it.
        title: as the page has it.
        source: where the samples come from, in words.
        space: the domain.
        groups: names of the groups to choose from, the first by default.
        rep: representation of the input channels.
        plain_rep: the same without a group, for the plain network.
        task: what is predicted.
        classes: names of the classes.
        samples: a few signals.
        train: `train(n, generator)` is a batch of n signals and their labels.
        motions: `motions(group, signal)` are the dials.
        draw: `draw(signal)` is the figure of an input.
        draw_map: `draw_map(value, rep, scales)` is the figure of a feature that lives on the domain.
        defects: names of the switches of `erlangen.explore.defects`.
        options: further words of `derive`.
        plain: makes the plain network, where that is not derived for the trivial group.
        augment: name of the augmentation; None: the group.
    """

    name: str
    title: str
    source: str
    space: Space
    groups: tuple[str, ...]
    rep: str
    plain_rep: str
    task: Task
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    train: Callable[[int, Any], tuple[Any, Tensor]]
    motions: Callable[[Any, Any], tuple[Motion, ...]]
    draw: Callable[[Any], dict[str, Any]]
    draw_map: Callable[[Any, Any, dict[str, float]], dict[str, Any]]
    defects: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    plain: Callable[[Any], Any] | None = None
    augment: str | None = None

    def field(self, group: str) -> Field:
        """The type of the signals under a group of the scene."""
        return self.space.field(None if group == "Σn" else group, self.rep)
