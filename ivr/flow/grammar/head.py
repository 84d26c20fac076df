"""The grammar of a flow's head: everything above its steps, and the words it is full of."""

from __future__ import annotations

from ivr.flow.fields import FIELD_TYPES
from ivr.flow.grammar.asking import (
    ATTEMPTS,
    BARGE_IN,
    DIGIT_WAIT,
    ERROR,
    FINISH_KEY,
    HELP,
    NOINPUT,
    NOMATCH,
    WAIT,
)
from ivr.flow.grammar.kinds import (
    BOOLEAN,
    FIELD_NAME,
    FIELDS,
    KEYPAD,
    LEVEL,
    PLAIN,
    STEP,
    TEMPLATE,
    TEXT,
    WORDS,
    Block,
    Key,
    Kind,
    block,
    choice,
    duration,
    either,
    integer,
    list_of,
    mapping_of,
    name,
    reference,
)
from ivr.flow.loading.contract import OPTIONS

ZONE = Kind("zone", {"type": "string"})
LANGUAGE_CODE = "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$"
SPANS = list_of(TEXT, "`08:00-18:00`, a list of such, or `closed`")
BILLION = 10**12

FLOW = Block(
    "flow",
    "The head of a file",
    "A flow is one file.",
    (
        Key("flow", PLAIN, "its name", required=True),
        Key("about", TEXT, "a note"),
        Key(
            "numbers", list_of(name("^[0-9]{2,15}$", "number"), "list of numbers"), "they lead here"
        ),
        Key(
            "languages",
            either(
                "list, or languages with their skills",
                list_of(name(LANGUAGE_CODE, "language"), "list"),
                mapping_of(block("language", "language"), "languages", LANGUAGE_CODE),
            ),
            "the first one is the default",
            "[en]",
        ),
        Key("zone", ZONE, "the zone of its moments", "its first calendar's"),
        Key(
            "calendars", mapping_of(block("calendar", "calendar"), "calendars"), "hours of its own"
        ),
        Key(
            "collects",
            mapping_of(Kind("field", reference("field")), "fields", FIELD_NAME),
            "its fields, with their types",
        ),
        Key("takes", FIELDS, "fields that a flow which runs this one must give"),
        Key("gives", FIELDS, "fields that it may keep"),
        Key(
            "keys",
            mapping_of(
                Kind("step, `repeat`, `help` or `back`", STEP.schema),
                "key: step, `repeat`, `help` or `back`",
                KEYPAD,
            ),
            "they work at every question",
        ),
        Key("defaults", block("defaults", "defaults"), "what all steps inherit"),
        Key("start", STEP, "the first step", required=True),
        Key(
            "steps",
            mapping_of(Kind("step", reference("step")), "steps"),
            "the steps by name",
            required=True,
        ),
    ),
)
DEFAULTS = Block(
    "defaults",
    "defaults",
    "What all steps inherit. Words here are said before the question is asked again; words of a "
    "step's own are said instead of it.",
    (
        *(WAIT, DIGIT_WAIT, FINISH_KEY, BARGE_IN, ATTEMPTS, NOINPUT, NOMATCH, HELP, ERROR),
        Key("patience", WORDS, "heard while a service, table or database answers"),
        Key("otherwise", STEP, "where callers go who get no further"),
        Key("queue", block("queue-defaults", "queue"), "what queues inherit"),
    ),
)
QUEUE_DEFAULTS = Block(
    "queue-defaults",
    "defaults: queue",
    "What all queues of the flow inherit.",
    (
        Key("max_wait", duration(1, 86_400), "how long to wait", "the queue's own"),
        *(
            Key(outcome, STEP, f"where a queue leads whose outcome is {outcome}")
            for outcome in ("timeout", "nobody", "full", "closed", "failed")
        ),
        *(
            Key(kind, STEP, f"where a queue leads whose outcome is nobody, because {why}")
            for kind, why in (
                ("empty", "nobody is logged in"),
                ("unskilled", "nobody there could take the call"),
                ("paused", "all who could are paused"),
                ("busy", "all who could are busy"),
            )
        ),
        Key("otherwise", STEP, "every outcome not named"),
        Key("waiting", block("waiting", "waiting"), "what callers hear and may press meanwhile"),
    ),
)
LANGUAGE = Block(
    "language",
    "Language",
    "A skill here is needed by every queue step as well.",
    (Key("skill", PLAIN, "the skill of who speaks it"), Key("level", LEVEL, "at least", "1")),
)
CALENDAR = Block(
    "calendar",
    "Calendar",
    "Hours, in a flow's `calendars` or in calendars.yaml for all flows. `special` wins over "
    "`moved`, `moved` over `closed`, `closed` over `holidays`, and these over the week.",
    (
        Key("zone", ZONE, "such as Asia/Shanghai", required=True),
        Key("hours", mapping_of(SPANS, "day: hours"), "by mon, mon-fri or daily", required=True),
        Key(
            "holidays",
            either("country, or holidays", TEXT, block("holidays", "holidays")),
            "public holidays, on which it is closed",
        ),
        Key("closed", list_of(TEXT, "list of dates"), "2026-12-24, or 2026-12-27..2026-12-30"),
        Key("moved", mapping_of(TEXT, "date: day"), "dates with the hours of another weekday"),
        Key("special", mapping_of(SPANS, "date: hours"), "dates with hours of their own"),
    ),
)
HOLIDAYS = Block(
    "holidays",
    "Holidays",
    "Public holidays of a country.",
    (
        Key("country", TEXT, "two letters, such as CN", required=True),
        Key("region", TEXT, "a part of the country, such as BY"),
        Key("moved", BOOLEAN, "keeps the working days that the country moves", "false"),
        Key("weekends", BOOLEAN, "counts the days beside holidays that are free as well", "false"),
        Key("except", list_of(TEXT, "list of holidays"), "public holidays that are worked"),
    ),
)
PIECE = Block(
    "piece",
    "Words",
    "Text, text by language (`{en: ..., zh: ...}`), a piece with options, or a list of these.",
    (
        Key("text", TEMPLATE, "the words, in a flow of one language"),
        Key("en, zh, ...", TEMPLATE, "the words in each language", pattern=LANGUAGE_CODE),
        Key(
            "every",
            mapping_of(TEMPLATE, "language: words", LANGUAGE_CODE),
            "all languages, one after another",
        ),
        Key("sound", name("^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", "name"), "the recording to play"),
        Key("barge_in", BOOLEAN, "whether keys interrupt this piece", "the step's"),
        Key(
            "written",
            either(
                "words by language",
                TEMPLATE,
                mapping_of(TEMPLATE, "language: words", LANGUAGE_CODE),
            ),
            "what chat and text messages show instead",
        ),
    ),
)

