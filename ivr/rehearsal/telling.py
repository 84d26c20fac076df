"""What a conversation says and decides, in lines for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ivr.channels.text import Heard
from ivr.flow.actions import Event


def told(heard: Heard) -> str:
    """One line: words in quotes, or what was decided."""
    return describe(heard) if isinstance(heard, Event) else f'"{heard.text}"'


def describe(event: Event) -> str:
    """What was decided."""
    teller = _TELLERS.get(event.kind)
    if teller is not None:
        return teller(event.data)
    if event.kind == "step":
        return f"{event.step} ({event.data['verb']})"
    parts = ", ".join(f"{name} {value}" for name, value in event.data.items() if value != "")
    return f"{event.kind.replace('_', ' ')}{': ' if parts else ''}{parts}"


_Data = Mapping[str, object]


def _queue(data: _Data) -> str:
    needs = data["needs"]
    skills = ", ".join(needs) if isinstance(needs, list) else ""
    return f"queue {data['queue']}, needs {skills or 'no skill'}, priority {data['priority']}"


_TELLERS: Mapping[str, Callable[[_Data], str]] = {
    "started": lambda data: (
        f"call to {data['dialled'] or data['flow']} from {data['caller'] or 'withheld'}"
    ),
    "field": lambda data: f"{data['name']} = {data['value']}",
    "hours": lambda data: f"{data['calendar']} is {'open' if data['open'] else 'closed'}",
    "branch": lambda data: f"{data['condition']} -> {data['next']}",
    "identified": lambda data: (
        "identity verified" if data["ok"] else f"no match ({data.get('tries', '')})"
    ),
    "queue": _queue,
    "queue_left": lambda data: f"left the queue: {data['outcome']}",
}
