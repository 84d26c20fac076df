"""What is written becomes the step that is meant, with everything it inherits."""

from __future__ import annotations

from dataclasses import fields
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest

from ivr.flow.asking import (
    Asking,
    BookStep,
    CodeStep,
    CollectStep,
    IdentifyStep,
    MenuStep,
    SurveyStep,
)
from ivr.flow.loading.loader import read_flow
from ivr.flow.loading.yaml import Problems
from ivr.flow.model import (
    CallbackStep,
    Flow,
    HttpStep,
    LookupStep,
    QueueStep,
    RecordStep,
    ReturnStep,
    RunStep,
    SayStep,
    SmsStep,
    TransferStep,
)
from ivr.flow.words import Escalation, Speech, Template
from tests.flow.test_grammar import HEAD, host

T = TypeVar("T")


def flow_of(source: str) -> Flow:
    problems = Problems()
    draft = read_flow(source, "x.yaml", problems)
    problems.raise_if_any()
    assert draft is not None
    return draft.flow


def step(kind: type[T], text: str, head: str = HEAD) -> T:
    flow = flow_of(head + f"  {text}\n" if head != HEAD else host(text))
    found = flow.steps[text.partition(":")[0]]
    assert isinstance(found, kind)
    return found


def said(speech: Speech) -> list[str]:
    return [template.source for words in speech for template in words.texts.values()]


def source(template: Template | None) -> str | None:
    return None if template is None else template.source


def escalation(of: Escalation) -> tuple[list[list[str]], bool]:
    return [said(speech) for speech in of.speeches], of.instead


# --- asking ----------------------------------------------------------------------------------


def test_options_of_a_menu_may_have_labels_words_and_hours() -> None:
    menu = step(
        MenuStep,
        'm: {menu: Hello., "2": talk, "1": {label: bills, hours: desk, set: {reason: bill},'
        ' next: a}, "#": {say: "Press hash.", next: b}}',
    )
    assert list(menu.options) == ["2", "1", "#"]
    bills = menu.options["1"]
    assert (said(bills.label), bills.hours, bills.next) == (["bills"], "desk", "a")
    assert source(bills.sets["reason"]) == "bill"
    assert said(menu.options["#"].say) == ["Press hash."]
    assert menu.asking.finish == ""


def test_steps_inherit_and_may_have_their_own() -> None:
    head = HEAD.replace(
        "  wait: 6s\n",
        "  wait: 7s\n  help: [A, B]\n  error: Broken.\n  nomatch: [Wrong.]\n  finish: none\n",
    )
    inherited = step(CollectStep, "c: {collect: amount, next: talk}", head).asking
    assert inherited == Asking(
        otherwise="talk",
        wait=7.0,
        finish="",
        noinput=inherited.noinput,
        nomatch=inherited.nomatch,
        help=inherited.help,
        error=inherited.error,
    )
    assert escalation(inherited.help) == ([["A"], ["B"]], False)
    assert escalation(inherited.nomatch) == ([["Wrong."]], False)
    assert said(inherited.error) == ["Broken."]
    own = "help: Own., error: [], noinput: [], wait: 1s, attempts: 9, otherwise: a, finish: '*'"
    asking = step(CollectStep, f"c: {{collect: order, say: x, {own}, next: talk}}", head).asking
    assert escalation(asking.help) == ([["Own."]], True)
    assert (asking.error, asking.noinput.speeches, asking.wait) == ((), (), 1.0)
    assert (asking.attempts, asking.otherwise, asking.finish) == (9, "a", "*")


@pytest.mark.parametrize(
    ("written", "read"),
    [("true", []), ("false", None), ('"{{ amount }}?"', ["{{ amount }}?"]), ('"true"', ["true"])],
)
def test_confirm_is_made_or_written(written: str, read: list[str] | None) -> None:
    confirm = step(CollectStep, f"c: {{collect: amount, confirm: {written}, next: a}}").confirm
    assert (None if confirm is None else said(confirm)) == read


def test_a_condition_may_bound_a_new_value() -> None:
    collect = step(CollectStep, "c: {collect: amount, valid: amount <= limit, next: a}")
    assert collect.valid is not None
    assert collect.valid.names == {"amount", "limit"}


def test_identify_knows_whose_failures_it_counts() -> None:
    who = step(
        IdentifyStep,
        "w: {identify: t, ask: [pin, account], by_number: phone, nomatch: [No.], level: strong,"
        " locked: l, next: a}",
    )
    assert (who.ask, who.account, who.by_number) == (("pin", "account"), "account", "phone")
    assert (who.level, who.locked, who.asking.otherwise) == ("strong", "l", "talk")
    assert escalation(who.wrong) == ([["No."]], False)
    assert said(who.patience) == ["One moment."]
    alone = step(IdentifyStep, "w: {identify: t, by_number: phone, patience: [], next: a}")
    assert (alone.ask, alone.account, alone.locked, alone.patience) == ((), "", "talk", ())


