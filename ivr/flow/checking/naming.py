"""Names of people, services and numbers that a flow uses: whether the house has them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ivr.backends.numbers import allowed
from ivr.flow.asking import BookStep, CodeStep, IdentifyStep
from ivr.flow.checking.dataflow import Known
from ivr.flow.fields import Field
from ivr.flow.loading.draft import Inspection
from ivr.flow.loading.reading import FACTS
from ivr.flow.loading.yaml import quote, suggest
from ivr.flow.model import (
    CallbackStep,
    Flow,
    HttpStep,
    Link,
    Need,
    QueueStep,
    RoomStep,
    SmsStep,
    TransferStep,
    options_of,
)
from ivr.flow.words import Place, Template

ALWAYS_KNOWN = frozenset(FACTS) - {"customer", "opens", "wait"}
MAX_COMBINATIONS, MAX_RENDERED = 64, 30_000
"""Values tried for one name, and for all names of a flow: beyond them names go unchecked."""
SERVICES = "services.yaml"


def check_names(view: Inspection) -> None:
    """Reports queues, skills, agents, services and outside numbers that do not exist."""
    flow, floor, people = view.flow, view.floor, _People(view)
    _gateway(view)
    for name, step in flow.steps.items():
        match step:
            case QueueStep():
                people.check(name, step.queue, step.needs)
                _agent(view, step.agent)
                _agent(view, step.prefer)
                people.check_ways_out(step)
            case CallbackStep():
                people.check(name, step.queue, step.needs)
            case RoomStep():
                people.check(name, step.room.queue, step.needs)
            case SmsStep(link=Link(chat=site)) if site:
                _site(view, name, site)
            case TransferStep() if step.outside:
                _outside(view, step.to)
            case TransferStep():
                people.check(name, step.queue, ())
                _agent(view, step.to)
            case HttpStep() | BookStep():
                _service(view, name, step.service, "http" if isinstance(step, HttpStep) else "book")
            case _:
                pass
    if floor is not None:
        for language in flow.languages:
            if language.skill is not None and language.skill not in floor.skills:
                place = view.draft.place("languages", language.code, "skill")
                view.problems.unknown(place, "skill", language.skill, floor.skills)


# --- queues, skills, agents ------------------------------------------------------------------


@dataclass(slots=True)
class _People:
    """Looks up the names of queues and skills; how often it may try values is bounded."""

    view: Inspection
    left: int = MAX_RENDERED

    def check(self, step: str, queue: Template | None, needs: Sequence[Need]) -> None:
        known = self.view.known.get(step)
        if queue is not None:
            self._check("queue", queue, known)
        for need in needs:
            self._check("skill", need.skill, known)

    def check_ways_out(self, step: QueueStep) -> None:
        for option in options_of(step).values():
            if option.room is not None:
                self.check(step.name, option.room.queue, ())

    def _check(self, what: str, template: Template, known: Known | None) -> None:
        floor = self.view.floor
        allowed = None if floor is None else getattr(floor, what + "s")
        # Where no call comes to nothing is known: only what a field can hold is looked up there.
        unset = {name for name in template.names if known is not None and not known.must(name)}
        found = renderings(self.view.flow, template, unset - ALWAYS_KNOWN)
        for rendering in itertools.islice(found, max(0, self.left)):
            self.left -= bool(template.names)
            wrong = _name(what, rendering, allowed)
            if wrong is not None:
                self.view.problems.add(template.place, *wrong)


def _name(
    what: str, rendering: Rendering, allowed: Collection[str] | None
) -> tuple[str, str] | None:
    """What is wrong with a name, and its cure."""
    if not rendering.text:
        missing = rendering.missing
        cure = f"write {{{{ {missing} | default('...') }}}}" if missing else ""
        return f"the name of the {what} can be empty here", cure
    if allowed is not None and rendering.text not in allowed:
        return f"unknown {what} {quote(rendering.text)}", suggest(rendering.text, allowed)
    return None


def _agent(view: Inspection, agent: Template | None) -> None:
    agents = None if view.floor is None else view.floor.agents
    if agent is None or agents is None or agent.names or not agent.source:
        return
    if agent.source not in agents:
        view.problems.unknown(agent.place, "agent", agent.source, agents)


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a name can become; `missing` are the fields that had no value for it."""

    text: str
    missing: str


