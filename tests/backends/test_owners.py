"""Names of processes: who has ended is known to have, and nobody else is taken for ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ivr.backends.owners import is_gone, this_process

NAMES_ITSELF = (
    "import sys; from ivr.backends.owners import this_process; "
    "print(this_process(), flush=True); sys.stdin.read()"
)


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process, and how it names itself."""
    with subprocess.Popen(
        [sys.executable, "-c", NAMES_ITSELF],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def with_part(place: int, value: str) -> str:
    parts = this_process().split("/")
    parts[place] = value
    return "/".join(parts)


def test_a_process_is_gone_from_its_end_on(other: tuple[subprocess.Popen[str], str]) -> None:
    process, name = other
    assert name != this_process()
    assert not is_gone(name)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(name), "though its parent has not waited for it yet"
    process.wait()
    assert is_gone(name)


def test_we_are_here() -> None:
    assert not is_gone(this_process())
    assert this_process() == this_process()


def test_who_has_the_number_of_another_is_not_that_other() -> None:
    assert is_gone(with_part(3, "1"))


def test_nobody_outlives_the_boot_they_began_in() -> None:
    assert is_gone(with_part(0, "an-earlier-boot"))


@pytest.mark.parametrize("name", ["", "/", "a/b/c/d/e"])
def test_who_has_no_name_may_live(name: str) -> None:
    assert not is_gone(name)


@pytest.mark.parametrize(
    ("place", "value"), [(1, "4026531836x"), (2, "-1"), (2, "0"), (2, "9" * 30), (2, "x")]
)
def test_who_cannot_be_judged_from_here_may_live(place: int, value: str) -> None:
    assert not is_gone(with_part(place, value))
