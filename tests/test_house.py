"""The rules of the house that a machine can check: who may import whom, and how long a file is."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PACKAGES = ("ivr", "acd")
FILES = sorted(file for package in PACKAGES for file in (CHECKOUT / package).rglob("*.py"))
LONGEST_FILE = 400

CORE = (
    "ivr.flow.model",
    "ivr.flow.actions",
    "ivr.flow.running.interpreter",
    "ivr.flow.calendar",
    "ivr.agi.environment",
    "ivr.agi.protocol",
    "ivr.asterisk.events",
    "acd.model",
    "acd.agents",
    "acd.matching",
    "acd.engine",
    "acd.checks",
    "acd.codec",
    "acd.deadlines",
    "acd.floor",
    "acd.livefloor",
    "acd.state",
    "acd.views",
    "acd.words",
    "acd.continuations",
    "acd.events",
    "acd.commands",
    "acd.order",
    "acd.strategies",
    "acd.relax",
    "acd.estimate",
    "acd.outlook",
    "acd.room",
    "acd.explain",
    "acd.service_level",
    "acd.pools",
    "acd.lane",
    "acd.due",
    "acd.rules",
    "acd.records.contact",
    "acd.simulation.run",
    "acd.simulation.summary",
    "acd.simulation.replay",
)
# Standard, but they read a clock, roll dice or reach outside: to the core these are arguments.
IMPURE = {
    "asyncio",
    "http",
    "multiprocessing",
    "os",
    "secrets",
    "select",
    "selectors",
    "signal",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
}


def module_name(file: Path) -> str:
    parts = file.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): file for file in FILES}


@cache
def imports(module: str) -> frozenset[str]:
    """What a module imports, as full names; a submodule also brings its package."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    return frozenset(name for node in ast.walk(tree) for name in imported(node, module))


def imported(node: ast.AST, module: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{module}: relative imports hide the direction"
        base = node.module or ""
        for alias in node.names:
            full = f"{base}.{alias.name}"
            yield full if full in MODULES else base


def reached(module: str) -> set[str]:
    """The module and everything of ours it brings in, directly or not."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current in MODULES and current not in found:
            found.add(current)
            waiting += imports(current)
    return found


@pytest.mark.parametrize("module", CORE)
def test_the_core_stands_on_nothing_but_the_standard_library(module: str) -> None:
    assert module in MODULES
    for inner in reached(module):
        names = {name for name in imports(inner) if name not in MODULES}
        foreign = {name.split(".")[0] for name in names} - sys.stdlib_module_names
        assert not foreign, f"{module} reaches {inner}"
        assert not [part for part in IMPURE if any_of(part, names)], f"{module} reaches {inner}"


def test_the_distributor_knows_nothing_of_telephony() -> None:
    guilty = [m for m in MODULES if m.split(".")[0] == "acd" if any_of("ivr", imports(m))]
    assert not guilty


def any_of(package: str, names: Collection[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for name in names)


def test_only_the_command_line_knows_who_composes() -> None:
    users = {m for m in MODULES if "ivr.app" in imports(m)}
    assert all(module.startswith("ivr.cli.") for module in users)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CHECKOUT)))
def test_no_file_hides_a_second_idea(file: Path) -> None:
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{lines} lines: split it where the second idea begins"
