"""Conjoining: one network reads every version of its input, and the answers are brought back and averaged.

For DNA the versions are the two strands. Around a network that is trained already this is post-hoc conjoining; a
network that is trained inside it learns as a conjoined (siamese) one.

Averaging over a group is the Reynolds operator of invariant theory.

Source: Zhou, Shrikumar and Kundaje 2022, PMLR 165 (strategies for the reverse complement compared).
"""

from math import log

import torch
from torch import Tensor, nn

from erlangen.blueprint import Field, Task
from erlangen.errors import FieldError, UnknownName
from erlangen.point import Point
from erlangen.symmetry import FiniteGroup

COMBINATIONS = ("mean", "probability", "max")


class Conjoin(nn.Module):
    """Any network, averaged over a finite group.

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
        super().__init__()
        found = task or getattr(model, "task", None)
        if not isinstance(field.group, FiniteGroup):
            raise FieldError(f"{field.group} is not finite, so its elements cannot all be tried")
        if not isinstance(found, Task):
            raise FieldError("what the outputs mean is not known. Fix: give task=, such as Classify(2).")
        if combine not in COMBINATIONS:
            raise UnknownName("combination", combine, COMBINATIONS)
        rep = found.out_rep(field.group)
        if combine == "max" and not rep.is_permutation:
            raise FieldError(f"the maximum does not commute with {rep}, which is no permutation. Fix: combine='mean'.")
        self.model, self.task, self.combine = model, found, combine
        self.in_field = field
        self.out_field = Field(field.space, rep) if found.dense else Point().field(field.group, rep)

    def forward(self, x: Tensor) -> Tensor:
        """Every version of x, in one batch where the shapes allow it, then the combination of the answers."""
        group = self.in_field.group
        elements = list(group.elements) if isinstance(group, FiniteGroup) else []
        versions = [self.in_field.act(g, x) for g in elements]
        if len({v.shape for v in versions}) == 1:
            answers = self.model(torch.cat(versions)).split([len(x)] * len(elements))
        else:  # axes of different sizes change places
            answers = [self.model(v) for v in versions]
        back = [self.out_field.act(group.inverse(g), y) for g, y in zip(elements, answers, strict=True)]
        stacked = torch.stack(back)
        if self.combine == "max":
            return stacked.amax(0)
        if self.combine == "probability":
            return stacked.log_softmax(2).logsumexp(0) - log(len(elements))
        return stacked.mean(0)

    def extra_repr(self) -> str:
        """The group and the combination."""
        return f"{self.in_field.group}, {self.combine}"
