"""The states of an agent, as a table: (state, move) -> state. A missing key is the error.

                 logged_out  ready      paused     offered    talking    wrap_up
    log_in       ready       -          -          -          -          -
    log_out      -           logged_out logged_out (later)    (later)    (later)
    pause        -           paused     paused     (later)    (later)    (later)
    ready        -           -          ready      (stay)     (stay)     ready
    offer        -           offered    -          -          -          -
    answer       -           -          -          talking    -          -
    fail         -           -          -          ready      -          -
    take_back    -           -          -          ready      -          -
    release      -           -          -          -          wrap_up    -
    finish       -           -          -          -          ready      -
    end_wrap_up  -           -          -          -          -          ready
    extend       -           -          -          -          -          wrap_up

- Work is everything between `offer` and the end of wrap-up. What is asked during work ("later")
  is kept and takes effect when the work ends; the last thing asked counts, and `ready` calls it
  off. So an agent who pauses during a call goes to wrap-up and then to paused.
- Idle time runs from the first `log_in`, or from the end of the last work. A pause does not reset
  it. An offer taken back is no work; an offer the agent let fail counts as a turn taken, so that
  others are rung before the same agent again.
- Chats are held beside these states: an agent is ready, or at work on a call, with some of them.
  Who logs out while holding chats is paused until the last has ended, and logged out then.
- `finish` is a release where no wrap-up follows.
- `fail` is the agent's doing, `take_back` is not (the caller hung up, a colleague answered first).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from acd.errors import IllegalEvent
from acd.floor import Agent
from acd.strategies import occupancy_key, occupied
from acd.words import AgentState, Cause, Word


class Move(Word):
    """What can happen to an agent."""

    LOG_IN = "log_in"
    LOG_OUT = "log_out"
    PAUSE = "pause"
    READY = "ready"
    OFFER = "offer"
    ANSWER = "answer"
    FAIL = "fail"
    TAKE_BACK = "take_back"
    RELEASE = "release"
    FINISH = "finish"
    END_WRAP_UP = "end_wrap_up"
    EXTEND = "extend"


_S = AgentState
LEAVING = "logging out"
"""The reason shown while the last chats of an agent who logs out are finished."""

# To look up a member of an enum is slow, and these are asked for in every decision.
_READY, _LOGGED_OUT, _GET_READY = _S.READY, _S.LOGGED_OUT, Move.READY
AT_WORK = frozenset({_S.OFFERED, _S.TALKING, _S.WRAP_UP})
ASKED = frozenset({Move.LOG_OUT, Move.PAUSE})

TABLE: dict[tuple[AgentState, Move], AgentState] = {
    (_S.LOGGED_OUT, Move.LOG_IN): _S.READY,
    (_S.READY, Move.LOG_OUT): _S.LOGGED_OUT,
    (_S.READY, Move.PAUSE): _S.PAUSED,
    (_S.READY, Move.OFFER): _S.OFFERED,
    (_S.PAUSED, Move.LOG_OUT): _S.LOGGED_OUT,
    (_S.PAUSED, Move.PAUSE): _S.PAUSED,
    (_S.PAUSED, Move.READY): _S.READY,
    (_S.OFFERED, Move.LOG_OUT): _S.OFFERED,
    (_S.OFFERED, Move.PAUSE): _S.OFFERED,
    (_S.OFFERED, Move.READY): _S.OFFERED,
    (_S.OFFERED, Move.ANSWER): _S.TALKING,
    (_S.OFFERED, Move.FAIL): _S.READY,
    (_S.OFFERED, Move.TAKE_BACK): _S.READY,
    (_S.TALKING, Move.LOG_OUT): _S.TALKING,
    (_S.TALKING, Move.PAUSE): _S.TALKING,
    (_S.TALKING, Move.READY): _S.TALKING,
    (_S.TALKING, Move.RELEASE): _S.WRAP_UP,
    (_S.TALKING, Move.FINISH): _S.READY,
    (_S.WRAP_UP, Move.LOG_OUT): _S.WRAP_UP,
    (_S.WRAP_UP, Move.PAUSE): _S.WRAP_UP,
    (_S.WRAP_UP, Move.READY): _S.READY,
    (_S.WRAP_UP, Move.END_WRAP_UP): _S.READY,
    (_S.WRAP_UP, Move.EXTEND): _S.WRAP_UP,
}

# Moves after which idle time begins anew; a wrap-up can be ended by either of the last two.
_RESETS_IDLE = frozenset(
    {
        (_S.LOGGED_OUT, Move.LOG_IN),
        (_S.OFFERED, Move.FAIL),
        (_S.TALKING, Move.FINISH),
        (_S.WRAP_UP, Move.READY),
        (_S.WRAP_UP, Move.END_WRAP_UP),
    }
)


def next_state(agent: str, state: AgentState, move: Move) -> AgentState:
    """The state after `move`; raises IllegalEvent when the table has no such move."""
    target = TABLE.get((state, move))
    if target is None:
        possible = ", ".join(m.replace("_", " ") for s, m in TABLE if s is state)
        raise IllegalEvent(
            f"agent {agent} is {state.replace('_', ' ')} and cannot {move.replace('_', ' ')}; "
            f"possible now: {possible}"
        )
    return target


@dataclass(slots=True)
class AgentCounters:
    """What an agent did since the day started; seconds are floats.

    `taken` counts calls, `chats` chats; `talk_seconds` are those of calls, each agent's own share.
    """

    taken: int = 0
    chats: int = 0
    talk_seconds: float = 0.0
    no_answer: int = 0
    rejected: int = 0
    busy: int = 0
    unreachable: int = 0

    def count_failure(self, cause: Cause) -> None:
        """One more offer that failed for one of the agent's four causes."""
        setattr(self, cause.value, getattr(self, cause.value) + 1)


