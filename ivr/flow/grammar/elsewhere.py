"""The grammar of steps that lead to another channel: room there, codes, text messages and links."""

from __future__ import annotations

from ivr.flow.grammar.asking import NEXT, OTHERWISE, PATIENCE
from ivr.flow.grammar.doing import NEEDED
from ivr.flow.grammar.kinds import (
    FIELDS,
    PLAIN,
    TEMPLATE,
    WORDS,
    Block,
    Key,
    block,
    duration,
)

ROOM = Block(
    "room",
    "room",
    "Go by whether somebody has room for one more contact, at this moment. From here on "
    "`{{ wait }}` says how long one waits there otherwise, as far as that is known.",
    (
        Key(
            "room",
            block("room-in", "`{chat: queue}`, `{sms: ...}` or `{voice: ...}`"),
            "the channel and the queue",
            required=True,
        ),
        NEEDED,
        Key("within", duration(1, 3600), "a wait of at most so long is room as well", "at once"),
        NEXT,
        OTHERWISE,
    ),
    "chat?: {room: {chat: sales}, next: thanks, otherwise: talk}\n",
)
INVITE = Block(
    "invite",
    "invite",
    "Give whoever writes a code by which they go on by telephone, in a `join` step. A telephone "
    "call takes `otherwise`.",
    (
        Key("invite", WORDS, "the message, with `{{ code }}` in it", required=True),
        Key("expires", duration(60, 3600), "how long it can be used", "10m"),
        NEXT,
        OTHERWISE,
    ),
    'by-phone: {invite: "Ring 010 6555 1234 and key {{ code }}.", next: talk, otherwise: talk}\n',
)
LINK = Block(
    "link",
    "Link of our own",
    "What the link in a text message opens, once: `chat` or `form`.",
    (
        Key("chat", PLAIN, "the chat of this site of services.yaml, as the same contact"),
        Key("form", FIELDS, "a page that asks for these fields"),
        Key("expires", duration(60, 604_800), "how long it can be opened", "1h"),
    ),
)
SMS = Block(
    "sms",
    "sms",
    "Send a text message in the caller's language.",
    (
        Key("sms", TEMPLATE, "the number", required=True),
        Key(
            "text", WORDS, "the message, with `{{ link }}` in it where there is one", required=True
        ),
        Key("link", block("link", "link"), "a link of our own: to a chat, or to a form"),
        PATIENCE,
        NEXT,
        OTHERWISE,
    ),
    'text: {sms: "{{ caller }}", text: "Your order is on its way.", next: bye, otherwise: bye}\n',
)
