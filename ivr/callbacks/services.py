"""What callbacks need of the house around them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from acd.dispatch import Distributing
from ivr.asterisk.fence import Value
from ivr.backends.callbacks import Promises
from ivr.backends.do_not_call import DoNotCall
from ivr.channels.caller_card import CallerCard
from ivr.floor.calling import Calling
from ivr.flow.actions import Queue
from ivr.flow.running.state import State
from ivr.legs import Legs
from ivr.live import LiveContact, LiveContacts
from ivr.reach import Reach
from ivr.threads.book import Thread


class Dialling(Protocol):
    """What this module asks of AMI."""

    @property
    def connected(self) -> bool:
        """Whether Asterisk can be asked for anything."""
        ...

    async def action(self, name: str, /, *, timeout: float | None = None, **fields: Value) -> Any:
        """The response to one action."""
        ...


@dataclass(frozen=True, slots=True)
class CallbackServices:
    """What callbacks need of the house; the composition root fills it in.

    `dials` tells whether a trunk leads out; without one promises are for people to keep. `outside`
    gives the dial string for a number and the caller it was promised to, None when it may not be
    dialled. `written` is the chat or thread of texts that a contact began as. `opens` tells when a
    queue may call its customers next (epoch seconds), 0 for now.
    """

    distributor: Distributing
    contacts: LiveContacts
    legs: Legs
    promises: Promises
    refused: DoNotCall
    asterisk: Dialling
    reach: Reach
    dials: Callable[[], bool]
    outside: Callable[[str, str], str | None]
    written: Callable[[str], Thread | None]
    opens: Callable[[str], float]
    calling: Callable[[str], Calling]
    card: Callable[[LiveContact, Queue, State], CallerCard]
    clock: Callable[[], float]
    hang_up: Callable[[str], None]
    background: Callable[[Coroutine[Any, Any, None]], None]
