"""Signatures of providers, by the examples they publish, and quiet hours."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ivr.backends.providers import Unsigned, check_twilio, twilio_signature
from ivr.backends.quiet import Quiet

SAID_TWICE = ("5678", "1234", "1234")
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


def form(caller: str) -> list[tuple[str, str]]:
    return [
        ("To", "+18005551212"),
        ("Digits", "1234"),
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", caller),
        ("From", caller),
    ]


@pytest.mark.parametrize(
    ("fields", "signature"),
    [
        (form("+14158675309"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (form("+12349013030"), "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
        (
            [("Sid", "CA123"), ("SidAccount", "AC123"), *(("Digits", d) for d in SAID_TWICE)],
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        ),
    ],
)
def test_twilios_published_examples_verify(fields: list[tuple[str, str]], signature: str) -> None:
    assert twilio_signature("12345", URL, fields) == signature
    check_twilio("12345", URL, fields, signature)
    with pytest.raises(Unsigned):
        check_twilio("12346", URL, fields, signature)
    with pytest.raises(Unsigned):
        check_twilio("12345", URL + "&baz=3", fields, signature)


@pytest.mark.parametrize(
    ("hours", "now", "over"),
    [
        (("21:00", "08:00"), "2026-03-02T20:59", "2026-03-02T20:59"),
        (("21:00", "08:00"), "2026-03-02T21:00", "2026-03-03T08:00"),
        (("21:00", "08:00"), "2026-03-03T07:59", "2026-03-03T08:00"),
        (("12:30", "14:00"), "2026-03-02T13:00", "2026-03-02T14:00"),
        (("12:30", "14:00"), "2026-03-02T14:00", "2026-03-02T14:00"),
        # The night in which the clock goes forward has no half past two.
        (("21:00", "02:30"), "2026-03-28T23:00", "2026-03-29T03:30"),
    ],
)
def test_quiet_hours_end_when_they_say(hours: tuple[str, str], now: str, over: str) -> None:
    quiet = Quiet.told(*hours, "Europe/Berlin")
    zone = ZoneInfo("Europe/Berlin")

    def epoch(text: str) -> float:
        return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()

    assert quiet.over_at(epoch(now)) == epoch(over)


@pytest.mark.parametrize("wrong", [("25:00", "08:00"), ("8", "9"), ("08:00", "08:00")])
def test_quiet_hours_that_are_none_are_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"quiet|time of day"):
        Quiet.told(*wrong, "UTC")
