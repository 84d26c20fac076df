"""Ends what is left of calls with a node that is gone, machine and all.

Its Asterisk cannot end them any more: caller and agent would hear silence until no sound has come
for a minute. A node counts as gone when neither its service nor its Asterisk is heard: each of the
two comes back by itself while the other carries on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

import structlog

from ivr.errors import AsteriskRefused, AsteriskUnreachable
from ivr.places import phones
from ivr.squaring import Alive

log = structlog.get_logger(__name__)

LOOK = 2.0
"""Seconds between two looks."""


class LostNodes:
    """`lost` names the nodes whose service has not been heard for long."""

    def __init__(
        self,
        asterisk: Alive,
        lost: Callable[[], Collection[str]],
        hang_up: Callable[[str], None],
    ) -> None:
        self._asterisk, self._lost, self._hang_up = asterisk, lost, hang_up

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self.look()
            except (AsteriskRefused, AsteriskUnreachable) as why:
                log.warning("asterisk could not be asked about other nodes", why=str(why))

    async def look(self) -> None:
        """Hang up every line to a node that is gone."""
        lost = {f"node-{node}" for node in self._lost()}
        if not lost:
            return
        gone = tuple(f"PJSIP/{each}-" for each in lost - await phones(self._asterisk))
        for line in await self._asterisk.channels():
            if line.channel.startswith(gone):
                log.warning("the other end is gone", channel=line.channel, contact=line.contact)
                self._hang_up(line.channel)
