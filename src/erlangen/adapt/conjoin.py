"""Conjoining: one network reads every version of its input, and the answers are brought back and averaged.

For DNA the versions are the two strands. Around a network that is trained already this is post-hoc conjoining; a
network that is trained inside it learns as a conjoined (siamese) one.

Averaging over a group is the Reynolds operator of invariant theory.

Source: Zhou, Shrikumar and Kundaje 2022, PMLR 165 (strategies for the reverse complement compared).
"""

from torch import nn

from erlangen.adapt.orbit import ListedOrbit, all_elements
from erlangen.adapt.symmetrized import Symmetrized
from erlangen.blueprint import Field, Task
from erlangen.errors import FieldError
from erlangen.point import Point
from erlangen.symmetry import FiniteGroup


class Conjoin(Symmetrized):
    """Any network, averaged over a finite group: `symmetrize(model, field, "average")` with everything declared.

    Args:
        model: a network on the signals of the field.
        field: what the signals are: the domain, its group, the representation of the channels.
        task: what the outputs mean; None takes the model's own.
        combine: "mean" of the outputs (of a classifier: before the softmax); "probability", the logarithm of the mean
            of the softmax; or "max".

    Law: h(x) = 1/|G| Σ_g ρ_out(g)⁻¹ f(g·x), hence h(g·x) = ρ_out(g) h(x), whatever f is; |G| times the cost of f.

    Raises:
        FieldError: the group is not finite, no task is known, or the maximum does not commute with the output.
        UnknownName: no such combination.
    """

    def __init__(self, model: nn.Module, field: Field, task: Task | None = None, combine: str = "mean") -> None:
        found = task or getattr(model, "task", None)
        if not isinstance(field.group, FiniteGroup):
            raise FieldError(f"{field.group} is not finite, so its elements cannot all be tried")
        if not isinstance(found, Task):
            raise FieldError("what the outputs mean is not known. Fix: give task=, such as Classify(2).")
        orbit = ListedOrbit(field, output_field(field, found), *all_elements(field))
        super().__init__(model, orbit, "average", found, combine)


def output_field(field: Field, task: Task) -> Field:
    """The type of the output of a task: a map on the domain, or a vector."""
    rep = task.out_rep(field.group)
    return Field(field.space, rep) if task.dense else Point().field(field.group, rep)