_FIELD_OPTIONS = {
    "length": Key("length", TEXT, "keys or characters: 8, or 4-8"),
    "of": Key("of", list_of(TEXT, "list of 1 to 9 words"), "keyed by position", required=True),
    "order": Key("order", choice("ymd", "dmy", "mdy"), "how a date is keyed and written", "ymd"),
}
_BOUNDS = {
    "number": integer(-BILLION, BILLION),
    "amount": Kind("amount", {"type": ["number", "string"]}),
}
_ABOUT = {
    "digits": "Digits, kept as they were keyed.",
    "number": "A whole number.",
    "amount": "An amount such as `12.50`; `*` is the point.",
    "choice": "One of a few words, keyed by position.",
    "yesno": "Yes (1) or no (2).",
    "phone": "A telephone number of 3 to 15 digits.",
    "date": "A day, kept as `2026-03-02`, keyed with eight digits.",
    "time": "A time of day, kept as `17:30`, keyed with four digits.",
    "moment": "A day and a time with their zone. Never keyed: booked, or set.",
    "text": "Text. Never keyed: set, or taken from a table or service.",
}


def _field(type_: str) -> Block:
    options = [
        _FIELD_OPTIONS.get(option)
        or Key(option, _BOUNDS[type_], "the least" if option == "low" else "the most")
        for option in OPTIONS.get(type_, ())
    ]
    return Block(
        f"field-{type_}",
        type_,
        _ABOUT[type_],
        (
            Key("type", choice(type_), f"exactly `{type_}`", required=True),
            *options,
            Key("say", WORDS, "the question for it"),
            Key(
                "secret", BOOLEAN, "appears nowhere; only `identify` and `http` may use it", "false"
            ),
        ),
    )


FIELDS_BY_TYPE = {type_: _field(type_) for type_ in FIELD_TYPES}
