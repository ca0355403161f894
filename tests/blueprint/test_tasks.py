"""Tasks refuse what no loss can mean."""

from collections.abc import Callable
from math import inf, nan

import numpy as np
import pytest

from erlangen import Classify, Regress, Segment
from erlangen.errors import FieldError


@pytest.mark.parametrize(
    "make",
    [
        lambda: Segment(3, dice=-1.0),
        lambda: Segment(3, dice=nan),
        lambda: Segment(3, dice=inf),
        lambda: Segment(3, dice="a"),
        lambda: Segment(0),
        lambda: Segment("3"),
        lambda: Classify(2.5),
        lambda: Classify("3"),
        lambda: Classify(True),
        lambda: Classify(3, label_smoothing=-1),
        lambda: Classify(3, label_smoothing=2),
        lambda: Classify(2, weights=(-1, 2)),
        lambda: Classify(2, weights=(0, 0)),
        lambda: Regress(0),
    ],
)
def test_numbers_that_mean_nothing(make: Callable[[], object]) -> None:
    with pytest.raises(FieldError, match=r"whole number|at least 0|share in|not negative"):
        make()


def test_numbers_of_numpy_are_numbers() -> None:
    assert type(Classify(np.int64(3)).classes) is int
