"""Options of the test suite: --slow runs the slow tests, --types checks shapes and types of erlangen while it runs."""

import os

import pytest
import torch
from hypothesis import settings

pytest_plugins = ["erlangen.testing.plugin"]

settings.register_profile("erlangen", deadline=None, max_examples=25, derandomize=True, print_blob=True)
settings.load_profile("erlangen")


torch.manual_seed(0)  # some modules draw their cases when they are imported


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Every test draws the same numbers, alone or among others."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def left_to_slow(pytestconfig: pytest.Config) -> tuple[str, ...]:
    """The laws that only `--slow` asks of further layers of one class: torch's machinery takes seconds a layer."""
    return () if pytestconfig.getoption("--slow") else ("compile", "torch.export", "vmap")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow as well")
    parser.addoption(
        "--types",
        action="store_true",
        help="check jaxtyping shapes and types at run time (do not combine with tests that compile or export networks)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes longer than a few seconds; run with --slow")
    if os.environ.get("PYTEST_XDIST_WORKER"):
        torch.set_num_threads(1)  # as many workers as cores: more threads only get in each other's way
    if config.getoption("--types"):
        from jaxtyping import install_import_hook

        # The run-time checks raise false errors under torch.compile, so they are off unless asked for.
        config.stash[_HOOK] = install_import_hook("erlangen", "numeric_tower.checked")


_HOOK = pytest.StashKey()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow; run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)