def renderings(flow: Flow, template: Template, unset: Collection[str] = ()) -> Iterator[Rendering]:
    """What a name can become with every value of its fields; those in `unset` may have none.

    Nothing when the values cannot be listed, or when the template is empty after a mistake.
    """
    choices: list[list[tuple[str, object]]] = []
    for name in sorted(template.names):
        values = _possible(flow, name)
        if values is None:
            return
        choices.append([(name, value) for value in [*values, *([None] if name in unset else [])]])
    if not template.source:
        return
    for combination in itertools.islice(itertools.product(*choices), MAX_COMBINATIONS):
        missing = [name for name, value in combination if value is None]
        yield Rendering(template.render(dict(combination)), ", ".join(missing))


def _possible(flow: Flow, name: str) -> Sequence[object] | None:
    """Every value a name can have, or None when they cannot be listed."""
    if name == "language":
        return [language.code for language in flow.languages]
    if name == "verified":
        return [True, False]
    found: Field | None = flow.fields.get(name)
    if found is not None and found.type == "choice":
        return found.of
    return [True, False] if found is not None and found.type == "yesno" else None


# --- what services.yaml has ------------------------------------------------------------------


def _service(view: Inspection, step: str, service: str, verb: str) -> None:
    if view.names is None or not service:
        return
    place, kind = view.at(step, verb), view.names.services.get(service)
    known = view.names.of_kind("http")
    if kind is None:
        cure = f"describe it in {SERVICES}" if not known else suggest(service, known)
        view.problems.add(place, f"unknown service {quote(service)}", cure)
    elif kind != "http":
        message = f"the service {quote(service)} only identifies callers"
        view.problems.add(place, message, f"use it in `identify`, or change its kind in {SERVICES}")


def _site(view: Inspection, step: str, site: str) -> None:
    known = None if view.names is None else view.names.chats
    if known is not None and site not in known:
        place = view.at(step, "link", "chat")
        cure = suggest(site, known) if known else f"describe it under `chats` in {SERVICES}"
        view.problems.add(place, f"unknown chat {quote(site)}", cure)


def check_identity_source(view: Inspection, step: IdentifyStep) -> bool:
    """Whether a service compares for this step; reports one that does something else."""
    kind = None if view.names is None else view.names.services.get(step.source)
    if kind is not None and kind != "identity":
        message = f"the service {quote(step.source)} does not identify callers"
        place = view.at(step.name, "identify")
        view.problems.add(place, message, f"give it `kind: identity` in {SERVICES}")
    if kind is not None and step.by_number is not None:
        message = "a service has no columns to look a number up in"
        place = view.at(step.name, "by_number")
        view.problems.add(place, message, "leave `by_number` away, and ask for a field")
    return kind is not None


def _gateway(view: Inspection) -> None:
    """A note, once for all flows of a folder, when nothing would send their text messages."""
    steps = view.flow.steps.values()
    texting = any(isinstance(each, SmsStep | CodeStep) for each in steps)
    if texting and view.names is not None and not view.names.sms:
        place = Place(str(Path(view.flow.path).parent / SERVICES), 1, 1)
        message = "text messages are kept and not sent: there is no gateway"
        view.problems.note(place, message, "name one under `sms`")


def _outside(view: Inspection, to: Template) -> None:
    if view.names is None or to.names or not to.source:
        return
    patterns = view.names.outside
    if allowed(to.source, patterns, view.names.region) is None:
        these = f"it allows {', '.join(patterns)}" if patterns else "it allows none"
        message = f"{SERVICES} does not let {quote(to.source)} be dialled"
        view.problems.add(to.place, message, f"{these}; add it under `outside`")
