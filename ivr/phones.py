"""The agents' phones as Asterisk sees them: which are there, and which are in calls of their own.

A call of their own is one that the distributor did not make: an agent dials a colleague or a
number, or is rung by somebody past the queues. While it lasts the distributor offers that agent
nothing. Channels tell this, not device states: a state says "in use" for our own ringing as well,
and changes only after our own call is over. A channel that carries an offer is ours from its first
event on, so no race at the end of our own call can look like a call outside.

What is lost while Asterisk cannot be heard is mended by `look`, after every break.

Among several nodes a word takes effect only when it comes back from the others, and a call of
somebody's own may be over by then. So what was said last counts as well as what is believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

import structlog

from acd.dispatch import Distributing
from acd.errors import AcdError
from acd.model import DeviceBusy, DeviceFree
from ivr.asterisk.living import LiveChannel

log = structlog.get_logger(__name__)

_CHANNEL = re.compile(r"PJSIP/([0-9]{2,15})-[0-9a-f]+")


def phone_of(channel: str) -> str:
    """The extension whose phone this channel is; "" for trunks and strangers."""
    match = _CHANNEL.fullmatch(channel)
    return match[1] if match else ""


class Phones:
    """One for each service; `person_at` names the agent a phone speaks for, "" for nobody."""

    def __init__(
        self,
        distributor: Distributing,
        person_at: Callable[[str], str],
        clock: Callable[[], float],
        node: str | None = None,
    ) -> None:
        self._distributor, self._person_at = distributor, person_at
        self._clock, self._node = clock, node
        self._own_calls: dict[str, str] = {}
        self._said: dict[str, bool] = {}
        self._there: set[str] | None = None

    # --- what Asterisk says, one event after the other --------------------------------------------

    def began(self, channel: str) -> None:
        """This phone is in a call that is not ours."""
        agent = self._person_at(phone_of(channel)) if phone_of(channel) else ""
        if agent and channel not in self._own_calls:
            self._own_calls[channel] = agent
            self._square(agent)

    def ended(self, channel: str) -> None:
        """This channel is gone, whatever it was."""
        agent = self._own_calls.pop(channel, None)
        if agent is not None:
            self._square(agent)

    def registered(self, phone: str, *, there: bool) -> None:
        """A phone has come or gone."""
        if self._there is None or (phone in self._there) is there:
            return
        if there:
            self._there.add(phone)
        else:
            self._there.discard(phone)
            log.warning("phone gone", phone=phone, agent=self._person_at(phone))

    # --- after a silence --------------------------------------------------------------------------

    def look(self, channels: Iterable[LiveChannel], there: Collection[str]) -> None:
        """Put right what was not heard: every channel there is, and who is registered."""
        own = {each.channel: phone_of(each.channel) for each in channels if not each.ours}
        self._own_calls = {
            channel: agent
            for channel, phone in own.items()
            if phone and (agent := self._own_calls.get(channel) or self._person_at(phone))
        }
        self._there = set(there)
        for row in self._distributor.engine.agents_view(self._clock()):
            if self._distributor.place_of(row.phone or row.agent) in {None, self._node}:
                self._square(row.agent)

    # --- what is so -------------------------------------------------------------------------------

    def is_there(self, phone: str) -> bool:
        """Whether the phone is registered here; assumed while Asterisk was never asked."""
        return self._there is None or phone in self._there

    def _square(self, agent: str) -> None:
        """Tell the distributor, if it believes something else, or is about to."""
        busy = agent in self._own_calls.values()
        try:
            believed = self._distributor.engine.agent_row(agent, self._clock()).outside
            if believed is busy and self._said.get(agent, busy) is busy:
                return
            event = DeviceBusy if busy else DeviceFree
            self._distributor.send(event(self._clock(), agent))
            self._said[agent] = busy
        except AcdError as gone:
            log.info("no such agent any more", agent=agent, why=str(gone))
