"""What all tests share: figures that people want to read, and how tests share the two cores.

The end-to-end tests use one Asterisk and mostly wait, so they are one group that begins first and
stays on one worker; everything else runs beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ("tests.databases",)

# How long an example takes says more about who else is at the two cores than about what it tries.
settings.register_profile(
    "shared", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared")

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


def group_of(place: Path) -> str:
    """The group of a test file below this folder, "" for none."""
    return next((name for below, name in GROUPS.items() if place.is_relative_to(below)), "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    here = Path(__file__).parent
    items.sort(key=lambda item: not group_of(item.path.relative_to(here)))


class ByGroup(LoadScopeScheduling):
    """A group stays on one worker; every other test goes to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        place = Path(nodeid.partition("::")[0])
        return group_of(place.relative_to("tests")) or nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    """Groups by where a test lies: marks do not reach the process that hands tests out."""
    return ByGroup(config, log)


@pytest.fixture
def untraced() -> Iterator[None]:
    """For who measures time: counting covered lines makes Python three times as slow."""
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)


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
