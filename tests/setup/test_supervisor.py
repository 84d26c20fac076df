"""`tieline run`: one command up, Ctrl-C down, and what ends by itself is started again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.house import free_ports

pytestmark = pytest.mark.e2e

NAMES = ("SIP_PORT", "AGI_PORT", "AMI_PORT", "CONSOLE_PORT", "WEB_PORT")


class Running:
    """`tieline run` in a folder of its own, its output in a file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.output = folder, folder / "output"
        ports = dict(
            zip((f"TIELINE_{name}" for name in NAMES), map(str, free_ports(5)), strict=True)
        )
        self.environment = {
            **os.environ,
            **ports,
            "TIELINE_HOME": str(folder / "home"),
            "TIELINE_RTP_START": "34000",
            "TIELINE_RTP_END": "34100",
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ivr", "run"],
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def says(self) -> str:
        return self.output.read_text()

    def until(self, what: Callable[[], object], timeout: float = 40) -> None:
        deadline = time.monotonic() + timeout
        while not what():
            assert time.monotonic() < deadline, self.says()
            assert self.process.poll() is None, self.says()
            with subprocess.Popen(["true"]) as moment:
                moment.wait()

    def tieline(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ivr", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def service(self) -> list[int]:
        """The processes that serve this installation.

        A process that this one has just forked bears its name until it becomes another program,
        so children of one that serves do not count.
        """
        parents: dict[int, int] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().split(b"\0")
                environment = (folder / "environ").read_bytes()
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if b"serve" in command and str(self.folder / "home").encode() in environment:
                parents[int(folder.name)] = parent
        return [process for process, parent in parents.items() if parent not in parents]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGINT)
        running.process.wait(30)


def test_run_comes_up_serves_heals_itself_and_leaves_nothing_behind(running: Running) -> None:
    running.until(lambda: "Ctrl-C stops everything" in running.says())
    banner = running.says()
    for word in ("call 4001", "call 4002", "agent 1001", "password", "acd help", "logs"):
        assert word in banner
    assert re.search(r"127\.0\.0\.1:\d+", banner)
    assert running.tieline("doctor").returncode == 0
    assert "appointments has 0 calls" in running.tieline("show", "queues").stdout

    (killed,) = running.service()
    os.kill(killed, signal.SIGKILL)
    running.until(lambda: running.service() not in ([], [killed]))
    running.until(lambda: running.tieline("show", "queues").returncode == 0)

    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(30) == 0
    assert running.service() == []
    assert "not running" in running.tieline("doctor").stdout
    stopped = running.tieline("show", "queues")
    assert stopped.returncode == 1
    assert "tieline run" in stopped.stderr + stopped.stdout
