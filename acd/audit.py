"""What supervisors did: one line for each event that carries `by`. The journal is the evidence."""

from __future__ import annotations

from dataclasses import dataclass, fields

from acd import events as e


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did what to whom; `details` are the other fields of the event that say something."""

    at: float
    by: str
    what: str
    agent: str = ""
    call: str = ""
    queue: str = ""
    details: tuple[tuple[str, str], ...] = ()


_NAMED = frozenset({"at", "by", "agent", "call", "queue"})


def deed(event: e.Event) -> Deed | None:
    """The event as a deed, or None when nobody but the one it concerns did it."""
    by: str = getattr(event, "by", "")
    if not by:
        return None
    others = [each.name for each in fields(event) if each.name not in _NAMED]
    return Deed(
        event.at,
        by,
        type(event).__name__,
        getattr(event, "agent", None) or "",
        getattr(event, "call", ""),
        getattr(event, "queue", ""),
        tuple((name, str(value)) for name in others if (value := getattr(event, name)) != ""),
    )
