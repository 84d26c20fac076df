"""The grammar of steps that ask the caller nothing."""

from __future__ import annotations

from ivr.flow.grammar.asking import FINISH_KEY, HOURS, NEXT, OTHERWISE, PATIENCE
from ivr.flow.grammar.kinds import (
    BOOLEAN,
    CALENDAR,
    CONDITION,
    ESCALATION,
    FIELDS,
    GIVEN,
    KEYPAD,
    NEEDS,
    NOTHING,
    PLAIN,
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
    mapping_of,
)

SAYS = Key("say", WORDS, "said before", required=True)
TELL = Key("tell_agent", TEMPLATE, "shown on the agent's screen")
WHISPER = Key("whisper", WORDS, "spoken into the agent's ear before the call is joined")
AFTER_TALK = Key("next", STEP, "where it goes on after the conversation", "the call ends")
PRIORITY = Key("priority", TEMPLATE, "higher goes first", "0")
NEEDED = Key("needs", NEEDS, "skills and their lowest levels")
LONGEST = Key("max", duration(5, 600), "the longest recording", "2m")

CASE = Block(
    "case",
    "Case of a branch",
    "A condition and where it leads.",
    (Key("if", CONDITION, "such as `reason == 'bill'`", required=True), NEXT),
)
TARGET = Block(
    "target",
    "Target of a transfer",
    "`{agent: ..., queue: ...}`, `{queue: ...}` or `{outside: ...}`.",
    (
        Key("agent", TEMPLATE, "an agent's extension; needs `queue`, whose call it is"),
        Key("queue", TEMPLATE, "a queue"),
        Key("outside", TEMPLATE, "a number that services.yaml allows under `outside`"),
    ),
)

