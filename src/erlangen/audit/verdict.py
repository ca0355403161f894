"""Exact, approximate or broken: when an error is rounding, and when it is a symmetry that is not there."""

from dataclasses import dataclass
from math import isfinite

import torch

EXACT = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 5e-2, torch.float16: 5e-3}
APPROXIMATE = 0.1


@dataclass(frozen=True)
class Limits:
    """The limits of an audit.

    Args:
        exact: largest relative error that counts as rounding.
        approximate: largest relative error that still counts as approximate.
    """

    exact: float
    approximate: float = APPROXIMATE

    def verdict(self, worst: float) -> str:
        """ "exact", "approximate" or "broken", for the worst relative error."""
        if not isfinite(worst) or worst > self.approximate:
            return "broken"
        return "exact" if worst <= self.exact else "approximate"

    def interpolated(self, error: float, floor: float | None) -> str:
        """ "approximate" or "broken", for the mean error under actions that interpolate: at most twice their floor."""
        return "approximate" if isfinite(error) and error <= max(self.approximate, 2 * (floor or 0.0)) else "broken"


def limits_for(dtype: torch.dtype) -> Limits:
    """1e-5 in float32, 1e-12 in float64; depth does not widen them."""
    return Limits(EXACT.get(dtype, 1e-5))


def worst_of(verdicts: list[str]) -> str:
    """The worst verdict of several."""
    order = ("exact", "approximate", "broken")
    return max(verdicts, key=order.index, default="exact")


def worth_a_second_look(worst: float, limits: Limits) -> bool:
    """Whether an error is small enough to be amplified rounding, so that float64 should decide."""
    return isfinite(worst) and limits.exact < worst <= 100 * limits.exact


def declared_families(names: list[str], group: str, exact: set[str]) -> tuple[list[str], str | None]:
    """The families on which the overall verdict rests, and a remark if they are not those of the declared group.

    Args:
        names: all families that were tried.
        group: name of the declared group.
        exact: the families whose actions map the discretised domain to itself.

    A graph is a set of nodes and a set of edges, so permutations of nodes and the order of the edge list both count.
    """
    declared = [n for n in names if n in (group, "permutation", "edge order")]
    if declared:
        return declared, None
    rest = [n for n in names if n in exact] or names
    if not rest:
        return [], f"nothing could be measured: {group} has no other element that can be carried to the output"
    return rest, f"{group} has no element besides the identity here, so the verdict rests on: {', '.join(rest)}"
