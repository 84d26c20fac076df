"""Whether one more contact would find somebody at this moment: for advice that must hold true.

Reads the floor and changes nothing. Who is told to write instead of waiting, or to ring, must meet
an agent there: one who is logged in for that queue, not paused, has no call, and has a screen with
room for one more chat, or a phone that is free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acd.estimate import Estimate
from acd.livefloor import LiveFloor
from acd.outlook import estimate_of
from acd.pools import Wish, can_ever_serve
from acd.state import CallRecord
from acd.words import Channel


@dataclass(frozen=True, slots=True)
class Room:
    """`free` agents could take one more contact at once; `wait` is what one has to wait else.

    `wait` is None where somebody is free, and where nothing can be known.
    """

    free: int = 0
    wait: Estimate | None = None


def room_in(
    live: LiveFloor, channel: Channel, queue: str, needs: Mapping[str, int], now: float
) -> Room:
    """The room in a queue; none in one that is closed, or that there is not."""
    record = live.state.queues.get(queue)
    if record is None or record.removed or not record.open:
        return Room()
    wish = Wish.of(queue, needs, None)
    agents = [each for each in live.state.agents.values() if not each.removed]
    chats = channel is Channel.CHAT
    free = sum(
        (each.may_take_chat if chats else each.may_take_call) and can_ever_serve(each.member, wish)
        for each in agents
    )
    if free:
        return Room(free)
    asked = CallRecord(
        call="",
        contact="",
        queue=queue,
        needs=dict(needs),
        priority=0,
        enqueued_at=now,
        entered_at=now,
        sequence=live.state.calls_seen,
        channel=channel,
    )
    return Room(0, estimate_of(live, asked))
