"""What the desk asks of Asterisk: about the agent's own leg, never a name it was given.

A transfer is the one that the phone's own button makes (`BlindTransfer` on the agent's channel):
the caller goes to `[transferred]` in the dialplan and comes back to the service with the same
contact. Holding is done on the phone, which says so to Asterisk and plays its music.
"""

from __future__ import annotations

from ivr.asterisk.ami import AmiClient

CONTEXT = "transferred"


class AsteriskPhones:
    """Over AMI; raises AsteriskRefused and AsteriskUnreachable."""

    def __init__(self, ami: AmiClient) -> None:
        self._ami = ami

    async def hang_up(self, channel: str) -> None:
        """See `Phones`."""
        await self._ami.hangup(channel)

    async def transfer(self, channel: str, target: str) -> None:
        """See `Phones`."""
        await self._ami.action("BlindTransfer", Channel=channel, Context=CONTEXT, Exten=target)
