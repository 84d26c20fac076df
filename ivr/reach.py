"""How an agent's phone is rung: the one place that knows where an agent sits."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """One phone and how it is rung.

    `dial` is what the application Dial and the field Channel of Originate take, such as
    PJSIP/1001. `device` is the phone whose state Asterisk tells, "" for one it knows nothing of.
    """

    dial: str
    device: str = ""


Reach = Callable[[str], Way | None]
"""The way to an agent just now, by agent id; None when there is none."""


def own_phone(agent: str) -> Way:
    """The phone that registers as the agent."""
    return Way(f"PJSIP/{agent}", f"PJSIP/{agent}")


def over_nodes(
    own: Reach, place_of: Callable[[str], str | None], here: str | None, others: Collection[str]
) -> Reach:
    """The same ways, but over the node at which the phone is registered where that is another.

    `place_of` tells that node by the phone's name; who has never been heard of is looked for here.
    """

    def reach(agent: str) -> Way | None:
        way = own(agent)
        phone = way.device.removeprefix("PJSIP/") if way is not None else ""
        place = place_of(phone) if phone else None
        if place is None or place == here:
            return way
        return Way(f"PJSIP/{phone}@node-{place}") if place in others else None

    return reach
