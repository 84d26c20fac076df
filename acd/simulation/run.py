"""One run: callers and agents meet the engine, on a clock that jumps from event to event.

The run plays everybody whom the engine deals with: callers come and lose patience, phones ring and
are answered or not, agents talk, work, take breaks. What the engine decides is never looked at, it
is only carried out; so what holds here holds for the service, which carries out the same commands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any

from acd import model as m
from acd.engine import Engine
from acd.errors import AcdError
from acd.simulation.draws import Sampler, dice_for
from acd.simulation.ledger import BY_EXIT, Fate, Ledger, Outcome
from acd.simulation.scenario import Caller, Phones, Scenario

LONGEST_TAIL = 4 * 3600.0
"""Seconds after the end of a day in which its last calls must have ended."""
_NOT_ANSWERING = frozenset(cause.replace("_", " ") for cause in m.Cause)

_Act = Callable[[float, Any], None]


class Run:
    """Plays `callers` and the agents' `moves`, both in order of time, on a floor.

    Events begin no earlier than `begins`; after `stops` nothing happens any more. `events` counts
    what the engine was told.
    """

    def __init__(
        self,
        floor: m.Floor,
        callers: Iterable[Caller],
        moves: Iterable[m.Event],
        *,
        begins: float = 0.0,
        stops: float = math.inf,
        phones: Phones | None = None,
        lines: int | None = None,
        seed: int = 0,
        width: float | None = None,
    ) -> None:
        self.engine = Engine()
        self.ledger = Ledger(begins, width)
        self.events, self.last = 0, begins
        self._callers = iter(callers)
        self._stops, self._lines, self._in_use = stops, lines, 0
        self._phones = phones or Phones()
        self._after = self._phones.answer_after.sampler(dice_for(seed, "phones"))
        self._missed: Sampler = dice_for(seed, "missed").random
        self._agenda: list[tuple[float, int, _Act, Any]] = []
        self._planned = 0
        self._open: dict[str, tuple[Caller, Fate]] = {}
        self._talks: dict[str, tuple[Caller, float]] = {}
        self._ended: dict[str, Outcome] = {}
        self._want_disposition = {each.name for each in floor.queues if each.disposition_required}
        self._obey: dict[type[m.Command], Callable[[Any, float], None]] = {
            m.MakeOffer: self._ring_agents,
            m.CallExits: self._exits,
            m.AgentChanged: self._agent_changed,
            m.DialCustomer: self._dial_customer,
            m.ChatReturned: self._chat_returned,
        }
        self.tell(m.FloorLoaded(begins, floor))
        for move in moves:
            self._plan(move.at, self._move, move)

    def play(self) -> Ledger:
        """To the end, and what came of it."""
        self._next_caller()
        agenda, engine, stops = self._agenda, self.engine, self._stops
        while True:
            at = agenda[0][0] if agenda else math.inf
            due = engine.next_deadline()
            if due is not None and due <= at and due <= stops:
                self.tell(m.Ticked(due))
            elif at < math.inf and at <= stops:
                _, _, act, what = heappop(agenda)
                act(at, what)
            else:
                break
        self.ledger.close(min(stops, self.last))
        return self.ledger

    def tell(self, event: m.Event) -> None:
        """Tell the engine, and do what it says."""
        self.events += 1
        self.last = event.at
        for command in self.engine.handle(event):
            obey = self._obey.get(type(command))
            if obey is not None:
                obey(command, event.at)

    def _plan(self, at: float, act: _Act, what: object) -> None:
        self._planned += 1
        heappush(self._agenda, (at, self._planned, act, what))

    # --- callers ----------------------------------------------------------------------------------

    def _next_caller(self) -> None:
        caller = next(self._callers, None)
        if caller is not None:
            self._plan(caller.comes.at, self._comes, caller)

    def _comes(self, at: float, caller: Caller) -> None:
        self._next_caller()
        comes = caller.comes
        if comes.call in self._open or self._ended.get(comes.call) is not caller.after:
            return
        fate = Fate(comes.queue, tuple(comes.needs), at, comes.enqueued_at)
        if caller.counted:
            self.ledger.fates.append(fate)
        if self._in_use == self._lines:
            fate.end(Outcome.BLOCKED, at)
            return
        self._in_use += 1
        self._open[comes.call] = caller, fate
        self.tell(comes)
        if caller.patience < math.inf and self.engine.has_call(comes.call):
            self._plan(at + caller.patience, self._gives_up, comes.call)

    def _gives_up(self, at: float, call: str) -> None:
        if not self.engine.has_call(call):
            return
        caller, fate = self._open[call]
        if not caller.callback:
            self._ends(call, Outcome.ABANDONED, at)
            self.tell(m.CallLeft(at, call))
            return
        fate.end(Outcome.OTHER, at)
        self._open[call] = caller, Fate(fate.queue, fate.skills, fate.at, fate.since)
        self.tell(m.CallbackAsked(at, call, call))

    def _ends(self, call: str, outcome: Outcome, at: float) -> None:
        """Without having talked to anyone."""
        self._open.pop(call)[1].end(outcome, at)
        self._ended[call] = outcome
        self._in_use -= 1

    def _exits(self, exits: m.CallExits, at: float) -> None:
        self._ends(exits.call, BY_EXIT.get(exits.reason, Outcome.OTHER), at)

    # --- phones -----------------------------------------------------------------------------------

    def _ring_agents(self, offer: m.MakeOffer, at: float) -> None:
        """Each has a pace of their own; the first to answer has the call."""
        all_answer = True
        for agent, rings in self._paces(offer).items():
            missed = self._phones.missed_by.get(agent, self._phones.missed)
            if rings >= offer.ring_seconds or (missed > 0 and self._missed() < missed):
                all_answer = False
            else:
                self._plan(at + rings, self._answers, (offer.offer, agent))
        if not all_answer:
            self._plan(at + offer.ring_seconds, self._rings_out, offer.offer)

    def _paces(self, offer: m.MakeOffer) -> dict[str, float]:
        """Seconds after which each agent who is rung would answer."""
        caller, fate = self._open[offer.call]
        known = caller.rings
        if known is None:
            return {agent: self._after() for agent in (offer.agent, *offer.also)}
        # It is known of the first ringing only: whoever is rung next has a pace of their own.
        self._open[offer.call] = caller._replace(rings=None), fate
        paces = {offer.agent: known} | {agent: self._after() for agent in offer.also}
        if caller.together and offer.also:
            paces[offer.agent] = self._after()
            quickest = min(paces, key=lambda agent: paces[agent])
            paces = {agent: max(known, pace) for agent, pace in paces.items()} | {quickest: known}
        return paces

    def _rings_out(self, at: float, name: str) -> None:
        """Nobody has answered."""
        if self._rings(name):
            self.tell(m.OfferFailed(at, name, m.Cause.NO_ANSWER))

    def _answers(self, at: float, which: tuple[str, str]) -> None:
        """Unless somebody else was quicker, or their phone rings no more."""
        name, agent = which
        if agent in self._rings(name):
            self.tell(m.OfferAnswered(at, name, agent))
            self._may_talk(name, at)

    def _rings(self, name: str) -> tuple[str, ...]:
        """The agents whose phones ring for an offer."""
        offer = self.engine.offer(name)
        if offer is None or offer.answered_at is not None or offer.accepted_at is not None:
            return ()
        return offer.agents

    def _dial_customer(self, dial: m.DialCustomer, at: float) -> None:
        self._plan(at, self._customer_answers, dial)

    def _customer_answers(self, at: float, dial: m.DialCustomer) -> None:
        """The customer of a callback is always there."""
        offer = self.engine.offer(dial.offer)
        if offer is not None and offer.dialling:
            self.tell(m.CustomerAnswered(at, dial.call))
            self._may_talk(dial.offer, at)

    def _may_talk(self, name: str, at: float) -> None:
        """Both are on the line, unless the customer of a callback is still to be dialled."""
        offer = self.engine.offer(name)
        if offer is None or offer.answered_at is None:
            return
        caller, fate = self._open.pop(offer.call.call)
        fate.end(Outcome.ANSWERED, at)
        fate.agent = offer.agent
        self._talks[name] = caller, at
        self._plan(at + caller.talk, self._is_done, (name, offer.agent))

    def _is_done(self, at: float, whose: tuple[str, str]) -> None:
        name, agent = whose
        if name not in self._talks:
            return
        caller, _ = self._talks.pop(name)
        self._ended[caller.comes.call] = Outcome.ANSWERED
        self._in_use -= 1
        voice = caller.comes.channel is m.Channel.VOICE
        if voice and caller.comes.queue in self._want_disposition:
            self.tell(m.DispositionGiven(at, agent, "simulated"))
        self.tell(m.AgentReleased(at, name))
        if voice and caller.wraps is not None:
            self._plan(at + caller.wraps, self._has_wrapped_up, (agent, at))

    def _chat_returned(self, chat: m.ChatReturned, at: float) -> None:
        """The rest of it waits for somebody else; what became of its first wait stays so."""
        caller, since = self._talks.pop(chat.offer)
        comes = caller.comes
        rest = caller._replace(talk=max(0.0, caller.talk - (at - since)))
        self._open[chat.call] = rest, Fate(comes.queue, tuple(comes.needs), at, comes.enqueued_at)

    # --- agents -----------------------------------------------------------------------------------

    def _move(self, _at: float, move: m.Event) -> None:
        """An agent comes, goes, or takes a break; what they are already is no event."""
        try:
            self.engine.check(move)
        except AcdError:
            return
        self.tell(move)

    def _has_wrapped_up(self, at: float, whose: tuple[str, float]) -> None:
        agent, since = whose
        if self.ledger.state_of(agent) == (m.AgentState.WRAP_UP, since):
            self._move(at, m.WrapUpEnded(at, agent))

    def _agent_changed(self, change: m.AgentChanged, at: float) -> None:
        self.ledger.agent_changed(change)
        if change.state is m.AgentState.PAUSED and change.reason in _NOT_ANSWERING:
            back = at + self._phones.back_after
            self._plan(back, self._move, m.Readied(back, change.agent))


def run(scenario: Scenario, seed: int, width: float | None = None) -> Run:
    """A scenario set up with its dice, ready to `play`."""
    stops = scenario.ends + LONGEST_TAIL
    return Run(
        scenario.floor,
        scenario.callers(seed),
        scenario.moves(),
        begins=scenario.begins,
        stops=stops,
        phones=scenario.phones,
        lines=scenario.lines,
        seed=seed,
        width=width,
    )
