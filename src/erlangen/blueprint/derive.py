"""`derive`: from domain, symmetry and task to a network. One function for every domain."""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from torch import nn

from erlangen.blueprint.field import Field
from erlangen.blueprint.module import Branch, EquivariantModule, Sequential
from erlangen.blueprint.plan import Plan, plan_of
from erlangen.blueprint.space import Recipe, space_from
from erlangen.blueprint.task import Task, task_from
from erlangen.errors import ErlangenError, FieldError, UnknownName
from erlangen.symmetry import FiniteGroup, Group, Representation, group


class Network(Sequential):
    """A derived network: a `Sequential` that knows its declaration and its plan.

    Args:
        modules: the steps.
        task: what it is for.
        declaration: the JSON-able words it was derived from; `network_from` derives it again.
    """

    def __init__(self, *modules: EquivariantModule, task: Task, declaration: dict[str, Any]) -> None:
        super().__init__(*modules)
        self.task, self.declaration = task, declaration
        group = self.out_field.group
        if group != self.in_field.group and isinstance(group, FiniteGroup):  # it shrinks inside: the rest holds overall
            self.in_field = Field(self.in_field.space, self.in_field.rep.restrict(group))

    @property
    def plan(self) -> Plan:
        """The table of layers at the nominal size of the space."""
        return self.plan_at(None)

    def plan_at(self, shape: tuple[int, ...] | None) -> Plan:
        """The table of layers at a given input size."""
        return plan_of(self, shape, f"{self.in_field}, task {self.task}")


def derive(
    field: Field,
    task: Task,
    size: str = "small",
    *,
    width: float = 1.0,
    depth: int | None = None,
    **options: Any,
) -> Network:
    """Derive the network that the blueprint prescribes, f = A ∘ σ ∘ B ∘ P ∘ … ∘ σ ∘ B.

    Args:
        field: type of the input signals: what the data lives on, and which symmetries it has.
        task: what to predict; decides the head and whether the output is invariant or equivariant.
        size: the dial: "tiny", "small", "medium" or "large".
        width: multiplies the number of channels.
        depth: number of blocks, if not the recipe's.
        options: replace fields of the domain's `Recipe` (such as `hidden`, `dropout`) or reach its blocks and head.

    Returns:
        The network; `net.plan` says, layer by layer, which law holds and when it is exact.

    Raises:
        UnknownName: no recipe has that size, or nothing knows an option.
        FieldError: `field` is no field or `task` no task.
        NoEquivariantMap: some layer would be constantly zero.

    Source: Bronstein, Bruna, Cohen, Veličković 2021, arXiv 2104.13478, section 3.5.
    """
    if not isinstance(field, Field):
        raise FieldError(
            f"derive needs a field, got {field!r}. Fix: space.field(group, channels), as Grid(2).field('C4', 1)"
        )
    if not isinstance(task, Task):
        raise FieldError(
            f"derive needs a task, got {task!r}. Fix: Classify(10), Regress(1), Segment(3) or Predict('1 standard')"
        )
    space = field.space
    recipe, others = _adapt(space.recipe(size, field, task), width, depth, options)
    recipe = space.adapt(recipe, others)
    modules = _dense(field, task, recipe) if task.dense and recipe.coarsen_after else _straight(field, task, recipe)
    declaration = {
        "space": space.describe(),
        "group": field.group.describe(),
        "rep": _described(field.rep),
        "task": task.describe(),
        "size": size,
        "width": width,
        "depth": depth,
        "options": options,
    }
    return Network(*modules, task=task, declaration=declaration)


def _head(field: Field, task: Task, recipe: Recipe) -> EquivariantModule:
    """The readout; an option that it does not know is one that nothing knew."""
    try:
        return field.space.readout(field, task, dropout=recipe.dropout, **recipe.options)
    except TypeError as error:
        unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        if unknown is None or unknown[1] not in recipe.options:
            raise
        known = [*(f.name for f in fields(Recipe) if f.name != "options"), *field.space.option_names()]
        raise UnknownName(f"option of derive for {field.space} and the task {task.name}", unknown[1], known) from error


def network_from(declaration: dict[str, Any]) -> Network:
    """Derive again from the declaration that a network carries (and a run folder stores)."""
    space = space_from(declaration["space"])
    named = declaration["group"]
    field = space.field(named if isinstance(named, str) else group(named), 0)
    return derive(
        field.with_rep(_read(field.group, declaration["rep"])),
        task_from(declaration["task"]),
        declaration["size"],
        width=declaration["width"],
        depth=declaration["depth"],
        **declaration["options"],
    )


def _described(rep: Representation) -> "str | list[Any]":
    """Its string form if the group reads that back, else the images of the generators, term by term."""
    for words in (repr(rep), re.sub(r"\|[^+]*?(?= \+|$)", "", repr(rep))):  # also if it is a restriction, "letters|C1"
        try:
            if rep.group.representation(words) == rep:
                return words
        except ErlangenError:
            continue
    if rep.is_complex:
        raise FieldError(f"{rep} of {rep.group} is complex and has no name, so it cannot be declared")
    return [
        [m, {name: matrix.tolist() for name, matrix in (c.generators | c.derivatives).items()}] for m, c in rep.terms
    ]


def _read(of: Group, described: "str | list[Any]") -> Representation:
    if isinstance(described, str):
        return of.representation(described)
    return sum((m * of.representation(images) for m, images in described), of.representation(0))


