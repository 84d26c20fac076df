"""Calls that begin here: Asterisk dials somebody, and who answers enters the dialplan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ivr.asterisk.fence import Value


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One call: `to` as in `ivr.reach.Way.dial`, for at most `seconds`, then on in `context`.

    `identity` becomes the channel's unique id: Asterisk refuses a second channel of the same, so
    one call can never become two. `caller` is the name and the number that the phone shows.
    """

    to: str
    identity: str
    context: str
    seconds: float
    caller: tuple[str, str] = ("", "")
    variables: Mapping[str, str] = field(default_factory=dict)


class Acting(Protocol):
    """The one thing that is asked of AMI."""

    async def action(self, name: str, /, *, timeout: float | None = None, **fields: Value) -> Any:
        """The response to one action."""
        ...


async def originate(ami: Acting, call: Outgoing) -> None:
    """Begin the call; what comes of it is told by events.

    Raises:
        AsteriskRefused: there is no such call.
        AsteriskUnreachable: nobody knows whether there is.
    """
    name, number = call.caller
    fields: dict[str, Value] = {
        "Channel": call.to,
        "ChannelId": call.identity,
        "Context": call.context,
        "Exten": "s",
        "Priority": 1,
        "CallerID": f'"{name}" <{number}>',
        "Async": "true",
        "Variable": dict(call.variables),
    }
    fields["Timeout"] = int(call.seconds * 1000)
    await ami.action("Originate", timeout=None, **fields)
