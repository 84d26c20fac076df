"""Services, lookups, messages and promises: what goes out, what comes back, what a restart does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ivr.flow.actions import Failed, Keys
from ivr.flow.asking import CollectStep
from ivr.flow.calendar import Switch
from ivr.flow.errands import (
    Answer,
    AnyAction,
    Callback,
    CallbackKept,
    CallbackRefused,
    Http,
    Json,
    Lookup,
    Row,
    Sent,
    Sms,
)
from ivr.flow.model import (
    CallbackStep,
    Flow,
    HttpStep,
    Language,
    LookupStep,
    Need,
    SayStep,
    SetStep,
    SmsStep,
)
from ivr.flow.running.interpreter import FlowStuck, start
from ivr.flow.running.state import Facts
from ivr.flow.words import Words
from tests.flow.building import (
    CALLER,
    NOW,
    Call,
    asking,
    calendar,
    field,
    flow,
    say,
    text,
    texts,
    words,
)

FIELDS = [
    field("order", "text", length_max=60),
    field("status", "text"),
    field("due", "date"),
    field("count", "number"),
    field("paid", "yesno"),
    field("total", "amount"),
    field("pin", secret=True),
]
DONE = SayStep(name="done", say=say("Done {{ status }}{{ due }}."), next="bye")
MISSING = SayStep(name="missing", say=say("Missing."), next="bye")
REFUSED = SayStep(name="refused", say=say("Refused."), next="bye")


def request(order: str = "12", **options: Any) -> Flow:
    options.setdefault("path", text("/orders/{{ order }}"))
    options.setdefault("method", "get")
    step = HttpStep(name="http", service="shop", next="done", otherwise="over", **options)
    begin = SetStep(name="set", sets=texts(order=order, count="3"), next="http")
    return flow(begin, step, DONE, MISSING, REFUSED, fields=FIELDS)


def sent(made: Flow, **options: Any) -> Http:
    action = Call(made, **options).action
    assert isinstance(action, Http)
    return action


# --- requests --------------------------------------------------------------------------------


def test_a_request_has_what_the_step_says() -> None:
    action = sent(
        request(
            method="post",
            query=texts(full="{{ order }} & more"),
            body=texts(
                order="{{ order }}", count="{{ count }}", words="n {{ count }}", no="{{ due }}"
            ),
            timeout=2.0,
            retries=1,
            patience=say("One moment."),
        )
    )
    assert (action.service, action.method, action.path) == ("shop", "post", "/orders/12")
    assert action.query == {"full": "12 & more"}
    assert action.body == {"order": "12", "count": 3, "words": "n 3", "no": None}
    assert (action.timeout, action.retries, words(action)) == (2.0, 1, "One moment.")


@pytest.mark.parametrize(
    ("order", "path"),
    [
        ("a b", "/orders/a%20b"),
        ("../admin", "/orders/..%2Fadmin"),
        ("1/2?x=y#z", "/orders/1%2F2%3Fx%3Dy%23z"),
        ("%2e%2e%2f", "/orders/%252e%252e%252f"),
        ("a;b=c&d", "/orders/a%3Bb%3Dc%26d"),
        ("北京", "/orders/%E5%8C%97%E4%BA%AC"),
        ("\\..\\x", "/orders/%5C..%5Cx"),
        ("half \ud800", "/orders/half%20%3F"),
    ],
)
def test_a_value_stays_within_its_segment_of_the_path(order: str, path: str) -> None:
    assert sent(request(order)).path == path


@pytest.mark.parametrize(
    "filtered", ["phone", "moment", "upper", "last(9)", "default('x')", "trim"]
)
def test_no_filter_lets_a_value_out_of_its_segment(filtered: str) -> None:
    path = text("/orders/{{ order | " + filtered + " }}")
    assert sent(request("x/y%2Fz", path=path)).path.count("/") == 2


@pytest.mark.parametrize("order", ["..", ".", ""])
def test_a_path_with_a_hole_or_a_dot_is_not_asked_for(order: str) -> None:
    call = Call(request(order))
    assert words(call.action) == "Given up."
    assert call.told("failed") == [{"why": "the path lacks a value"}]


def test_a_condition_in_a_path_sees_the_value_itself() -> None:
    path = text("/{{ 'spaced' if order == 'a b' else 'plain' }}")
    assert sent(request("a b", path=path)).path == "/spaced"


def test_a_secret_travels_in_its_own_place_and_only_there() -> None:
    ask = CollectStep(name="ask", field="pin", say=say("PIN?"), asking=asking(), next="http")
    step = HttpStep(
        name="http",
        service="shop",
        method="post",
        path=text("/login"),
        body={},
        secrets=("pin",),
        next="done",
        otherwise="over",
    )
    call = Call(flow(ask, step, DONE, fields=FIELDS))
    action = call.give(Keys("9876"))
    assert isinstance(action, Http)
    assert (action.body, action.secrets) == ({}, {"pin": "9876"})
    told = repr(call.turn) + str(call.events) + json.dumps(call.state.to_json())
    assert "9876" not in told
    call.give(Answer(200))
    assert call.state.secrets == {}


def test_a_secret_that_was_lost_is_not_left_out_in_silence() -> None:
    call = Call(request(secrets=("pin",)))
    assert words(call.action) == "Given up."
    assert call.told("failed") == [{"why": "no pin is known"}]


# --- answers ---------------------------------------------------------------------------------

STATUSES = {"404": "missing", "4xx": "refused"}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (200, "Done ."),
        (204, "Done ."),
        (404, "Missing."),
        (409, "Refused."),
        (500, "Given up."),
        (302, "Given up."),
    ],
)
def test_the_way_goes_by_the_status(status: int, said: str) -> None:
    call = Call(request(statuses=STATUSES))
    assert words(call.give(Answer(status, {"secret": "of the service"}))) == said
    assert call.told("http_answered")[0]["status"] == status
    assert "of the service" not in str(call.events) + repr(call.turn)


def test_a_service_that_fails_takes_the_way_out() -> None:
    assert words(Call(request(statuses=STATUSES)).give(Failed("timeout"))) == "Given up."


TAKE = {"status": "state", "due": "delivery.dates.1"}


def test_fields_are_taken_out_of_an_answer() -> None:
    call = Call(request(take={**TAKE, "paid": "paid", "total": "total"}))
    body: Json = {
        "state": "sent",
        "delivery": {"dates": ["2026-03-01", "2026-03-05"]},
        "paid": False,
        "total": 12.5,
    }
    assert words(call.give(Answer(200, body))) == "Done sent2026-03-05."
    assert (call.fields["paid"], call.fields["total"]) == (False, "12.5")


@pytest.mark.parametrize(
    "body",
    [
        None,
        "text",
        [],
        {"state": "sent"},
        {"state": "sent", "delivery": {"dates": ["2026-03-01"]}},
        {"state": "sent", "delivery": {"dates": ["2026-03-01", "soon"]}},
        {"state": ["sent"], "delivery": {"dates": ["2026-03-01", "2026-03-05"]}},
        {"state": None, "delivery": {"dates": ["2026-03-01", "2026-03-05"]}},
    ],
)
def test_an_answer_that_lies_sets_nothing(body: Json) -> None:
    call = Call(request(take=TAKE))
    before = dict(call.fields)
    assert words(call.give(Answer(200, body))) == "Given up."
    assert call.fields == before
    assert [each["name"] in TAKE for each in call.told("answer_refused")] == [True]


def test_an_answer_that_is_no_success_is_not_read() -> None:
    call = Call(request(take=TAKE, statuses=STATUSES))
    assert words(call.give(Answer(404, {"state": "sent"}))) == "Missing."
    assert "status" not in call.fields


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_a_request_that_repeats_itself_is_asked_again_after_a_restart(method: str) -> None:
    call = Call(request(method=method))
    assert call.restart() == sent(request(method=method))


@pytest.mark.parametrize("method", ["post", "patch"])
def test_a_request_that_creates_something_is_not_made_twice(method: str) -> None:
    call = Call(request(method=method, body={}))
    assert words(call.restart()) == "Given up."
    assert call.told("unsure") == [{"verb": "http"}]


def test_services_that_fail_for_ever_do_not_keep_a_call_for_ever() -> None:
    step = HttpStep(
        name="http", service="s", method="get", path=text("/"), next="http", otherwise="http"
    )
    call = Call(flow(step))
    with pytest.raises(FlowStuck):
        call.give(*[Answer(500)] * 300)


# --- lookups ---------------------------------------------------------------------------------


def lookup() -> Flow:
    begin = SetStep(name="set", sets=texts(order="x"), next="find")
    step = LookupStep(
        name="find",
        table="branches",
        by=texts(city="{{ order }}"),
        take={"status": "address", "paid": "open"},
        next="done",
        otherwise="over",
    )
    return flow(begin, step, DONE, fields=FIELDS)


def test_a_row_fills_fields() -> None:
    call = Call(lookup())
    assert call.action == Lookup("branches", {"city": "x"})
    assert words(call.give(Row(True, {"address": "Main St", "open": "yes"}))) == "Done Main St."
    assert call.fields["paid"] is True


@pytest.mark.parametrize(
    "result",
    [
        Row(False),
        Row(True, {"address": "Main St"}),
        Row(True, {"address": "", "open": "?"}),
        Failed("x"),
    ],
)
def test_no_row_or_a_wrong_one_takes_the_way_out(result: Row | Failed) -> None:
    call = Call(lookup())
    assert words(call.give(result)) == "Given up."
    assert "status" not in call.fields


# --- messages and promises -------------------------------------------------------------------


def message(to: str = "{{ caller }}") -> Flow:
    spoken = Words(texts(en="Order {{ count | digits }}."), written=texts(en="Order: {{ count }}"))
    begin = SetStep(name="set", sets=texts(count="12"), next="sms")
    step = SmsStep(name="sms", to=text(to), text=(spoken,), next="done", otherwise="over")
    return flow(begin, step, DONE, fields=FIELDS)


def test_a_message_has_the_written_words() -> None:
    call = Call(message())
    assert call.action == Sms(CALLER, "Order: 12")
    assert words(call.give(Sent("m1"))) == "Done ."
    assert call.told("sms_sent") == [{"message": "m1"}]


def test_values_in_a_message_are_written_even_on_the_telephone() -> None:
    step = SmsStep(
        name="sms", to=text("1"), text=say("{{ caller | phone }}"), next="done", otherwise="over"
    )
    action = Call(flow(step, DONE)).action
    assert isinstance(action, Sms)
    assert action.text == "138 0013 8000"


def test_a_message_in_every_language_has_them_all() -> None:
    both = (Words(texts(en="Hello {{ language }}", zh="您好 {{ language }}"), every=True),)
    step = SmsStep(name="sms", to=text("1"), text=both, next="done", otherwise="over")
    action = Call(flow(step, DONE, languages=(Language("en"), Language("zh")))).action
    assert isinstance(action, Sms)
    assert action.text == "Hello en 您好 zh"


def test_a_message_without_a_number_or_a_gateway_takes_the_way_out() -> None:
    assert words(Call(message("{{ order }}")).action) == "Given up."
    assert words(Call(message()).give(Failed("refused"))) == "Given up."


def test_a_message_that_a_restart_cut_short_is_asked_for_again() -> None:
    call = Call(message())
    asked = call.action
    assert call.restart() == asked


def promise(**options: Any) -> Flow:
    step = CallbackStep(
        name="back",
        queue=text("cards"),
        number=options.pop("number", text("{{ caller }}")),
        needs=(Need(text("cards"), 5),),
        priority=text("7"),
        tell_agent=text("{{ today }}"),
        next="done",
        already=options.pop("already", "done"),
        refused=options.pop("refused", "over"),
        otherwise="over",
        **options,
    )
    return flow(
        step,
        DONE,
        calendars=[calendar()],
        fields=FIELDS,
        languages=(Language("en", "english", 3),),
    )


def test_a_callback_needs_what_a_queue_would() -> None:
    call = Call(promise())
    needs = {"cards": 5, "english": 3}
    assert call.action == Callback("cards", CALLER, needs, 7, "2026-03-02")
    assert words(call.give(CallbackKept("c1"))) == "Done ."
    assert call.told("callback_kept") == [{"id": "c1", "already": False}]


def test_who_is_to_be_called_as_it_is_and_whom_nobody_may_call_each_have_a_way() -> None:
    call = Call(promise(already="over", refused="done"))
    assert words(call.give(CallbackKept("c1", already=True))) == "Given up."
    call = Call(promise(already="over", refused="done"))
    assert words(call.give(CallbackRefused("not listed"))) == "Done ."
    assert call.told("callback_refused") == [{"why": "not listed"}]


def test_a_callback_that_cannot_be_kept_is_not_promised() -> None:
    assert words(Call(promise()).give(Failed("floor gone"))) == "Given up."
    assert words(Call(promise(number=text("{{ order }}"))).action) == "Given up."
    closed = {"desk": Switch(open=False)}
    assert words(Call(promise(hours="desk"), switches=closed).action) == "Given up."


def test_a_callback_is_rather_kept_twice_than_never() -> None:
    call = Call(promise())
    promised: AnyAction = call.action
    assert call.restart() == promised


def test_a_caller_without_a_number_gets_no_promise() -> None:
    turn = start(promise(), Facts(), NOW)
    assert words(turn.action) == "Given up."
