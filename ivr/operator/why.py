"""`acd why ...`: why a call waits, or why an agent gets no call, and what would change that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from acd.estimate import in_minutes
from acd.explain import AgentStands, CallExplained, Change, Hindrance, Obstacle, Stands
from acd.model import AgentState, Staffing, Strategy
from acd.views import AgentRow, CallRow
from ivr.operator.picture import Picture, full_name, pending_text, state_text, where_rung
from ivr.operator.screens import where
from ivr.operator.wording import Refused, clock, count, needs_text, remaining, table

LIST_LIMIT = 12
"""More agents or calls than this are only counted."""

_HEADLINES: Mapping[Staffing, str] = {
    Staffing.NOBODY_LOGGED_IN: "nobody who could take it is logged in",
    Staffing.NOBODY_SKILLED: "agents of the queue are logged in, but none with what it needs",
    Staffing.ALL_PAUSED: "everyone who could take it is paused",
    Staffing.ALL_BUSY: "everyone there who could take it is busy",
    Staffing.READY: "the ready agents did not answer it a moment ago",
}


def why(picture: Picture, word: str) -> str:
    """Why this call waits, or why this agent gets no call; raises Refused for an unknown word."""
    word = word.strip()
    if not word:
        raise Refused("Usage: acd why CALL, or acd why AGENT. See acd show calls, acd show agents.")
    if any(row.agent == word for row in picture.agents):
        return why_agent(picture, picture.agent(word))
    try:
        call = picture.call(word)
    except Refused as not_there:
        return _why_not_a_call(picture, word, not_there)
    return why_call(picture, call)


def _why_not_a_call(picture: Picture, word: str, not_there: Refused) -> str:
    """A contact in its flow wants nobody yet; anything else is unknown."""
    try:
        contact = picture.contact(word)
    except Refused:
        ids = [*picture.contacts, *(row.contact for row in picture.calls)]
        if any(word in each for each in ids):
            raise not_there from None
        raise Refused(
            f'No agent and no call "{word[:60]}". See acd show agents, acd show calls.'
        ) from None
    doing = where(picture, contact)
    return f"{contact.id} {picture.who(contact.id)} waits for no agent: it is {doing}."


# --- a call --------------------------------------------------------------------------------------


def why_call(picture: Picture, call: CallRow) -> str:
    """Who could take it, who is busy with what, why others cannot, what would help."""
    name = f"{call.contact} {picture.who(call.contact)}"
    if call.answered_at is not None:
        since = clock(picture.now - call.answered_at)
        agent = picture.agent_name(call.agent)
        return f"{name} does not wait: it talks with {agent} for {since} ({call.queue})."
    explained = picture.view.explain_call(call.call, picture.now)
    if call.agent is not None or explained is None:
        return f"{name} waits {clock(call.wait)} in {call.queue}; {_being_rung(picture, call)}."
    lines = [
        f"{name} waits {clock(call.wait)} in {call.queue}: {_headline(picture, explained)}.",
        f"   Place {call.position} in {call.queue}, priority {call.priority}, "
        f"needs {needs_text(explained.needs) or 'any agent of the queue'}"
        + (f", wants only {picture.agent_name(call.wants)}" if call.wants else ""),
        *_steps(explained),
        *_times(picture, explained),
        *_ahead(picture, explained),
    ]
    return "\n".join(lines + _agents_for(picture, explained))


def _being_rung(picture: Picture, call: CallRow) -> str:
    rung = picture.rung(call)
    if call.dialling:
        return f"the customer is being called back for {rung}"
    row = next((row for row in picture.agents if row.agent == call.agent), None)
    since = f" for {clock(row.seconds)}" if row is not None else ""
    return f"it rings at {rung}{since}" if call.also else f"{rung} is being rung{since}"


def _headline(picture: Picture, explained: CallExplained) -> str:
    due = _change(explained, Change.CALLBACK_DUE)
    if due is not None:
        return f"a callback that may be dialled in {remaining(due - picture.now)}"
    until = _change(explained, Change.PREFERENCE_ENDS)
    if explained.prefers is not None and until is not None:
        agent = picture.agent_name(explained.prefers)
        return f"it waits for {agent}, {remaining(until - picture.now)} more at most"
    return _HEADLINES[explained.staffing]


def _change(explained: CallExplained, what: Change) -> float | None:
    return next((each.at for each in explained.changes if each.what is what), None)


def _steps(explained: CallExplained) -> list[str]:
    """The relaxation in force, when its queue has any."""
    if not explained.steps or explained.wants is not None:
        return []
    if not explained.step:
        return []
    asked = needs_text(explained.first_needs) or "any agent of the queue"
    also = f"; agents of {', '.join(explained.also)} too" if explained.also else ""
    return [f"   Step {explained.step} of {explained.steps}: it first asked for {asked}{also}"]


def _times(picture: Picture, explained: CallExplained) -> list[str]:
    """What comes by itself, in the order it comes, and the wait that is expected."""
    words = {
        Change.STEP: f"takes step {explained.step + 1} of {explained.steps}",
        Change.LEAVES: "leaves the queue, if nothing changes",
        Change.TIMES_OUT: "has waited as long as it may",
    }
    timed = sorted(
        (each.at, words[each.what])
        for each in explained.changes
        if each.at is not None and each.what in words
    )
    lines = [f"   In {remaining(at - picture.now)} it {what}" for at, what in timed]
    if explained.estimate is not None:
        low, high = in_minutes(explained.estimate.low, explained.estimate.high)
        lines.append(f"   Expected wait from now: about {low} to {high} minutes")
    return lines


def _ahead(picture: Picture, explained: CallExplained) -> list[str]:
    """Calls that the same agents take before this one, whatever their queue."""
    rows = {row.call: row for row in picture.calls}
    before = [rows[call] for call in explained.before[:3] if call in rows]
    if not before:
        able = any(many for way, many in explained.counts.items() if way is not Stands.CANNOT)
        return ["   Served next by the agents below"] if able else []
    shown = "; ".join(
        f"{each.contact} ({each.queue}, {clock(each.wait)}, prio {each.priority})"
        for each in before
    )
    more = f" and {explained.ahead - 3} more" if explained.ahead > 3 else ""
    return [f"   Before it, for the same agents: {shown}{more}"]


@dataclass(frozen=True, slots=True)
class _Group:
    """Agents who stand in the same way to a call, each with a remark and the cure if there is."""

    title: str
    stands: Stands
    rows: Sequence[tuple[str, str, str]]


def _agents_for(picture: Picture, explained: CallExplained) -> list[str]:
    rows = {row.agent: row for row in picture.agents}
    standing: dict[Stands, list[tuple[AgentRow, AgentStands]]] = {each: [] for each in Stands}
    for each in explained.agents:
        standing[each.stands].append((rows[each.agent], each))
    groups = (
        _Group(
            "Free for it now",
            Stands.FREE,
            [(full_name(row), "ready", "") for row, _ in standing[Stands.FREE]],
        ),
        _Group("Busy", Stands.BUSY, [_busy(picture, row) for row, _ in standing[Stands.BUSY]]),
        _Group(
            "Left out for a while: did not answer it",
            Stands.LEFT_OUT,
            [_tried(picture, row) for row, _ in standing[Stands.LEFT_OUT]],
        ),
        _Group("Not there", Stands.AWAY, [_away(picture, row) for row, _ in standing[Stands.AWAY]]),
        _Group(
            "Cannot take it",
            Stands.CANNOT,
            [
                (full_name(row), _obstacles(picture, explained, each), _join(explained, each))
                for row, each in standing[Stands.CANNOT]
            ],
        ),
    )
    counts = explained.counts
    return [
        line for group in groups if group.rows for line in _group_lines(group, counts[group.stands])
    ]


def _group_lines(group: _Group, of: int) -> list[str]:
    """The first agents of a group, and how many there are more."""
    lines = table(("", "", ""), group.rows[:LIST_LIMIT])[1:]
    hidden = of - LIST_LIMIT
    more = [f"      and {count(hidden, 'more agent')}"] if hidden > 0 else []
    return [f"   {group.title}:", *(f"      {line}" for line in lines), *more]


def _busy(picture: Picture, row: AgentRow) -> tuple[str, str, str]:
    doing = state_text(row, picture.now)
    if row.contact:
        doing += f" {clock(row.seconds)}, {picture.who(row.contact)} ({row.queue})"
    elif row.outside:
        doing = "in a call of their own"
    if row.chats:
        doing += f", {count(len(row.chats), 'chat')}"
    if pending := pending_text(row):
        doing += f", then {pending}"
    if row.disposition_due:
        return full_name(row), f"{doing}, owes a disposition", ""
    wrap_up = row.state is AgentState.WRAP_UP and not row.pending
    return full_name(row), doing, f"acd do finish/{row.agent}" if wrap_up else ""


def _tried(picture: Picture, row: AgentRow) -> tuple[str, str, str]:
    return full_name(row), state_text(row, picture.now), ""


def _away(picture: Picture, row: AgentRow) -> tuple[str, str, str]:
    out = row.state is AgentState.LOGGED_OUT
    since = f"{state_text(row, picture.now)} {clock(row.seconds)}"
    return full_name(row), since, f"acd do {'login' if out else 'ready'}/{row.agent}"


def _join(explained: CallExplained, each: AgentStands) -> str:
    return f"may take it from step {each.at_step} on" if each.at_step is not None else ""


def _obstacles(picture: Picture, call: CallRow | CallExplained, each: AgentStands) -> str:
    """Everything that keeps this agent from this call, whoever is free."""
    return "; ".join(_obstacle(picture, call, hindrance) for hindrance in each.hindrances)


def _obstacle(picture: Picture, call: CallRow | CallExplained, why: Hindrance) -> str:
    match why.obstacle:
        case Obstacle.WANTS_OTHER:
            return f"it wants only {picture.agent_name(call.wants)}"
        case Obstacle.PREFERS_OTHER:
            return f"it waits for {picture.agent_name(call.prefers)}"
        case Obstacle.NOT_IN_QUEUE:
            return f"not in queue {call.queue}"
        case Obstacle.LEFT_QUEUE:
            return f"has left queue {call.queue} for now"
        case Obstacle.NO_SKILL:
            return f"no {why.skill}"
        case Obstacle.LEVEL:
            return f"{why.skill} {why.has}, needs {why.needs}"
        case Obstacle.OWN_CALL:
            return "it is their own call"
    return "removed from the floor"


# --- an agent ------------------------------------------------------------------------------------


def why_agent(picture: Picture, row: AgentRow) -> str:
    """Why this agent gets no call."""
    waiting = [call for call in picture.calls if call.position is not None]
    explained = picture.view.explain_agent(row.agent)
    stands = dict(explained.calls)
    fits = [call for call in waiting if stands[call.call].stands is not Stands.CANNOT]
    head = f"{full_name(row)} {_agent_headline(picture, row, waiting, fits)}"
    queues, skills = ", ".join(row.queues) or "no queue", _skills(row)
    left = f" (has left {', '.join(row.out_of)} for now)" if row.out_of else ""
    lines = [head, f"   Works for {queues}{left}; skills: {skills}"]
    if row.chats:
        lines.append(f"   Holds {len(row.chats)} of at most {count(row.most_chats, 'chat')}")
    lines += _ahead_of_agent(picture, row, explained.goes_first)
    lines += _call_lines(picture, waiting, stands)
    return "\n".join(lines)


def _skills(row: AgentRow) -> str:
    return ", ".join(f"{name} {level}" for name, level in sorted(row.skills.items())) or "none"


def _agent_headline(
    picture: Picture, row: AgentRow, waiting: Sequence[CallRow], fits: Sequence[CallRow]
) -> str:
    since = clock(row.seconds)
    match row.state:
        case AgentState.LOGGED_OUT:
            return f"is logged out for {since}. To change it: acd do login/{row.agent}"
        case AgentState.PAUSED:
            text = state_text(row, picture.now)
            return f"is {text} for {since}. To change it: acd do ready/{row.agent}"
        case AgentState.OFFERED:
            return f"is being rung for {since}: {picture.who(row.contact)} ({row.queue})."
        case AgentState.TALKING:
            return f"talks for {since} with {picture.who(row.contact)} ({row.queue}){_then(row)}."
        case AgentState.WRAP_UP:
            end = f"To end it: acd do finish/{row.agent}"
            return f"is in {state_text(row, picture.now)}{_then(row)}. {end}"
    if row.outside:
        return "is in a call of their own, and gets no offers until it ends."
    if row.agent in picture.gone:
        return f"is ready, but {where_rung(row)} is not registered: offers fail as unreachable."
    if not waiting:
        return f"is ready (idle {clock(picture.now - row.idle_since)}): no call waits."
    if not fits:
        return "is ready, but no waiting call is for this agent."
    return "is ready, but did not answer the calls that wait: others are tried first."


def _then(row: AgentRow) -> str:
    pending = pending_text(row)
    return f", then {pending}" if pending else ""


def _ahead_of_agent(
    picture: Picture, row: AgentRow, goes_first: Mapping[str, tuple[str, Strategy]]
) -> list[str]:
    """Ready agents of the same queues who are rung before this one."""
    rows = {each.agent: each for each in picture.agents}
    lines = []
    for queue, (name, strategy) in goes_first.items():
        reason = f"idle longer ({clock(picture.now - rows[name].idle_since)})"
        if strategy is not Strategy.LONGEST_IDLE:
            reason = f"by {strategy.replace('_', ' ')}"
        lines.append(f"   Next in {queue}: {full_name(rows[name])}, {reason}")
    return lines


def _call_lines(
    picture: Picture, waiting: Sequence[CallRow], stands: Mapping[str, AgentStands]
) -> list[str]:
    cells = [
        (call.contact, call.queue, clock(call.wait), _verdict(picture, call, stands[call.call]))
        for call in waiting[:LIST_LIMIT]
    ]
    lines = [f"      {line}" for line in _rows(cells)]
    hidden = len(waiting) - LIST_LIMIT
    if hidden > 0:
        lines.append(f"      and {count(hidden, 'more call')}")
    return ["   Waiting calls:", *lines] if lines else []


def _rows(cells: Iterable[tuple[str, ...]]) -> list[str]:
    rows = list(cells)
    return table(("",) * len(rows[0]), rows)[1:] if rows else []


def _verdict(picture: Picture, call: CallRow, each: AgentStands) -> str:
    if each.stands is Stands.CANNOT:
        later = f" (from step {each.at_step} on)" if each.at_step is not None else ""
        return _obstacles(picture, call, each) + later
    if each.stands is Stands.LEFT_OUT:
        return "left out for a while: did not answer it"
    return "fits"
