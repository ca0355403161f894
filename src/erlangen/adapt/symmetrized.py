"""A network made equivariant from outside: it reads several versions of its input, and the answers are combined."""

import copy
from math import log
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.adapt.orbit import Orbit, Part
from erlangen.blueprint import EquivariantModule, Signal, Task
from erlangen.errors import FieldError, UnknownName

COMBINATIONS = ("mean", "probability", "max")


class Symmetrized(EquivariantModule):
    """Any network f, read on a frame of its input; `symmetrize` makes it.

    Args:
        model: f, a network on the signals of the field of the orbit.
        orbit: which versions are read, with which weights.
        method: its name: "average", "canonical", "frames" or "weighted".
        task: what the outputs mean, if known.
        combine: "mean" of the answers (of a classifier: before the softmax); of an average also "probability", the
            logarithm of the mean of the softmax, or "max".
        chunk: elements of the group that go through the network together, which bounds the memory; None for all.
        frozen: keep the model as it is: no gradients for its parameters, and in evaluation mode always.
        why: why this method was chosen, in words.
        assumed: what nobody declared, in words.

    Law: F(x) = Σ_h w_h(x) ρ_out(h) f(h⁻¹x), hence F(g·x) = ρ_out(g) F(x) whatever f is.

    Raises:
        FieldError: the combination does not commute with the output, or with the weights.
        UnknownName: no such combination.
    """

    def __init__(
        self,
        model: nn.Module,
        orbit: Orbit,
        method: str,
        task: Task | None = None,
        combine: str = "mean",
        chunk: int | None = None,
        frozen: bool = False,
        why: str = "",
        assumed: tuple[str, ...] = (),
    ) -> None:
        super().__init__(orbit.in_field, orbit.out_field)
        if combine not in COMBINATIONS:
            raise UnknownName("combination", combine, COMBINATIONS)
        rep = orbit.out_field.rep
        if combine == "max" and not rep.is_permutation:
            raise FieldError(f"the maximum does not commute with {rep}, which is no permutation. Fix: combine='mean'.")
        if combine != "mean" and method != "average":
            raise FieldError(f"{combine!r} combines averages only, not {method!r}. Fix: combine='mean'.")
        if chunk is not None and chunk < 1:
            raise FieldError(f"chunk={chunk} elements at a time: at least 1, or None for all")
        self.model, self.orbit = model, orbit
        self.method, self.combine, self.chunk, self.frozen = method, combine, chunk, frozen
        self.why, self.assumed = why, assumed
        if task is not None:
            self.task = task
        self.declaration: dict[str, Any] | None = None
        self.training = orbit.training = model.training
        if frozen:
            model.requires_grad_(False)
            model.eval()

    @property
    def cost(self) -> float:
        """Passes of the network for one pass of this one, on inputs without ties."""
        return self.orbit.cost

    @property
    def exact(self) -> bool:
        """Whether the law holds to rounding for every element of the group."""
        return self.orbit.exact

    @property
    def degenerate(self) -> int:
        """Inputs seen so far that had ties or no frame of their own, such as symmetric images."""
        return self.orbit.degenerate

    @property
    def unresolved(self) -> int:
        """Those among them for which no exact frame was found."""
        return self.orbit.unresolved

    @property
    def seen(self) -> int:
        """Inputs whose frame was looked for so far; averages look for none."""
        return self.orbit.seen

    def train(self, mode: bool = True) -> "Symmetrized":
        """As `nn.Module.train`, except that a frozen model stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        return self

    def forward(self, x: Any) -> Any:
        """The combination of the answers to all versions."""
        total, signal, kept = None, False, []
        for part in self.orbit.parts(x, self.chunk):
            answer = answer_of(self.model(part.signal))
            signal = isinstance(answer, Signal)
            y = part.back(answer.x if isinstance(answer, Signal) else answer)
            if self.combine == "mean":
                total = _added(total, y, part, self.orbit.samples(x))
            else:
                kept.append(y.reshape(part.elements, self.orbit.samples(x), *y.shape[1:]))
        result = total if self.combine == "mean" else _combined(kept, self.combine)
        return Signal(result, x.on) if signal and result is not None else result

    def exact_when(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Whether the law is exact, and why."""
        return self.exact, self.orbit.reason

    def export(self) -> nn.Module:
        """The same map around the plain form of the network inside."""
        if not isinstance(self.model, EquivariantModule):
            return self
        twin = copy.copy(self)
        twin._modules = {**self._modules, "model": self.model.export()}
        return twin

    def extra_repr(self) -> str:
        """Method, group, exactness and cost."""
        words = [f"{self.method}, {self.in_field.group}", f"cost ×{self.cost:g}"]
        words += ["exact" if self.exact else f"approximate: {self.orbit.reason}"]
        words += [self.combine] if self.combine != "mean" else []
        words += ["frozen"] if self.frozen else []
        words += [f"{self.degenerate} of {self.seen} inputs degenerate"] if self.seen else []
        words += [f"assumed: {text}" for text in self.assumed]
        return ", ".join(words)


def answer_of(output: Any) -> Any:
    """The tensor or signal of an output: "logits" of a mapping or an object that has them, else the first.

    Raises:
        FieldError: there is no tensor.
    """
    if isinstance(output, (Tensor, Signal)):
        return output
    if isinstance(output, dict):
        output = [output["logits"]] if "logits" in output else list(output.values())
    elif isinstance(getattr(output, "logits", None), Tensor):
        return output.logits
    if isinstance(output, (tuple, list)):
        found = next((part for part in output if isinstance(part, (Tensor, Signal))), None)
        if found is not None:
            return found
    raise FieldError(
        f"the output is a {type(output).__name__}, which holds no tensor. Fix: return a tensor or a Signal"
    )


def _added(total: Tensor | None, y: Tensor, part: Part, samples: int) -> Tensor:
    """The sum with the weighted answers of a part."""
    weights = part.weights
    if isinstance(weights, Tensor):
        weights = weights.to(y).reshape(-1, *[1] * (y.ndim - 1))
    y = y * weights
    if part.rows is None:
        y = y.reshape(part.elements, samples, *y.shape[1:]).sum(0)
        return y if total is None else total + y
    if total is None:
        total = y.new_zeros(samples, *y.shape[1:])
    return total.index_add(0, part.rows, y)


def _combined(kept: list[Tensor], combine: str) -> Tensor:
    stacked = torch.cat(kept)
    if combine == "max":
        return stacked.amax(0)
    return stacked.log_softmax(2).logsumexp(0) - log(len(stacked))
