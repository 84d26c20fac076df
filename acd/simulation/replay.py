"""A recorded span once more, on the same floor or on another.

Calls come when they came and are talked to for as long as they were; agents come and go when they
did. What was not seen is filled in, each time with other dice:
- patience of callers who did not hang up is only known to be longer than their wait (it is
  censored): their wait, and on top of it an exponential time. Its mean is all the time that callers
  of the queue have waited by the number who gave up, which is the likeliest value for censored
  exponential times; with fewer than `ENOUGH` who gave up, that of all queues; with none, for ever.
- talk of those who were not answered: that of one who was, of the same queue where there is one.
- which offers are not answered: as large a share of each agent's as was.
- how soon each phone is answered: as soon as one that was. Of phones that rang together only the
  quickest was seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from acd import model as m
from acd.floor import Floor
from acd.simulation.draws import Dice, Fixed, Recorded, dice_for
from acd.simulation.ledger import Outcome
from acd.simulation.recording import RecordedCall, Recording
from acd.simulation.run import Run
from acd.simulation.scenario import Caller, Phones

ENOUGH = 5
"""Callers who gave up, from which the patience of a queue is told by its own callers."""
USUAL_TALK = 180.0
"""Seconds of talk when nobody was answered at all."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What one floor can take of a recording.

    `dropped` calls came to queues that the floor does not have; `unknown` agents worked then and
    are not on it; `added` agents are on it and were not there: they work all the time.
    """

    recording: Recording
    floor: Floor
    calls: tuple[RecordedCall, ...]
    dropped: int
    unknown: tuple[str, ...]
    added: tuple[str, ...]
    patience: dict[str, float]
    talks: dict[str, tuple[float, ...]]


def fit(recording: Recording, floor: Floor) -> Fitted:
    """Look what of the recording the floor can take."""
    queues = {queue.name for queue in floor.queues}
    then = {agent.id for agent in recording.floor.agents}
    here = {agent.id for agent in floor.agents}
    worked = set(recording.ledger.duty)
    calls = tuple(call for call in recording.calls if call.comes.queue in queues)
    return Fitted(
        recording,
        floor,
        calls,
        len(recording.calls) - len(calls),
        tuple(sorted(worked - here)),
        tuple(sorted(here - then - worked)),
        _patience(recording.calls),
        _talks(recording.calls),
    )


def replay(fitted: Fitted, seed: int, width: float) -> Run:
    """The span set up with these dice, ready to `play`."""
    recording = fitted.recording
    added = [m.LoggedIn(recording.begins, agent) for agent in fitted.added]
    rings = tuple(call.rings for call in recording.calls if call.counted and call.rings is not None)
    missed = {
        agent: recording.missed.get(agent, 0) / offers for agent, offers in recording.offers.items()
    }
    return Run(
        fitted.floor,
        _callers(fitted, dice_for(seed, "replay")),
        [*added, *recording.moves],
        begins=recording.begins,
        stops=recording.ends,
        phones=Phones(Recorded(rings) if rings else Fixed(0), missed_by=missed),
        seed=seed,
        width=width,
    )


def _callers(fitted: Fitted, dice: Dice) -> Iterator[Caller]:
    """In the order they came; all is drawn in that order, whatever the floor then does."""
    for call in fitted.calls:
        fate = call.fate
        mean = fitted.patience.get(fate.queue, fitted.patience[""])
        further = dice.expovariate(1 / mean) if mean < math.inf else math.inf
        some = dice.choice(fitted.talks.get(fate.queue) or fitted.talks[""])
        seen = (fitted.recording.ends if fate.outcome is Outcome.OPEN else fate.ended) - fate.at
        if fate.outcome is Outcome.ABANDONED or call.callback:
            patience = max(0.0, seen)
        else:
            patience = max(0.0, seen) + further if call.counted else math.inf
        talk = call.talk
        if talk is None:
            going_on = fate.outcome is Outcome.ANSWERED
            talk = max(some, fitted.recording.ends - fate.ended if going_on else 0.0)
        yield Caller(
            call.comes,
            talk,
            patience,
            call.rings,
            call.wraps,
            call.counted,
            call.callback,
            call.after,
            call.together,
        )


def _patience(calls: Sequence[RecordedCall]) -> dict[str, float]:
    """Mean seconds by queue, and of all under the empty name."""
    waited: dict[str, float] = {"": 0.0}
    gave_up: dict[str, int] = {"": 0}
    for call in calls:
        if call.counted and call.fate.outcome is not Outcome.OPEN:
            for name in ("", call.fate.queue):
                waited[name] = waited.get(name, 0.0) + max(0.0, call.fate.ended - call.fate.at)
                left = call.fate.outcome is Outcome.ABANDONED
                gave_up[name] = gave_up.get(name, 0) + left
    found = {
        name: waited[name] / count
        for name, count in gave_up.items()
        if count >= ENOUGH and waited[name] > 0
    }
    return {"": waited[""] / gave_up[""] if gave_up[""] and waited[""] > 0 else math.inf} | found


def _talks(calls: Sequence[RecordedCall]) -> dict[str, tuple[float, ...]]:
    """Talks that have ended by queue, and all of them under the empty name."""
    found: dict[str, list[float]] = {"": []}
    for call in calls:
        if call.talk is not None and call.counted:
            found[""].append(call.talk)
            found.setdefault(call.fate.queue, []).append(call.talk)
    usual = {"": (USUAL_TALK,)} if not found[""] else {}
    return {name: tuple(each) for name, each in found.items()} | usual
