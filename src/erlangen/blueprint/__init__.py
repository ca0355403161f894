"""The recipe of geometric deep learning, written once for every domain."""

from erlangen.blueprint.derive import Network, derive, network_from
from erlangen.blueprint.field import Field, Signal
from erlangen.blueprint.module import Branch, EquivariantModule, Sequential
from erlangen.blueprint.plan import Plan, PlanRow, plan_of
from erlangen.blueprint.precision import operator_costs, operator_dtype, precision
from erlangen.blueprint.space import Action, Recipe, Space, check_channels, check_signal, register_space, space_from
from erlangen.blueprint.tables import Tables
from erlangen.blueprint.task import Classify, Count, Predict, Profile, Regress, Segment, Task, task_from

__all__ = [
    "Action",
    "Branch",
    "Classify",
    "Count",
    "EquivariantModule",
    "Field",
    "Network",
    "Plan",
    "PlanRow",
    "Predict",
    "Profile",
    "Recipe",
    "Regress",
    "Segment",
    "Sequential",
    "Signal",
    "Space",
    "Tables",
    "Task",
    "check_channels",
    "check_signal",
    "derive",
    "network_from",
    "operator_costs",
    "operator_dtype",
    "plan_of",
    "precision",
    "register_space",
    "space_from",
    "task_from",
]
