"""A data set: the domain its signals live on, the task, the splits, and where every byte came from."""

from dataclasses import dataclass
from typing import Any

from erlangen.blueprint import Field, Space, Task
from erlangen.data.split import NodeSplit, Split
from erlangen.errors import DomainError
from erlangen.symmetry import FiniteGroup, Group


@dataclass(frozen=True)
class Dataset:
    """Signals on one space, for one task.

    Args:
        name: its name in the catalogue. Where a fallback was served this is the name of the fallback.
        space: the domain of the signals.
        channels: channels of the signals; all of them scalars (trivial representation) if nothing is declared.
        task: what is to be predicted.
        train: the examples to learn from.
        validation: the examples to choose by; empty (falsy) if none are held out.
        test: the examples to report.
        provenance: JSON-able: asked, options, source, files (path and sha256), seed, fallback, note, licence.
        declared: the type of the signals, if their channels are not scalars.
        symmetry: name of the group that the task has, where it is smaller than that of the declared signals: letters
            have a reverse complement, but a gene is read on one strand.
    """

    name: str
    space: Space
    channels: int
    task: Task
    train: Split
    validation: Split
    test: Split
    provenance: dict[str, Any]
    declared: Field | None = None
    symmetry: str | None = None

    def field(self, group: "Group | str | None" = None) -> Field:
        """The type of the signals: as declared, else X(Ω, C) with trivial channels under a group of the domain.

        Args:
            group: a group, its name, or None for that of the task, else the declared one, else the largest one that
                the domain has. Another group than the declared one takes the declared channels by restriction.

        Raises:
            DomainError: the domain does not have that group, or it is no subgroup of the declared one.
        """
        group = self.symmetry if group is None else group
        if self.declared is not None:
            asked = self.declared if group is None else self.space.field(group, self.channels)
            if asked.group == self.declared.group:
                return self.declared
            if not isinstance(asked.group, FiniteGroup):
                raise DomainError(f"{self.name} is declared as {self.declared}, which says nothing about {asked.group}")
            return Field(self.space, self.declared.rep.restrict(asked.group))
        return self.space.field(group, f"{self.channels} trivial")

    def task_under(self, group: Group) -> Task:
        """The task for a network of that group: under "C1", tracks that the declared group exchanges are scalars."""
        if self.declared is None or group.name != "C1" or self.declared.group.name == "C1":
            return self.task
        return self.task.of_scalars(self.declared.group)

    @property
    def fallback(self) -> bool:
        """Whether this is a stand-in because the set that was asked for could not be reached."""
        return bool(self.provenance.get("fallback", False))

    def summary(self) -> str:
        """One printed line: what this is, how it is split, where it came from, and whether it is a fallback."""
        sizes = " / ".join(f"{_count(getattr(self, part))} {part}" for part in ("train", "validation", "test"))
        line = f"{self.name}: {sizes}; {self.provenance.get('source', 'source not stated')}"
        if self.fallback:
            line = f"FALLBACK for {self.provenance['asked']}, {line}; {self.provenance['note']}"
        return line

    def __repr__(self) -> str:
        return f"Dataset({self.summary()})"


def _count(split: Split) -> str:
    return f"{len(split.nodes):,} labelled nodes" if isinstance(split, NodeSplit) else f"{len(split):,}"
