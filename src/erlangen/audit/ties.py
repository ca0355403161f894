"""Ties that are broken by the order of the nodes: found by measuring again on inputs that have none."""

from typing import Any

import torch
from torch import nn

from erlangen.audit.carry import Carrier
from erlangen.audit.geometry import Reason
from erlangen.audit.localise import Row, localise
from erlangen.blueprint import Action, Signal
from erlangen.errors import ErlangenError

JITTER = 1e-3  # of the spread of the input
HELD = 0.02  # share of an error that may be left
TIES = (
    "equal values are ranked by the order in which they are listed (top-k, sort or argmax breaks ties by index): the "
    "error is gone once the inputs differ by a thousandth",
    "rank by something that tells nodes apart, keep all that tie, or pool with a sum, mean or maximum",
)


def tied(
    model: nn.Module, signal: Any, carry: Carrier, reps: tuple[Any, Any], actions: list[Action], rows: list[Row]
) -> dict[str, Reason]:
    """(cause, remedy) for every row whose error is gone when small random numbers are added to the nodes.

    Args:
        model: in evaluation mode.
        signal: the samples; only a `Signal` has nodes.
        carry: of these samples.
        reps: representations of input and output.
        actions: the elements that were tried.
        rows: what was measured; those of which nothing is left are tied.
    """
    if not isinstance(signal, Signal):
        return {}
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(signal.x.shape, generator=generator, dtype=torch.float64).to(signal.x)
    spread = float(signal.x.std()) if signal.x.numel() > 1 else 1.0
    try:
        again = localise(
            model, Signal(signal.x + JITTER * (spread or 1.0) * noise, signal.on), carry, *reps, actions, []
        )
    except ErlangenError:
        return {}
    left: dict[str, float] = {}
    for row in again:
        left[row.path] = max(left.get(row.path, 0.0), row.intrinsic or 0.0)
    return {r.path: TIES for r in rows if left.get(r.path, 0.0) <= HELD * (r.intrinsic or 0.0)}