@dataclass(slots=True)
class AgentRecord:
    """One agent with all that the distributor remembers of them.

    `pending` is what was asked during work, `offer` the offer they are in while offered or talking,
    `streak` the failed offers in a row, `removed` true when the configuration has dropped an agent
    who still finishes a call.

    `chats` are the offers of chats, ringing or held, `chat_room` the most they take just now where
    that is less than the floor allows. `outside`: in a call the distributor did not
    make. `out_of` names queues they have left for now. `share` is the moving average of being at
    work as of `share_at`, when work ended last; `work_began` is when it began last. `turns`: queue
    -> number of the last turn there. `worked_for` and `worked_since` tell which queue the wrap-up
    is for and when its call was answered; `disposition_due` keeps wrap-up open until there is one,
    `disposition_given` says that it came before the call ended. `phone` is where their calls ring:
    "" for their own, a desk's extension, or `MOBILE`. `last_contact` is whom they talked with last.
    """

    agent: Agent
    state: AgentState = AgentState.LOGGED_OUT
    since: float = 0.0
    reason: str = ""
    idle_since: float = 0.0
    pending: Move | None = None
    pending_reason: str = ""
    offer: str | None = None
    wrap_up_until: float | None = None
    streak: int = 0
    last_call_at: float | None = None
    removed: bool = False
    counters: AgentCounters = field(default_factory=AgentCounters)
    chats: tuple[str, ...] = ()
    outside: bool = False
    out_of: tuple[str, ...] = ()
    share: float = 0.0
    share_at: float = 0.0
    work_began: float = 0.0
    turns: dict[str, int] = field(default_factory=dict)
    worked_for: str = ""
    worked_since: float = 0.0
    disposition_due: bool = False
    disposition_given: bool = False
    phone: str = ""
    last_contact: str = ""
    chat_room: int | None = None

    @property
    def member(self) -> Agent:
        """The agent as they take calls just now: without the queues they have left."""
        if not self.out_of:
            return self.agent
        queues = tuple(queue for queue in self.agent.queues if queue not in self.out_of)
        return replace(self.agent, queues=queues)

    @property
    def may_take_call(self) -> bool:
        """Whether a voice call may be offered."""
        return self.state is _READY and not self.outside

    @property
    def may_take_chat(self) -> bool:
        """Whether one more chat may be offered; a call, also one outside, comes before it."""
        return self.may_take_call and len(self.chats) < self.most_chats

    @property
    def most_chats(self) -> int:
        """How many chats they may hold at a time."""
        room = self.chat_room
        return self.agent.chats if room is None else min(room, self.agent.chats)

    @property
    def held(self) -> int:
        """Chats in hand, also while they ring."""
        return len(self.chats)

    @property
    def taken(self) -> int:
        """Calls since the day started."""
        return self.counters.taken

    @property
    def occupancy(self) -> float:
        """How much at work of late, as a number that orders idle agents."""
        return occupancy_key(self.share, self.share_at)

    def move(self, move: Move, at: float, reason: str = "") -> None:
        """Make one move of the table, and then what was asked during work, if work is over now."""
        state = self.state
        step = (state, move)
        target = TABLE.get(step) or next_state(self.agent.id, state, move)
        if move in ASKED:
            if self._must_wait(move, at, reason):
                return
        elif move is _GET_READY:
            self.pending, self.pending_reason = None, ""
        if target is not state or move is Move.PAUSE:
            self._enter(target, at, reason)
        if target is _READY:
            if step in _RESETS_IDLE:
                self.idle_since = at
            if self.pending is not None:
                self._do_what_was_asked(at)

    def _must_wait(self, move: Move, at: float, reason: str) -> bool:
        """Keep what is asked until the work is over, or the last chat of who logs out."""
        if self.state in AT_WORK:
            self.pending, self.pending_reason = move, reason
            return True
        if move is Move.LOG_OUT and self.chats:
            self.pending, self.pending_reason = move, reason
            self._enter(AgentState.PAUSED, at, LEAVING)
            return True
        self.pending, self.pending_reason = None, ""
        return False

    def end_chat(self, offer: str, at: float) -> None:
        """A chat is no longer held; with the last one a log-out that waited takes effect."""
        self.chats = tuple(each for each in self.chats if each != offer)
        if self.pending is Move.LOG_OUT and not self.chats and self.state is AgentState.PAUSED:
            self._do_what_was_asked(at)

    def _enter(self, state: AgentState, at: float, reason: str) -> None:
        if self.state in AT_WORK:
            if state not in AT_WORK:
                self.share = occupied(self.share, self.share_at, self.work_began, at)
                self.share_at = at
        elif state in AT_WORK:
            self.work_began = at
        self.state, self.since, self.reason = state, at, reason
        if state is _LOGGED_OUT:
            self.phone = ""

    def _do_what_was_asked(self, at: float) -> None:
        asked, reason = self.pending, self.pending_reason
        self.pending, self.pending_reason = None, ""
        if asked is not None:
            self.move(asked, at, reason)
