"""Files full of mistakes: every one is told at its place, with its cure, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ivr.backends.names import Names
from ivr.errors import ConfigError
from ivr.flow.loading.loader import load
from tests.flow.flows import FLOOR, mistakes

PLANTED = """\
flow: clinic
numbers: ["4001", "40 01"]
languages: [en, zh]
calendars:
  desk:
    zone: Asia/Shanghia
    hours:
      mon-fri: 08:00-18:00
      sat: [09:00-12:00, 11:00-13:00]
      mon: 8-18
    closed: [2026-02-30]
collects:
  reason: {type: choise, of: [pay, ask]}
  pin: {type: digits, length: 4, secret: yes, say: {en: "PIN.", zh: "密码。"}}
  code: {type: digits, length: 4, secret: true, say: {en: "Code.", zh: "密码。"}}
start: gret
steps:
  greet:
    say: {en: "Hello."}
    nxt: menu
  menu:
    menu: {en: "Pay 1.", zh: "付款1。"}
    "1": {set: {raeson: pay}, next: codes}
    "2": persn
    wait: 5
    otherwise: person
  codes:
    collect: code
    next: read
    otherwise: person
  read:
    say: {en: "Your code is {{ code }}.", zh: "{{ codes }}"}
    next: hours
  hours:
    hours: desc
    open: person
  person:
    queue: billling
    needs: {english: 11, mandarn: 3}
  island:
    hangup: {en: "{% if x %}Bye.{% endif %}", zh: "再见。"}
  nothing:
    speak: {en: "x", zh: "y"}
    next: menu
"""

TOLD = [
    '2:19: nobody can dial "40 01" (a number is 2 to 15 digits)',
    '6:11: unknown zone "Asia/Shanghia" (did you mean "Asia/Shanghai"?)',
    "9:12: two spans of one day overlap",
    '10:7: mon stands in calendar "desk" twice',
    '10:12: "8-18" are no hours'
    " (write 08:00-18:00, 22:00-06:00 across midnight, 00:00-24:00, or closed)",
    '11:14: "2026-02-30" is no date (write 2026-10-01, or 2026-10-01..2026-10-07)',
    '13:18: "type" cannot be "choise" (did you mean "choice"?)',
    '14:42: "secret" must be true or false, not "yes"',
    '16:8: unknown step "gret" (did you mean "greet"?)',
    '19:10: no zh text in "say" (add zh: ...)',
    '20:5: unknown key in step "greet": "nxt" (did you mean "next"?)',
    '23:17: unknown field "raeson" (did you mean "reason"?)',
    '24:10: unknown step "persn" (did you mean "person"?)',
    '25:11: "wait" must be a duration, not "5"'
    " (write a number and its unit, such as 20s, 10m or 1h30m)",
    '32:15: "code" is a secret (a secret is compared by `identify` and goes nowhere else)',
    '32:47: unknown field "codes" (did you mean "code"?)',
    '35:5: step "hours" lacks "closed" (name the step for callers outside opening hours)',
    '35:12: unknown calendar "desc" (did you mean "desk"?)',
    '37:3: step "person" is a queue without a way out for timeout, nobody, full, closed, failed'
    " (add `otherwise`, here or under `queue` in the flow's defaults)",
    '38:12: unknown queue "billling" (did you mean "billing"?)',
    '39:22: level of "english" is 11 (it may be 1 to 10)',
    '39:26: unknown skill "mandarn" (did you mean "mandarin"?)',
    '40:3: no call ever comes to step "island" (lead a way to it, or delete it)',
    '41:18: "hangup" in en: a template cannot use "if" (write {{ this if condition else that }})',
    '42:3: step "nothing" has no verb ("speak": did you mean "say"?)',
]


def test_every_planted_mistake_is_told_at_its_place_and_no_other() -> None:
    assert mistakes(PLANTED, FLOOR) == TOLD


# --- every verb ------------------------------------------------------------------------------

FOLDER = Path(__file__).parent / "planted"
NAMES = Names(services={"orders": "http", "people": "identity"}, outside=("+8610*",))


def test_mistakes_in_every_verb_are_told_at_their_places_and_no_other() -> None:
    floor = replace(FLOOR, queues={"desk"}, agents={"1001"})
    with pytest.raises(ConfigError) as refused:
        load([FOLDER], floor, NAMES)
    told = [str(each).removeprefix(f"{FOLDER}/") for each in refused.value.problems]
    assert told == (FOLDER / "told.txt").read_text().splitlines()
    assert len(told) > 50
