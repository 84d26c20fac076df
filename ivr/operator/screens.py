"""The screens of `acd show`: a picture in, text out, in the shape of Asterisk's `queue show`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from acd.model import MOBILE, AgentState, Formula, Queue
from acd.service_level import SPELLED
from acd.views import AgentRow, CallRow, QueueRow
from ivr.live import LiveContact
from ivr.operator.calendars import show_calendars
from ivr.operator.picture import (
    Picture,
    caller_text,
    pending_text,
    state_text,
)
from ivr.operator.wording import clock, count, needs_text, table, unknown


def show(picture: Picture, words: str) -> str:
    """The screen for `queues`, `queues/billing`, `agents`, `calls/ID` and so on; raises Refused."""
    what, _, name = words.partition("/")
    what = what.lower()
    screens: Mapping[str, Callable[[Picture, str], str]] = {
        "queues": show_queues,
        "agents": show_agents,
        "calls": show_calls,
        "contacts": show_contacts,
        "flows": show_flows,
        "calendars": show_calendars,
    }
    screen = screens.get(what) or screens.get(f"{what}s")
    if screen is None:
        raise unknown("screen", what, screens)
    return screen(picture, name.strip("/"))


# --- queues --------------------------------------------------------------------------------------


def show_queues(picture: Picture, name: str = "") -> str:
    """Every queue, or one, with members and callers, and the formulas of the figures."""
    rows = [picture.queue(name)] if name else picture.queues
    if not rows:
        return "No queues: the floor file names none."
    parts = [_queue(picture, row) for row in rows]
    return "\n\n".join([*parts, _formulas(picture, rows[0] if name else None)])


def _queue(picture: Picture, row: QueueRow) -> str:
    members = [each for each in picture.agents if row.queue in each.queues]
    calls = [call for call in picture.calls if call.queue == row.queue]
    lines = [_queue_line(picture, row)]
    lines += ["   Members:"] if members else ["   No Members"]
    lines += [f"      {_member(picture, each, row.queue)}" for each in members]
    callers = [call for call in calls if call.answered_at is None]
    lines += ["   Callers:"] if callers else ["   No Callers"]
    lines += [f"      {_caller(picture, call)}" for call in callers]
    talking = [call for call in calls if call.answered_at is not None]
    lines += ["   Talking:"] if talking else []
    lines += [f"      {_conversation(picture, call)}" for call in talking]
    return "\n".join([*lines, *_meanwhile(row)])


def _meanwhile(row: QueueRow) -> Iterator[str]:
    """How true the announced waits were, and who did not wait for an agent."""
    if row.estimates and row.estimate_error is not None:
        held = f"{row.estimates_right} of {row.estimates} held"
        share = f"{row.estimates_right / row.estimates:.0%}"
        yield f"   Announced waits: {held} ({share}), off by {row.estimate_error:.0f}s on average"
    if row.keyed:
        yield f"   Left by a key: {count(row.keyed, 'call')}"


def _queue_line(picture: Picture, row: QueueRow) -> str:
    rules = picture.queue_rules(row.queue) or Queue(row.queue)
    limit = "unlimited" if rules.max_waiting is None else str(rules.max_waiting)
    hold = 0 if row.average_wait is None else round(row.average_wait)
    line = (
        f"{row.queue} has {count(row.waiting + row.offered, 'call')} (max {limit}) "
        f"in '{rules.strategy.replace('_', ' ')}' strategy ({hold}s holdtime), "
        f"W:{rules.weight:g}, C:{row.answered}, "
        f"A:{row.abandoned}, SL:{_percent(row.service_level)}, SL2:{_percent(_level_2(row))} "
        f"within {row.target_seconds:g}s"
    )
    if picture.queue_rules(row.queue) is None:
        return f"{line}, removed: gone when its last call ends"
    return line if row.open else f"{line}, closed to new calls"


def _level_2(row: QueueRow) -> float | None:
    """Asterisk's own second figure, for comparison with other systems."""
    ended = row.answered - row.called_back + row.abandoned
    return row.answered_in_target / ended if ended else None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f}%"


def _formulas(picture: Picture, row: QueueRow | None) -> str:
    shown = [rules for rules in picture.floor.queues if row is None or rules.name == row.queue]
    shorts = {rules.short_abandon_seconds for rules in shown}
    short = f"{shorts.pop():g}s" if len(shorts) == 1 else "the queue's short_abandon"
    used = sorted({rules.formula for rules in shown} or {Formula.WITHOUT_SHORT})
    lines = [
        f"SL{_whose(shown, formula) if len(used) > 1 else ''} = "
        + SPELLED[formula].format(target="the target", short=short)
        for formula in used
    ]
    return "\n".join(lines) + (
        "\nSL2 = answered within the target / (answered + abandoned); since the day began"
    )


def _whose(rules: Sequence[Queue], formula: Formula) -> str:
    """` of billing, cards`: the queues that count by this formula."""
    return " of " + ", ".join(each.name for each in rules if each.formula is formula)


