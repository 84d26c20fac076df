"""Looks over the service's shoulder: its journal, read as any other process may read it.

The contact stream tells what happened. The `live` table holds where each call's flow stands; asked
once more for its present action, the interpreter gives the very words that are being spoken. The
engine stream, replayed, is the distributor's own picture: who waits in which place, who is ready.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from acd.engine import Engine
from acd.journal import Journal
from acd.model import EVENTS, AgentChanged, Channel, from_json
from acd.records.contact import ContactEvent
from acd.views import AgentRow, CallRow
from ivr.flow.actions import Ask, Hangup, Prompts, Say, Voicemail
from ivr.flow.loading.loader import Library
from ivr.flow.running.interpreter import State, again

News = ContactEvent | AgentChanged


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contact's flow stands: `words` is what is being said there, "" while nothing is."""

    flow: str = ""
    step: str = ""
    language: str = ""
    words: str = ""
    whisper: str = ""


class Watch:
    """What the service does, from the moment this was made."""

    def __init__(self, journal: Journal, library: Library) -> None:
        self._journal, self._library = journal, library
        self._seen = journal.last("contact")
        self._positions: dict[str, Mapping[str, Any]] = {}
        self._contact_of: dict[str, str] = {}
        self._latest: dict[str, float] = {}
        self._in_flow: list[str] = []
        self._ended: set[str] = set()
        self.places: dict[str, Place] = {}
        """Contact -> where it stands; a contact that has ended stands where it stood last."""
        self._engine, self._replayed = _engine(journal)

    def look(self, now: datetime) -> list[News]:
        """What is new since the last look, in order; `now` is the time as flows see it."""
        changes: list[News] = []
        for entry in self._journal.read("engine", self._replayed):
            self._replayed = entry.seq
            event = from_json(entry.body)
            if isinstance(event, EVENTS):
                commands = self._engine.handle(event)
                changes += [each for each in commands if isinstance(each, AgentChanged)]
        told: list[News] = [self._event(entry.at, entry.body) for entry in self._contact_entries()]
        self._look_at_flows(now)
        return told + changes

    def contact_of(self, caller: str) -> str:
        """The latest contact that began from this number, "" before there is one."""
        return self._contact_of.get(caller, "")

    def latest(self, contact: str) -> float:
        """When something was last told of a contact, in epoch seconds; 0 before anything was."""
        return self._latest.get(contact, 0.0)

    def place(self, contact: str) -> Place:
        """Where a contact stands."""
        return self.places.get(contact, Place())

    def has_ended(self, contact: str) -> bool:
        """Whether the contact is over."""
        return contact in self._ended

    def in_flow(self) -> list[str]:
        """The contacts that are in their flow: neither waiting for an agent nor talking."""
        return list(self._in_flow)

    def call(self, contact: str, now: float) -> CallRow | None:
        """The contact's wait or conversation on the telephone, as the distributor sees it."""
        rows = (row for row in self._engine.calls_view(now) if row.channel is Channel.VOICE)
        return next((row for row in rows if row.contact == contact), None)

    def calls(self, now: float) -> list[CallRow]:
        """All waits and conversations."""
        return self._engine.calls_view(now)

    def agents(self, now: float) -> list[AgentRow]:
        """All agents of the floor."""
        return self._engine.agents_view(now)

    def _contact_entries(self) -> list[Any]:
        entries = list(self._journal.read("contact", self._seen))
        if entries:
            self._seen = entries[-1].seq
        return entries

    def _event(self, at: float, body: Mapping[str, Any]) -> ContactEvent:
        event = ContactEvent(body["contact"], at, body["kind"], body["step"], body["data"])
        self._latest[event.contact] = at
        if event.kind == "began":
            self._contact_of[str(event.data["caller"])] = event.contact
        elif event.kind == "ended":
            self._ended.add(event.contact)
        return event

    def _look_at_flows(self, now: datetime) -> None:
        alive = self._journal.all_live()
        self._in_flow = [contact for contact, live in alive.items() if live["phase"] == "flow"]
        for contact, live in alive.items():
            if live != self._positions.get(contact):
                self._positions[contact] = live
                self.places[contact] = place(self._library, live, now)


TALKING = frozenset({"say", "ask", "confirm", "error", "record", "over"})
"""Phases in which words are what the flow asked for last."""


def place(library: Library, live: Mapping[str, Any], now: datetime) -> Place:
    """Where a live contact stands, and the words of that place in its language."""
    if not live["position"]:
        return Place(live["flow"])
    state = State.from_json(live["position"])
    whisper = live.get("waiting_action", {}).get("whisper") or {}
    return Place(
        live["flow"],
        state.step,
        state.language,
        _joined(_spoken(library, state, now)),
        str(whisper.get("text", "")),
    )


def _spoken(library: Library, state: State, now: datetime) -> Prompts:
    flow = library.flows.get(state.flow)
    if flow is None or flow.revision != state.revision or state.phase not in TALKING:
        return ()
    action = again(flow, state, now).action
    return action.prompts if isinstance(action, Say | Ask | Voicemail | Hangup) else ()


def _joined(prompts: Prompts) -> str:
    return " ".join(prompt.text for prompt in prompts)


def _engine(journal: Journal) -> tuple[Engine, int]:
    """The distributor as of now, and up to which entry."""
    kept = journal.snapshot()
    engine, seq = (Engine.restore(kept.body), kept.seq) if kept else (Engine(), 0)
    for entry in journal.read("engine", seq):
        event = from_json(entry.body)
        if isinstance(event, EVENTS):
            engine.handle(event)
        seq = entry.seq
    return engine, seq
