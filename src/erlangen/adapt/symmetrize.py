"""`symmetrize`: any network, made equivariant from outside."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from erlangen.adapt.declaration import declaration_of
from erlangen.adapt.frames import PointFrames, vectors_in
from erlangen.adapt.guesses import answer_field, check_channels_of, input_field
from erlangen.adapt.node_orders import NodeOrders
from erlangen.adapt.orbit import TIE, ListedOrbit, Orbit, all_elements
from erlangen.adapt.score import FirstMoment
from erlangen.adapt.symmetrized import Symmetrized
from erlangen.blueprint import Field, Task
from erlangen.errors import DomainError, UnknownName
from erlangen.graphs import Graphs
from erlangen.symmetry import Group
from erlangen.symmetry.rotations import PlaneRotations

METHODS = ("auto", "average", "canonical", "frames", "weighted")
CHEAP = 16  # passes that "auto" still spends on an average, which is smoother than a canonical form


@dataclass(frozen=True)
class Ways:
    """Options of `symmetrize` that say how; see there."""

    samples: int = 16
    score: nn.Module | None = None
    temperature: float = 0.1
    tie: float = TIE
    limit: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        if self.samples < 1 or self.limit < 1:
            raise DomainError(f"samples={self.samples} and limit={self.limit}: both at least 1")
        if not self.temperature > 0 or not self.tie >= 0:
            raise DomainError(f"temperature={self.temperature} must be positive, tie={self.tie} not negative")


def symmetrize(
    model: nn.Module,
    group: "Field | Group | str | None" = None,
    method: str = "auto",
    *,
    task: Task | None = None,
    out_field: Field | None = None,
    data: Any = None,
    combine: str = "mean",
    chunk: int | None = None,
    frozen: bool = False,
    **ways: Any,
) -> Symmetrized:
    """Make any network equivariant, without training it: F(x) = Σ_h w_h(x) ρ_out(h) f(h⁻¹x).

    Args:
        model: f, any module that takes a batch [B, C, …] or a `Signal`. It is kept, not copied.
        group: the type of the input, such as Grid(2, (28, 28)).field("D4"); or a group or its name, on the domain of
            the data or of the model.
        method: "average" over the whole group, or over a sample of a group that cannot be listed (then approximate);
            "canonical", the one version that scores best, all that tie; "frames", the principal axes of vectors;
            "weighted", all versions of a finite group with the weights softmax(score / temperature), or axes from the
            vectors, which are continuous where principal axes are not defined; "auto" chooses, and says why.
        task: what the outputs mean; None takes that of the model or the data.
        out_field: type of the output, in place of a task. With neither, vectors stay and maps move, and `assumed`
            says so.
        data: a data set or a batch: what the input is, and an example of it, where that is not declared.
        combine: "mean"; of averages also "probability" or "max".
        chunk: elements of the group that go through the network together, which bounds the memory; None for all.
        frozen: no gradients for the parameters of the model, which stays in evaluation mode. Otherwise it can be
            trained on, inside.
        ways: samples (16), how many elements of a group that cannot be listed; score, a module that scores versions,
            [B], or a network of the group into its regular representation, None for first moments; temperature (0.1)
            of the weights; tie (1e-6), the relative difference of scores that tie; limit (1024) of the passes of
            weighted frames, and of the leaves in the search for an order of nodes; seed of the samples (0).

    Returns:
        The symmetrised network, with `cost` (passes of f), `exact`, `method`, `why`, `assumed`, and counts of the
        inputs that had ties: `degenerate`, and `unresolved` where the law may fail.

    Raises:
        UnknownName: no such method or option.
        DomainError: the domain does not have the group, or the method is none for it; the message says which is.
        FieldError: nothing says what goes in or comes out.

    Law: F(g·x) = ρ_out(g) F(x), to rounding where `exact`.

    Source: Yarotsky 2018, arXiv 1804.10306 (averages); Kaba, Mondal, Zhang, Bengio and Ravanbakhsh 2023, arXiv
        2211.06489 (canonical forms); Puny, Atzmon, Ben-Hamu et al. 2022, arXiv 2110.03336 (frames); Basu, Katdare,
        Sattigeri et al. 2023, arXiv 2305.09900 (weights over the group).
    """
    if method not in METHODS:
        raise UnknownName("method", method, METHODS)
    known = tuple(Ways.__dataclass_fields__)
    for name in ways:
        if name not in known:
            raise UnknownName("option of symmetrize", name, known)
    chosen = Ways(**ways)
    field, guessed = input_field(model, group, data)
    check_channels_of(field, model)
    out, found, more = answer_field(model, field, task, out_field, data)
    way, why = _automatic(field, out, chosen) if method == "auto" else (method, "it was asked for")
    orbit = _orbit(field, out, way, chosen)
    made = Symmetrized(model, orbit, way, found, combine, chunk, frozen, why, (*guessed, *more))
    made.declaration = declaration_of(made, None if chosen.score is not None else ways)
    return made


def _automatic(field: Field, out: Field, ways: Ways) -> tuple[str, str]:
    """The method that suits a field, and why."""
    group = field.group
    if isinstance(field.space, Graphs):
        return "canonical", "the n! orders of n nodes are too many to average over"
    elements, exact, _ = all_elements(field)
    if elements:
        order = len(elements)
        if order <= CHEAP:
            return "average", f"{order} passes are few, and an average has no ties and is continuous"
        if not exact:
            return "average", "elements that interpolate have no canonical form"
        return "canonical", f"an average would take {order} passes"
    try:
        d, copies = vectors_in(field)
    except DomainError:
        return "average", f"{group} has no frames here, so {ways.samples} of its elements stand for all"
    passes = 2**d if group.has_reflections else 2 ** (d - 1)  # type: ignore[attr-defined]
    if passes <= CHEAP:
        return "frames", f"{passes} signs of the principal axes of {copies} vectors stand for all of {group}"
    return "canonical", f"{passes} signs of principal axes are many"


def _orbit(field: Field, out: Field, method: str, ways: Ways) -> Orbit:
    """The versions of a method.

    Raises:
        DomainError: the method is none for this field.
    """
    if isinstance(field.space, Graphs):
        if method not in ("average", "canonical"):
            raise DomainError(
                f"{method!r} is no method for the orders of nodes. Fix: 'canonical' (exact) or 'average'."
            )
        return NodeOrders(field, out, ways.samples if method == "average" else 0, ways.seed, ways.limit)
    elements, exact, words = all_elements(field)
    if method == "frames" or (not elements and method != "average"):
        return PointFrames(field, out, method, ways.limit, tie=ways.tie)
    if not elements:
        elements, words = _sampled(field, ways)
    if method == "average":
        return ListedOrbit(field, out, elements, exact, words)
    score = ways.score if ways.score is not None else FirstMoment()
    _check_score(score, field)
    temperature = ways.temperature if method == "weighted" else 0.0
    if exact:
        words = (
            f"{'the best' if method == 'canonical' else 'a weighted mean'} of {len(elements)} versions, by their scores"
        )
    return ListedOrbit(field, out, elements, exact, words, score, temperature, ways.tie)


def _check_score(score: nn.Module, field: Field) -> None:
    out: Any = getattr(score, "out_field", None)
    if out is not None and out.rep != field.group.representation("regular"):
        raise DomainError(
            f"a score that is a network of the group must end in its regular representation, not in {out.rep} of "
            f"{out.group}. Fix: derive(field, Classify({field.group.order}, rep='regular'))."
        )


def _sampled(field: Field, ways: Ways) -> tuple[list[Any], str]:
    """Elements that stand for a group that cannot be listed: equal angles in the plane, else random ones.

    Raises:
        DomainError: the group is not compact, so that no average over it exists.
    """
    group, n = field.group, ways.samples
    if not group.is_compact:
        raise DomainError(
            f"{group} is not compact, so there is no average over it. Fix: a compact subgroup, such as O(d) on vectors "
            "whose mean was taken off."
        )
    if isinstance(group, PlaneRotations):
        angles = 2 * np.pi * np.arange(n) / n
        turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in angles]
        mirror = [m for m in group.generators.values() if group.has_reflections]
        turns += [t @ m for m in mirror for t in turns]
        return turns, f"{len(turns)} elements at equal angles stand for all of {group}"
    drawn = group.sample(n, torch.Generator().manual_seed(ways.seed))
    return drawn, f"{n} random elements stand for all of {group}"
