"""Training: `fit`, the run folder, resuming, export to plain torch; and `compare`."""

from erlangen.learn.compare import Comparison, compare
from erlangen.learn.export import export
from erlangen.learn.fit import fit
from erlangen.learn.judgement import Judgement, judge_symmetry
from erlangen.learn.metrics import Score, area_under_curve, dice_coefficients, evaluate
from erlangen.learn.recipe import Settings, settings_for
from erlangen.learn.run import Run
from erlangen.learn.symmetrized import Symmetrization, symmetrized_report
from erlangen.learn.window import sliding_window

__all__ = [
    "Comparison",
    "Judgement",
    "Run",
    "Score",
    "Settings",
    "Symmetrization",
    "area_under_curve",
    "compare",
    "dice_coefficients",
    "evaluate",
    "export",
    "fit",
    "judge_symmetry",
    "settings_for",
    "sliding_window",
    "symmetrized_report",
]
