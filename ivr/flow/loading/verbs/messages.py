"""Steps that leave something behind: a recording, or a text message."""

from __future__ import annotations

from ivr.flow.loading.clause import Clause
from ivr.flow.model import RecordStep, SmsStep, VoicemailStep

LONGEST = (5.0, 600.0)


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
        patience=clause.patience(),
        next=clause.next(),
        otherwise=clause.otherwise(),
    )