def _member(picture: Picture, row: AgentRow, queue: str) -> str:
    state = state_text(row, picture.now)
    if row.state is AgentState.PAUSED:
        state = f"paused: {row.reason}" if row.reason else "paused"
    if row.state not in {AgentState.LOGGED_OUT, AgentState.WRAP_UP}:
        state += f" {clock(row.seconds)}"
    if pending := pending_text(row):
        state += f", then {pending}"
    if queue in row.out_of:
        state += ", has left this queue"
    state += _beside(picture, row)
    return f"{row.name} ({_interface(row)}) ({state}) has taken {_taken(row, picture.now)}"


def _interface(row: AgentRow) -> str:
    """Where the agent is rung, as Asterisk names it."""
    return "mobile" if row.phone == MOBILE else f"PJSIP/{row.phone or row.agent}"


def _beside(picture: Picture, row: AgentRow) -> str:
    """What keeps calls away beside the state."""
    outside = ", in a call of their own" if row.outside else ""
    due = ", owes a disposition" if row.disposition_due else ""
    return outside + due + (", phone gone" if row.agent in picture.gone else "")


def _taken(row: AgentRow, now: float) -> str:
    if not row.taken or row.last_call_at is None:
        return "no calls yet"
    ago = max(0, int(now - row.last_call_at))
    return f"{count(row.taken, 'call')} (last was {count(ago, 'sec')} ago)"


def _caller(picture: Picture, call: CallRow) -> str:
    facts = [f"wait: {clock(call.wait)}", f"prio: {call.priority}"]
    if needs := needs_text(call.needs):
        facts.append(f"needs: {needs}")
    if call.wants:
        facts.append(f"only: {call.wants}")
    if call.agent:
        facts.append(f"rings: {picture.rung(call)}")
    facts.append(f"id: {call.contact}")
    place = f"{call.position}." if call.position is not None else "- "
    return f"{place} {picture.who(call.contact)} ({', '.join(facts)})"


def _conversation(picture: Picture, call: CallRow) -> str:
    talked = clock(picture.now - (call.answered_at or picture.now))
    facts = [f"talk: {talked}", f"waited: {clock(call.wait)}", f"id: {call.contact}"]
    left = ", caller has left" if call.caller_left else ""
    return (
        f"{picture.who(call.contact)} with {picture.agent_name(call.agent)} "
        f"({', '.join(facts)}{left})"
    )


# --- agents --------------------------------------------------------------------------------------


def show_agents(picture: Picture, agent: str = "") -> str:
    """Every agent as a table, or one agent in full."""
    if agent:
        return _agent(picture, picture.agent(agent))
    if not picture.agents:
        return "No agents: the floor file names none."
    heads = (
        "Agent",
        "Name",
        "State",
        "For",
        "Taken",
        "Missed",
        "With",
        "Phone",
        "Queues",
        "Skills",
    )
    lines = table(heads, (_agent_cells(picture, row) for row in picture.agents))
    return "\n".join([*lines, "", _agents_summary(picture)])


def _agent_cells(picture: Picture, row: AgentRow) -> tuple[str, ...]:
    state = state_text(row, picture.now)
    if pending := pending_text(row):
        state += f", then {pending}"
    state += _beside(picture, row)
    return (
        row.agent,
        row.name,
        state,
        clock(row.seconds),
        str(row.taken),
        str(_missed(row)),
        picture.who(row.contact) if row.contact else "",
        _interface(row),
        _queues(row),
        _skills(row),
    )


def _queues(row: AgentRow) -> str:
    """Their queues; those they have left for now in brackets."""
    return ", ".join(f"({name})" if name in row.out_of else name for name in row.queues)


def _agents_summary(picture: Picture) -> str:
    states = Counter(row.state for row in picture.agents)
    counted = ", ".join(
        f"{states[state]} {state.replace('_', '-' if state is AgentState.WRAP_UP else ' ')}"
        for state in AgentState
        if states[state]
    )
    return f"{count(len(picture.agents), 'agent')}: {counted}"


def _agent(picture: Picture, row: AgentRow) -> str:
    state = f"{state_text(row, picture.now)}, for {clock(row.seconds)}"
    if row.contact:
        state += f", with {picture.who(row.contact)} (id: {row.contact}, queue: {row.queue})"
    if pending := pending_text(row):
        state += f", then {pending}"
    state += _beside(picture, row)
    ended = row.taken - (row.state is AgentState.TALKING)
    average = f", {clock(row.talk_seconds / ended)} a call" if ended > 0 else ""
    lines = [
        f"{row.name} ({_interface(row)})",
        f"   State:   {state}",
        f"   Queues:  {_queues(row) or 'none'}",
        f"   Skills:  {_skills(row) or 'none'}",
        f"   Taken:   {count(row.taken, 'call')}, talked {clock(row.talk_seconds)}{average}",
        f"   Missed:  {row.no_answer} no answer, {row.rejected} rejected, {row.busy} busy, "
        f"{row.unreachable} unreachable ({row.streak} in a row now)",
        f"   See also: acd why {row.agent}",
    ]
    return "\n".join(lines)


