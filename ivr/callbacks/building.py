"""Puts the callbacks of an installation together."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ivr.backends.errands import Errands
from ivr.backends.numbers import may_ring
from ivr.callbacks.book import Book
from ivr.callbacks.dialling import Dialler
from ivr.callbacks.services import CallbackServices, Dialling
from ivr.channels.services import VoiceServices
from ivr.floor.calling import Calling
from ivr.plans import Plans
from ivr.threads.book import Thread

LOOK_AGAIN = 3600.0
"""Seconds until a calendar is looked at again that does not say when it opens."""


@dataclass(frozen=True, slots=True)
class Around:
    """What callbacks need beside what every call needs."""

    errands: Errands
    asterisk: Dialling
    plans: Plans
    written: Callable[[str], Thread | None]
    hang_up: Callable[[str], None]
    background: Callable[[Coroutine[Any, Any, None]], None]


def build_callbacks(voice: VoiceServices, around: Around, trunk: str | None) -> Dialler:
    """The dialler, which dials over that trunk, and its book; errands have promises kept by it."""
    plans = around.plans

    def outside(number: str, caller: str) -> str | None:
        services = plans.plan.services
        form = may_ring(number, caller, services.outside, services.region)
        return f"PJSIP/{form}@trunk-{trunk}" if form is not None and trunk is not None else None

    def opens(queue: str) -> float:
        calendars = plans.plan.library.calendars
        calendar = calendars.get(plans.plan.floor.calls_back(queue).hours)
        if calendar is None:
            return 0.0
        now, switch = voice.now(), voice.switches().get(calendar.name)
        if calendar.is_open(now, switch):
            return 0.0
        following = calendar.next_opening(now, switch)
        ahead = (following - now).total_seconds() if following is not None else LOOK_AGAIN
        return voice.clock() + ahead

    def calling(queue: str) -> Calling:
        return plans.plan.floor.calls_back(queue)

    house = CallbackServices(
        distributor=voice.distributor,
        contacts=voice.contacts,
        legs=voice.legs,
        promises=around.errands.promises,
        refused=around.errands.refused,
        asterisk=around.asterisk,
        reach=voice.reach,
        dials=lambda: trunk is not None,
        outside=outside,
        written=around.written,
        opens=opens,
        calling=calling,
        card=voice.card,
        clock=voice.clock,
        hang_up=around.hang_up,
        background=around.background,
    )
    book = Book(house)
    around.errands.keeper = book
    return Dialler(house, book)
