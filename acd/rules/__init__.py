"""What each event means. `APPLY` maps every event to the function that does what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from acd.events import Event
from acd.livefloor import LiveFloor
from acd.rules import agents, callbacks, calls, consulting, loading, offers, passing_time

APPLY: Mapping[type[Event], Callable[[LiveFloor, Any], None]] = {
    **loading.APPLY,
    **agents.APPLY,
    **calls.APPLY,
    **offers.APPLY,
    **callbacks.APPLY,
    **consulting.APPLY,
    **passing_time.APPLY,
}
