"""The service as a process: from its settings to its end by a signal."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import sys

import structlog

from ivr.app import Service
from ivr.asterisk.provision import ensure_asterisk, ensure_tools
from ivr.logs import configure_logging
from ivr.settings import Settings
from ivr.speech.voices import prompt_book
from ivr.start import begin

log = structlog.get_logger(__name__)

MOST_FILES = 65_536
"""Files and sockets that this process opens at most."""
THREAD_TURN = 0.0005
"""Seconds a thread (resampling a prompt) may hold the interpreter while calls wait."""


async def serve(settings: Settings) -> int:
    """Run the service until SIGINT or SIGTERM; the exit code."""
    configure_logging(settings.log_level)
    _open_as_many_as_allowed()
    plan = begin(settings)
    toolchain = await asyncio.to_thread(ensure_asterisk, settings, _log_progress)
    tools = await asyncio.to_thread(ensure_tools, settings, ("espeak-ng",), _log_progress)
    book = await prompt_book(settings, tools["espeak-ng"])
    service = Service(settings, toolchain, plan, book)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await service.start()
    # What was just built stays: the collector need not look at it again at every turn.
    gc.freeze()
    sys.setswitchinterval(THREAD_TURN)
    await stop.wait()
    await service.stop()
    return 0


def _open_as_many_as_allowed() -> None:
    """Files and sockets: the usual 1024 are soon used up by browsers, and calls need some, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _log_progress(stage: str, _: float | None) -> None:
    log.info("setting up", stage=stage)
