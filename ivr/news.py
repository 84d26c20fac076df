"""What Asterisk's events mean for calls and agents: one fact after the other, in its order."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from acd.model import Cause
from ivr.asterisk import events, facts
from ivr.callbacks.dialling import Dialler
from ivr.callers import Callers
from ivr.legs import Legs
from ivr.open_offers import offer_of
from ivr.phones import Phones, phone_of
from ivr.places import Places

log = structlog.get_logger(__name__)


class News:
    """Passes facts on; `look_again` is called when one could not be written down."""

    def __init__(
        self,
        legs: Legs,
        callers: Callers,
        callbacks: Dialler,
        places: Places,
        phones: Phones,
        *,
        look_again: Callable[[], None],
    ) -> None:
        self._legs, self._callers, self._places = legs, callers, places
        self._callbacks, self._phones = callbacks, phones
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
            case facts.LegStarted(leg, channel):
                self._legs.ringing(leg, channel)
            case facts.LegAnswered(leg, channel):
                self._legs.answered(leg, channel)
            case facts.LegFailed(leg, cause):
                self._legs.failed(leg, Cause(cause))
            case facts.LegEnded(leg, channel, _, _):
                self._phones.ended(channel)
                self._legs.ended(leg)
            case facts.ChannelGone(channel, uniqueid, contact, q850):
                self._phones.ended(channel)
                if not self._callbacks.gone(uniqueid, contact, q850):
                    self._callers.channel_gone(uniqueid)
            case facts.AttendedTransferred(contact, giver, channel, taker):
                self._callers.handed_over(contact, offer_of(giver), taker, phone_of(channel))
            case facts.OwnCall(channel):
                self._phones.began(channel)
            case facts.ChannelEnded(channel):
                self._phones.ended(channel)
            case facts.PhoneRegistered(phone):
                self._places.registered(phone)
                self._phones.registered(phone, there=True)
            case facts.PhoneGone(phone):
                self._places.gone(phone)
                self._phones.registered(phone, there=False)
            case _:
                self._tell_outside(fact)

    def _tell_outside(self, fact: events.Fact | None) -> None:
        """Of numbers that are dialled for a caller, or to call one back."""
        match fact:
            case facts.OutsideStarted(contact, channel, uniqueid):
                self._callbacks.customer_rings(contact, channel, uniqueid)
            case facts.OutsideAnswered(contact):
                self._callbacks.customer_answered(contact)
                self._callers.put_through(contact)
            case facts.OutsideFailed(contact, uniqueid, cause):
                self._callbacks.not_reached(uniqueid, contact, Cause(cause))
            case _:
                pass
