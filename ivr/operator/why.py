"""`acd why ...`: why a call waits, or why an agent gets no call, and what would change that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from acd.model import AgentState, Queue, Staffing
from acd.order import call_number
from acd.pools import Wish, can_ever_serve
from acd.views import AgentRow, CallRow
from ivr.operator.picture import Picture, full_name, pending_text, state_text
from ivr.operator.screens import where
from ivr.operator.wording import Refused, clock, count, needs_text, table

LIST_LIMIT = 12
"""More agents or calls than this are only counted."""

_AWAY = frozenset({AgentState.LOGGED_OUT, AgentState.PAUSED})
_BUSY = frozenset({AgentState.OFFERED, AgentState.TALKING, AgentState.WRAP_UP})

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
    if call.agent is not None:
        rung = picture.agent_name(call.agent)
        row = next((row for row in picture.agents if row.agent == call.agent), None)
        since = f" for {clock(row.seconds)}" if row is not None else ""
        return f"{name} waits {clock(call.wait)} in {call.queue}; {rung} is being rung{since}."
    headline = _HEADLINES[call.staffing] if call.staffing is not None else "no agent is free"
    lines = [
        f"{name} waits {clock(call.wait)} in {call.queue}: {headline}.",
        f"   Place {call.position} in {call.queue}, priority {call.priority}, "
        f"needs {needs_text(call.needs) or 'any agent of the queue'}"
        + (f", wants only {picture.agent_name(call.wants)}" if call.wants else ""),
    ]
    lines += _ahead(picture, call)
    return "\n".join(lines + _agents_for(picture, call))


def _ahead(picture: Picture, call: CallRow) -> list[str]:
    """Calls that the same agents take before this one, whatever their queue."""
    mine, own = _fitting(picture, call), _number(picture, call)
    before = [
        other
        for other in picture.calls
        if other.position is not None
        and other.call != call.call
        and _goes_before(picture, other, call, own)
        and not mine.isdisjoint(_fitting(picture, other))
    ]
    if not before:
        return ["   Served next by the agents below"] if mine else []
    shown = "; ".join(
        f"{each.contact} ({each.queue}, {clock(each.wait)}, prio {each.priority})"
        for each in before[:3]
    )
    more = f" and {len(before) - 3} more" if len(before) > 3 else ""
    return [f"   Before it, for the same agents: {shown}{more}"]


def _goes_before(picture: Picture, other: CallRow, call: CallRow, own: float) -> bool:
    if other.queue == call.queue:
        return (other.position or 0) < (call.position or 0)
    return _number(picture, other) < own


def _number(picture: Picture, call: CallRow) -> float:
    rules = picture.queue_rules(call.queue) or Queue(call.queue)
    return call_number(call.enqueued_at, call.priority, rules.weight, rules.seconds_per_priority)


def _fitting(picture: Picture, call: CallRow) -> frozenset[str]:
    wish = Wish.of(call.queue, call.needs, call.wants)
    return frozenset(agent.id for agent in picture.floor.agents if can_ever_serve(agent, wish))


@dataclass(frozen=True, slots=True)
class _Group:
    """Agents who stand in the same way to a call, each with a remark and the cure if there is."""

    title: str
    rows: Sequence[tuple[str, str, str]]


def _agents_for(picture: Picture, call: CallRow) -> list[str]:
    fitting = _fitting(picture, call)
    left_out = frozenset(call.left_out)
    able = [row for row in picture.agents if row.agent in fitting]
    tried = [row for row in able if row.agent in left_out and row.state not in _AWAY]
    others = [row for row in able if row not in tried]
    ready = [row for row in others if row.state is AgentState.READY]
    busy = [row for row in others if row.state in _BUSY]
    away = [row for row in others if row not in ready and row not in busy]
    cannot = [row for row in picture.agents if row.agent not in fitting]
    groups = (
        _Group("Free for it now", [(full_name(row), "ready", "") for row in ready]),
        _Group("Busy", [_busy(picture, row) for row in busy]),
        _Group("Left out for a while: did not answer it", [_tried(picture, row) for row in tried]),
        _Group("Not there", [_away(picture, row) for row in away]),
        _Group(
            "Cannot take it", [(full_name(r), _obstacles(picture, r, call), "") for r in cannot]
        ),
    )
    return [line for group in groups if group.rows for line in _group_lines(group)]


def _group_lines(group: _Group) -> list[str]:
    lines = table(("", "", ""), group.rows[:LIST_LIMIT])[1:]
    hidden = len(group.rows) - LIST_LIMIT
    more = [f"      and {count(hidden, 'more agent')}"] if hidden > 0 else []
    return [f"   {group.title}:", *(f"      {line}" for line in lines), *more]


def _busy(picture: Picture, row: AgentRow) -> tuple[str, str, str]:
    doing = state_text(row, picture.now)
    if row.contact:
        doing += f" {clock(row.seconds)}, {picture.who(row.contact)} ({row.queue})"
    if pending := pending_text(row):
        doing += f", then {pending}"
    wrap_up = row.state is AgentState.WRAP_UP and not row.pending
    return full_name(row), doing, f"acd do finish/{row.agent}" if wrap_up else ""


def _tried(picture: Picture, row: AgentRow) -> tuple[str, str, str]:
    return full_name(row), state_text(row, picture.now), ""


def _away(picture: Picture, row: AgentRow) -> tuple[str, str, str]:
    out = row.state is AgentState.LOGGED_OUT
    since = f"{state_text(row, picture.now)} {clock(row.seconds)}"
    return full_name(row), since, f"acd do {'login' if out else 'ready'}/{row.agent}"


def _obstacles(picture: Picture, row: AgentRow, call: CallRow) -> str:
    """Everything that keeps this agent from this call, whoever is free."""
    if picture.agent_rules(row.agent) is None:
        return "removed from the floor"
    if call.wants is not None:
        return f"it wants only {picture.agent_name(call.wants)}"
    found = [] if call.queue in row.queues else [f"not in queue {call.queue}"]
    for skill, level in sorted(call.needs.items()):
        if skill not in row.skills:
            found.append(f"no {skill}")
        elif row.skills[skill] < level:
            found.append(f"{skill} {row.skills[skill]}, needs {level}")
    return "; ".join(found)


# --- an agent ------------------------------------------------------------------------------------


def why_agent(picture: Picture, row: AgentRow) -> str:
    """Why this agent gets no call."""
    waiting = [call for call in picture.calls if call.position is not None]
    fits = [call for call in waiting if row.agent in _fitting(picture, call)]
    head = f"{full_name(row)} {_agent_headline(picture, row, waiting, fits)}"
    queues, skills = ", ".join(row.queues) or "no queue", _skills(row)
    lines = [head, f"   Works for {queues}; skills: {skills}"]
    if row.state is AgentState.READY:
        lines += _ahead_of_agent(picture, row)
    lines += _call_lines(picture, row, waiting)
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
    if not waiting:
        return f"is ready (idle {clock(picture.now - row.idle_since)}): no call waits."
    if not fits:
        return "is ready, but no waiting call is for this agent."
    return "is ready, but did not answer the calls that wait: others are tried first."


def _then(row: AgentRow) -> str:
    pending = pending_text(row)
    return f", then {pending}" if pending else ""


def _ahead_of_agent(picture: Picture, row: AgentRow) -> list[str]:
    """Ready agents of the same queues who have been idle longer get the next call first."""
    lines = []
    for queue in row.queues:
        longer = [
            other
            for other in picture.agents
            if other.state is AgentState.READY
            and queue in other.queues
            and (other.idle_since, other.agent) < (row.idle_since, row.agent)
        ]
        if longer:
            first = min(longer, key=lambda each: (each.idle_since, each.agent))
            idle = clock(picture.now - first.idle_since)
            lines.append(f"   Next in {queue}: {full_name(first)}, idle longer ({idle})")
    return lines


def _call_lines(picture: Picture, row: AgentRow, waiting: Sequence[CallRow]) -> list[str]:
    cells = [
        (call.contact, call.queue, clock(call.wait), _verdict(picture, row, call))
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


def _verdict(picture: Picture, row: AgentRow, call: CallRow) -> str:
    if row.agent not in _fitting(picture, call):
        return _obstacles(picture, row, call)
    if row.agent in call.left_out:
        return "left out for a while: did not answer it"
    return "fits"
