"""What the distributor is told of agents; see `acd.events` for the rest and what they share."""

from __future__ import annotations

from dataclasses import dataclass

from acd.words import AgentState


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The agent is here and ready; their calls ring at `phone` (see `PhoneTaken`)."""

    at: float
    agent: str
    by: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The agent goes; during work it takes effect when the work ends."""

    at: float
    agent: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class PhoneTaken:
    """The calls of a logged-in agent ring at `phone` from now on.

    It is a desk's extension, `MOBILE`, or "" for the agent's own phone. Logging out gives it back.
    """

    at: float
    agent: str
    phone: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Paused:
    """The agent takes a break; during work it takes effect when the work ends."""

    at: float
    agent: str
    reason: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Readied:
    """The agent wants calls: ends a pause or a wrap-up, or calls off what was asked during work."""

    at: float
    agent: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    """The agent is done before the wrap-up ran out."""

    at: float
    agent: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    """The agent's wrap-up lasts `seconds` longer than it would have."""

    at: float
    agent: str
    seconds: float
    by: str = ""


@dataclass(frozen=True, slots=True)
class DispositionGiven:
    """The agent has said how the last call ended, for queues that require it."""

    at: float
    agent: str
    disposition: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class QueueJoined:
    """The agent, who had left this one of their queues, takes its calls again."""

    at: float
    agent: str
    queue: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class QueueLeft:
    """The agent takes no calls of this one of their queues, whatever the others do."""

    at: float
    agent: str
    queue: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class AgentForced:
    """A supervisor puts an agent in a state: ready, paused or logged out.

    A ringing phone is taken back and a wrap-up ended for it; a conversation is not cut, then it
    takes effect when that ends.
    """

    at: float
    agent: str
    state: AgentState
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class DeviceBusy:
    """The agent is in a call that the distributor did not make, and gets no offers meanwhile."""

    at: float
    agent: str


@dataclass(frozen=True, slots=True)
class DeviceFree:
    """The agent's call outside the distributor has ended."""

    at: float
    agent: str
