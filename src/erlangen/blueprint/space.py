"""The abstract domain: five methods that every row of the blueprint fills in.

act(g, signal, rep)           (g·x)(u) = ρ(g) x(g⁻¹u)
linear(in_field, out_field)   B, local equivariant linear map
nonlinearity(field)           σ
coarsen(field)                P, local pooling
readout(field, task)          A, the head
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from erlangen.blueprint.field import Field
from erlangen.errors import DomainError, FieldError
from erlangen.symmetry import Group, Representation

if TYPE_CHECKING:
    from erlangen.blueprint.module import EquivariantModule
    from erlangen.blueprint.task import Task


@dataclass(frozen=True)
class Action:
    """One concrete transformation of the signals of a space, as an audit applies it.

    Args:
        label: what prints, such as "r90", "shift-x+1" or "17.5°".
        family: the set it was drawn from, such as "C4", "translation", "rotation" or "permutation".
        exact: whether it maps the discretised domain to itself; otherwise it interpolates and has a floor.
        move: `move(signal, rep)` is the moved signal; rep None leaves the channels alone.
        generator: whether it generates its family, so that its law implies the law of the whole family.
        parameter: position on the axis of a plot (degrees, pixels), if there is one.
        undo: `undo(signal, rep)`, the inverse motion, which measures the interpolation floor.
        element: the element of the field's group that this is; None if it is none (a shift) or its label names it.
    """

    label: str
    family: str
    exact: bool
    move: Callable[[Any, Representation | None], Any]
    generator: bool = False
    parameter: float | None = None
    undo: Callable[[Any, Representation | None], Any] | None = None
    element: Any = None


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters of a derived network: one dial, `size`, sets them all.

    Args:
        widths: channels of every block (before division by the size of the hidden representation).
        coarsen_after: indices of the blocks after which the domain is coarsened; -1 coarsens before the first one,
            which in a dense task leaves only the head on the finest domain.
        local: options of the linear layer of every block (kernel size, hops), one mapping a block.
        hidden: the representation hidden fields are made of, in its proportions.
        dropout: share of channels dropped before the head.
        coarsen: options of `Space.coarsen`.
        options: what the head of this domain needs beyond that.
    """

    widths: tuple[int, ...]
    coarsen_after: tuple[int, ...] = ()
    local: tuple[dict[str, Any], ...] = ()
    hidden: str | Representation = "trivial"
    dropout: float = 0.0
    coarsen: dict[str, Any] = dataclass_field(default_factory=dict)
    options: dict[str, Any] = dataclass_field(default_factory=dict)


