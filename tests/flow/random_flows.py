"""Random flows of every kind of step, which lead anywhere."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from ivr.flow.asking import (
    Asking,
    BookStep,
    CodeStep,
    CollectStep,
    IdentifyStep,
    JoinStep,
    MenuStep,
    Option,
    Question,
    RoomIn,
    SurveyStep,
)
from ivr.flow.errands import (
    LEVELS,
)
from ivr.flow.model import (
    BACK,
    HELP,
    REPEAT,
    AnyStep,
    BranchStep,
    CallbackStep,
    Case,
    Flow,
    HangupStep,
    HoursStep,
    HttpStep,
    InviteStep,
    Language,
    Link,
    LookupStep,
    QueueStep,
    RecordStep,
    ReturnStep,
    RoomStep,
    RunStep,
    SayStep,
    SetStep,
    SmsStep,
    TransferStep,
    VoicemailStep,
)
from ivr.flow.words import Escalation, Speech, Words
from tests.flow.building import (
    SHANGHAI,
    calendar,
    condition,
    exits,
    field,
    text,
    texts,
    transfer_exits,
)

FIELDS = [
    field("digits", length_max=6),
    field("number", "number", low=Decimal(1), high=Decimal(900)),
    field("amount", "amount"),
    field("choice", "choice", of=("red", "blue")),
    field("yesno", "yesno"),
    field("phone", "phone"),
    field("date", "date"),
    field("time", "time"),
    field("moment", "moment"),
    field("text", "text", length_max=50),
    field("pin", length_min=6, length_max=6, secret=True),
]
ASKED = [each.name for each in FIELDS if each.type != "moment"]
HELLO: Speech = (Words(texts(en="Hello {{ text }} {{ now | moment }}.", zh="您好 {{ opens }}。")),)
EVERY: Speech = (Words(texts(en="One {{ amount | amount('EUR') }}", zh="一"), every=True),)
TEMPLATE, CONDITION = text("{{ digits }}{{ customer.name }}"), condition("number > 5 or verified")
MORE = Escalation((HELLO, EVERY))
STEPS = 9


class Maker:
    """Makes steps that lead anywhere in their flow."""

    def __init__(self, dice: random.Random, subflows: dict[str, Flow]) -> None:
        self.dice, self.subflows = dice, subflows

    def to(self) -> str:
        """Any step."""
        return f"s{self.dice.randrange(STEPS)}"

    def asking(self) -> Asking:
        """How a step asks."""
        dice = self.dice
        maybe = MORE if dice.random() < 0.5 else Escalation((), instead=True)
        error = HELLO if dice.random() < 0.3 else ()
        attempts = dice.randrange(1, 4)
        return Asking(self.to(), attempts=attempts, noinput=maybe, nomatch=MORE, error=error)

    def maybe(self, value: Any) -> Any:
        """The value, or None."""
        return value if self.dice.random() < 0.5 else None

    def steps(self) -> Iterator[AnyStep]:
        """All steps of a flow; its first one asks something."""
        for at in range(STEPS):
            yield self.dice.choice(MAKERS)(self, f"s{at}")


def _identify(make: Maker, name: str) -> IdentifyStep:
    ask = make.dice.choice([("digits", "pin"), ("pin",), ("phone",), ()])
    speeches = dict.fromkeys(ask, HELLO)
    by_number = "phone" if not ask else make.maybe("phone")
    level = make.maybe(make.dice.choice(LEVELS[1:]))
    return IdentifyStep(
        name=name,
        source=make.dice.choice(["people", "service"]),
        ask=ask,
        by_number=by_number,
        level=level,
        speeches=speeches,
        wrong=MORE,
        asking=make.asking(),
        next=make.to(),
        locked=make.to(),
    )


def _menu(make: Maker, name: str) -> MenuStep:
    options = {
        key: Option(
            make.to(),
            sets=texts(choice="red", language="zh", text="{{ caller }}"),
            label=make.dice.choice([(), HELLO, EVERY]),
            say=make.dice.choice([(), HELLO]),
            also=make.dice.choice([(), ("red", "person")]),
            hours=make.maybe("desk"),
        )
        for key in make.dice.sample("1234567890*#", 3)
    }
    return MenuStep(name=name, say=HELLO, options=options, asking=make.asking())


def _collect(make: Maker, name: str) -> CollectStep:
    return CollectStep(
        name=name,
        field=make.dice.choice(ASKED),
        say=HELLO,
        confirm=make.dice.choice([None, (), HELLO]),
        valid=make.maybe(CONDITION),
        asking=make.asking(),
        next=make.to(),
    )


def _http(make: Maker, name: str) -> HttpStep:
    return HttpStep(
        name=name,
        service="shop",
        method=make.dice.choice(["get", "post"]),
        path=text("/x/{{ text }}"),
        body=make.maybe(texts(a="{{ number }}", b="{{ customer }}")),
        secrets=make.dice.choice([(), ("pin",)]),
        take={"text": "a.0.b", "amount": "c"},
        statuses={"404": make.to(), "5xx": make.to()},
        next=make.to(),
        otherwise=make.to(),
    )


def _run(make: Maker, name: str) -> RunStep:
    return RunStep(
        name=name,
        flow="inner",
        given=texts(text="{{ text }}", number="{{ number }}"),
        keep={"digits": "digits", "amount": "text"},
        next=make.to(),
        otherwise=make.to(),
    )


def _book(make: Maker, name: str) -> BookStep:
    return BookStep(
        name=name,
        service="dentist",
        into="moment",
        reference=make.maybe("text"),
        offer=make.dice.randrange(1, 5),
        given={"who": TEMPLATE},
        hours=make.maybe("desk"),
        during=make.maybe("desk"),
        asking=make.asking(),
        none=make.to(),
        next=make.to(),
    )


def _code(make: Maker, name: str) -> CodeStep:
    return CodeStep(
        name=name,
        to=make.dice.choice([text("{{ phone }}"), text("{{ caller }}")]),
        text=make.dice.choice([(), HELLO]),
        say=(),
        asking=make.asking(),
        next=make.to(),
        locked=make.to(),
    )


def _survey(make: Maker, name: str) -> SurveyStep:
    asked = tuple(Question(each, HELLO) for each in make.dice.sample(ASKED, 3))
    return SurveyStep(
        name=name, survey="visit", questions=asked, asking=make.asking(), next=make.to()
    )


def _transfer(make: Maker, name: str) -> TransferStep:
    ways, to = transfer_exits(make.to()), make.maybe(make.to())
    return TransferStep(name=name, to=TEMPLATE, outside=True, exits=ways, next=to)


def _callback(make: Maker, name: str) -> CallbackStep:
    to, other = make.to(), make.to()
    return CallbackStep(
        name=name,
        queue=text("cards"),
        number=TEMPLATE,
        next=to,
        already=to,
        refused=other,
        otherwise=other,
    )


def _queue(make: Maker, name: str) -> QueueStep:
    hours, to = make.maybe("desk"), make.maybe(make.to())
    return QueueStep(name=name, queue=text("cards"), hours=hours, exits=exits(make.to()), next=to)


def _sms(make: Maker, name: str) -> SmsStep:
    link = make.dice.choice([None, Link(chat="shop"), Link(form=("text", "yesno"))])
    return SmsStep(
        name=name, to=TEMPLATE, text=HELLO, link=link, next=make.to(), otherwise=make.to()
    )


def _join(make: Maker, name: str) -> JoinStep:
    return JoinStep(
        name=name,
        say=HELLO,
        take={"text": "a", "amount": "b"},
        level=make.dice.choice(LEVELS[1:]),
        wrong=MORE,
        asking=make.asking(),
        next=make.to(),
        locked=make.to(),
    )


def _elsewhere(make: Maker, name: str) -> RoomStep | InviteStep:
    to, other = make.to(), make.to()
    if make.dice.random() < 0.5:
        return InviteStep(name=name, say=HELLO, next=to, otherwise=other)
    room = RoomIn(make.dice.choice(["chat", "sms", "voice"]), text("cards"))
    return RoomStep(name=name, room=room, within=make.maybe(60.0), next=to, otherwise=other)


def _lookup(make: Maker, name: str) -> LookupStep:
    by, take = {"a": TEMPLATE}, {"text": "a", "yesno": "b"}
    to, other = make.to(), make.to()
    return LookupStep(name=name, table="branches", by=by, take=take, next=to, otherwise=other)


def _record(make: Maker, name: str) -> RecordStep | VoicemailStep:
    where: dict[str, Any] = {"next": make.to(), "otherwise": make.to(), "max_seconds": 9.0}
    if make.dice.random() < 0.5:
        return VoicemailStep(name=name, mailbox="box", say=HELLO, **where)
    return RecordStep(name=name, recording="memo", say=HELLO, **where)


def _deciding(make: Maker, name: str) -> AnyStep:
    to, other = make.to(), make.to()
    steps: list[AnyStep] = [
        SayStep(name=name, say=EVERY, next=to),
        HoursStep(name=name, calendar="desk", open=to, closed=other),
        BranchStep(name=name, cases=(Case(CONDITION, to),), otherwise=other),
        SetStep(name=name, sets=texts(digits="12", text="{{ text }}x"), next=to),
        ReturnStep(name=name, ok=make.dice.random() < 0.5),
        HangupStep(name=name, say=HELLO),
    ]
    return make.dice.choice(steps)


MAKERS: list[Callable[[Maker, str], AnyStep]] = [
    _menu,
    _collect,
    _collect,
    _identify,
    _code,
    _http,
    _run,
    _book,
    _survey,
    _transfer,
    _callback,
    _queue,
    _sms,
    _join,
    _elsewhere,
    _lookup,
    _record,
    _deciding,
    _deciding,
]


def some_flow(dice: random.Random, depth: int = 2) -> Flow:
    """A random flow, with another one inside it."""
    subflows = {"inner": some_flow(dice, depth - 1)} if depth else {}
    steps = {step.name: step for step in Maker(dice, subflows).steps()}
    wide = {"*": REPEAT, "#": BACK, "7": HELP, "0": f"s{dice.randrange(STEPS)}"}
    return Flow(
        name="inner",
        revision="1",
        path="",
        start="s0",
        steps=steps,
        languages=(Language("en"), Language("zh", "mandarin")),
        fields={each.name: each for each in FIELDS},
        calendars={"desk": calendar()},
        keys={key: wide[key] for key in dice.sample(sorted(wide), 3)},
        zone=SHANGHAI,
        subflows=subflows,
    )
