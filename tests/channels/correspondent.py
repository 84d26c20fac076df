"""Somebody to write with, without a network: the owner of one text thread, and its house."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ivr.channels.manners import CHAT, End, Manners
from ivr.channels.thread import TextThread
from ivr.flow.actions import Event, Failed, Queue, Record, Recorded, Voicemail
from ivr.flow.calendar import Switches
from ivr.flow.errands import (
    Answer,
    CodeMade,
    Errand,
    Findings,
    Http,
    Identified,
    Identify,
    Invite,
    Room,
    RoomFound,
)
from ivr.flow.model import Flow
from ivr.flow.running.state import Facts, State, Turn
from tests.flow.flows import NOW


@dataclass
class Correspondent:
    """Keeps everything a thread does."""

    flow: Flow
    manners: Manners = CHAT
    clock: datetime = NOW
    sent: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    room: bool = True
    events: list[Event] = field(default_factory=list)
    wanted: list[Queue] = field(default_factory=list)
    relayed: list[str] = field(default_factory=list)
    left_by: list[str] = field(default_factory=list)
    with_a_person: bool = False
    kept: list[str] = field(default_factory=list)
    consents: list[bool] = field(default_factory=list)
    endings: list[End] = field(default_factory=list)
    turned: Switches = field(default_factory=dict)
    broken: bool = False
    slow: float = 0.0
    noted: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.thread = TextThread(self.flow, self.manners, self, self.errand)

    async def begin(self, language: str | None = None) -> None:
        await self.thread.begin(Facts("13800138000", "4000"), language)

    async def write(self, *texts: str) -> list[str]:
        """Sends messages; what came back."""
        before = len(self.sent)
        for text in texts:
            await self.thread.incoming(text)
        return self.sent[before:]

    def wait(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def restarted(self, *, in_the_middle: bool = False) -> None:
        """The service ended and began again: only what was kept is there.

        `in_the_middle`: the last turn had been noted, and nothing of it had been done.
        """
        kept = self.noted if in_the_middle else self.thread.to_json()
        self.thread = TextThread(self.flow, self.manners, self, self.errand)
        self.thread.restore(kept)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    async def errand(self, errand: Errand, state: State) -> Findings:
        await asyncio.sleep(self.slow)
        if self.broken:
            raise RuntimeError("a fault of ours")
        match errand:
            case Identify(given=given):
                return Identified(given.get("pin") == "4321", "verified", {"name": "Mei"})
            case Http():
                return Answer(200, {"status": "sent"})
            case Room():
                return RoomFound(self.room)
            case Invite():
                return CodeMade("482193")
            case _:
                return Failed("not here")

    # --- what a thread needs ---

    def now(self) -> datetime:
        return self.clock

    def switches(self) -> Switches:
        return self.turned

    def note(self, turn: Turn) -> None:
        self.events.extend(turn.events)
        self.noted = self.thread.to_json()

    async def send(self, text: str, kept: str = "") -> None:
        self.sent.append(text)
        self.copies.append(kept or text)

    async def call_person(self, wanted: Queue, state: State) -> None:
        self.wanted.append(wanted)

    async def leave_person(self, key: str) -> bool:
        self.left_by.append(key)
        return not self.with_a_person

    async def relay(self, text: str) -> None:
        self.relayed.append(text)

    async def keep_message(self, action: Voicemail | Record, text: str) -> Recorded | Failed:
        self.kept.append(text)
        return Recorded("message.txt", 0.0)

    async def consent(self, given: bool) -> None:
        self.consents.append(given)

    async def ended(self, how: End) -> None:
        self.endings.append(how)
