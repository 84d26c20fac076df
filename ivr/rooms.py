"""Whether another channel has room at this moment, for advice to change over to it."""

from __future__ import annotations

from collections.abc import Callable

from acd.dispatch import Distributing
from acd.estimate import in_minutes
from acd.words import Channel
from ivr.flow.errands import Room, RoomFound


def rooms(distributor: Distributing, clock: Callable[[], float]) -> Callable[[Room], RoomFound]:
    """Looks at the floor as it is; texts are answered by agents as chats are."""

    def look(asked: Room) -> RoomFound:
        channel = Channel.VOICE if asked.channel == "voice" else Channel.CHAT
        found = distributor.engine.room(channel, asked.queue, asked.needs, clock())
        wait = found.wait
        if found.free or wait is None:
            return RoomFound(room=found.free > 0)
        return RoomFound(False, wait.seconds, in_minutes(wait.low, wait.high))

    return look
