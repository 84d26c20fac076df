"""What a name or an event is about."""

from __future__ import annotations

from acd.engine import Engine
from acd.live.entry import Noted
from acd.model import Event, FloorLoaded

EVERYTHING = frozenset({""})


def contact_of(name: str) -> str:
    """The contact of a call or an offer; a contact is its own."""
    return name.partition(".")[0]


def about(said: Event | Noted, engine: Engine) -> frozenset[str]:
    """The calls, offers and agents that an event names, or that hang on what it names.

    While a word about one of them is on its way, what is possible may be another matter by then. A
    floor is about everything.
    """
    if isinstance(said, FloorLoaded):
        return EVERYTHING
    names = {str(getattr(said, each)) for each in ("call", "agent") if hasattr(said, each)}
    offer = getattr(said, "offer", None)
    if offer is not None:
        record = engine.offer(offer)
        names |= {offer, offer.rpartition("-")[0]} | set(record.agents if record else ())
    return frozenset(names)
