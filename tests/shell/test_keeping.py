"""What ends by itself is started again, also when starting fails at first."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import cast

import pytest

from ivr import supervisor
from ivr.asterisk.process import AsteriskProcess
from ivr.errors import AsteriskUnreachable
from ivr.supervisor import ServiceProcess, supervise


class Process:
    """Stands in for a child: it runs until `end` is called, and fails to start as it is told."""

    def __init__(self, *fails: Exception | None) -> None:
        self.starts = 0
        self.stopped = False
        self.running = asyncio.Event()
        self._fails = list(fails)
        self._over = asyncio.Event()

    def end(self) -> None:
        self.running.clear()
        self._over.set()

    async def start(self, adopt: bool = True) -> bool:
        self.starts += 1
        failure = self._fails.pop(0) if self._fails else None
        if failure is not None:
            raise failure
        self._over.clear()
        self.running.set()
        return False

    async def ended(self) -> int:
        await self._over.wait()
        return 1

    async def answers(self, port: int) -> bool:
        return True

    async def stop(self) -> None:
        self.stopped = True


@pytest.mark.parametrize(
    "failure", [OSError("no more processes"), AsteriskUnreachable("was not ready")], ids=str
)
async def test_a_start_that_fails_is_tried_again(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.02)
    asterisk, service = Process(), Process(None, failure, failure)
    ready = asyncio.Event()
    supervising = asyncio.create_task(
        supervise(cast("AsteriskProcess", asterisk), cast("ServiceProcess", service), 1, ready.set)
    )
    async with asyncio.timeout(5):
        await ready.wait()
        service.end()
        await service.running.wait()
    assert (service.starts, asterisk.starts) == (4, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    await supervising
    assert (service.stopped, asterisk.stopped) == (True, True)
