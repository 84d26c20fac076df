"""Inside a service that rehearses: a call whose header names its part goes as the part says.

It has its own hour, language and switches; services are asked at the stub's address with a memory
of this call's own, and what is to fail otherwise is pretended; queues lead to the floor's queue for
the outcome that is wanted; every turn is written down for who called. A call without such a header
is a call like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ivr.agi.session import AgiSession
from ivr.backends.building import assemble
from ivr.backends.errands import Errands
from ivr.backends.pretended import Pretended
from ivr.backends.sources import Sources
from ivr.channels.services import VoiceServices
from ivr.errors import ServiceFault
from ivr.flow.actions import Failed, Queue, Transfer
from ivr.flow.calendar import Switches
from ivr.flow.errands import (
    Callback,
    Errand,
    Findings,
    Invite,
    Lookup,
    Room,
    SendCode,
    SendLink,
    Sms,
    TakeCode,
)
from ivr.flow.model import Flow
from ivr.flow.running.state import Turn
from ivr.rehearsal.folder import HEADER, KEY, LISTENS, Part, line_of, read_part
from ivr.rehearsal.house import switches_of

HELD: Final = "rehearsal-held"
"""The queue in which nobody ever serves a caller and no wait ends."""
FAILED: Final = "rehearsal-failed"
"""There is no such queue."""
OUTSIDE: Final = {"answered": "9711", "busy": "9712", "no_answer": "9713"}
"""The phones that stand for the world outside, by what comes of ringing there."""
DESK: Final = "rehearsal-desk"
"""The queue of the agents who are rung by name."""
ONE_AGENT: Final = {"answered": "9721", "busy": "9722"}
"""Agents to be put through to: one who answers, and one who refuses."""
AWAY: Final = "9723"
"""An agent who is not there."""
WAIT: Final = 1.0
"""Seconds of a wait that is to end without anybody."""


def queue_for(outcome: str) -> str:
    """The queue of a rehearsal's floor in which waits end so."""
    return {"": HELD, "failed": FAILED}.get(outcome, f"rehearsal-{outcome.replace('_', '-')}")


class Rehearsals:
    """The parts in a folder; `sources` is what is in force."""

    def __init__(self, folder: Path, sources: Callable[[], Sources]) -> None:
        self._folder, self._sources = folder, sources
        self._errands: list[Errands] = []

    async def part(self, agi: AgiSession, usual: VoiceServices, flow: Flow) -> Rehearsal | None:
        """The part that this call has; None for a call like any other."""
        key = await agi.get_variable(f"PJSIP_HEADER(read,{HEADER})") or ""
        part = read_part(self._folder, key) if KEY.fullmatch(key) else None
        if part is None:
            return None
        ahead = datetime.fromisoformat(part.at) - datetime.now(UTC)

        def now() -> datetime:
            return datetime.now(UTC) + ahead

        errands = assemble(
            self._folder / f"{key}.sqlite",
            key,
            lambda: self.sources(part.stub),
            lambda _: None,
            lambda: now().timestamp(),
        )
        await errands.start()
        self._errands.append(errands)
        rehearsal = Rehearsal(_Stage(self._folder, key, flow, errands, now), part, usual, self)
        agi.on_question = rehearsal.listens
        return rehearsal

    async def close(self) -> None:
        """Close what the calls have opened."""
        for errands in self._errands:
            await errands.close()
        self._errands.clear()

    def sources(self, stub: str) -> Sources:
        """What is in force, with the stub in place of every service."""
        usual = self._sources()
        services = {
            name: replace(each, url=f"{stub}/{name}")
            for name, each in usual.services.services.items()
        }
        return replace(usual, services=replace(usual.services, services=services))


@dataclass(frozen=True, slots=True)
class _Stage:
    folder: Path
    key: str
    flow: Flow
    errands: Errands
    now: Callable[[], datetime]


class Rehearsal:
    """One call's part: what it changes in the house, and what it writes down."""

    def __init__(
        self, stage: _Stage, part: Part, usual: VoiceServices, rehearsals: Rehearsals
    ) -> None:
        self._stage = stage
        self._outcomes = list(part.outcomes)
        self._pretended = Pretended(rehearsals.sources(part.stub), part.pretences)
        self._told = part.pretences
        self.language = part.language
        self.services = replace(
            usual,
            now=stage.now,
            desk=self,
            switches=self._switches,
            outside=self._outside,
            rehearsal=self,
        )

    def note(self, turn: Turn) -> None:
        """Every turn, before it is acted on."""
        self._write(line_of(turn))

    def listens(self) -> None:
        """From here on keys answer the question of the last turn."""
        self._write(LISTENS)

    def _write(self, line: str) -> None:
        stage = self._stage
        with (stage.folder / f"{stage.key}.log").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def _outside(self, number: str) -> str | None:
        """The phone that stands for this number."""
        phone = OUTSIDE.get(self._outcome())
        return None if phone is None else f"PJSIP/{phone}"

    def _outcome(self) -> str:
        return self._outcomes.pop(0) if self._outcomes else ""

    def asked(self, wanted: Queue) -> Queue:
        """The queue in which the wait ends as it should."""
        outcome = self._outcome()
        patience = WAIT if outcome in {"timeout", "no_answer"} else None
        name = queue_for("timeout" if outcome == "no_answer" else outcome)
        return replace(wanted, queue=name, needs={}, agent=None, prefers=None, max_wait=patience)

    def put_through(self, wanted: Transfer) -> Transfer:
        """To the agent of the rehearsal who does what is expected."""
        outcome = self._outcome()
        queue = FAILED if outcome == "failed" else DESK
        return replace(wanted, to=ONE_AGENT.get(outcome, AWAY), queue=queue)

    async def run(
        self, errand: Errand, *, contact: str, now: datetime, caller: str = "", once: str = ""
    ) -> Findings:
        """See `Desk`. What no service could be asked for is answered as it was told.

        A message or promise that is not to fail goes its true way.
        """
        if isinstance(errand, Room | TakeCode | Invite):
            return self._pretending().answer(errand, now=now, caller=caller)
        if _told_by(errand) in self._pretending().pretences:
            found = self._pretended.answer(errand, now=now, caller=caller)
            if isinstance(found, Failed) or isinstance(errand, Lookup):
                return found
        return await self._stage.errands.run(
            errand, contact=contact, now=now, caller=caller, once=once
        )

    def _pretending(self) -> Pretended:
        """The pretended house; answers that were told anew begin with the first of them."""
        told = self._part().pretences
        fresh = {name: each for name, each in told.items() if self._told.get(name) != each}
        self._pretended.tell(fresh)
        self._told = told
        return self._pretended

    def _part(self) -> Part:
        part = read_part(self._stage.folder, self._stage.key)
        if part is None:
            raise ServiceFault(f"the part {self._stage.key} is gone")
        return part

    def _switches(self) -> Switches:
        return switches_of(self._stage.flow, self._part().switches)


def _told_by(errand: Errand) -> str:
    match errand:
        case Lookup(table):
            return table
        case Sms() | SendCode() | SendLink():
            return "sms"
        case Callback():
            return "callback"
        case _:
            return ""