def test_a_one_time_code_is_a_step_of_its_own() -> None:
    code = step(CodeStep, 'c: {identify: code, to: "{{ phone }}", next: a}')
    assert (source(code.to), code.text, code.say) == ("{{ phone }}", (), ())
    assert (code.length, code.expires, code.level, code.locked) == (6, 300.0, None, "talk")
    own = step(
        CodeStep,
        'c: {identify: code, to: "1", text: "{{ code }}", say: Key it., length: 4, expires: 1m,'
        " locked: l, nomatch: [No.], next: a}",
    )
    assert (said(own.text), said(own.say), own.length) == (["{{ code }}"], ["Key it."], 4)
    assert (own.expires, own.locked, said(own.wrong.speeches[0])) == (60.0, "l", ["No."])


def test_a_survey_asks_once_and_goes_on_when_it_cannot_ask() -> None:
    rate = step(SurveyStep, "r: {survey: v, questions: [{field: score, say: Q?}], next: a}")
    assert [(each.field, said(each.say)) for each in rate.questions] == [("score", ["Q?"])]
    assert (rate.asking.attempts, rate.asking.otherwise) == (1, "a")


def test_a_booking_has_bounds_in_time() -> None:
    slot = step(
        BookStep,
        "b: {book: d, field: visit, reference: ref, after: 1h, within: 14d, "
        'give: {for: "{{ name }}"},'
        " none: n, hours: desk, next: a}",
    )
    assert (slot.service, slot.into, slot.reference) == ("d", "visit", "ref")
    assert (slot.after, slot.within, slot.offer) == (3600.0, 14 * 86_400.0, 3)
    assert (slot.none, slot.hours, source(slot.given["for"])) == ("n", "desk", "{{ name }}")
    assert step(BookStep, "b: {book: d, field: visit, next: a}").none == "talk"


# --- behind the flow -------------------------------------------------------------------------


def test_a_request_has_one_method_and_ways_by_status() -> None:
    http = step(
        HttpStep,
        'h: {http: o, put: "/a/{{ order }}", query: {q: "1"}, body: {b: "{{ name }}"}, '
        ' timeout: 2.5s, retries: 2, take: {status: a.b, due: c}, next: n, "404": x, 5xx: y}',
    )
    assert (http.service, http.method, source(http.path)) == ("o", "put", "/a/{{ order }}")
    assert (http.take, http.statuses) == ({"status": "a.b", "due": "c"}, {"404": "x", "5xx": "y"})
    assert (http.timeout, http.retries, http.next, http.otherwise) == (2.5, 2, "n", "talk")
    assert (said(http.patience), list(http.query), list(http.body or ())) == (
        ["One moment."],
        ["q"],
        ["b"],
    )


def test_secrets_travel_in_a_body() -> None:
    assert step(HttpStep, "h: {http: o, post: /a, secrets: [pin], next: n}").body == {}
    assert step(HttpStep, "h: {http: o, get: /a, next: n}").body is None


def test_a_lookup_takes_columns_into_fields() -> None:
    find = step(LookupStep, 'l: {lookup: t, by: {a: "{{ city }}"}, take: {name: b}, next: n}')
    assert (find.table, find.take, source(find.by["a"])) == ("t", {"name": "b"}, "{{ city }}")


def test_a_message_and_a_recording_have_their_words() -> None:
    sms = step(SmsStep, 's: {sms: "{{ caller }}", text: Hello., next: n}')
    assert (source(sms.to), said(sms.text), sms.otherwise) == ("{{ caller }}", ["Hello."], "talk")
    memo = step(RecordStep, "r: {record: memo, say: Speak., finish: '*', max: 30s, next: n}")
    assert (memo.recording, memo.finish, memo.max_seconds) == ("memo", "*", 30.0)
    assert (memo.next, memo.otherwise) == ("n", "n")


# --- people ----------------------------------------------------------------------------------


