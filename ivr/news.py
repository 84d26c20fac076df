"""What Asterisk's events mean for calls and agents: one fact after the other, in its order."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from acd.model import Cause
from ivr.asterisk import events
from ivr.callers import Callers
from ivr.legs import Legs
from ivr.phones import Phones, phone_of
from ivr.places import Places

log = structlog.get_logger(__name__)


class News:
    """Passes facts on; `look_again` is called when one could not be written down."""

    def __init__(
        self,
        legs: Legs,
        callers: Callers,
        look_again: Callable[[], None],
        places: Places,
        phones: Phones,
    ) -> None:
        self._legs, self._callers, self._places = legs, callers, places
        self._phones = phones
        self._look_again = look_again

    async def take(self, message: Mapping[str, Any]) -> None:
        """One AMI event, in the order Asterisk sent them."""
        try:
            self._tell(events.fact(message))
        except sqlite3.Error as full:
            log.error("could not be written down, will be looked at again", why=str(full))
            self._look_again()

    def _tell(self, fact: events.Fact | None) -> None:
        match fact:
            case events.LegStarted(leg, channel):
                self._legs.ringing(leg, channel)
            case events.LegAnswered(leg, _):
                self._legs.answered(leg)
            case events.OutsideAnswered(contact):
                self._callers.put_through(contact)
            case events.LegFailed(leg, cause):
                self._legs.failed(leg, Cause(cause))
            case events.LegEnded(leg, _, _, _):
                self._legs.ended(leg)
            case events.ChannelGone(channel=channel, uniqueid=uniqueid):
                self._phones.ended(channel)
                self._callers.channel_gone(uniqueid)
            case events.AttendedTransferred(contact, giver, channel, taker):
                self._callers.handed_over(contact, giver, taker, phone_of(channel))
            case events.OwnCall(channel):
                self._phones.began(channel)
            case events.ChannelEnded(channel):
                self._phones.ended(channel)
            case events.PhoneRegistered(phone):
                self._places.registered(phone)
                self._phones.registered(phone, there=True)
            case events.PhoneGone(phone):
                self._places.gone(phone)
                self._phones.registered(phone, there=False)
            case _:
                pass
