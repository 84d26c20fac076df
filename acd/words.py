"""The few words that events, commands and records share, each a closed list."""

from __future__ import annotations

from enum import StrEnum

MOBILE = "mobile"
"""In place of a phone's extension: the number an agent carries with them."""


class Word(StrEnum):
    """One of a closed list. Enum's own hash is Python code and would show in every decision."""

    __hash__ = str.__hash__


class AgentState(Word):
    """Where an agent is; the moves between them are the table in `acd.agents`."""

    LOGGED_OUT = "logged_out"
    READY = "ready"
    PAUSED = "paused"
    OFFERED = "offered"
    TALKING = "talking"
    WRAP_UP = "wrap_up"


class Channel(Word):
    """How a contact is spoken with. Voice is exclusive; of chats an agent holds several."""

    VOICE = "voice"
    CHAT = "chat"


class Cause(Word):
    """Why an offer, or the dialling of a customer, came to nothing.

    Of an offer the first four are the agent's: each has its counter, and so many in a row pause
    the agent. `CALLER_LEFT` also ends the call. `LOST` is nobody's fault (our side broke off, for
    example in a restart): the agent keeps their idle time, the call its place.
    """

    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    CALLER_LEFT = "caller_left"
    LOST = "lost"


class Exit(Word):
    """Why the distributor sends a call back to its flow without an agent.

    `KEYED`: the caller left by a key. The last three are ends of callbacks: its time ran out, the
    customer was never reached, or must not be called.
    """

    TIMEOUT = "timeout"
    NOBODY = "nobody"
    FULL = "full"
    TOO_LONG = "too_long"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    KEYED = "keyed"
    EXPIRED = "expired"
    UNREACHED = "unreached"
    FORBIDDEN = "forbidden"


class Staffing(Word):
    """What the agents who could take a call are doing; the detail of `Exit.NOBODY`."""

    NOBODY_LOGGED_IN = "nobody_logged_in"
    NOBODY_SKILLED = "nobody_skilled"
    ALL_PAUSED = "all_paused"
    ALL_BUSY = "all_busy"
    READY = "ready"


class Cancel(Word):
    """Why an offer is taken back while the phone may still ring."""

    CALLER_LEFT = "caller_left"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    MOVED = "moved"
    FORCED = "forced"
    CUSTOMER_FAILED = "customer_failed"


class Steer(Word):
    """What somebody who leads the floor did with a waiting call."""

    MOVED = "moved"
    REPRIORITISED = "reprioritised"
    WITHDRAWN = "withdrawn"


SERVICE, ISLAND = "service", "island"
"""Who has something done that nobody asked for: the shell, and a node that comes home."""


class Strategy(Word):
    """Which of the agents who fit is rung; `acd.strategies` has the sort key of each."""

    LONGEST_IDLE = "longest_idle"
    LEAST_OCCUPIED = "least_occupied"
    HIGHEST_LEVEL = "highest_level"
    ROUND_ROBIN = "round_robin"
    FEWEST_CALLS = "fewest_calls"
    RANDOM = "random"
    RING_ALL = "ring_all"


class Order(Word):
    """Which of a queue's calls goes first; `acd.order` has the number of each."""

    AGE = "age"
    TIERS = "tiers"
    TARGET = "target"


class Formula(Word):
    """How a service level is counted; `acd.service_level` spells each out."""

    WITHOUT_SHORT = "without_short"
    ALL_ENDED = "all_ended"
    ANSWERED = "answered"


class First(Word):
    """Who is connected first in a callback."""

    CUSTOMER = "customer"
    AGENT = "agent"


class HeldChats(Word):
    """What becomes of an agent's chats when they take a call."""

    KEEP = "keep"
    PARK = "park"
    RETURN = "return"


class Reset(Word):
    """What beside work may begin an agent's idle time anew."""

    UNPAUSE = "unpause"
    OUTBOUND = "outbound"
