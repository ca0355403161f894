"""Labels and scores of classes under a motion of the samples."""

import torch
from torch import Tensor

from erlangen.audit.carry import Carrier
from erlangen.blueprint import Action


def score_change(f_gx: Tensor, g_fx: Tensor) -> Tensor:
    """|p_c(g·x) − p_c(x)| of every sample, [n], where c is the class predicted for x and p the softmax of the scores.

    Args:
        f_gx: [n, K] scores of the moved samples.
        g_fx: [n, K] scores of the samples, moved as the group moves classes.
    """
    before, after = g_fx.double().softmax(1), f_gx.double().softmax(1)
    predicted = g_fx.argmax(1, keepdim=True)
    return (after - before).gather(1, predicted).abs()[:, 0].cpu()


def carry_targets(
    carry: Carrier, action: Action, targets: Tensor, predicted: Tensor, image: Tensor | None
) -> Tensor | None:
    """Labels of the moved samples: those of samples stay, those of points move with the points.

    Args:
        carry: how the action moves values.
        action: the motion.
        targets: [n] or [n, *space] labels of the samples; -1 is none.
        predicted: the classes that the network gives to the moved samples.
        image: [K] where the group takes every class; None where classes stay.

    Returns:
        Labels of the shape of `predicted`; None where they are not known.
    """
    if targets.shape != predicted.shape:
        return None
    if carry.on is not None and len(targets) == carry.rows:
        found = targets[carry.order(action, carry.rows)]
    elif targets.ndim > 1:
        if not action.exact:
            return None
        found = carry.move(action, targets[:, None].double(), None)[:, 0].round().long()
    else:
        found = targets
    return found if image is None else torch.where(found < 0, found, image.to(found.device)[found.clamp(min=0)])


def hits(output: Tensor, targets: Tensor) -> Tensor:
    """Share of right labels of every sample, [n]; NaN where a sample has none."""
    if targets.shape != output.shape[:1] + output.shape[2:]:
        return torch.full((len(output),), float("nan"), dtype=torch.float64)
    known = (targets >= 0).reshape(len(output), -1)
    right = (output.argmax(1) == targets).reshape(len(output), -1) & known
    return right.double().sum(1) / known.double().sum(1)
