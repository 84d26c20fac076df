"""The grammar of steps that ask the caller something."""

from __future__ import annotations

from ivr.flow.grammar.kinds import (
    BOOLEAN,
    CALENDAR,
    CONDITION,
    ESCALATION,
    FIELD,
    FIELDS,
    FINISH,
    GIVEN,
    KEYPAD,
    PLAIN,
    PLAIN_NAME,
    SETS,
    STEP,
    TAKE,
    TEMPLATE,
    TEXT,
    WORDS,
    Block,
    Key,
    block,
    choice,
    duration,
    either,
    integer,
    list_of,
    name,
)

WAIT = Key("wait", duration(1, 60), "silence after the words until the first key", "6s")
DIGIT_WAIT = Key("digit_wait", duration(0.5, 20), "pause between keys that ends an entry", "3s")
FINISH_KEY = Key("finish", FINISH, "key that ends an entry", '"#"')
BARGE_IN = Key("barge_in", BOOLEAN, "keys are taken while the words are spoken", "true")
ATTEMPTS = Key("attempts", integer(1, 9), "tries, silence and wrong entries together", "3")
NOINPUT = Key("noinput", ESCALATION, "words for the first, second, ... time nothing came")
NOMATCH = Key("nomatch", ESCALATION, "words for the first, second, ... entry that did not fit")
HELP = Key("help", ESCALATION, "words for the first, second, ... press of a key that means `help`")
ERROR = Key("error", WORDS, "said when the telephone or chat failed, before `otherwise`")
OTHERWISE = Key("otherwise", STEP, "where callers go who get no further", "the flow's default")
NEXT = Key("next", STEP, "where it goes on", required=True)
PATIENCE = Key(
    "patience", WORDS, "heard while the answer is on its way; `[]` is silence", "the flow's default"
)
HOURS = Key("hours", CALENDAR, "staffed only while this calendar is open")

_ONE_KEY = (WAIT, BARGE_IN, ATTEMPTS, NOINPUT, NOMATCH, HELP, ERROR, OTHERWISE)
_ENTRY = (WAIT, DIGIT_WAIT, FINISH_KEY, *_ONE_KEY[1:])

OPTION = Block(
    "option",
    "Option of a menu",
    "What one key of a menu does. A step's name alone will do.",
    (
        Key("label", WORDS, 'a few words; spoken as "For ..., press 1."'),
        Key("say", WORDS, "spoken instead of the sentence made from the label"),
        Key("also", list_of(TEXT, "list of texts"), "other written answers that mean this option"),
        Key("hours", CALENDAR, "the option exists only while this calendar is open"),
        Key("set", SETS, "fields to fill, and `language`"),
        NEXT,
    ),
)
OFFER = Block(
    "way-out",
    "Key that leads out of a wait",
    "An option as in a menu, which may depend on room elsewhere. A step's name alone will do.",
    (
        *OPTION.keys[:-1],
        Key(
            "room",
            block("room-in", "`{chat: queue}`, `{sms: ...}` or `{voice: ...}`"),
            "offered only when somebody has room there at that moment",
        ),
        NEXT,
    ),
)
ROOM_IN = Block(
    "room-in",
    "Room in a queue",
    "One channel, and the queue whose agents must have room for one more contact of it.",
    (
        Key("chat", TEMPLATE, "an agent of this queue has a desk open and takes one more chat"),
        Key("sms", TEMPLATE, "the same, for a thread of text messages"),
        Key("voice", TEMPLATE, "an agent of this queue is free to talk"),
    ),
)
QUESTION = Block(
    "question",
    "Question of a survey",
    "One question.",
    (
        Key("field", FIELD, "where the answer goes", required=True),
        Key("say", WORDS, "the question", "the field's own words"),
    ),
)

