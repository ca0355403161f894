"""The conformance suite: every promise an equivariant module makes, checked in one call.

    from erlangen.testing import check

    check(MyLayer(field, field))      # raises LawError naming the laws that fail, else returns a report

In pytest, `pytest_plugins = ["erlangen.testing.plugin"]` in a conftest.py gives the fixture `assert_equivariant`.
"""

from erlangen.testing.mathematics import (
    law_batch,
    law_empty,
    law_float32,
    law_float64,
    law_gradients,
    law_output,
    law_repr,
    law_training,
    law_zeros,
)
from erlangen.testing.parameters import law_complete, law_parameters
from erlangen.testing.practice import (
    law_autocast,
    law_bfloat16,
    law_compile,
    law_deepcopy,
    law_memory_formats,
    law_pickle,
    law_plain,
    law_state_dict,
    law_torch_export,
    law_vmap,
)
from erlangen.testing.report import Report, check
from erlangen.testing.subject import LAWS, Finding, Subject, relative_error
from erlangen.testing.translation import law_translation

__all__ = [
    "LAWS",
    "Finding",
    "Report",
    "Subject",
    "check",
    "law_autocast",
    "law_batch",
    "law_bfloat16",
    "law_compile",
    "law_complete",
    "law_deepcopy",
    "law_empty",
    "law_float32",
    "law_float64",
    "law_gradients",
    "law_memory_formats",
    "law_output",
    "law_parameters",
    "law_pickle",
    "law_plain",
    "law_repr",
    "law_state_dict",
    "law_torch_export",
    "law_training",
    "law_translation",
    "law_vmap",
    "law_zeros",
    "relative_error",
]
