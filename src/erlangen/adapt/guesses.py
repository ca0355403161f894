"""What a network reads and answers: as declared, else as the model or the data say, else the usual, said in words."""

from typing import Any

import torch
from torch import Tensor, nn

from erlangen.adapt.conjoin import output_field
from erlangen.adapt.symmetrized import answer_of
from erlangen.blueprint import Field, Signal, Space, Task
from erlangen.blueprint.mode import evaluating
from erlangen.errors import DomainError, ErlangenError, FieldError
from erlangen.graphs import Graphs
from erlangen.grids import Grid, Strand
from erlangen.point import Point
from erlangen.symmetry import Group
from erlangen.symmetry import group as group_named
from erlangen.symmetry.matrix import MatrixGroup

LETTERS = 4  # channels of a strand of DNA


def input_field(model: nn.Module, group: "Field | Group | str | None", data: Any) -> tuple[Field, tuple[str, ...]]:
    """The type of the input, and what was guessed about it.

    Args:
        model: the network.
        group: the field itself; or the group, with the domain taken from the data or the model.
        data: a data set, a batch [B, C, …], a `Signal`, or None.

    Raises:
        FieldError: nothing says what the input is.
        DomainError: the domain does not have the group.
    """
    if isinstance(group, Field):
        return group, ()
    if hasattr(data, "field") and callable(data.field):
        return data.field(group), ()
    own = getattr(model, "in_field", None)
    if isinstance(own, Field):
        if group is None or own.group.name == (group if isinstance(group, str) else group.name):
            return own, ()
        return _usual(own.space, group, own.size)
    x = example_of(data)
    if isinstance(x, Signal):
        return _usual(Graphs(), group, x.x.shape[1])
    if isinstance(x, Tensor) and 2 <= x.ndim <= 5:
        shape = tuple(x.shape[2:])
        name = group if isinstance(group, str) else getattr(group, "name", "")
        if not shape:
            return _usual(Point(), group, x.shape[1])
        return _usual(Strand(shape[0]) if name == "RC" else Grid(len(shape), shape), group, x.shape[1])
    raise FieldError(
        f"{type(model).__name__} does not say what it reads. Fix: give the field, such as "
        "Grid(2, (28, 28)).field('D4', '1 trivial'); or data=, a data set or a batch."
    )


def _usual(space: Space, group: "Group | str | None", channels: int) -> tuple[Field, tuple[str, ...]]:
    """Channels as they usually are: letters on a strand, vectors on a point, else scalars."""
    rep = f"{channels} trivial"
    if isinstance(space, Strand) and channels == LETTERS:
        rep = "letters"
    elif isinstance(space, Point):
        rep = _on_point(group_named("C1" if group is None else group), channels)
    field = space.field(group, rep)
    return field, (f"the input is {field}",)


def _on_point(group: Group, channels: int) -> str:
    degree = group.degree if isinstance(group, MatrixGroup) else 0
    if not degree or channels % degree:
        raise FieldError(
            f"how {group} acts on {channels} channels is not known. Fix: give the field, such as "
            f"Point().field({group.name!r}, …), with the representation of the channels."
        )
    return f"{channels // degree} standard"


def example_of(data: Any) -> Any:
    """A few inputs: of a data set or a split the first two, of a batch itself; None if there is nothing."""
    if data is None or isinstance(data, (Tensor, Signal)):
        return data
    split = getattr(data, "test", None) or getattr(data, "train", data)
    if not hasattr(split, "batch") or not len(split):
        raise FieldError(f"a {type(data).__name__} holds no inputs. Fix: data= a data set, a split, or a batch")
    return split.batch(range(min(2, len(split))))[0]


def answer_field(
    model: nn.Module, field: Field, task: Task | None, out_field: Field | None, data: Any
) -> tuple[Field, Task | None, tuple[str, ...]]:
    """The type of the output, the task if there is one, and what was guessed.

    Args:
        model: the network.
        field: type of the input.
        task: what the outputs mean; None takes that of the model or the data.
        out_field: type of the output, instead of a task.
        data: where an input to try comes from; None draws noise.

    Raises:
        FieldError: the declared output is of another group, or the network fails on the example.
    """
    if out_field is not None:
        if out_field.group != field.group:
            raise FieldError(
                f"the output is declared for {out_field.group}, the input for {field.group}. Fix: one group for both"
            )
        return out_field, task, ()
    found = task or getattr(model, "task", None) or getattr(data, "task", None)
    if isinstance(found, Task):
        return output_field(field, found), found, ()
    x = example_of(data)
    answer = _tried(model, field, x)
    y = answer.x if isinstance(answer, Signal) else answer
    channels = y.shape[1] if y.ndim > 1 else 1
    space: Space = field.space if _on_domain(field, answer, x) else Point()
    words = f"a map of {channels} trivial channels that moves with the input"
    if isinstance(space, Point):
        words = f"{channels} invariant numbers a sample"
    return Field(space, channels * field.group.trivial), None, (f"the output is {words}",)


def _tried(model: nn.Module, field: Field, x: Any) -> Any:
    """The answer to an example."""
    parameter = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    if x is None:
        x = field.space.sample_signal(field, 2, torch.Generator().manual_seed(0))
    x = Signal(x.x.to(parameter), x.on) if isinstance(x, Signal) else x.to(parameter)
    try:
        with evaluating(model), torch.no_grad():
            return answer_of(model(x))
    except ErlangenError:
        raise
    except Exception as error:
        shape = list((x.x if isinstance(x, Signal) else x).shape)
        raise FieldError(
            f"{type(model).__name__} failed on an input of shape {shape}: {error}. Fix: data= a batch that it takes, "
            "or task= or out_field=, so that no example is needed."
        ) from error


def _on_domain(field: Field, answer: Any, x: Any) -> bool:
    if isinstance(answer, Signal):
        return True
    if isinstance(field.space, Graphs):
        nodes = len(x.x) if isinstance(x, Signal) else None
        return nodes is not None and len(answer) == nodes and nodes != x.on.num_graphs
    return answer.ndim > 2 and max(answer.shape[2:]) > 1


def check_channels_of(field: Field, model: nn.Module) -> None:
    """Raise if a model says that it reads another number of channels than the field has.

    Raises:
        DomainError: it does.
    """
    own = getattr(model, "in_field", None)
    if isinstance(own, Field) and own.size != field.size:
        raise DomainError(
            f"{type(model).__name__} reads {own.size} channels, the field {field} has {field.size}. "
            "Fix: a field with as many channels as the network reads."
        )
