"""The log is for people; it must never take a call along."""

from __future__ import annotations

import errno
import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from acd.records.database import open_records
from ivr.logs import configure_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = [*root.handlers], root.level
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


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


async def test_what_a_library_says_is_a_fact_like_any_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alembic tells of every table that it makes at the first start."""
    configure_logging("info")
    configure_logging("info")
    engine = await open_records(f"sqlite+aiosqlite:///{tmp_path}/records.sqlite")
    await engine.dispose()
    lines = capsys.readouterr().err.splitlines()
    assert any("logger=alembic" in line for line in lines)
    assert [line for line in lines if not line.startswith("timestamp=")] == []
    assert len(lines) == len(set(lines))


def test_a_librarys_fault_keeps_its_traceback_in_the_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("info")
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("library").exception("it stumbled 100%")
    (line,) = capsys.readouterr().err.splitlines()
    assert 'event="it stumbled 100%"' in line
    assert "ValueError: odd" in line
    assert "level=error" in line
