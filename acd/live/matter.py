"""What a name or an event is about."""

from __future__ import annotations

from collections.abc import Iterable

from acd.engine import Engine
from acd.live.entry import Noted
from acd.model import Event, FloorLoaded


def contact_of(name: str) -> str:
    """The contact of a call or an offer; a contact is its own."""
    return name.partition(".")[0]


def may_depend(event: Event, on: Iterable[Event | Noted], engine: Engine) -> bool:
    """Whether the event may become possible, or impossible, once `on` has happened.

    While such a word is on its way, the event cannot be judged.
    """
    about = _about(event, engine)
    return any(isinstance(each, FloorLoaded) or about & _about(each, engine) for each in on)


def _about(said: Event | Noted, engine: Engine) -> set[str]:
    """The calls, offers and agents that an event names, or that hang on what it names."""
    names = {str(getattr(said, each)) for each in ("call", "agent") if hasattr(said, each)}
    offer = getattr(said, "offer", None)
    if offer is not None:
        record = engine.offer(offer)
        names |= {offer, offer.rpartition("-")[0]} | ({record.agent} if record else set())
    return names
