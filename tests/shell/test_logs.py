"""The log is for people; it must never take a call along."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Iterator

import pytest
import structlog

from ivr.logs import configure_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_a_line_is_a_fact_with_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    structlog.get_logger("test").info("agent paused", agent="1001", reason='so "to" say')
    line = capsys.readouterr().err
    assert "level=info" in line
    assert 'event="agent paused"' in line
    assert "agent=1001" in line


def test_what_is_below_the_level_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning")
    structlog.get_logger("test").info("nothing of note")
    assert capsys.readouterr().err == ""


class Full(io.StringIO):
    """A file on a disk that has no room left."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_loses_the_line_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("info")
    log = structlog.get_logger("test")
    with monkeypatch.context() as full:
        full.setattr(sys, "stderr", Full())
        log.error("no room", why="the disk is full")
    log.error("room again")
    assert "room again" in capsys.readouterr().err
