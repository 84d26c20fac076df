"""The steps that have something done: services, lookups, text messages, promises to ring back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from ivr.flow.actions import Failed, Value
from ivr.flow.errands import (
    LINK_MARK,
    Answer,
    AnyResult,
    Callback,
    CallbackKept,
    CallbackRefused,
    FormField,
    Http,
    Json,
    Known,
    Lookup,
    Room,
    RoomFound,
    Row,
    SendLink,
    Sent,
    Sms,
)
from ivr.flow.fields import Field
from ivr.flow.model import CallbackStep, HttpStep, Link, LookupStep, RoomStep, SmsStep
from ivr.flow.running.kinds import Kind, Next
from ivr.flow.running.scene import Scene, whole
from ivr.flow.words import Template

ASKED_ONCE: Final = frozenset({"post", "patch"})
"""Methods of HTTP that may do a thing twice when they are asked twice (RFC 9110, 9.2.2)."""

_SLASH, _PERCENT = "\ue001", "\ue002"
_GUARD = str.maketrans({"/": _SLASH, "%": _PERCENT})
_ONE_FIELD = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class _Https(Kind[HttpStep]):
    """`http`. Of a request that a restart cut short, only one that repeats itself is repeated."""

    def begin(self, scene: Scene, step: HttpStep) -> Next:
        path = path_of(scene, step.path)
        secrets = scene.state.secrets
        lacking = [name for name in step.secrets if name not in secrets]
        if path is None or lacking:
            why = "the path lacks a value" if path is None else f"no {', '.join(lacking)} is known"
            scene.tell("failed", why=why)
            return step.otherwise
        scene.change(phase="http")
        scene.tell("http", service=step.service, method=step.method, path=step.path.source)
        return Http(
            service=step.service,
            method=step.method,
            path=path,
            query=scene.rendered(step.query),
            body=None if step.body is None else _body(scene, step.body),
            secrets={name: secrets[name] for name in step.secrets},
            timeout=step.timeout,
            retries=step.retries,
            prompts=scene.prompts(step.patience),
        )

    def again(self, scene: Scene, step: HttpStep) -> Next:
        if step.method.lower() in ASKED_ONCE:
            scene.tell("unsure", verb="http")
            return step.otherwise
        return self.begin(scene, step)

    def take(self, scene: Scene, step: HttpStep, result: AnyResult) -> Next:
        match result:
            case Answer(status, body):
                way = self._way(scene, step, status, body)
                scene.tell("http_answered", service=step.service, status=status, next=way)
                return way
            case Failed(why):
                scene.tell("failed", why=why)
                return step.otherwise
            case _:
                raise scene.unfit(result)

    def _way(self, scene: Scene, step: HttpStep, status: int, body: Json) -> str:
        fine = 200 <= status < 300
        natural = step.next if fine else step.otherwise
        way = step.statuses.get(str(status), step.statuses.get(f"{status // 100}xx", natural))
        if not fine:
            return way
        scene.forget(step.secrets)
        took = _take(scene, step.take, lambda path: _at(body, path), Field.from_json)
        return way if took else step.otherwise


HTTP: Kind[HttpStep] = _Https()


class _Lookups(Kind[LookupStep]):
    """`lookup`."""

    def begin(self, scene: Scene, step: LookupStep) -> Next:
        scene.change(phase="lookup")
        scene.tell("lookup", table=step.table)
        return Lookup(step.table, scene.rendered(step.by), scene.prompts(step.patience))

    def take(self, scene: Scene, step: LookupStep, result: AnyResult) -> Next:
        match result:
            case Row(found, values):
                scene.tell("looked_up", table=step.table, found=found)
                if found and _take(scene, step.take, values.get, _from_row):
                    return step.next
                return step.otherwise
            case Failed(why):
                scene.tell("failed", why=why)
                return step.otherwise
            case _:
                raise scene.unfit(result)


LOOKUP: Kind[LookupStep] = _Lookups()


class _Messages(Kind[SmsStep]):
    """`sms`. One that a restart cut short is asked for again; the house knows it by its name."""

    def begin(self, scene: Scene, step: SmsStep) -> Next:
        also = {} if step.link is None else {"link": LINK_MARK}
        to, text = scene.render(step.to), scene.message(step.text, also)
        if not to or not text:
            why = "there is no number to send it to" if not to else "the message is empty"
            scene.tell("failed", why=why)
            return step.otherwise
        scene.change(phase="sms")
        scene.tell("sms", to=to)
        prompts = scene.prompts(step.patience)
        if step.link is None:
            return Sms(to, text, prompts)
        return _link(scene, step.link, SendLink(to, text, prompts=prompts))

    def take(self, scene: Scene, step: SmsStep, result: AnyResult) -> Next:
        match result:
            case Sent(message):
                scene.tell("sms_sent", message=message)
                return step.next
            case Failed(why):
                scene.tell("failed", why=why)
                return step.otherwise
            case _:
                raise scene.unfit(result)


SMS: Kind[SmsStep] = _Messages()


def _link(scene: Scene, link: Link, sending: SendLink) -> SendLink:
    state, flow = scene.state, scene.flow
    fields = [flow.fields[name] for name in link.form]
    return replace(
        sending,
        chat=link.chat,
        form=tuple(FormField(each, scene.message(each.say) or each.name) for each in fields),
        flow=flow.name,
        language=state.language,
        expires=link.expires,
        known=Known(state.fields, state.level, state.customer, state.proofs, tuple(state.proven)),
    )


class _Rooms(Kind[RoomStep]):
    """`room`."""

    def begin(self, scene: Scene, step: RoomStep) -> Next:
        scene.change(phase="room", wait=None)
        return Room(step.room.channel, scene.render(step.room.queue), scene.needs(step.needs))

    def take(self, scene: Scene, step: RoomStep, result: AnyResult) -> Next:
        match result:
            case RoomFound(room, seconds, minutes):
                if step.within is not None and seconds is not None:
                    room = room or seconds <= step.within
                scene.change(wait=minutes or (0, 0))
                scene.tell("room", channel=step.room.channel, room=room)
                return step.next if room else step.otherwise
            case Failed(why):
                scene.change(wait=(0, 0))
                scene.tell("failed", why=why)
                return step.otherwise
            case _:
                raise scene.unfit(result)


ROOM: Kind[RoomStep] = _Rooms()


class _Callbacks(Kind[CallbackStep]):
    """`callback`. One that a restart cut short is asked for again: rather twice than never."""

    def begin(self, scene: Scene, step: CallbackStep) -> Next:
        if step.hours is not None and not scene.check_hours(step.hours):
            return step.otherwise
        return self.again(scene, step)

    def again(self, scene: Scene, step: CallbackStep) -> Next:
        queue, number = scene.render(step.queue), scene.render(step.number)
        if not queue or not number:
            what = "number" if queue else "queue"
            scene.tell("failed", why=f"the {what} of the callback has no value")
            return step.otherwise
        needs, priority = scene.needs(step.needs), whole(scene.render(step.priority))
        tell_agent = scene.render(step.tell_agent)
        scene.change(phase="callback")
        scene.tell(
            "callback",
            queue=queue,
            number=number,
            needs=[f"{skill}:{level}" for skill, level in needs.items()],
            priority=priority,
            tell_agent=tell_agent,
        )
        prompts = scene.prompts(step.patience)
        return Callback(queue, number, needs, priority, tell_agent, prompts)

    def take(self, scene: Scene, step: CallbackStep, result: AnyResult) -> Next:
        match result:
            case CallbackKept(id, already):
                scene.tell("callback_kept", id=id, already=already)
                return step.already if already else step.next
            case CallbackRefused(why):
                scene.tell("callback_refused", why=why)
                return step.refused
            case Failed(why):
                scene.tell("failed", why=why)
                return step.otherwise
            case _:
                raise scene.unfit(result)


CALLBACK: Kind[CallbackStep] = _Callbacks()


# --- what goes out ---------------------------------------------------------------------------


def path_of(scene: Scene, template: Template) -> str | None:
    """The path of a request, URL-encoded; None when a value leaves a hole or a dot in it.

    Whatever a field holds stays within its segment: its own `/` and `%` are encoded (RFC 3986,
    2.1), everything else that means something in a URL is encoded wherever it stands, and segments
    that a server would resolve (RFC 3986, 5.2.4) are refused.
    """
    rendered = template.render({n: _guarded(v) for n, v in scene.values().items()})
    path = quote(rendered, safe="/%:@,", errors="replace")
    for mark, encoded in ((_SLASH, "%2F"), (_PERCENT, "%25")):
        path = path.replace(quote(mark), encoded)
    first, *segments = path.split("/")
    holes = "" in segments[:-1] or (path.endswith("/") and not template.source.endswith("/"))
    dots = any(segment in {".", ".."} for segment in segments)
    return None if first or not segments or holes or dots else path


def _guarded(value: object) -> object:
    if isinstance(value, str):
        return value.translate(_GUARD)
    if isinstance(value, Mapping):
        return {name: _guarded(each) for name, each in value.items()}
    return value


def _body(scene: Scene, templates: Mapping[str, Template]) -> dict[str, Value]:
    """The body's values; one that is a field and nothing else keeps the type it has."""
    values, body = scene.values(), dict[str, Value]()
    for name, template in templates.items():
        alone = _ONE_FIELD.fullmatch(template.source.strip())
        value = values.get(alone[1]) if alone else None
        if alone and (value is None or isinstance(value, int | float) or type(value) is str):
            body[name] = value
        else:
            body[name] = template.render(values)
    return body


# --- what comes back -------------------------------------------------------------------------


def _take(
    scene: Scene,
    take: Mapping[str, str],
    find: Callable[[str], object],
    read: Callable[[Field, object], Value],
) -> bool:
    """Fills fields from an answer: all of them, or none when one is missing or no value of its."""
    values: dict[str, Value] = {}
    for name, path in take.items():
        value = read(scene.flow.fields[name], find(path))
        if value is None:
            scene.tell("answer_refused", name=name, path=path)
            return False
        values[name] = value
    scene.fill(values, by="service")
    return True


def _from_row(field: Field, found: object) -> Value:
    """Tables hold text, where a service would answer a number or a yes."""
    return field.from_text(found) if isinstance(found, str) else field.from_json(found)


def _at(body: Json, path: str) -> object:
    """What stands in an answer at `items.0.name`; None when there is no such place."""
    found: object = body
    for part in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, list) and part.isascii() and part.isdigit():
            found = found[int(part)] if int(part) < len(found) else None
        else:
            return None
    return found
