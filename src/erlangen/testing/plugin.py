"""A pytest plugin with one fixture: put `pytest_plugins = ["erlangen.testing.plugin"]` in a conftest.py.

`erlangen.pytest` is a plugin with this fixture and one for audits.
"""

from collections.abc import Callable

import pytest

from erlangen.testing.report import Report, check


@pytest.fixture
def assert_equivariant() -> Callable[..., Report]:
    """`erlangen.testing.check`, as a fixture: `assert_equivariant(layer, skip=["compile"])`."""
    return check