SAY = Block(
    "say",
    "say",
    "Speak, then go on.",
    (Key("say", WORDS, "the words", required=True), NEXT),
    'thanks: {say: "Thank you, {{ name }}.", next: talk}\n',
)
HOURS_STEP = Block(
    "hours",
    "hours",
    "Go by a calendar. On the closed way `{{ opens }}` says when it opens.",
    (
        Key("hours", CALENDAR, "the calendar", required=True),
        Key("open", STEP, "the way while it is open", required=True),
        Key("closed", STEP, "the way while it is closed", required=True),
    ),
    "open?: {hours: desk, open: reasons, closed: night}\n",
)
BRANCH = Block(
    "branch",
    "branch",
    "Go by the first condition that holds.",
    (
        Key("branch", list_of(block("case", "case"), "list of cases"), "the cases", required=True),
        Key("otherwise", STEP, "the way when none holds", required=True),
    ),
    """\
vip?:
  branch:
    - {if: tier == 'gold' and verified, next: gold}
  otherwise: talk
""",
)
SET = Block(
    "set",
    "set",
    "Give fields a value; `language` switches the language. A value that is none for its field "
    "leaves the field as it was.",
    (Key("set", SETS, "fields and their values", required=True), NEXT),
    'this-number: {set: {reason: bill, callback: "{{ caller }}"}, next: talk}\n',
)
HTTP = Block(
    "http",
    "http",
    "Ask a service of services.yaml, and take fields out of its answer: all of them or none.",
    (
        Key("http", PLAIN, "the service", required=True),
        *(
            Key(method, TEMPLATE, "the path to ask for; one of the five methods must be there")
            for method in ("get", "post", "put", "patch", "delete")
        ),
        Key("query", GIVEN, "what follows the `?` of the address"),
        Key("body", GIVEN, "sent as JSON, with post, put and patch"),
        Key("secrets", FIELDS, "fields that are added to the body and appear nowhere else"),
        Key("timeout", duration(0.1, 30), "for one attempt", "the service's own"),
        Key("retries", integer(0, 5), "further attempts, with get, put and delete", "0"),
        Key("take", TAKE, "fields, each with its path in the answer, such as `delivery.date`"),
        PATIENCE,
        Key("next", STEP, "where it goes on after an answer of 2xx", required=True),
        Key(
            "404, 4xx",
            STEP,
            "where another status leads; of two that fit, the exact one counts",
            pattern=r"^[2-5](\d\d|xx)$",
        ),
        OTHERWISE,
    ),
    """\
status:
  http: orders
  get: "/orders/{{ order }}"
  timeout: 3s
  take: {status: status, due: delivery.date}
  patience: "One moment."
  next: thanks
  "404": again
  otherwise: talk
""",
)
LOOKUP = Block(
    "lookup",
    "lookup",
    "Find the first row of a table or database whose columns equal; take fields out of it.",
    (
        Key("lookup", PLAIN, "the table or database", required=True),
        Key("by", GIVEN, "columns and what they must equal", required=True),
        Key("take", TAKE, "fields, each with its column"),
        PATIENCE,
        NEXT,
        Key("otherwise", STEP, "where it goes when there is no such row", "the flow's default"),
    ),
    """\
find:
  lookup: branches
  by: {city: "{{ city }}"}
  take: {address: address}
  next: thanks
  otherwise: talk
""",
)
WAITING_KEY = Key(
    "waiting",
    block("waiting", "waiting"),
    "what callers hear, and may press, while they wait",
    "`defaults: queue`, or music alone",
)
KINDS_OF_NOBODY = tuple(
    Key(kind, STEP, f"where it goes when {why}", "`nobody`")
    for kind, why in (
        ("empty", "nobody of the queue is logged in"),
        ("unskilled", "the queue has agents there, but none who could take it"),
        ("paused", "all who could are paused"),
        ("busy", "all who could are busy"),
    )
)
WAITING = Block(
    "waiting",
    "waiting",
    "What callers hear, and may press, while they wait for a person. Keys work during all words; "
    "words stop at once when an agent is free.",
    (
        Key("say", ESCALATION, "said in turn"),
        Key("after", duration(1, 300), "when the first words come", "10s"),
        Key("every", duration(10, 600), "when the next ones come", "45s"),
        Key("position", BOOLEAN, "tells the place, whenever it has improved", "true"),
        Key("estimate", BOOLEAN, "tells how long it will take, as far as that is known", "true"),
        Key(
            "keys",
            mapping_of(
                either("step, or option", STEP, block("way-out", "option")),
                "key: way out",
                KEYPAD,
            ),
            "keys that lead out of the wait; the place is kept",
        ),
    ),
    """\
waiting:
  say: ["Thank you for waiting.", "We have not forgotten you."]
  every: 40s
  keys: {"1": {label: "a call back", next: ring-me}}
""",
)
QUEUE = Block(
    "queue",
    "queue",
    "Hand the caller to a person.",
    (
        Key("queue", TEMPLATE, "the queue", required=True),
        NEEDED,
        PRIORITY,
        TELL,
        WHISPER,
        Key("prefer", TEMPLATE, "an agent's extension: waited for first, then anyone takes it"),
        Key("prefer_for", duration(1, 3600), "how long `prefer` is waited for", "the queue's own"),
        Key("agent", TEMPLATE, "an agent's extension: nobody else takes it"),
        Key("max_wait", duration(1, 86_400), "how long to wait", "the queue's own"),
        HOURS,
        WAITING_KEY,
        Key("timeout", STEP, "where it goes when `max_wait` is over"),
        Key("nobody", STEP, "where it goes when nobody is there for it"),
        *KINDS_OF_NOBODY,
        Key("full", STEP, "where it goes when too many wait"),
        Key("closed", STEP, "where it goes outside its hours"),
        Key("failed", STEP, "where it goes when something broke"),
        Key("otherwise", STEP, "every outcome not named", "`defaults: queue`"),
        AFTER_TALK,
    ),
    """\
billing:
  queue: billing
  needs: {billing: 3}
  priority: "{{ 10 if tier == 'gold' else 0 }}"
  tell_agent: "{{ name }}, {{ reason }}"
  max_wait: 10m
  timeout: again
  otherwise: note
  next: bye
""",
)
TRANSFER = Block(
    "transfer",
    "transfer",
    "Connect with one agent, or with a number outside. To a queue it is the same as `queue`, with "
    "the options `tell_agent`, `whisper`, `hours`, `next` and `otherwise` only.",
    (
        Key("transfer", block("target", "target"), "to whom", required=True),
        Key("say", WORDS, "said before"),
        TELL,
        WHISPER,
        Key("ring", duration(5, 120), "how long it rings", "25s"),
        HOURS,
        Key("busy", STEP, "where it goes when they are talking"),
        Key("no_answer", STEP, "where it goes when they do not answer"),
        Key("failed", STEP, "where it goes when something broke"),
        Key("otherwise", STEP, "every outcome not named", "the flow's default"),
        AFTER_TALK,
    ),
    """\
out:
  transfer: {outside: "+861065551234"}
  say: "We connect you with the emergency desk."
  ring: 25s
  busy: again
  otherwise: note
""",
)
CALLBACK = Block(
    "callback",
    "callback",
    "Promise to ring back as a call of a queue.",
    (
        Key("callback", TEMPLATE, "the queue", required=True),
        Key("number", TEMPLATE, "the number to ring", required=True),
        NEEDED,
        PRIORITY,
        TELL,
        HOURS,
        PATIENCE,
        Key("next", STEP, "where it goes on when the promise is kept", required=True),
        Key("already", STEP, "where it goes when this customer is to be rung as it is", "`next`"),
        Key("refused", STEP, "where it goes when this number may not be rung", "`otherwise`"),
        OTHERWISE,
    ),
    'ring-me: {callback: billing, number: "{{ caller }}", next: bye, otherwise: note}\n',
)
VOICEMAIL = Block(
    "voicemail",
    "voicemail",
    "Record a message for a mailbox.",
    (
        Key("voicemail", PLAIN, "the mailbox", required=True),
        SAYS,
        LONGEST,
        NEXT,
        Key("otherwise", STEP, "where it goes when no message was left", "`next`"),
    ),
    'note: {voicemail: clinic, say: "After the tone, please.", max: 2m, next: thanks}\n',
)
RECORD = Block(
    "record",
    "record",
    "Record something that stays with the contact under this name.",
    (
        Key("record", PLAIN, "the name of the recording", required=True),
        SAYS,
        LONGEST,
        FINISH_KEY,
        NEXT,
        Key("otherwise", STEP, "where it goes when nothing was recorded", "`next`"),
    ),
    'memo: {record: complaint, say: "Tell us what happened.", finish: "#", next: thanks}\n',
)
RUN = Block(
    "run",
    "run",
    "Run another flow, one without numbers, and come back.",
    (
        Key("run", PLAIN, "the flow", required=True),
        Key("with", SETS, "values for the fields under its `takes`"),
        Key(
            "keep",
            mapping_of(TEXT, "our field: its field"),
            "what is kept of the fields under its `gives`",
        ),
        Key("next", STEP, "where it goes on after `return`", required=True),
        Key(
            "otherwise",
            STEP,
            "where it goes on after `return: failed`",
            "the flow's default",
        ),
    ),
    """\
sub:
  run: find-customer
  with: {account: "{{ account }}"}
  keep: {name: name}
  next: thanks
  otherwise: talk
""",
)
RETURN = Block(
    "return",
    "return",
    "End a flow that another one runs.",
    (
        Key(
            "return",
            either("nothing, `ok` or `failed`", NOTHING, choice("ok", "failed")),
            "`failed` leads to `otherwise` there, anything else to `next`",
            required=True,
        ),
    ),
    "done: {return: ok}\n",
)
HANGUP = Block(
    "hangup",
    "hangup",
    "Say goodbye and end the call.",
    (
        Key(
            "hangup",
            either("words or nothing", NOTHING, WORDS),
            "the last words",
            required=True,
        ),
    ),
    'bye: {hangup: "Goodbye."}\n',
)
