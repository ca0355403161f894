"""Evaluation mode for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode for the time of a `with` block; afterwards every part is as it was.

    `model.train(model.training)` would not do: it thaws parts that were frozen, such as batch norms in `eval()`.

    Args:
        model: any module.
    """
    modes = [(part, part.training) for part in model.modules() if hasattr(part, "training")]  # frozen scripts have none
    model.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
