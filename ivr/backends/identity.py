"""Who is calling: what they gave against a table or a service, or the number they call from.

The protocol of a service of kind `identity`: its address is asked by POST with everything the
caller gave as one JSON object, and answers with status 200 and

    {"ok": true, "level": "verified", "customer": {"name": "Mei Lin", "tier": "gold"}}

`level` (number, verified, strong) and `customer` (plain values) may be left out.

Failures are counted for the account (locked after `lockout.failures`) and for the call, which may
fail `PER_CALL` times as often. A service that does not answer counts nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ivr.backends.answers import Lying, scalars
from ivr.backends.attempts import Attempts
from ivr.backends.digests import Digests
from ivr.backends.http import HttpClient, Request
from ivr.backends.numbers import one_spelling, same_form
from ivr.backends.services import Lockout, Service, Services
from ivr.backends.sources import Sources
from ivr.flow.actions import Failed
from ivr.flow.errands import LEVELS, Answer, Identified, Identify, Json, Recognise
from ivr.flow.loading.tables import Table, Tables, verify

PER_CALL = 3
"""Times the failures of an account: who goes through many accounts is locked out as well."""


class Identities:
    """Compares, and counts what fails. `clock` tells epoch seconds."""

    def __init__(
        self, http: HttpClient, attempts: Attempts, digests: Digests, clock: Callable[[], float]
    ) -> None:
        self._http, self._attempts, self._digests, self._clock = http, attempts, digests, clock
        self._indexed: Tables | None = None
        self._by_number: dict[tuple[str, str], Mapping[str, list[Mapping[str, str]]]] = {}

    async def identify(
        self, errand: Identify, contact: str, sources: Sources
    ) -> Identified | Failed:
        """Whether what was given belongs together. Raises Lying."""
        table = sources.tables.table(errand.source)
        service = sources.services.services.get(errand.source)
        if table is None and (service is None or service.kind != "identity"):
            return Failed(f"no source {errand.source!r} identifies anybody")
        subjects = self._subjects(errand, contact, table, sources.services)
        at = self._clock()
        admitted: list[tuple[str, Lockout]] = []
        for subject, limit in subjects:
            if not await self._attempts.admit(subject, limit, at):
                await self._give_back(admitted, at)
                return Identified(ok=False, locked=True)
            admitted.append((subject, limit))
        found: Identified | Failed | None = None
        try:
            found = await self._compare(errand, table, service)
        finally:
            if not isinstance(found, Identified):
                await asyncio.shield(self._give_back(admitted, at))
        if isinstance(found, Identified):
            return await self._counted(found, admitted, at)
        return found

    async def _counted(
        self, found: Identified, admitted: Sequence[tuple[str, Lockout]], at: float
    ) -> Identified:
        account, call = admitted
        if found.ok:
            await self._attempts.forgive(account[0])
            await self._give_back([call], at)
            return found
        states = [await self._attempts.locked(subject, at) for subject, _ in admitted]
        return replace(found, locked=any(states))

    async def _give_back(self, admitted: Sequence[tuple[str, Lockout]], at: float) -> None:
        for subject, limit in admitted:
            await self._attempts.give_back(subject, limit, at)

    def _subjects(
        self, errand: Identify, contact: str, table: Table | None, services: Services
    ) -> list[tuple[str, Lockout]]:
        """Whose tries are counted: the account's and the call's."""
        account = errand.account or (table.key if table is not None else "")
        names = [account] if account else sorted(errand.given.keys() - errand.secrets)
        given = (errand.given.get(name, "") for name in names)
        spelled = (one_spelling(value, services.region) for value in given)
        person = self._digests.of("account", errand.source, *names, *spelled)
        rules = services.lockout
        call = self._digests.of("call", contact)
        return [(person, rules), (call, replace(rules, failures=rules.failures * PER_CALL))]

    async def _compare(
        self, errand: Identify, table: Table | None, service: Service | None
    ) -> Identified | Failed:
        if table is not None:
            return await asyncio.to_thread(verify, table, errand)
        if service is None:
            return Failed(f"no source {errand.source!r} identifies anybody")
        body: dict[str, Json] = dict(errand.given)
        answer = await self._http.ask(service, Request("POST", body=body))
        return answer if isinstance(answer, Failed) else read_identity(answer)

    # --- by number ---

    async def recognise(self, errand: Recognise, sources: Sources) -> Identified | Failed:
        """The one row whose column holds the number; nobody when there are two."""
        table = sources.tables.table(errand.source)
        if table is None or errand.column in table.secret:
            return Failed(f"no table {errand.source!r} with a column {errand.column!r} to read")
        region = sources.services.region
        form = same_form(errand.number, region)
        if form is None:
            return Identified(ok=False)
        index = await self._index(table, errand.column, region, sources.tables)
        found = index.get(form, [])
        if len(found) != 1:
            return Identified(ok=False)
        return Identified(ok=True, level="number", facts=dict(found[0]), key=table.key)

    async def _index(
        self, table: Table, column: str, region: str | None, tables: Tables
    ) -> Mapping[str, list[Mapping[str, str]]]:
        if self._indexed is not tables:
            self._indexed, self._by_number = tables, {}
        known = self._by_number.get((table.name, column))
        if known is None:
            known = await asyncio.to_thread(_indexed_by_number, table, column, region)
            self._by_number[table.name, column] = known
        return known


def _indexed_by_number(
    table: Table, column: str, region: str | None
) -> Mapping[str, list[Mapping[str, str]]]:
    found: dict[str, list[Mapping[str, str]]] = {}
    for row in table.sheet.rows:
        form = same_form(row.get(column, ""), region)
        if form is not None:
            found.setdefault(form, []).append(row)
    return found


def read_identity(answer: Answer) -> Identified | Failed:
    """What a service of kind `identity` said. Raises Lying when it is no such thing."""
    if answer.status != 200:
        return Failed(f"the identity service answered {answer.status}")
    body = answer.body
    if not isinstance(body, dict) or not isinstance(body.get("ok"), bool):
        raise Lying("an identity without ok")
    if not body["ok"]:
        return Identified(ok=False)
    level = body.get("level", "verified")
    if not isinstance(level, str) or level not in LEVELS[1:]:
        raise Lying("an identity of an unknown level")
    customer = body.get("customer")
    facts = scalars({} if customer is None else customer, "the customer")
    return Identified(ok=True, level=level, facts=facts)