MENU = Block(
    "menu",
    "menu",
    "Speak, then follow one key. Options with a `label` are spoken after the words, in order.",
    (
        Key("menu", WORDS, "what is said first", required=True),
        Key(
            "0-9, *, #",
            either("step or option", STEP, block("option", "option")),
            "what the key does",
            pattern=KEYPAD,
        ),
        *_ONE_KEY,
    ),
    """\
reasons:
  menu: "Riverside Clinic."
  "1": {label: appointments, hours: desk, set: {reason: appointment}, next: talk}
  "2": {label: bills, next: billing}
  otherwise: talk
""",
)
COLLECT = Block(
    "collect",
    "collect",
    "Ask for one field.",
    (
        Key("collect", FIELD, "the field to fill", required=True),
        Key("say", WORDS, "the question", "the field's own words"),
        Key(
            "confirm",
            either("`true`, or words", BOOLEAN, WORDS),
            "reads the entry back: 1 keeps it, 2 asks again",
            "false",
        ),
        Key("valid", CONDITION, "what must be true of the new value as well"),
        *_ENTRY,
        NEXT,
    ),
    """\
how-much:
  collect: amount
  confirm: true
  valid: amount <= limit
  nomatch: ["That is more than your limit."]
  next: pay
  otherwise: talk
""",
)
IDENTIFY = Block(
    "identify",
    "identify",
    "Ask who is calling, and compare it with a table or an identity service. From here on "
    "`customer`, `verified` and `level` are known.",
    (
        Key(
            "identify",
            name(f"^(?!code$){PLAIN_NAME[1:]}", "name"),
            "the table or service",
            required=True,
        ),
        Key("ask", FIELDS, "what to ask for, as far as it is not known yet"),
        Key("by_number", TEXT, "the column in which the caller's number is looked up first"),
        Key("level", choice("number", "verified", "strong"), "what `level` becomes", "natural"),
        *_ENTRY,
        PATIENCE,
        NEXT,
        Key("locked", STEP, "where it goes after too many failures", "`otherwise`"),
    ),
    """\
who:
  identify: bank-accounts
  ask: [account, pin]
  by_number: phone
  nomatch: ["These do not belong together."]
  next: thanks
  otherwise: talk
""",
)
CODE = Block(
    "code",
    "identify: code",
    "Send a one-time code by text message, ask for it, and compare. Together with another proof "
    "it makes `level` strong.",
    (
        Key("identify", choice("code"), "exactly `code`", required=True),
        Key("to", TEMPLATE, "the number it is sent to", required=True),
        Key("text", WORDS, "the message, with `{{ code }}` in it", "generated"),
        Key("say", WORDS, "the question for the code", "generated"),
        Key("length", integer(4, 10), "digits of the code", "6"),
        Key("expires", duration(30, 3600), "how long it can be used", "5m"),
        Key("level", choice("number", "verified", "strong"), "what `level` becomes", "natural"),
        *_ENTRY,
        PATIENCE,
        NEXT,
        Key("locked", STEP, "where it goes after too many failures", "`otherwise`"),
    ),
    """\
sure:
  identify: code
  to: "{{ phone }}"
  text: "Your code is {{ code }}."
  say: "We have sent you a code. Please key it."
  next: thanks
  otherwise: talk
""",
)
JOIN = Block(
    "join",
    "join",
    "Ask for the code that a chat or a text gave (`invite`, or the agent's button), and go on as "
    "that contact. In letters nothing is asked: who opened a link of an `sms` step goes `next`.",
    (
        Key("join", WORDS, "the question for the code", required=True),
        Key("take", TAKE, "fields, each with its name in the other conversation"),
        Key(
            "level",
            choice("number", "verified", "strong"),
            "the most that what was proven there makes of `level` here",
            "number",
        ),
        *_ENTRY,
        PATIENCE,
        NEXT,
        Key("locked", STEP, "where it goes after too many wrong codes", "`otherwise`"),
    ),
    """\
code:
  join: "If our chat gave you a code, please key it."
  take: {order: order}
  attempts: 2
  next: talk
  otherwise: talk
""",
)
SURVEY = Block(
    "survey",
    "survey",
    "Ask one question after another; what nobody answers is left out.",
    (
        Key("survey", PLAIN, "its name in the records", required=True),
        Key(
            "questions",
            list_of(block("question", "question"), "list of questions"),
            "asked in this order",
            required=True,
        ),
        *(
            Key("attempts", each.kind, "tries for each question", "1")
            if each is ATTEMPTS
            else Key("otherwise", STEP, "where it goes when asking fails", "`next`")
            if each is OTHERWISE
            else each
            for each in _ENTRY
        ),
        NEXT,
    ),
    """\
rate:
  survey: visit
  questions:
    - {field: score, say: "How was it, from 1 to 5?"}
    - {field: again, say: "Would you come again? 1 for yes, 2 for no."}
  next: bye
""",
)
BOOK = Block(
    "book",
    "book",
    "Offer the free times of a calendar service, a few at a time, and reserve one.",
    (
        Key("book", PLAIN, "the service", required=True),
        Key("field", FIELD, "a `moment` field for the time", required=True),
        Key("reference", FIELD, "a `text` field for the service's name of the booking"),
        Key("after", duration(0, 7_776_000), "how far from the present the first time is", "0s"),
        Key("within", duration(60, 7_776_000), "how far from the present the last time is", "7d"),
        Key("offer", integer(1, 8), "times offered at once", "3"),
        Key("give", GIVEN, "what the service is told with the reservation"),
        Key("say", WORDS, "said before the times"),
        Key("during", CALENDAR, "times outside this calendar are not offered", "any time"),
        HOURS,
        *_ONE_KEY,
        PATIENCE,
        Key("none", STEP, "where it goes when nothing is free", "`otherwise`"),
        NEXT,
    ),
    """\
slot:
  book: dentist
  field: visit
  reference: ref
  within: 14d
  give: {phone: "{{ caller }}"}
  say: "These times are free."
  none: talk
  next: thanks
  otherwise: talk
""",
)
