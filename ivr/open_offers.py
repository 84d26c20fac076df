"""An offer of the distributor's, as far as this service has come with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from acd.model import Cause, Channel, MakeOffer
from acd.views import CallRow

DIAL_CAUSES: Mapping[str, Cause] = {
    "NOANSWER": Cause.NO_ANSWER,
    "BUSY": Cause.BUSY,
    "CHANUNAVAIL": Cause.UNREACHABLE,
    "CONGESTION": Cause.UNREACHABLE,
    "DONTCALL": Cause.REJECTED,
    "TORTURE": Cause.REJECTED,
    "CANCEL": Cause.LOST,
}
"""DIALSTATUS of app_dial, and what it says about the agent, told on a channel that is still up."""


@dataclass(slots=True)
class OpenOffer:
    """An offer that is not settled yet; `channel` is the agent's, "" until it exists.

    `made` is the distributor's own word, None when an earlier service heard it. `begun`: a call has
    taken it up. `dialling`: its Dial runs under a session of this service. `deserted`: Asterisk
    said that the caller left while it rang. `asked`: a colleague is asked about the caller by the
    caller's agent, from whose channel they are rung; the caller's own call is not touched by it.
    `callback`: the agent takes it before anybody is on the line, and it is a talk once the customer
    has `joined`. `apart`: the desk has its leg out of the Dial that rang it, or rings it from such
    a leg; so neither that Dial's return nor the end of the caller's channel is its end.
    """

    offer: str
    call: str
    contact: str
    agent: str
    queue: str
    channel: str = ""
    answered_at: float | None = None
    made: MakeOffer | None = None
    made_at: float = 0.0
    begun: bool = False
    dialling: bool = False
    deserted: bool = False
    asked: bool = False
    callback: bool = False
    joined: bool = False
    apart: bool = False

    @property
    def unclaimed(self) -> bool:
        """Whether nobody rings for it, as far as anyone knows."""
        return not (self.begun or self.channel or self.answered_at is not None)

    @property
    def outlives_caller(self) -> bool:
        """Whether its leg may stay when the caller's channel goes: nobody but us ends it then."""
        talks = self.answered_at is not None and not (self.asked or self.callback)
        return bool(self.channel) and (self.apart or talks)

    @property
    def shows_in_asterisk(self) -> bool:
        """Whether it is over when Asterisk has no such leg; else its own Dial has the word."""
        if self.answered_at is not None or self.made is None:
            return True
        return not self.unclaimed and not self.dialling


def open_offers(rows: Iterable[CallRow], owns: Callable[[str], bool]) -> Iterator[OpenOffer]:
    """The offers of calls over the phone that the distributor knows of, as far as they are ours.

    Where a customer is dialled for an agent who is kept, no agent's phone is rung.
    """
    for row in rows:
        ours = row.channel is Channel.VOICE and owns(row.contact)
        taken = row.answered_at or row.accepted_at
        if row.offer and row.agent and ours and not (row.dialling and taken is None):
            yield OpenOffer(
                row.offer,
                row.call,
                row.contact,
                row.agent,
                row.queue,
                answered_at=taken,
                asked=row.consults,
                callback=row.virtual,
            )
