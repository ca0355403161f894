"""Measure how well any network keeps a symmetry, and find the layer that loses it."""

import sys
from functools import wraps
from types import ModuleType

from erlangen.audit.carry import UnknownAction
from erlangen.audit.classes import ClassReport, LookAlike, Pair, Transition
from erlangen.audit.contribution import Contribution, contributions
from erlangen.audit.curves import Curve, error_curves
from erlangen.audit.discovery import Discovery
from erlangen.audit.lie import Derivative, lie_derivatives
from erlangen.audit.result import Audit, LayerResult
from erlangen.audit.run import audit
from erlangen.audit.scales import ScaleSeparation, scale_separation
from erlangen.audit.search import discover
from erlangen.audit.stability import StabilityCurve, stability_curves
from erlangen.audit.steady import Steadiness
from erlangen.audit.summary import ActionResult, FamilyResult
from erlangen.audit.verdict import Limits, limits_for

__all__ = [
    "ActionResult",
    "Audit",
    "ClassReport",
    "Contribution",
    "Curve",
    "Derivative",
    "Discovery",
    "FamilyResult",
    "LayerResult",
    "Limits",
    "LookAlike",
    "Pair",
    "ScaleSeparation",
    "StabilityCurve",
    "Steadiness",
    "Transition",
    "UnknownAction",
    "audit",
    "contributions",
    "discover",
    "error_curves",
    "lie_derivatives",
    "limits_for",
    "scale_separation",
    "stability_curves",
]


class _CallableModule(ModuleType):
    """This module: `erlangen.audit(model, data)` is `erlangen.audit.audit(model, data)`."""

    @wraps(audit)
    def __call__(self, *args: object, **kwargs: object) -> Audit:
        return audit(*args, **kwargs)  # type: ignore[arg-type]


sys.modules[__name__].__class__ = _CallableModule
