"""What the distributor says must happen next."""

from __future__ import annotations

from typing import NamedTuple

from acd.words import AgentState, Cancel, Channel, Exit, Steer


class MakeOffer(NamedTuple):
    """Ring `agent` for `call` for `ring_seconds`; without news by `lease_until` it is void.

    Ring those of `also` at the same time: it is one offer, and the first of them to answer has it.
    With `callback` the customer is dialled once the agent has answered; `consults` is the offer of
    the agent who wants this one beside them.
    """

    offer: str
    call: str
    contact: str
    queue: str
    agent: str
    ring_seconds: float
    lease_until: float
    channel: Channel = Channel.VOICE
    callback: bool = False
    consults: str = ""
    also: tuple[str, ...] = ()


class CancelOffer(NamedTuple):
    """Stop ringing, whoever is rung; any later word about this offer is refused."""

    offer: str
    call: str
    agent: str
    reason: Cancel


class StopRinging(NamedTuple):
    """Stop ringing this one of several agents; the offer goes on for the others.

    Nobody is told to stop when one of them answers: that ends the ringing of all the others.
    """

    offer: str
    call: str
    agent: str
    reason: Cancel


class AgentChanged(NamedTuple):
    """The agent is in `state` since `since`; `reason` says why when paused."""

    agent: str
    state: AgentState
    reason: str
    since: float


class CallExits(NamedTuple):
    """The call has left the distributor and goes on in its flow."""

    call: str
    reason: Exit
    detail: str = ""


class CallSteered(NamedTuple):
    """`by` has moved, reprioritised or withdrawn a waiting call: news for all, and for its story.

    `queue` and `priority` are what it had, `to_queue` and `to_priority` what it has got.
    """

    call: str
    contact: str
    what: Steer
    by: str
    queue: str
    priority: int
    to_queue: str
    to_priority: int


class DialCustomer(NamedTuple):
    """Dial the customer of a callback for `ring_seconds`: `agent` is kept for, or has, the call.

    The answer is `CustomerAnswered` or `CustomerFailed`; without either by `lease_until` the try is
    void. `attempt` counts from 1.
    """

    offer: str
    call: str
    contact: str
    agent: str
    attempt: int
    ring_seconds: float
    lease_until: float


class ChatParked(NamedTuple):
    """The agent of this chat has taken a call: the chat waits for the same agent."""

    offer: str
    call: str
    agent: str


class ChatResumed(NamedTuple):
    """The agent of a parked chat is back from the call."""

    offer: str
    call: str
    agent: str


class ChatReturned(NamedTuple):
    """The agent of this chat has taken a call: the chat waits for anyone, in its old place."""

    offer: str
    call: str
    agent: str


# fmt: off
Command = (
    MakeOffer | CancelOffer | StopRinging | AgentChanged | CallExits | CallSteered
    | DialCustomer | ChatParked | ChatResumed | ChatReturned
)
# fmt: on
