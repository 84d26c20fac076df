"""Runs the errands of flows: each to the part of the house that it is for, each with an answer.

Whatever goes wrong there (down, slow, lying, a full disk) becomes `Failed`, and the flow takes its
way out for failures. A reason of a failure never holds what the caller gave.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from acd.records.contact import ContactEvent
from ivr.backends import booking
from ivr.backends.addresses import Refused
from ivr.backends.answers import Lying
from ivr.backends.callbacks import Keeper, Promise, Promises
from ivr.backends.codes import Code, Codes, draw, identified
from ivr.backends.digests import Digests
from ivr.backends.do_not_call import DoNotCall
from ivr.backends.http import HttpClient, Request, with_secrets
from ivr.backends.identity import Identities
from ivr.backends.lookup import Databases
from ivr.backends.numbers import NOT_LISTED, may_ring, same_form
from ivr.backends.optouts import Arrived
from ivr.backends.passing import Passing
from ivr.backends.services import Service
from ivr.backends.sources import Sources
from ivr.backends.store import Store
from ivr.backends.texting import Draft, Texts
from ivr.errors import ServiceFault
from ivr.flow.actions import MASK, Failed
from ivr.flow.errands import (
    CODE_MARK,
    Callback,
    CallbackKept,
    CallbackRefused,
    CheckCode,
    CodeSent,
    Errand,
    Findings,
    Http,
    Identified,
    Identify,
    Invite,
    Json,
    Lookup,
    Recognise,
    Reserve,
    Room,
    SendCode,
    SendLink,
    Slots,
    Sms,
    TakeCode,
)

if TYPE_CHECKING:
    from ivr.backends.shared import Common

log = structlog.get_logger(__name__)

CODE_LENGTHS = (4, 10)
LONGEST_CODE_LIFE = 3600.0
ID_LENGTH = 16


@dataclass(frozen=True, slots=True)
class House:
    """The parts that errands go to; `clock` tells epoch seconds. `common`: what nodes share."""

    sources: Callable[[], Sources]
    http: HttpClient
    databases: Databases
    identities: Identities
    codes: Codes
    passing: Passing
    texts: Texts
    arrived: Arrived
    promises: Promises
    refused: DoNotCall
    store: Store
    common: Common | None
    digests: Digests
    tell: Callable[[ContactEvent], None]
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Asker:
    contact: str
    now: datetime
    caller: str
    once: str


class Errands:
    """A `Desk` that does what it is asked. `start` begins to send what waits in the outbox."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.keeper: Keeper | None = None  # without one, somebody makes the calls by hand

    @property
    def promises(self) -> Promises:
        """The promised callbacks."""
        return self._house.promises

    @property
    def refused(self) -> DoNotCall:
        """The numbers that are not to be called."""
        return self._house.refused

    async def start(self) -> None:
        """Begin to send text messages, and to take in what other nodes have to say."""
        self._house.texts.start()
        self._house.passing.start()

    @property
    def texts(self) -> Texts:
        """What sends text messages."""
        return self._house.texts

    @property
    def arrived(self) -> Arrived:
        """Which messages of providers were taken."""
        return self._house.arrived

    @property
    def passing(self) -> Passing:
        """What leads from one channel to another."""
        return self._house.passing

    async def sent_all(self, within: float) -> bool:
        """Whether no text message waits any more, after so many seconds at most."""
        return await self._house.texts.sent_all(within)

    async def close(self) -> None:
        """Stop, and close every connection and file."""
        await self._house.texts.close()
        await self._house.http.close()
        await self._house.databases.close()
        await self._house.store.close()
        if self._house.common is not None:
            await self._house.common.close()

    async def run(
        self, errand: Errand, *, contact: str, now: datetime, caller: str = "", once: str = ""
    ) -> Findings:
        """What came of it; see `ivr.backends.desk.Desk`."""
        name = type(errand).__name__
        try:
            return await self._run(errand, _Asker(contact, now, caller, once))
        except Lying as why:
            log.warning("an answer cannot be true", errand=name, why=str(why))
            return Failed(f"lying: {why}")
        except (Refused, ServiceFault) as why:
            return Failed(str(why))
        except (sqlite3.Error, OSError) as why:
            log.error("an errand could not be written down", errand=name, kind=type(why).__name__)
            return Failed(f"it could not be written down ({type(why).__name__})")
        except Exception as why:  # a mistake of ours must not cost the caller the call
            # Its text may hold what the caller gave.
            kind, where = type(why).__name__, _where(why)
            log.error("an errand failed by our own fault", errand=name, kind=kind, where=where)
            return Failed(f"a fault of our own ({kind})")

    async def _run(self, errand: Errand, asker: _Asker) -> Findings:
        house, sources = self._house, self._house.sources()
        match errand:
            case Identify():
                return await house.identities.identify(errand, asker.contact, sources)
            case Recognise():
                return await house.identities.recognise(errand, sources)
            case SendCode():
                return await self._send_code(errand, asker)
            case CheckCode():
                return await self._check_code(errand)
            case Http():
                return await self._http(errand, asker)
            case Lookup():
                return await house.databases.find(errand, sources)
            case Sms():
                name = self._name("sms", asker, errand.to, errand.text)
                return await house.texts.accept(Draft(name, asker.contact, errand.to, errand.text))
            case Callback():
                return await self._callback(errand, asker)
            case Slots():
                return await booking.free_slots(house.http, self._service(errand.service), errand)
            case Reserve():
                key = self._name("reserve", asker, errand.service, errand.slot)
                service = self._service(errand.service)
                return await booking.reserve(house.http, service, errand, key)
            case Room() | Invite() | TakeCode() | SendLink():
                return await house.passing.run(
                    errand, asker.contact, asker.caller, sources.services
                )

    def _service(self, name: str) -> Service:
        """Raises ServiceFault when no such service was loaded."""
        service = self._house.sources().services.services.get(name)
        if service is None:
            raise ServiceFault(f"no service {name!r} was loaded")
        return service

    def _name(self, purpose: str, asker: _Asker, *contents: str) -> str:
        """What a repetition of this asking is known by."""
        what = (asker.once,) if asker.once else contents
        return self._house.digests.of(purpose, asker.contact, *what)[:ID_LENGTH]

    async def _http(self, errand: Http, asker: _Asker) -> Findings:
        service = self._service(errand.service)
        body: dict[str, Json] | None = None if errand.body is None else dict(errand.body)
        method = errand.method.upper()
        headers: dict[str, str] = {}
        if asker.once and method in {"POST", "PATCH"}:
            headers["Idempotency-Key"] = self._name("http", asker)
        request = Request(
            method, errand.path, errand.query, body, headers, errand.timeout, errand.retries
        )
        return await self._house.http.ask(service, with_secrets(request, errand.secrets))

    # --- one-time codes ---

    async def _send_code(self, errand: SendCode, asker: _Asker) -> Findings:
        services = self._house.sources().services
        number = same_form(errand.to, services.region)
        if number is None:
            return Failed("a code cannot be sent to this number")
        low, high = CODE_LENGTHS
        if not low <= errand.length <= high or CODE_MARK not in errand.text:
            return Failed(f"a code has {low} to {high} digits and a place in its text")
        handle, secret = secrets.token_urlsafe(12), draw(errand.length)
        now = self._house.clock()
        code = Code(
            digest=self._digest(handle, secret),
            number=self._house.digests.of("number", number),
            made=now,
            expires=now + min(errand.expires, LONGEST_CODE_LIFE),
        )
        if not await self._house.codes.keep(handle, code, services.codes):
            return Failed("this number has had too many codes within the hour")
        words = errand.text.replace(CODE_MARK, secret)
        masked = errand.text.replace(CODE_MARK, MASK)
        draft = Draft(handle, asker.contact, errand.to, words, masked)
        sent = await self._house.texts.send_now(draft)
        return sent if isinstance(sent, Failed) else CodeSent(handle)

    async def _check_code(self, errand: CheckCode) -> Identified:
        digest = self._digest(errand.handle, "".join(errand.given.split()))
        rules = self._house.sources().services.codes
        verdict = await self._house.codes.check(errand.handle, digest, rules, self._house.clock())
        return identified(verdict)

    def _digest(self, handle: str, secret: str) -> str:
        return self._house.digests.of("code", handle, secret)

    # --- promises ---

    async def _callback(self, errand: Callback, asker: _Asker) -> Findings:
        services = self._house.sources().services
        number = may_ring(errand.number, asker.caller, services.outside, services.region)
        if number is None:
            return CallbackRefused(NOT_LISTED)
        customer = same_form(number, services.region) or number
        if await self._house.refused.has(customer):
            return CallbackRefused("this number is on the list of those not to call")
        before, keeper = await self._house.promises.of(customer), self.keeper
        place = keeper.place(asker.contact, errand.queue) if keeper is not None else None
        promise = Promise(
            id=self._name("callback", asker, errand.queue, number),
            contact=asker.contact,
            queue=errand.queue,
            number=number,
            needs=dict(errand.needs),
            priority=errand.priority,
            tell_agent=errand.tell_agent,
            asked_at=self._house.clock(),
            since=place or self._house.clock(),
            customer=customer,
        )
        if before is not None and before.id != promise.id:
            return CallbackKept(before.id, already=True)
        if await self._house.promises.keep(promise):
            told = {"id": promise.id, "queue": promise.queue, "number": promise.number}
            try:
                at = self._house.clock()
                self._house.tell(ContactEvent(asker.contact, at, "callback", "", {**told}))
            except sqlite3.Error as why:
                # The promise is kept all the same; only its line in the story is missing.
                log.error("a promise could not be told", promise=promise.id, why=str(why))
        failed = await keeper.put_in(promise) if keeper is not None else None
        if failed is None:
            return CallbackKept(promise.id)
        await self._house.promises.move(promise.id, "given_up", failed)
        return Failed(failed)


def _where(error: BaseException) -> str:
    """File and line of the mistake."""
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
