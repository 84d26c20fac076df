"""What is alive in Asterisk, as the Status action tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from panoramisk.message import Message

from ivr.asterisk.events import CONTACT, LEG, OURS

TOLD: Final = f"{CONTACT},{LEG},{OURS}"
"""The variables that Status is asked to tell of each channel."""
DESK: Final = "desk-"
"""How the parts of the dialplan begin to which a desk sends agents' legs."""


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """One channel as the Status action tells it; absent values are "".

    `context` is the part of the dialplan it was in last. `elsewhere`: it serves an offer of another
    node.
    """

    channel: str
    uniqueid: str
    linkedid: str
    state: str
    contact: str
    leg: str
    bridge: str
    application: str
    seconds: int
    elsewhere: bool = False
    context: str = ""

    @property
    def ours(self) -> bool:
        """Whether an offer of the distributor's is what this channel is for."""
        return bool(self.leg) or self.elsewhere


def strays(channels: Iterable[LiveChannel]) -> set[str]:
    """The legs, by offer, that a desk had sent somewhere and that are with no caller."""
    there = tuple(channels)
    callers = {each.bridge for each in there if each.contact and not each.leg}
    return {
        each.leg
        for each in there
        if each.leg and each.context.startswith(DESK) and (each.bridge or None) not in callers
    }


def live_channel(event: Message) -> LiveChannel:
    """A Status event as we need it."""
    variables = event.get("Variable", [])
    pairs = [variables] if isinstance(variables, str) else variables
    values = {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
    return LiveChannel(
        channel=event.channel,
        uniqueid=event.uniqueid,
        linkedid=event.linkedid,
        state=event.channelstatedesc,
        contact=_present(values.get(CONTACT, "")),
        leg=_present(values.get(LEG, "")),
        bridge=event.bridgeid,
        application=event.application,
        seconds=int(seconds(event.seconds)),
        elsewhere=bool(_present(values.get(OURS, ""))),
        context=event.context,
    )


def _present(value: str) -> str:
    return "" if value == "(null)" else value


def seconds(text: str) -> float:
    """Whole seconds as Asterisk writes them; 0 for anything else."""
    return float(text) if text.isdecimal() else 0.0