def test_a_transfer_leads_to_an_agent_an_outside_number_or_a_queue() -> None:
    agent = step(
        TransferStep,
        "t: {transfer: {agent: '1001', queue: cards}, ring: 20s, say: One moment., busy: b,"
        " next: n, hours: desk, tell_agent: x}",
    )
    assert (source(agent.to), agent.outside, source(agent.queue)) == ("1001", False, "cards")
    assert agent.exits == {"busy": "b", "no_answer": "talk", "failed": "talk"}
    assert (agent.ring, said(agent.say), agent.next) == (20.0, ["One moment."], "n")
    assert (agent.hours, source(agent.tell_agent)) == ("desk", "x")
    outside = step(TransferStep, "t: {transfer: {outside: '+8610'}, otherwise: o}")
    assert (source(outside.to), outside.outside, outside.queue) == ("+8610", True, None)
    assert set(outside.exits.values()) == {"o"}
    queue = step(QueueStep, "t: {transfer: {queue: cards}, tell_agent: x, next: n}")
    assert (source(queue.queue), queue.max_wait, queue.next) == ("cards", 600.0, "n")
    assert set(queue.exits) == {"timeout", "nobody", "full", "closed", "failed"}
    assert set(queue.exits.values()) == {"talk"}


def test_a_callback_is_a_promise_of_a_queue() -> None:
    back = step(
        CallbackStep,
        'c: {callback: q, number: "{{ caller }}", needs: {billing: 3}, priority: 5, hours: desk,'
        " tell_agent: x, next: n}",
    )
    assert (source(back.queue), source(back.number)) == ("q", "{{ caller }}")
    assert [(source(need.skill), need.level) for need in back.needs] == [("billing", 3)]
    assert (source(back.priority), back.hours, back.otherwise) == ("5", "desk", "talk")


# --- other flows -----------------------------------------------------------------------------


def test_a_flow_runs_another_and_comes_back() -> None:
    run = step(RunStep, 'r: {run: f, with: {a: "{{ order }}"}, keep: {name: b}, next: n}')
    assert (run.flow, source(run.given["a"]), run.keep) == ("f", "{{ order }}", {"name": "b"})
    assert (run.next, run.otherwise) == ("n", "talk")


@pytest.mark.parametrize(("how", "ok"), [("", True), ("ok", True), ("failed", False)])
def test_a_flow_returns_well_or_not(how: str, ok: bool) -> None:
    assert step(ReturnStep, f"r: {{return: {how}}}").ok is ok


# --- words and the head ----------------------------------------------------------------------


def test_words_may_be_written_otherwise_and_refuse_to_be_interrupted() -> None:
    [words] = step(
        SayStep, "s: {say: {text: Hello., written: Hi!, sound: hi, barge_in: false}, next: a}"
    ).say
    assert (words.texts["en"].source, words.written["en"].source) == ("Hello.", "Hi!")
    assert (words.sound, words.barge_in, words.every) == ("hi", False, False)
    head = HEAD.replace("{en: {skill: english, level: 3}}", "[en, zh]")
    head = "\n".join(line for line in head.splitlines() if "say" not in line)
    head = head.partition("defaults:")[0] + "start: s\nsteps:\n"
    both = "{en: One, zh: 一}"
    [words] = step(SayStep, f"s: {{say: {{every: {both}, written: {both}}}, next: s}}", head).say
    assert (words.every, words.barge_in) == (True, None)
    assert {code: each.source for code, each in words.written.items()} == {"en": "One", "zh": "一"}


def test_fields_know_how_they_are_keyed() -> None:
    found = flow_of(host("x: {hangup: }")).fields
    lengths = {name: (each.length_min, each.length_max) for name, each in found.items()}
    assert lengths["due"] == (8, 8)
    assert lengths["at"] == (4, 4)
    assert lengths["order"] == (4, 8)
    assert lengths["amount"] == (1, 5)
    assert lengths["score"] == (1, 1)
    assert lengths["limit"] == (1, 15)
    assert (found["due"].order, found["amount"].high) == ("dmy", found["amount"].high)
    assert str(found["amount"].high) == "99.50"


def test_keys_have_meanings_of_their_own() -> None:
    assert flow_of(host("x: {hangup: }")).keys == {
        "*": "repeat",
        "0": "talk",
        "#": "help",
        "9": "back",
    }


def test_the_zone_of_a_flow_is_its_own_or_that_of_its_first_calendar() -> None:
    text = host("x: {hangup: }")
    assert flow_of(
        text.replace("zone: Asia/Shanghai\nc", "zone: Europe/Paris\nc")
    ).zone == ZoneInfo("Europe/Paris")
    assert flow_of(text.replace("zone: Asia/Shanghai\nc", "c", 1)).zone == ZoneInfo("Asia/Shanghai")
    assert flow_of("flow: x\nstart: a\nsteps: {a: {hangup: }}").zone == ZoneInfo("UTC")


def test_a_flow_may_take_and_give_fields() -> None:
    flow = flow_of(host("x: {hangup: }"))
    assert (flow.takes, flow.gives) == (("order",), ("status",))


def test_every_step_of_the_model_is_placed() -> None:
    flow = flow_of(host("x: {hangup: }"))
    for each in flow.steps.values():
        assert each.place.line > 0
        assert {"name", "place"} <= {field.name for field in fields(each)}
