"""What all tests share: figures that people want to read, and how tests share the two cores.

The end-to-end tests use one Asterisk and mostly wait, so they are one group that begins first and
stays on one worker; everything else runs beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ("tests.databases",)

FIGURES = pytest.StashKey[dict[str, str]]()
GROUPS = {
    "e2e/test_cluster.py": "run",
    "e2e/test_cluster_losses.py": "run",
    "e2e": "house",
    "demo": "run",
    "setup/test_supervisor.py": "run",
}
"""Tests below these places run one after the other; the first that fits counts."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the groups; what takes longest begins first."""
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here)
        group = next((name for below, name in GROUPS.items() if place.is_relative_to(below)), "")
        if group:
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.fixture(scope="session")
def measured(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`measured("first prompt", "0.21 s")` puts a line into the report."""
    return request.config.stash[FIGURES].__setitem__


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its figures to the process that reports."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["figures"] = session.config.stash[FIGURES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """The figures of one worker."""
    node.config.stash[FIGURES].update(getattr(node, "workeroutput", {}).get("figures", {}))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The figures, above pytest's closing line."""
    if config.stash[FIGURES]:
        terminalreporter.section("measured")
        for name, value in config.stash[FIGURES].items():
            terminalreporter.write_line(f"{name:<60} {value}")
