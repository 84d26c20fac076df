"""What the supervisor does with a process that ends: it is started again, sooner or later."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from ivr import supervisor


@pytest.mark.parametrize(
    ("code", "pauses"), [(0, [0.001, 0.001, 0.001]), (1, [0.002, 0.004, 0.008])]
)
async def test_who_was_asked_to_end_starts_at_once_and_who_fails_again_and_again_ever_later(
    code: int, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.001)
    started = 0
    enough = asyncio.Event()

    async def ended() -> int:
        return code

    async def start() -> None:
        nonlocal started
        started += 1
        if started == len(pauses):
            enough.set()
            await asyncio.Event().wait()

    with capture_logs() as logs:
        keeping = asyncio.create_task(supervisor.keep("service", ended, start))
        async with asyncio.timeout(5):
            await enough.wait()
        keeping.cancel()
        await asyncio.wait([keeping])
    assert [each["in_seconds"] for each in logs] == pauses
