"""From a step as it is written to a step of the model, by its verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ivr.flow.grammar import CODE, VERBS, Block
from ivr.flow.loading.clause import Clause
from ivr.flow.loading.reading import Reading
from ivr.flow.loading.section import Section
from ivr.flow.loading.verbs import asking, backends, deciding, identity, messages, people
from ivr.flow.loading.verbs.identity import is_code
from ivr.flow.loading.yaml import Node, quote
from ivr.flow.model import AnyStep
from ivr.flow.words import Place

Reader = Callable[[Clause], AnyStep]

READERS: Mapping[str, Reader] = {
    "say": deciding.say,
    "menu": asking.menu,
    "collect": asking.collect,
    "identify": identity.identify,
    "join": identity.join,
    "hours": deciding.hours,
    "branch": deciding.branch,
    "set": deciding.set_,
    "http": backends.http,
    "lookup": backends.lookup,
    "queue": people.queue,
    "transfer": people.transfer,
    "callback": people.callback,
    "room": people.room,
    "invite": messages.invite,
    "sms": messages.sms,
    "voicemail": messages.voicemail,
    "record": messages.record,
    "survey": asking.survey,
    "book": asking.book,
    "run": deciding.run,
    "return": deciding.return_,
    "hangup": deciding.hangup,
}


def read_step(name: str, place: Place, node: Node, reading: Reading) -> AnyStep | None:
    """One step, or None when it has no verb."""
    with Section(node, f"step {quote(name)}", reading.problems) as section:
        if not section.usable:
            return None
        verb = _verb(section, place, reading)
        if verb is None:
            list(section.rest())
            return None
        value = section.node(verb)
        return READERS[verb](Clause(verb, name, place, value or node, section, reading))


def _verb(section: Section, place: Place, reading: Reading) -> str | None:
    """The verb of a step; some verbs are also the names of others' options (`say`, `hours`)."""
    verbs = [key for key in section if key in READERS]
    fitting = [verb for verb in verbs if all(_block(verb, section).takes(key) for key in verbs)]
    if fitting:
        return fitting[0]
    if verbs:
        both = " and ".join(quote(verb) for verb in verbs)
        reading.problems.add(place, f"{section.what} has two verbs, {both}", _apart(verbs))
        return None
    cure = f"begin it with one of {', '.join(READERS)}"
    for key in section:
        near = reading.problems.guess(key, READERS)
        if near.startswith("did"):
            cure = f"{quote(key)}: {near}"
    reading.problems.add(place, f"{section.what} has no verb", cure)
    return None


def _block(verb: str, section: Section) -> Block:
    return CODE if verb == "identify" and is_code(section.peek(verb)) else VERBS[verb]


def _apart(verbs: list[str]) -> str:
    waiting = next((verb for verb in verbs if verb != "say" and VERBS[verb].takes("patience")), "")
    if "say" in verbs and waiting:
        return f"make it two steps, or write `patience` for what is said while the {waiting} runs"
    return "make it two steps"
