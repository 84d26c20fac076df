"""How an agent is rung: the one place that knows where they sit and what their phone can do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from acd.model import MOBILE
from ivr.floor import FloorPlan

PREPARE, PREPARE_ANSWERING, PREPARE_MOBILE = "leg", "leg-answering", "leg-mobile"
PREPARE_TOGETHER = "leg-together"
"""Parts of the dialplan that run on a leg before it rings."""
WHISPER, BEEP, CONFIRM = "whisper", "beep", "confirm"
"""Parts of the dialplan that run on a leg that was picked up, before it is joined."""
CONFIRM_SECONDS = 20.0
"""The longest that words and the key 1 may take on a mobile."""


@dataclass(frozen=True, slots=True)
class Way:
    """One phone and how it is rung.

    `dial` is what the application Dial and the field Channel of Originate take, such as
    PJSIP/1001. `device` is the phone whose state Asterisk tells, "" for one it knows nothing of.
    `prepare` is run on the leg before it rings and `taken` once it is picked up ("": what the call
    asks for); with `confirm` only who presses 1 has taken the call.
    """

    dial: str
    device: str = ""
    prepare: str = PREPARE
    taken: str = ""

    @property
    def confirm(self) -> bool:
        """Whether picking up is not enough: a voice mailbox picks up, too."""
        return self.taken == CONFIRM

    @property
    def settles_within(self) -> float:
        """Seconds from picking up to being joined, at most."""
        return CONFIRM_SECONDS if self.confirm else 0.0

    def meaning_of(self, status: str) -> str:
        """DIALSTATUS; a mobile that nobody took says BUSY, one that is busy has said so before."""
        return "NOANSWER" if self.confirm and status == "BUSY" else status

    def options(self, whisper: bool) -> str:
        """The part of Dial's options that is this phone's: b() and U()."""
        taken = self.taken or (WHISPER if whisper else "")
        return f"b({self.prepare}^s^1)" + (f"U({taken})" if taken else "")


def dialled(way: Way) -> str:
    """What Dial calls that phone, wherever it is registered: its extension or its number."""
    return way.dial.partition("/")[2].partition("@")[0]


def together(ways: Iterable[Way]) -> Way:
    """All of these phones at once; those that answer by themselves ring as the others do."""
    return Way("&".join(each.dial for each in ways), "", PREPARE_TOGETHER)


class Reach(Protocol):
    """The way to an agent just now."""

    def __call__(self, agent: str, queue: str = "") -> Way | None:
        """How to ring them for a call of that queue; None when there is no way."""
        ...


class Seats(Protocol):
    """Who sits where; the distributor's engine knows."""

    def phone_of(self, agent: str) -> str:
        """Where the agent's calls ring: "" their own phone, a desk's extension, or `MOBILE`."""
        ...


def own_phone(agent: str, queue: str = "") -> Way:
    """The phone that registers as the agent."""
    return Way(f"PJSIP/{agent}", f"PJSIP/{agent}")


@dataclass(frozen=True, slots=True)
class Ways:
    """The `Reach` of a house. `outside` tells how a number outside is dialled, if it may be."""

    floor: Callable[[], FloorPlan]
    seats: Callable[[], Seats]
    outside: Callable[[str], str | None]

    def __call__(self, agent: str, queue: str = "") -> Way | None:
        """How to ring them for a call of that queue; None when there is no way."""
        phones, at = self.floor().phones, self.seats().phone_of(agent)
        if at == MOBILE:
            return self.mobile(agent)
        if at == "" and agent in phones.roaming:
            return None
        if at != "" and at not in phones.desks:
            return None
        phone = at or agent
        if phones.answers_by_itself(agent, queue):
            return Way(f"PJSIP/{phone}", f"PJSIP/{phone}", PREPARE_ANSWERING, BEEP)
        return Way(f"PJSIP/{phone}", f"PJSIP/{phone}")

    def mobile(self, agent: str) -> Way | None:
        """The number they carry with them; None without one, or when it may not be dialled."""
        number = self.floor().phones.mobiles.get(agent)
        target = self.outside(number) if number is not None else None
        return None if target is None else Way(target, "", PREPARE_MOBILE, CONFIRM)


def over_nodes(
    own: Reach, place_of: Callable[[str], str | None], here: str | None, others: Collection[str]
) -> Reach:
    """The same ways, but over the node at which the phone is registered where that is another.

    `place_of` tells that node by the phone's name; who has never been heard of is looked for here.
    """

    def reach(agent: str, queue: str = "") -> Way | None:
        way = own(agent, queue)
        phone = way.device.removeprefix("PJSIP/") if way is not None else ""
        place = place_of(phone) if phone else None
        if way is None or place is None or place == here:
            return way
        if place not in others:
            return None
        return replace(way, dial=f"PJSIP/{phone}@node-{place}", device="")

    return reach
