"""What a comparison counts: which number, in which direction, and how much of a difference matters."""

from collections.abc import Mapping
from math import floor, log10
from typing import Any

from erlangen.blueprint import Classify, Task
from erlangen.errors import UnknownName
from erlangen.learn.metrics import Score

LARGER = {"accuracy": True, "balanced_accuracy": True, "auc": True, "dice": True}
SMALLER = {"mse": False, "mae": False, "loss": False}
METRICS: dict[str, bool] = LARGER | SMALLER
"""Name -> whether larger is better."""
WORDS = {"auc": "area under the ROC curve", "balanced_accuracy": "balanced accuracy", "mse": "mean squared error"}
MARGIN, RELATIVE_MARGIN = 0.01, 0.02


def chosen_metric(metric: str | None, scores: Mapping[str, Any]) -> str:
    """The metric to compare by.

    Args:
        metric: a name, or None for the default: the area under the ROC curve where there are two classes, the Dice
            coefficient where it is reported, else accuracy, else the mean squared error.
        scores: what was measured.

    Raises:
        UnknownName: the metric was not measured.
    """
    measured = [name for name in METRICS if name in scores]
    if metric is None:
        return next(name for name in ("auc", "dice", "accuracy", "mse", "loss") if name in scores)
    if metric not in measured:
        raise UnknownName("metric", metric, measured)
    return metric


def check_metric(metric: str | None, task: Task) -> None:
    """Refuse a metric that no cell will measure, before the first is trained.

    Raises:
        UnknownName: it is not measured for this task.
    """
    score = Score(task)
    if not score.counts_classes:
        measured = ["mse", "mae", "loss"]
    else:
        two = isinstance(task, Classify) and task.classes == 2
        measured = [*(["auc"] if two else []), *(["dice"] if score.overlaps else []), "accuracy"]
        measured += [*(["balanced_accuracy"] if score.by_class else []), "loss"]
    if metric is not None and metric not in measured:
        raise UnknownName("metric", metric, measured)


def margin(metric: str, typical: float) -> float:
    """The difference below which two scores count as equal: one point of a share, 2 % of an error.

    Args:
        metric: its name.
        typical: the score of the plain arm.
    """
    return MARGIN if METRICS[metric] else RELATIVE_MARGIN * abs(typical)


def in_words(metric: str) -> str:
    """The name that prints."""
    return WORDS.get(metric, metric)


def number(value: float, metric: str, like: float | None = None) -> str:
    """A score in print: four decimals of a share, three significant digits of an error (of `like`, if given)."""
    size = abs(value if like is None else like)
    decimals = 4 if METRICS[metric] or size == 0 else max(0, 2 - floor(log10(size)))
    return f"{value:.{decimals}f}"
