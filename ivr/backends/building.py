"""Puts the errands of an installation together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from acd.records.contact import ContactEvent
from ivr.backends import attempts, callbacks, codes, do_not_call, optouts, outbox, passes
from ivr.backends.digests import Digests
from ivr.backends.errands import Errands, House
from ivr.backends.http import HttpClient
from ivr.backends.identity import Identities
from ivr.backends.lookup import Databases
from ivr.backends.passing import Passing
from ivr.backends.sources import Sources
from ivr.backends.store import Store
from ivr.backends.texting import Texts
from ivr.secrets import Secrets
from ivr.settings import Settings

SCHEMAS = (
    attempts.SCHEMA,
    codes.SCHEMA,
    passes.SCHEMA,
    outbox.SCHEMA,
    callbacks.SCHEMA,
    optouts.SCHEMA,
    do_not_call.SCHEMA,
)

HOOK = "/hooks/texts"
"""Where providers of text messages post, below the public address."""


def store_file(settings: Settings) -> Path:
    """Where attempts, codes, text messages and promises are kept."""
    return settings.data_dir / "errands.sqlite"


def build_errands(
    settings: Settings,
    sources: Callable[[], Sources],
    tell: Callable[[ContactEvent], None],
    clock: Callable[[], float],
) -> Errands:
    """The errands of an installation; `start` and `close` them with the service.

    `sources` is asked at every errand what is in force. `tell` writes an event into a contact's
    story; `clock` tells epoch seconds.
    """
    key, report = Secrets(settings.home).digest_key, ""
    if settings.web_url is not None:
        report = settings.web_address + HOOK
    address = settings.web_address
    return assemble(store_file(settings), key, sources, tell, clock, report=report, address=address)


def assemble(
    file: Path,
    key: str,
    sources: Callable[[], Sources],
    tell: Callable[[ContactEvent], None],
    clock: Callable[[], float],
    *,
    report: str = "",
    address: str = "",
) -> Errands:
    """The same with its store in `file`, and its digests under `key`.

    `report` is the URL at which providers tell how far a message has come, `address` that of our
    own pages.
    """
    store, http, digests = Store(file, SCHEMAS), HttpClient(), Digests(key)
    tries = attempts.StoredAttempts(store)
    texts = Texts(
        outbox.Outbox(store),
        http,
        sources,
        tell,
        clock,
        optouts=optouts.OptOuts(store),
        report=report,
    )
    house = House(
        sources=sources,
        http=http,
        databases=Databases(),
        identities=Identities(http, tries, digests, clock),
        codes=codes.StoredCodes(store),
        passing=Passing(passes.Passes(store, tries, digests, clock), texts, address),
        texts=texts,
        arrived=optouts.Arrived(store),
        promises=callbacks.Promises(store),
        refused=do_not_call.DoNotCall(store),
        store=store,
        digests=digests,
        tell=tell,
        clock=clock,
    )
    return Errands(house)
