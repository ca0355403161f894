"""`compare`: a task with and without a symmetry, built in, shown, or put on afterwards."""

from erlangen.learn.compare.arms import ARMS, Arm
from erlangen.learn.compare.result import Comparison
from erlangen.learn.compare.run import compare
from erlangen.learn.compare.verdict import Contrast, Verdict

__all__ = ["ARMS", "Arm", "Comparison", "Contrast", "Verdict", "compare"]
