"""Puts the errands of an installation together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from acd.records.contact import ContactEvent
from ivr.backends import attempts, callbacks, codes, do_not_call, optouts, outbox, passes, shelves
from ivr.backends.attempts import Attempts, EitherAttempts, StoredAttempts
from ivr.backends.digests import Digests
from ivr.backends.errands import Errands, House
from ivr.backends.http import HttpClient
from ivr.backends.identity import Identities
from ivr.backends.lookup import Databases
from ivr.backends.passing import Passing
from ivr.backends.shelves import EitherShelf, Shelf, StoredShelf
from ivr.backends.sources import Sources
from ivr.backends.store import Store
from ivr.backends.texting import Texts
from ivr.domain import with_password
from ivr.secrets import Secrets
from ivr.settings import Settings

if TYPE_CHECKING:
    from ivr.backends.shared import Common

SCHEMAS = (
    attempts.SCHEMA,
    codes.SCHEMA,
    shelves.SCHEMA,
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
    secrets, address = Secrets(settings.home), settings.web_address
    return assemble(
        store_file(settings),
        secrets.digest_key,
        sources,
        tell,
        clock,
        report=address + HOOK if settings.web_url is not None else "",
        address=address,
        common=_common(settings, secrets),
    )


def _common(settings: Settings, secrets: Secrets) -> Common | None:
    """What nodes have in common; a single machine needs no Redis, nor the library for it."""
    if settings.redis_url is None or settings.node is None:
        return None
    from ivr.backends.shared import Common  # noqa: PLC0415 - needs an extra

    url = with_password(settings.redis_url, secrets.redis_password)
    return Common(url, settings.domain, settings.node)


def assemble(
    file: Path,
    key: str,
    sources: Callable[[], Sources],
    tell: Callable[[ContactEvent], None],
    clock: Callable[[], float],
    *,
    report: str = "",
    address: str = "",
    common: Common | None = None,
) -> Errands:
    """The same with its store in `file`, and its digests under `key`.

    `report` is the URL at which providers tell how far a message has come, `address` that of our
    own pages, `common` what nodes have in common.
    """
    store, http, digests = Store(file, SCHEMAS), HttpClient(), Digests(key)
    tries: Attempts = StoredAttempts(store)
    shelf: Shelf = StoredShelf(store)
    if common is not None:
        tries, shelf = EitherAttempts(common.attempts(), tries), EitherShelf(common.shelf(), shelf)
    made = passes.Passes(shelf, tries, digests, clock)
    courier = None if common is None else common.courier
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
        passing=Passing(made, texts, address, courier),
        texts=texts,
        arrived=optouts.Arrived(store),
        promises=callbacks.Promises(store),
        refused=do_not_call.DoNotCall(store),
        store=store,
        common=common,
        digests=digests,
        tell=tell,
        clock=clock,
    )
    return Errands(house)
