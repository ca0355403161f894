"""A pytest plugin with two fixtures: put `pytest_plugins = ["erlangen.pytest"]` in the topmost conftest.py.

    def test_the_network_keeps_its_symmetry(audit_equivariance):
        audit_equivariance(model, data, in_field=field, max_error=1e-4, baseline="tests/baselines/model.json")

`pytest --update-baselines` writes the baselines that are missing and tightens those that got better.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from erlangen.audit import Audit, audit
from erlangen.audit.gates import hold_baseline
from erlangen.testing.plugin import assert_equivariant

__all__ = ["assert_equivariant", "audit_equivariance", "pytest_addoption"]

OPTION = "--update-baselines"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-baselines."""
    group = parser.getgroup("erlangen")
    group.addoption(
        OPTION, action="store_true", help="write missing baselines of audits, tighten those that got better"
    )


@pytest.fixture
def audit_equivariance(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Callable[..., Audit]:
    """`erlangen.audit`, as a test that fails with the guilty layers and their remedies.

    Args of the function it gives:
        model, data, in_field and all others: as `erlangen.audit`.
        max_error: largest relative error that passes; with neither this nor a baseline, what counts as exact.
        baseline: file with the errors of an earlier audit, which must not grow; seen from the folder of the test.
        update_baseline: whether to write or tighten that file; by default if pytest runs with --update-baselines.

    The verdict and the worst error go into the XML that `pytest --junitxml` writes.
    """
    asked = bool(request.config.getoption(OPTION, default=False))

    def check(
        model: Any,
        data: Any,
        *,
        max_error: float | None = None,
        baseline: "str | Path | None" = None,
        update_baseline: bool | None = None,
        **options: Any,
    ) -> Audit:
        found = audit(model, data, **options)
        for name, value in (("verdict", found.verdict), ("max_error", found.max_error), ("guilty", found.guilty)):
            record_property(f"erlangen {name}", value)
        if max_error is not None or baseline is None:
            found.require(max_error)
        if baseline is not None:
            hold_baseline(found, request.path.parent / baseline, asked if update_baseline is None else update_baseline)
        return found

    return check
