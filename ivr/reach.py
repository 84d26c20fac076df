"""How an agent's phone is rung: the one place that knows where an agent sits."""

from __future__ import annotations

from collections.abc import Callable
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