def _adapt(recipe: Recipe, width: float, depth: int | None, options: dict[str, Any]) -> tuple[Recipe, dict[str, Any]]:
    """The recipe with the fields that `options` name replaced, and the other options."""
    if not width > 0:
        raise FieldError(f"width multiplies the number of channels, so it is positive; got {width}")
    values: dict[str, Any] = dict(recipe.__dict__)
    extra: dict[str, Any] = {}
    for name, value in options.items():
        if name == "local" and isinstance(value, Mapping):  # the same for every block
            value = (dict(value),)
        if name in values and name != "options":
            values[name] = tuple(value) if isinstance(value, list) else value
        else:
            extra[name] = value
    if depth is not None:
        if depth < 1:
            raise FieldError(f"a network needs at least one block, got depth={depth}")
        values["widths"] = _stretch(values["widths"], depth)
        values["local"] = _stretch(values["local"] or ({},), depth)
        values["coarsen_after"] = tuple(i for i in values["coarsen_after"] if i < depth - 1)
    values["widths"] = tuple(max(1, round(c * width)) for c in values["widths"])
    blocks = len(values["widths"])
    if "coarsen_after" in options and any(not -1 <= i < blocks for i in values["coarsen_after"]):
        raise FieldError(f"coarsen_after={values['coarsen_after']} names a block that is not there: -1 … {blocks - 1}")
    if not 0 <= values["dropout"] < 1:
        raise FieldError(f"dropout is a share in [0, 1), got {values['dropout']}")
    if len(values["local"]) != len(values["widths"]):
        values["local"] = _stretch(values["local"] or ({},), len(values["widths"]))
    return Recipe(**values), extra


def _stretch(items: tuple[Any, ...], length: int) -> tuple[Any, ...]:
    return tuple(items[min(i, len(items) - 1)] for i in range(length))


def _hidden(field: Field, recipe: Recipe, channels: int, first: Group) -> Representation:
    """About as many channels of the hidden representation, in its proportions, at least one copy of each term.

    Where a finite group is left of an infinite one, hidden fields are regular: its irreps have other names.
    """
    left = isinstance(field.group, FiniteGroup) and not isinstance(first, FiniteGroup)
    unit = field.group.representation("regular" if left else recipe.hidden)
    if not unit.size:
        raise FieldError(f"hidden={recipe.hidden!r} has no channels. Fix: name a representation, such as 'regular'.")
    return Representation(field.group, tuple((max(1, round(m * channels / unit.size)), c) for m, c in unit.terms))


def _straight(field: Field, task: Task, recipe: Recipe) -> list[EquivariantModule]:
    """B σ, P where the recipe coarsens, …, the head."""
    steps = [field.space.coarsen(field, **recipe.coarsen)] if -1 in recipe.coarsen_after else []
    now = steps[-1].out_field if steps else field
    for i, channels in enumerate(recipe.widths):
        steps.append(_block(now, now.with_rep(_hidden(now, recipe, channels, field.group)), recipe, i))
        now = steps[-1].out_field
        if i in recipe.coarsen_after:
            steps.append(now.space.coarsen(now, **recipe.coarsen))
            now = steps[-1].out_field
    return [*steps, _head(now, task, recipe)]


def _block(before: Field, after: Field, recipe: Recipe, i: int) -> EquivariantModule:
    """Block i of a recipe between two fields; an option that its layers do not have is named."""
    try:
        return before.space.block(before, after, **recipe.local[i])
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        raise FieldError(f"block {i} has an option that its layers do not know: {error}") from error


def _dense(field: Field, task: Task, recipe: Recipe) -> list[EquivariantModule]:
    """A U and its head; with -1 in `coarsen_after`, all of the U a step coarser, and the head sees the input too."""
    if -1 not in recipe.coarsen_after:
        steps = _u_shaped(field, recipe)
        return [*steps, _head(steps[-1].out_field, task, recipe)]
    down = field.space.coarsen(field, **recipe.coarsen)
    steps = _u_shaped(down.out_field, recipe)
    refine = field.space.refine(steps[-1].out_field, **recipe.coarsen)
    joined = field.with_rep(field.rep + refine.out_field.rep)
    return [Branch(Sequential(down, *steps), refine, _head(joined, task, recipe))]


def _u_shaped(field: Field, recipe: Recipe) -> list[EquivariantModule]:
    """Blocks at every scale on the way down, and again, with the skip joined, on the way up."""
    stages: list[list[int]] = [[]]
    for i in range(len(recipe.widths)):
        stages[-1].append(i)
        if i in recipe.coarsen_after:
            stages.append([])

    def stage(level: int, now: Field) -> list[EquivariantModule]:
        steps: list[EquivariantModule] = []
        for i in stages[level]:
            hidden = _hidden(now, recipe, recipe.widths[i], field.group)
            steps.append(_block(now, now.with_rep(hidden), recipe, i))
            now = steps[-1].out_field
        if level + 1 < len(stages) and stages[level + 1]:
            inner = [now.space.coarsen(now, **recipe.coarsen)]
            inner += stage(level + 1, inner[0].out_field)
            refine = now.space.refine(inner[-1].out_field, **recipe.coarsen)
            if refine.out_field.group != now.group:
                raise FieldError(
                    f"the detour of a U comes back as a field of {refine.out_field.group}, the skip is one of "
                    f"{now.group}. Fix: restrict the group in a block before the first coarsening."
                )
            joined = now.with_rep(now.rep + refine.out_field.rep)
            fuse = _block(joined, now, recipe, stages[level][-1])
            steps.append(Branch(Sequential(*inner), refine, fuse))
        return steps

    return stage(0, field)


def plain_copy(network: nn.Module) -> nn.Module:
    """The plain-torch form of an equivariant module in evaluation mode."""
    if not isinstance(network, EquivariantModule):
        raise FieldError(f"{type(network).__name__} is not an EquivariantModule; it is plain torch already")
    return network.eval().export().eval()
