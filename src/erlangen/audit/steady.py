"""Is the network a function of one sample at all? The same input twice, and the same sample in other company."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from erlangen.audit.measure import norms, relative, tensor
from erlangen.audit.probe import forward


@dataclass(frozen=True)
class Steadiness:
    """Errors of a network against itself, under no motion at all.

    Args:
        repeat: worst relative difference of two runs on the same input; above rounding, the network is random.
        company: worst relative difference between a sample's output in the whole batch and in half; above rounding,
            samples depend on each other (batch statistics). None if there is one sample only.
    """

    repeat: float
    company: float | None

    def words(self, limit: float) -> str | None:
        """What is wrong, if anything is."""
        if self.repeat > limit:
            return f"two runs on the same input differ by {self.repeat:.1e}: the network is random in evaluation mode"
        if self.company is not None and self.company > limit:
            return f"a sample's output changes by {self.company:.1e} with the other samples of its batch"
        return None


def steadiness(model: nn.Module, signal: Any, half: Any, output: Any) -> Steadiness:
    """Run again, and run the first half of the samples alone.

    Args:
        model: in evaluation mode.
        signal: a chunk of samples.
        half: its first half, or None.
        output: the output on the chunk.
    """
    again = tensor(forward(model, signal))
    first = tensor(output)
    repeat = _difference(again, first)
    if half is None:
        return Steadiness(repeat, None)
    alone = tensor(forward(model, half))
    if alone.shape[1:] != first.shape[1:] or len(alone) >= len(first):
        return Steadiness(repeat, None)
    return Steadiness(repeat, _difference(alone, first[: len(alone)]))


def _difference(a: Tensor, b: Tensor) -> float:
    return float(relative(norms(a - b), norms(b), norms(a)).max()) if a.shape == b.shape else float("inf")
