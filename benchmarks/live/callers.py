"""Callers by sipp: so many calls at a time to one number; who is done is followed by the next."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.live.exchange import Exchange

SCENARIO = Path(__file__).with_name("caller.xml")


@asynccontextmanager
async def callers(
    exchange: Exchange, number: str, at_a_time: int, a_second: int
) -> AsyncIterator[None]:
    """Keep so many calls up, placed at this rate, until the block ends; then all hang up."""
    tool = await asyncio.to_thread(exchange.tool, "sipp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        process = await asyncio.create_subprocess_exec(
            *(*tool.argv_prefix, f"127.0.0.1:{exchange.settings.sip_port}"),
            *("-sf", str(SCENARIO), "-i", "127.0.0.1", "-bind_local", "-nostdin"),
            *("-l", str(at_a_time), "-r", str(a_second), "-m", "1000000"),
            *("-key", "number", number, "-key", "sink", str(sink.getsockname()[1])),
            env=tool.environment(),
            cwd=exchange.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield
            if process.returncode is not None:
                raise RuntimeError(f"sipp has ended by itself: {process.returncode}")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await exchange.hang_up_all()
