"""One channel of the floor: who waits in it, and who may take one more contact of it."""

from __future__ import annotations

from acd.agents import AgentRecord
from acd.matching import Matcher
from acd.words import Channel


class Lane:
    """One channel: its index, and who and what came into it since it was settled last."""

    __slots__ = ("channel", "freed", "fresh", "matcher")

    def __init__(self, channel: Channel, matcher: Matcher) -> None:
        self.channel = channel
        self.matcher = matcher
        self.freed: dict[str, None] = {}
        self.fresh: dict[str, None] = {}

    def may_take(self, agent: AgentRecord) -> bool:
        """Whether the agent may be offered one more contact of this channel."""
        return agent.may_take_call if self.channel is Channel.VOICE else agent.may_take_chat