def _missed(row: AgentRow) -> int:
    return row.no_answer + row.rejected + row.busy + row.unreachable


def _skills(row: AgentRow) -> str:
    return ", ".join(f"{skill} {level}" for skill, level in sorted(row.skills.items()))


# --- calls ---------------------------------------------------------------------------------------


def show_calls(picture: Picture, call: str = "") -> str:
    """Every call in the distributor as a table, or one call in full."""
    if call:
        return _call(picture, picture.call(call))
    if not picture.calls:
        return "No calls wait, ring or talk."
    heads = ("Contact", "Caller", "Queue", "State", "Wait", "Prio", "Agent", "Needs")
    lines = table(heads, (_call_cells(picture, row) for row in picture.calls))
    states = Counter(row.state for row in picture.calls)
    counted = ", ".join(f"{number} {state}" for state, number in states.items())
    return "\n".join([*lines, "", f"{count(len(picture.calls), 'call')}: {counted}"])


def _call_cells(picture: Picture, row: CallRow) -> tuple[str, ...]:
    return (
        row.contact,
        picture.who(row.contact),
        row.queue,
        _call_state(picture, row),
        clock(row.wait),
        str(row.priority),
        picture.rung(row) if row.agent else picture.agent_name(row.wants),
        needs_text(row.needs),
    )


def _call_state(picture: Picture, row: CallRow) -> str:
    if row.position is not None:
        return f"waiting, place {row.position}"
    if row.answered_at is not None:
        return f"talking {clock(picture.now - row.answered_at)}"
    return row.state


def _call(picture: Picture, row: CallRow) -> str:
    contact = picture.contacts.get(row.contact)
    agent = f", {picture.rung(row)}" if row.agent else ""
    lines = [
        f"{picture.who(row.contact)} (contact {row.contact}, call {row.call})",
        f"   State:    {_call_state(picture, row)}{agent}, in {row.queue}",
        f"   Waited:   {clock(row.wait)}",
        f"   Priority: {row.priority}",
        f"   Needs:    {needs_text(row.needs) or 'any agent of the queue'}",
    ]
    if row.wants:
        lines.append(f"   Wants:    {picture.agent_name(row.wants)} and nobody else")
    if contact is not None:
        lines.append(f"   Flow:     {_position(contact)}, dialled {contact.dialled}")
    return "\n".join([*lines, f"   See also: acd why {row.contact}"])


# --- contacts and flows --------------------------------------------------------------------------


def show_contacts(picture: Picture, contact: str = "") -> str:
    """Every live contact, also those still in their flow."""
    rows = [picture.contact(contact)] if contact else list(picture.contacts.values())
    if not rows:
        return "Nobody is on the telephone."
    heads = ("Contact", "Caller", "Dialled", "Age", "Where", "Flow and step")
    lines = table(heads, (_contact_cells(picture, each) for each in rows))
    return "\n".join([*lines, "", count(len(rows), "contact")])


def _contact_cells(picture: Picture, contact: LiveContact) -> tuple[str, ...]:
    return (
        contact.id,
        caller_text(contact),
        contact.dialled,
        clock(picture.now - contact.started_at),
        where(picture, contact),
        _position(contact),
    )


def where(picture: Picture, contact: LiveContact) -> str:
    """What a contact is doing: `in the flow`, `waiting in billing`, `talking with 1001 Ana`."""
    if contact.phase == "talking" and contact.agent:
        return f"talking with {picture.agent_name(contact.agent)}"
    if contact.phase == "waiting" and contact.queue:
        return f"waiting in {contact.queue}"
    return "in the flow"


def _position(contact: LiveContact) -> str:
    step = contact.position.get("step")
    return f"{contact.flow}: {step}" if step else contact.flow


def show_flows(picture: Picture, name: str = "") -> str:
    """The flows in force, their revisions and numbers, and how many contacts are in them."""
    if name and name not in picture.flows:
        raise unknown("flow", name, picture.flows)
    flows = [picture.flows[name]] if name else sorted(picture.flows.values(), key=lambda f: f.name)
    if not flows:
        return "No flows are in force."
    cells = []
    for flow in flows:
        inside = [each for each in picture.contacts.values() if each.flow == flow.name]
        older = sum(
            each.position.get("revision", flow.revision) != flow.revision for each in inside
        )
        cells.append(
            (
                flow.name,
                flow.revision,
                ", ".join(flow.numbers) or "none",
                ", ".join(language.code for language in flow.languages),
                str(len(flow.steps)),
                f"{len(inside)} ({older} on an older revision)" if older else str(len(inside)),
                flow.path,
            )
        )
    heads = ("Flow", "Revision", "Numbers", "Languages", "Steps", "Contacts", "File")
    return "\n".join(table(heads, cells))
