"""Generators of one-parameter groups, and the Lie algebra of those combinations that a network keeps."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

ROUNDING = 1e-8  # response below which a symmetry is called exact


@dataclass(frozen=True)
class Generator:
    """One generator of a Lie algebra, as it moves inputs and outputs.

    Args:
        name: such as "rotation" or "E12".
        move: x → A·x.
        carry: (x, f(x)) → A·f(x).
        matrix: [d, d] if it is a matrix on vectors.
    """

    name: str
    move: Callable[[Tensor], Tensor]
    carry: Callable[[Tensor, Tensor], Tensor]
    matrix: np.ndarray | None = None


@dataclass(frozen=True)
class Combination:
    """One combination of generators, judged on samples it was not found on.

    Args:
        coefficients: v, of unit length.
        response: r(v) relative to random changes of the input of the same size, or to the motion of the output if that
            is smaller.
        interval: bootstrap interval of that, at 95 % for all combinations together.
        p_value: of the test that the response is as large as the tolerance or larger (Student's, on the logarithm),
            times the number of tests (Bonferroni); small values speak for a symmetry.
        share: at least this share of such inputs respond by no more than the tolerance (Clopper–Pearson, at 95 % for
            all combinations together).
        symmetry: whether the p-value is at most 1 % and the share at least one half. Responses are skewed, and
            Student's test then rejects up to four times too often, so that 1 % keeps the promise of 5 %.
    """

    coefficients: tuple[float, ...]
    response: float
    interval: tuple[float, float]
    p_value: float
    share: float
    symmetry: bool


@dataclass(frozen=True)
class Algebra:
    """The continuous symmetries of a network.

    Args:
        generators: names of A_1 … A_p.
        combinations: p of them or fewer, from the best kept to the worst.
        dimension: how many are symmetries.
        basis: the same symmetries in combinations of as few generators as elimination finds, for reading.
        names: what is known in their span, such as ("so(3)",); empty if nothing is.
        named: dimension of what the names span.
        closed: how far commutators of the symmetries leave their span, 0 for an algebra; None without matrices.
        unmoved: combinations that do not move these data, about which nothing can be said.
        tolerance: largest response of a symmetry.
    """

    generators: tuple[str, ...]
    combinations: tuple[Combination, ...]
    dimension: int
    basis: tuple[tuple[float, ...], ...]
    names: tuple[str, ...]
    named: int
    closed: float | None
    unmoved: int
    tolerance: float

    @property
    def labels(self) -> tuple[str, ...]:
        """The names; what has none, as combinations of generators."""
        found = list(self.names) or [f"exp t({self.words(v)})" for v in self.basis]
        if self.names and self.named < self.dimension:
            found.append(f"{self.dimension - self.named} more generators")
        return tuple(found if self.exact else [f"{label}, approximately" for label in found])

    @property
    def exact(self) -> bool:
        """Whether the responses of all symmetries are rounding."""
        return all(c.response <= ROUNDING for c in self.combinations if c.symmetry)

    @property
    def gap(self) -> tuple[float, float] | None:
        """(largest response of a symmetry, smallest of the rest), if there are both."""
        kept = [c.response for c in self.combinations if c.symmetry]
        rest = [c.response for c in self.combinations if not c.symmetry]
        return (max(kept), min(rest)) if kept and rest else None

    def words(self, coefficients: tuple[float, ...], most: int = 4) -> str:
        """A combination as a sum, "E12 − 0.5 E21"; parts below a tenth of the largest are left out.

        Args:
            coefficients: one number a generator.
            most: at most so many parts.
        """
        sizes = np.abs(coefficients)
        order = [int(i) for i in np.argsort(-sizes, kind="stable") if sizes[i] > 0.1 * sizes.max()]
        text = ""
        for i in order[:most]:
            value = coefficients[i] * (1 if coefficients[order[0]] > 0 else -1)
            sign = ("" if value > 0 else "−") if not text else (" + " if value > 0 else " − ")
            factor = "" if abs(abs(value) - 1) < 5e-3 else f"{abs(value):.2g} "
            text += f"{sign}{factor}{self.generators[i]}"
        return text + (" …" if len(order) > most else "")


def readable(span: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """A basis of the same span with many zeros, by elimination with the largest pivots.

    Args:
        span: [k, p] independent rows.

    Returns:
        k rows, each with a one where the others have zeros.
    """
    rows = np.array(span, dtype=float)
    pivots: list[int] = []
    for step in range(len(rows)):
        rest = np.abs(rows[step:])
        i, j = np.unravel_index(int(rest.argmax()), rest.shape)
        rows[[step, step + i]] = rows[[step + i, step]]
        rows[step] /= rows[step, j]
        others = np.arange(len(rows)) != step
        rows[others] -= np.outer(rows[others, j], rows[step])
        pivots.append(int(j))
    return tuple(tuple(float(v) for v in rows[i]) for i in np.argsort(pivots))
