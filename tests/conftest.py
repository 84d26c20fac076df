"""What all tests share: a place for figures that people want to read, printed at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

_FIGURES: dict[str, str] = {}


@pytest.fixture(scope="session")
def measured() -> Callable[[str, str], None]:
    """`measured("first prompt", "0.21 s")` puts a line into the report."""
    return _FIGURES.__setitem__


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures, above pytest's closing line."""
    if _FIGURES:
        terminalreporter.section("measured")
        for name, value in _FIGURES.items():
            terminalreporter.write_line(f"{name:<60} {value}")
