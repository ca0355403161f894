"""The optimiser, its schedule, and the running average of the weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import cos, pi
from typing import Any

import torch
from torch import Tensor, nn

from erlangen.errors import RunError
from erlangen.learn.recipe import Settings


def build_optimizer(model: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimiser of a model; only matrices and kernels decay, biases and norms do not.

    Raises:
        RunError: the model has nothing to train.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise RunError(f"{type(model).__name__} has no parameter that requires a gradient: nothing to train")
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [g for g in groups if g["params"]]
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=settings.lr, momentum=0.9, nesterov=True, fused=True)
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=settings.lr, fused=True)


def learning_rate(settings: Settings, fraction: float) -> float:
    """The learning rate when `fraction` of the run, in [0, 1], is over.

    Law: lr · f/w while f < w, then lr · (1 + cos π(f-w)/(1-w))/2 ("one-cycle") or lr ("constant").

    Source: the cosine is Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5, one cycle.
    """
    if fraction < settings.warmup:
        # the first step has f = 0: it moves too, by the rate of one percent of the warm-up
        return settings.lr * max(fraction / settings.warmup, 0.01)
    if settings.schedule == "constant":
        return settings.lr
    done = (min(fraction, 1.0) - settings.warmup) / (1.0 - settings.warmup)
    return settings.lr * 0.5 * (1.0 + cos(pi * done))


class Average:
    """Exponential moving average of everything a model computes with: parameters and floating buffers.

    Averaging the buffers too keeps the statistics of batch norm in step with the averaged weights.

    Args:
        model: the model to follow.
        decay: share of the old average that a step keeps, at most; less early on, so that the start is forgotten.

    Law: a ← a + (1 - d_t)(w - a), d_t = min(decay, (1+t)/(10+t)).

    Source: Polyak and Juditsky 1992, SIAM J. Control Optim. 30(4); the form of d_t is TensorFlow's.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self._followed = followed_tensors(model)
        self._average = [t.detach().clone() for t in self._followed]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step."""
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        torch._foreach_lerp_(self._average, self._followed, 1.0 - keep)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the average into the model for the time of a `with` block."""
        with torch.no_grad():
            live = [t.detach().clone() for t in self._followed]
            torch._foreach_copy_(self._followed, self._average)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self._followed, live)

    def state_dict(self) -> dict[str, Any]:
        """The average and its age."""
        return {"steps": self.steps, "average": self._average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved average."""
        self.steps = state["steps"]
        with torch.no_grad():
            torch._foreach_copy_(self._average, list(state["average"]))


def followed_tensors(model: nn.Module) -> list[Tensor]:
    """Parameters and floating-point buffers, in a fixed order, each once."""
    return [*model.parameters(), *(b for b in model.buffers() if b.is_floating_point())]
