"""Steps that leave something behind: a recording, or a text message."""

from __future__ import annotations

from ivr.flow.loading.clause import Clause
from ivr.flow.loading.yaml import quote
from ivr.flow.model import InviteStep, Link, RecordStep, SmsStep, VoicemailStep

LONGEST = (5.0, 600.0)
EXPIRES = (60.0, 3600.0)
OPENS = (60.0, 7 * 86_400.0)


def voicemail(clause: Clause) -> VoicemailStep:
    """Record a message."""
    onward = clause.next()
    return VoicemailStep(
        name=clause.name,
        place=clause.place,
        mailbox=clause.reading.plain_name(clause.value, '"voicemail"'),
        say=clause.spoken(required=True),
        max_seconds=clause.section.duration("max", 120.0, low=LONGEST[0], high=LONGEST[1]),
        next=onward,
        otherwise=clause.reading.way(clause.section, "otherwise", onward),
    )


def record(clause: Clause) -> RecordStep:
    """Record something that stays with the contact."""
    onward = clause.next()
    return RecordStep(
        name=clause.name,
        place=clause.place,
        recording=clause.reading.plain_name(clause.value, '"record"'),
        say=clause.spoken(required=True),
        max_seconds=clause.section.duration("max", 120.0, low=LONGEST[0], high=LONGEST[1]),
        finish=clause.reading.finish(clause.section, clause.reading.defaults.finish),
        next=onward,
        otherwise=clause.reading.way(clause.section, "otherwise", onward),
    )


def sms(clause: Clause) -> SmsStep:
    """Send a text message."""
    text = clause.section.node("text", required=True)
    return SmsStep(
        name=clause.name,
        place=clause.place,
        to=clause.reading.template(clause.value, '"sms"'),
        text=() if text is None else clause.reading.speech(text, '"text"'),
        link=_link(clause),
        patience=clause.patience(),
        next=clause.next(),
        otherwise=clause.otherwise(),
    )


def _link(clause: Clause) -> Link | None:
    section = clause.section.section("link")
    if section is None:
        return None
    reading, problems = clause.reading, clause.problems
    with section:
        chat, form = section.node("chat"), section.node("form")
        expires = section.duration("expires", Link().expires, low=OPENS[0], high=OPENS[1])
    if (chat is None) == (form is None):
        cure = "write {chat: site}, or {form: [fields]}"
        problems.add(section.place, "a link opens either a chat or a form", cure)
    fields = clause.fields(form, '"form"')
    for name, place in fields:
        if reading.fields[name].secret:
            cure = "ask for it on the telephone, by `identify`"
            problems.add(place, f"the secret {quote(name)} would be written into a page", cure)
    return Link(
        reading.plain_name(chat, '"chat"') if chat is not None else "",
        tuple(name for name, _ in fields),
        expires,
    )


def invite(clause: Clause) -> InviteStep:
    """Give a code by which whoever writes goes on by telephone."""
    return InviteStep(
        name=clause.name,
        place=clause.place,
        say=clause.reading.speech(clause.value, '"invite"'),
        expires=clause.section.duration("expires", 600.0, low=EXPIRES[0], high=EXPIRES[1]),
        next=clause.next(),
        otherwise=clause.otherwise(),
    )
