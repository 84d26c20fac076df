"""One call, one agent, one offer between them: the real distributor, journal and register."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from acd.distributor import Distributor
from acd.journal import Journal
from acd.model import Agent, CallQueued, Cause, Floor, FloorLoaded, LoggedIn, Queue, Ticked
from acd.records.contact import ContactEvent
from acd.views import AgentRow
from ivr.legs import Legs
from ivr.live import LiveContact, LiveContacts
from ivr.open_offers import open_offers

START = 1_800_000_000.0
SALES = Queue("sales", ring_seconds=10, wrap_up_seconds=10)
ANA, BO = (Agent(number, "", ("sales",)) for number in ("1001", "1002"))
FLOOR = Floor((SALES,), (ANA,))


def a_contact(name: str = "c-1", **other: Any) -> LiveContact:
    usual: dict[str, Any] = {
        "channel": f"PJSIP/{name}",
        "uniqueid": f"u-{name}",
        "caller": "1",
        "caller_name": "",
        "dialled": "4900",
        "flow": "line",
        "started_at": START,
    }
    return LiveContact(id=name, **(usual | other))


class Bench:
    """`offer` is the id of the offer that stands at first; words about it are methods.

    All agents of the floor are there.
    """

    def __init__(self, folder: Path, floor: Floor = FLOOR) -> None:
        self.now = START
        self.journal = Journal(folder / "journal.sqlite")
        self.distributor = Distributor(self.journal, self.clock)
        self.told: list[ContactEvent] = []
        self.contacts = LiveContacts(self.journal, self.told.append, self.clock)
        self.hung_up: list[str] = []
        self.legs = Legs(self.distributor, self.contacts, self, self.clock)
        self.distributor.subscribe(self.legs.on_command)
        self.distributor.send(FloorLoaded(self.now, floor))
        for agent in floor.agents:
            self.distributor.send(LoggedIn(self.now, agent.id))
        self.contact = a_contact(call="c-1.1", queue="sales", phase="waiting")
        self.contacts.add(self.contact)
        self.queue("c-1.1")
        (self.offer,) = self.legs.standing()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.journal.close()

    def clock(self) -> float:
        return self.now

    def hang_up_soon(self, channel: str) -> None:
        self.hung_up.append(channel)

    def queue(self, call: str) -> None:
        at = self.now
        self.distributor.send(CallQueued(at, call, call.partition(".")[0], "sales", {}, 0, at))

    def tick(self, seconds: float) -> None:
        self.now += seconds
        self.distributor.send(Ticked(self.now))

    def agent(self) -> AgentRow:
        return self.distributor.engine.agents_view(self.now)[0]

    def waits(self) -> bool:
        """Whether the call still wants an agent."""
        return self.distributor.engine.has_call("c-1.1")

    def kinds(self) -> list[str]:
        return [event.kind for event in self.told]

    def again(self) -> None:
        """A later service takes up what is open: what it knows is the distributor's."""
        self.legs = Legs(self.distributor, self.contacts, self, self.clock)
        rows = self.distributor.engine.calls_view(self.now)
        self.legs.recover(open_offers(rows, self.distributor.owns))

    # --- words about the offer, as they may come in any order -----------------------------------

    def say(self, word: str) -> None:
        """`rings`, `answers`, `fails CAUSE`, `goes`, `dial STATUS`, `caller`, `is up`, `is gone`.

        AMI says the first four, Dial the fifth, and the last two are a look at Asterisk.
        """
        kind, _, what = word.partition(" ")
        legs, offer = self.legs, self.offer
        match kind, what:
            case "rings", _:
                legs.ringing(offer, "PJSIP/1001-1")
            case "answers", _:
                legs.answered(offer)
            case "fails", cause:
                legs.failed(offer, Cause(cause))
            case "goes", _:
                legs.ended(offer)
            case "dial", status:
                legs.settle(self.contact, offer, status)
            case "caller", _:
                legs.caller_left(self.contact)
            case "is", "up":
                legs.reconcile({offer: ("PJSIP/1001-1", True)})
            case "is", "gone":
                legs.reconcile({})
            case _:
                raise ValueError(word)
