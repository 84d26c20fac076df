"""Asterisk's configuration as it should be now, and whether Asterisk has read it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ivr.asterisk.provision import Toolchain
from ivr.plans import Plan
from ivr.settings import Settings
from ivr.site import build_site, write_configuration

RELOADS = ("module reload res_pjsip.so", "dialplan reload")


class Instructing:
    """`command` runs a line on Asterisk's console; what it raises is raised here."""

    def __init__(
        self,
        settings: Settings,
        toolchain: Toolchain,
        plan: Callable[[], Plan],
        command: Callable[[str], Awaitable[object]],
    ) -> None:
        self._settings, self._toolchain = settings, toolchain
        self._plan, self._command = plan, command
        self._untold = False  # Asterisk has not read its configuration as it is now

    async def write(self) -> None:
        """Write it anew and have it read."""
        plan = self._plan()
        site = build_site(self._settings, self._toolchain, plan.floor, plan.numbers)
        if await asyncio.to_thread(write_configuration, site):
            self._untold = True
        await self.tell()

    async def tell(self) -> None:
        """Have Asterisk read it, if it has not read it as it is now."""
        if self._untold:
            for line in RELOADS:
                await self._command(line)
            self._untold = False
