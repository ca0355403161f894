"""Training: `fit`, the run folder, resuming, and export to plain torch."""

from erlangen.learn.export import export
from erlangen.learn.fit import fit
from erlangen.learn.metrics import Score, area_under_curve, dice_coefficients, evaluate
from erlangen.learn.recipe import Settings, settings_for
from erlangen.learn.run import Run
from erlangen.learn.window import sliding_window

__all__ = [
    "Run",
    "Score",
    "Settings",
    "area_under_curve",
    "dice_coefficients",
    "evaluate",
    "export",
    "fit",
    "settings_for",
    "sliding_window",
]