class Space(ABC):
    """A domain Ω with a group acting on it. Equal spaces compare equal; spaces are immutable."""

    name: str

    # the blueprint

    @abstractmethod
    def act(self, g: Any, signal: Any, rep: Representation) -> Any:
        """Move a signal: (g·x)(u) = ρ(g) x(g⁻¹u)."""

    @abstractmethod
    def linear(self, in_field: Field, out_field: Field, **local: Any) -> "EquivariantModule":
        """B: the local equivariant linear layer between two fields."""

    @abstractmethod
    def nonlinearity(self, field: Field) -> "EquivariantModule":
        """σ: a nonlinearity that is legal for the representation of the field."""

    @abstractmethod
    def coarsen(self, field: Field, **options: Any) -> "EquivariantModule":
        """P: local pooling onto a coarser domain."""

    @abstractmethod
    def readout(self, field: Field, task: "Task", **options: Any) -> "EquivariantModule":
        """A: the invariant or equivariant head for a task."""

    # around it

    @abstractmethod
    def norm(self, field: Field) -> "EquivariantModule":
        """Normalisation that commutes with the representation of the field."""

    def block(self, in_field: Field, out_field: Field, **local: Any) -> "EquivariantModule":
        """σ ∘ norm ∘ B, the default layer."""
        from erlangen.blueprint.module import Sequential

        return Sequential(self.linear(in_field, out_field, **local), self.norm(out_field), self.nonlinearity(out_field))

    def refine(self, field: Field, **options: Any) -> "EquivariantModule":
        """The way back from `coarsen`: `module(y, like=x)` brings y to the finer domain of x."""
        raise DomainError(f"{self} has no refinement; derive the equivariant task without coarsening")

    def concatenate(self, finer: Any, coarser: Any) -> Any:
        """Join the channels of two signals on the same domain."""
        raise DomainError(f"{self} cannot join two signals")

    @abstractmethod
    def recipe(self, size: str, field: Field, task: "Task") -> Recipe:
        """Widths, locality and coarsening of a named size ("tiny", "small", "medium", "large")."""

    def adapt(self, recipe: Recipe, options: dict[str, Any]) -> Recipe:
        """The recipe under options of `derive` that are no field of it; what the domain does not know goes to the head.

        Args:
            recipe: as `recipe` made it, with its own fields replaced already.
            options: the others, by name.
        """
        return replace(recipe, options={**recipe.options, **options})

    def option_names(self) -> tuple[str, ...]:
        """The options of `derive` that `adapt` knows."""
        return ()

    def misfit(self, signal: Any) -> str:
        """What of a signal lies outside of the domain, and how to mend it; nothing if all is well."""
        return ""

    @abstractmethod
    def symmetries(self, name: str | None = None) -> Group:
        """The group of this name, or the largest one, that this domain honestly has.

        Raises:
            DomainError: the domain does not have it; the message says which it has.
        """

    @abstractmethod
    def sample_signal(self, field: Field, batch: int = 2, generator: torch.Generator | None = None) -> Any:
        """A random signal (white noise), for audits and tests."""

    @abstractmethod
    def actions(
        self, group: Group, signal: Any, count: int = 8, generator: torch.Generator | None = None
    ) -> list[Action]:
        """The transformations an audit should try: generators, sampled elements, and what else this domain moves by."""

    def exact_elements(self, group: Group) -> list[Any] | None:
        """The elements that map the discretised domain to itself, where a field may have a group that does more; else
        None."""
        return None

    @abstractmethod
    def nominal_shape(self) -> tuple[int, ...]:
        """The size at which plans are priced: pixels along each axis; (nodes, edges) of a typical graph."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """A JSON-able description from which `erlangen.blueprint.space_from` makes an equal space."""

    def field(self, group: "Group | str | None", rep: "Representation | str | int" = 1) -> Field:
        """The type of a signal on this space.

        Args:
            group: its symmetry group; a name is looked up; None is the largest group of this space.
            rep: the representation of the channels, its string form, or a number of trivial channels.

        Raises:
            DomainError: this space does not have that group.
        """
        if not isinstance(group, Group | str | None):
            raise DomainError(f"a group is named, as 'C4', or made with erlangen.Group; got {group!r}")
        chosen = self.symmetries(group if isinstance(group, str) or group is None else group.name)
        if isinstance(group, Group) and group != chosen:
            raise DomainError(f"{self} has a group named {group.name}, but not this one")
        return Field(self, chosen.representation(rep))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and type(self) is type(other) and self.describe() == other.describe()

    def __hash__(self) -> int:
        return hash(repr(self))


_SPACES: dict[str, Callable[..., Space]] = {}


def register_space(name: str, build: Callable[..., Space]) -> None:
    """Make a domain known by name to `space_from`, the command line and saved networks."""
    _SPACES[name] = build


def space_from(description: dict[str, Any]) -> Space:
    """The space that `Space.describe` described.

    Raises:
        UnknownName: no domain has this name.
    """
    from erlangen.errors import UnknownName

    options = dict(description)
    name = options.pop("domain", None)
    if name not in _SPACES:
        _import_domains()
    if name not in _SPACES:
        raise UnknownName("domain", name, sorted(_SPACES))
    return _SPACES[name](**options)


def _import_domains() -> None:
    """Import every folder of the package that holds a `space.py`: its domain enters itself, none is named here."""
    for folder in Path(__file__).parents[1].glob("*/space.py"):
        import_module(f"erlangen.{folder.parent.name}")


def check_signal(field: Field, x: Tensor, where: str) -> None:
    """Raise a `FieldError` that teaches if a tensor is no batch of real signals of a field on a fixed domain.

    Args:
        field: type that the signals should have.
        x: [B, C, *shape].
        where: who asks.
    """
    if not isinstance(x, Tensor):
        raise FieldError(
            f"{where} takes a tensor, got {type(x).__name__}. Fix: torch.as_tensor(x, dtype=torch.float32)"
        )
    axes = len(field.space.nominal_shape())
    if x.ndim != 2 + axes:
        missing = " Fix: add the batch axis, x[None]." if x.ndim == 1 + axes else ""
        raise FieldError(
            f"{where} expects a batch of fields on {field.space}, [B, {field.size}, {', '.join('zyx'[-axes:])}], got a "
            f"tensor of shape {list(x.shape)}.{missing}"
        )
    if not x.is_floating_point():
        raise FieldError(f"{where} computes with real numbers, got {x.dtype}. Fix: x.float(), scaled as you like")
    check_channels(field, x.shape[1], where)


def check_channels(field: Field, channels: int, where: str) -> None:
    """Raise a `FieldError` that teaches if a signal does not have the channels its field says."""
    if channels == field.size:
        return
    hint = ""
    if len(field.rep.terms) == 1:
        _, component = field.rep.terms[0]
        if channels % component.size == 0:
            hint = f" = {channels // component.size} {component}"
    raise FieldError(
        f"{where} expects {field.rep} of {field.group} ({field.size} channels), got {channels} channels{hint}. "
        f"Fix: give the layer before it that output, or declare the input field as it is."
    )
