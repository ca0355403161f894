"""Which versions of an input a symmetrised network reads, with which weights, and how the answers are brought back.

Every method is one sum, F(x) = Σ_h w_h(x) ρ_out(h) f(h⁻¹x), over a frame: elements h with weights that follow the
input, frame(g·x) = g·frame(x). Averages take the whole group, canonical forms one element, or all that tie.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from erlangen.blueprint import Field
from erlangen.symmetry import FiniteGroup

TIE = 1e-6  # scores that differ by less, relative to their size, tie


class Part(NamedTuple):
    """Versions of some samples, which go through the network together.

    Args:
        signal: the versions h⁻¹x.
        rows: [P] the sample that every version is of; None where they are all samples, once for every element.
        weights: [P] what every version counts, or one number for all.
        back: `back(answers)` is ρ_out(h) f(h⁻¹x) of every version.
        elements: how many elements of the group are in it.
    """

    signal: Any
    rows: Tensor | None
    weights: Tensor | float
    back: Callable[[Tensor], Tensor]
    elements: int = 1


class Orbit(nn.Module):
    """A frame. Subclasses say which versions there are.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        exact: whether the law of the sum holds to rounding, for every element of the group.
        cost: passes of the network for one pass of the sum.
        reason: why it is exact or not, in words.
    """

    def __init__(self, in_field: Field, out_field: Field, exact: bool, cost: float, reason: str) -> None:
        super().__init__()
        self.in_field, self.out_field = in_field, out_field
        self.exact, self.cost, self.reason = exact, cost, reason
        self.seen = self.degenerate = self.unresolved = 0

    def parts(self, x: Any, chunk: int | None) -> Iterator[Part]:
        """The versions of a batch.

        Args:
            x: the batch.
            chunk: elements of the group that go through the network together; None for all.
        """
        raise NotImplementedError

    def samples(self, x: Any) -> int:
        """How many rows the output has."""
        return x.shape[0]  # not len, which an export would fix

    @property
    def static(self) -> bool:
        """Whether the same versions are read of every input, so that the sum can be exported as a program."""
        return False

    def count(self, degenerate: Tensor, unresolved: Tensor | None = None) -> None:
        """Take note of inputs whose frame is not one element only, and of those where no exact one was found."""
        self.seen += degenerate.numel()
        self.degenerate += int(degenerate.sum())
        self.unresolved += 0 if unresolved is None else int(unresolved.sum())


class ListedOrbit(Orbit):
    """Elements that are the same for every input: all of a finite group, or a sample of another.

    Args:
        in_field: type of the input.
        out_field: type of the output.
        elements: of the group; with scores, all elements of a finite group.
        exact: whether they are the whole group, and none interpolates.
        reason: why, in words.
        score: `score(x)`, [B] numbers by which versions compete; or [B, |G|] if it has an `out_field`, a network into
            the regular representation, whose channel h scores the version h⁻¹x. None weighs all alike.
        temperature: of the weights, softmax(score / temperature); 0 takes the versions with the largest score.
        tie: scores closer than this, relative to their size, are equal.

    Law: w_gh(g·x) = w_h(x), since both are made of the scores of the same versions.
    """

    def __init__(
        self,
        in_field: Field,
        out_field: Field,
        elements: list[Any],
        exact: bool,
        reason: str,
        score: nn.Module | None = None,
        temperature: float = 0.0,
        tie: float = TIE,
    ) -> None:
        chosen = score is not None and temperature == 0
        super().__init__(in_field, out_field, exact, 1.0 if chosen else float(len(elements)), reason)
        self.elements, self.score, self.temperature, self.tie = elements, score, temperature, tie

    def weights(self, x: Tensor) -> Tensor | None:
        """[B, K] what every version counts; None for all alike."""
        if self.score is None:
            return None
        if self.temperature > 0:
            return (self.scores(x) / self.temperature).softmax(1)
        with torch.no_grad():
            scores = self.scores(x)
        unit: Any = getattr(self.score, "unit", 0.0)
        size = scores.abs().amax(1, keepdim=True).clamp_min(unit)
        tied = scores >= scores.amax(1, keepdim=True) - self.tie * size
        self.count(tied.sum(1) > 1)
        return tied / tied.sum(1, keepdim=True)

    def scores(self, x: Tensor) -> Tensor:
        """[B, K] the score of the version h⁻¹x for every element h."""
        score = self.score
        if getattr(score, "out_field", None) is not None:
            return score(x)  # type: ignore[misc]
        return torch.stack([score(self._moved(h, x)).reshape(len(x)) for h in self.elements], 1)  # type: ignore[misc]

    @property
    def static(self) -> bool:
        """Whether every version is read: all but canonical forms."""
        return self.score is None or self.temperature > 0

    def parts(self, x: Tensor, chunk: int | None) -> Iterator[Part]:
        """The versions, element by element, in batches of at most `chunk` times as many as there are samples."""
        if not self.static:
            yield from self._chosen(x, chunk)
            return
        weights, held = self.weights(x), []
        for k, h in enumerate(self.elements):
            version = self._moved(h, x)
            if held and (len(held) == chunk or held[0][1].shape[1:] != version.shape[1:]):
                yield self._every(held, weights)
                held = []
            held.append((k, version))
        yield self._every(held, weights)

    def _every(self, held: list[tuple[int, Tensor]], weights: Tensor | None) -> Part:
        """All samples moved by a few elements."""
        numbers, versions = [k for k, _ in held], [v for _, v in held]
        share = 1.0 / len(self.elements) if weights is None else weights[:, numbers].T.flatten()

        def back(y: Tensor) -> Tensor:
            pieces = y.reshape(len(numbers), versions[0].shape[0], *y.shape[1:]).unbind(0)
            return torch.cat([self.out_field.act(self.elements[k], y) for k, y in zip(numbers, pieces, strict=True)])

        return Part(torch.cat(versions), None, share, back, len(numbers))

    def _chosen(self, x: Tensor, chunk: int | None) -> Iterator[Part]:
        """The samples of which the version by an element is a canonical form."""
        weights = self.weights(x)
        if weights is None or not len(x):
            yield self._every([(0, self._moved(self.elements[0], x))], None)
            return
        room = (chunk or len(self.elements)) * len(x)
        held: list[tuple[int, Tensor, Tensor]] = []
        for k, h in enumerate(self.elements):
            rows = weights[:, k].nonzero().flatten()
            if not len(rows):
                continue
            version = self._moved(h, x[rows])
            full = sum(len(r) for _, r, _ in held) + len(rows) > room
            if held and (full or held[0][2].shape[1:] != version.shape[1:]):
                yield self._some(held, weights)
                held = []
            held.append((k, rows, version))
        yield self._some(held, weights)

    def _moved(self, h: Any, x: Tensor) -> Tensor:
        return self.in_field.act(self.in_field.group.inverse(h), x)

    def _some(self, held: list[tuple[int, Tensor, Tensor]], weights: Tensor) -> Part:
        """Some samples, each moved by its own element."""
        rows = torch.cat([r for _, r, _ in held])
        counts = [len(r) for _, r, _ in held]
        share = torch.cat([weights[r, k] for k, r, _ in held])

        def back(y: Tensor) -> Tensor:
            pieces = zip(held, y.split(counts), strict=True)
            return torch.cat([self.out_field.act(self.elements[k], piece) for (k, _, _), piece in pieces])

        return Part(torch.cat([v for _, _, v in held]), rows, share, back, len(held))


def all_elements(field: Field) -> tuple[list[Any], bool, str]:
    """All elements of the finite group of a field; whether none of them interpolates; and that in words."""
    group = field.group
    if not isinstance(group, FiniteGroup):
        return [], False, f"{group} cannot be listed"
    kept = field.space.exact_elements(group)
    if kept is None or len(kept) == len(group.table):
        return list(group.elements), True, f"the sum is over all {len(group.table)} elements of {group}"
    words = f"{len(group.table) - len(kept)} of the {len(group.table)} elements of {group} interpolate"
    return list(group.elements), False, words
