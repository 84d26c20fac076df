"""Puts chats and text messages together: who carries them, and what browsers and providers ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from acd.customers import Consents
from ivr.backends.errands import Errands
from ivr.backends.shelves import Pass
from ivr.backends.sites import Site
from ivr.backends.sources import Sources
from ivr.chats.desk import ChatDesk
from ivr.chats.files import Files
from ivr.chats.forms import Forms
from ivr.chats.inviting import Inviting
from ivr.chats.ringing import Ringing
from ivr.chats.talking import Settling, Talking
from ivr.chats.visitors import Visitors
from ivr.chats.widget import Widget
from ivr.live import new_contact_id
from ivr.matters import Matters
from ivr.rooms import rooms
from ivr.settings import Settings
from ivr.texts.by_sip import Manager, SipTexts
from ivr.texts.consenting import Consenting
from ivr.texts.hooks import Hooks
from ivr.texts.receiving import Receiving
from ivr.threads.threads import Threads
from ivr.web.hub import Hub
from ivr.web.routes import Route


@dataclass(frozen=True, slots=True)
class Carriers:
    """The parts of the service that letters pass through."""

    threads: Threads
    errands: Errands
    hub: Hub
    manager: Manager
    matters: Matters


@dataclass(frozen=True, slots=True)
class Letters:
    """What carries conversations in letters, and the routes to it; `close` it with the service."""

    desk: ChatDesk
    receiving: Receiving
    by_sip: SipTexts
    routes: Sequence[Route]
    close: Callable[[], Awaitable[None]]


def build_letters(
    carriers: Carriers,
    settings: Settings,
    sources: Callable[[], Sources],
    consents: Consents,
    *,
    key: str,
    clock: Callable[[], float],
    now: Callable[[], datetime],
) -> Letters:
    """Everything that carries letters; `key` signs visitors' tokens."""
    threads, errands, hub = carriers.threads, carriers.errands, carriers.hub
    visitors = Visitors()
    threads.carried_by("chat", visitors)
    kept = Files(settings.data_dir / "files", threads.book)

    def site(name: str) -> Site | None:
        return sources().services.chats.get(name)

    region = lambda: sources().services.region  # noqa: E731 - a name for one attribute
    passing, passes = errands.passing, errands.passing.passes
    carriers.matters.lead(passing)
    passing.rooms = rooms(threads.distributor, clock)
    passing.here = threads.distributor.owns

    async def opened(secret: str) -> Pass | None:
        found = await passes.take("chat", secret)
        if found is None or passing.here(found.contact):
            return found
        # What lives at another node goes on here as a contact of this one.
        about = {**found.about, "continues": found.contact}
        return replace(found, contact=new_contact_id(clock(), settings.node), about=about)

    ringing = Ringing(errands, region, clock, now)
    settling = Settling(threads, visitors, site, key, region, ringing.ask, clock, opened)
    widget = Widget(threads, visitors, Talking(settling), kept, settling)
    inviting = Inviting(threads, passing.code, site, clock)
    desk = ChatDesk(threads, visitors, hub, kept, site=site, inviting=inviting)
    forms = Forms(passes, passing.filled, lambda: now().date())
    receiving = Receiving(threads, errands.texts, errands.arrived, sources, clock)
    hooks = Hooks(receiving, errands.texts, sources, settings.web_address, clock)
    by_sip = SipTexts(receiving, carriers.manager, settings.sip_way)
    errands.texts.by_sip = by_sip.send
    consenting = Consenting(consents)
    receiving.consent, errands.texts.wanted = consenting.told, consenting.wanted
    receiving.joins = carriers.matters.spoken_by
    routes = (*widget.routes(), *desk.routes(), *hooks.routes(), *forms.routes())
    return Letters(desk, receiving, by_sip, routes, consenting.close)
