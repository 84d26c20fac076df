"""What a text thread says by itself, outside every flow, and the words it knows by itself."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Literal

Word = Literal["stop", "start", "help"]

_WORDS: Mapping[str, Word] = {
    **dict.fromkeys(("stop", "stopall", "stop all", "unsubscribe", "cancel", "end"), "stop"),
    **dict.fromkeys(("quit", "optout", "opt out", "revoke", "退订", "td", "t"), "stop"),
    **dict.fromkeys(("start", "unstop", "subscribe", "恢复"), "start"),
    **dict.fromkeys(("help", "info", "帮助"), "help"),
}
"""Words for themselves alone in an SMS; CTIA's and the FCC's list, and what is usual in China."""

_NOTICES: Mapping[str, Mapping[str, str]] = {
    "stopped": {
        "en": "{house}: you will get no more messages. Send START to get them again.",
        "zh": "{house}：您将不再收到短信。回复START可恢复接收。",
    },
    "started": {
        "en": "{house}: you get messages again. Send STOP to end them.",
        "zh": "{house}：已为您恢复短信，回复STOP可退订。",
    },
    "help": {
        "en": "{house}. Answer with a number or words. Send STOP to end all messages.",
        "zh": "{house}。请回复数字或文字，回复STOP可退订。",
    },
    "no-transfer": {
        "en": "We cannot connect you from here. Please ring {number}.",
        "zh": "此处无法为您转接，请拨打{number}。",
    },
    "ring-us": {
        "en": "To go on by telephone, ring {number} and key {code}. "
        "It is good once, for {minutes} minutes.",
        "zh": "如需电话沟通，请拨打{number}并输入{code}。{minutes}分钟内有效，仅限一次。",
    },
    "closed": {
        "en": "We close this conversation for the moment. Write to us whenever you like.",
        "zh": "本次对话暂时结束，欢迎随时再联系我们。",
    },
    "trouble": {
        "en": "Sorry, something went wrong on our side. Please try again later.",
        "zh": "抱歉，我们的系统出现问题，请稍后再试。",
    },
}


def word(text: str) -> Word | None:
    """The word an SMS consists of, where it is one of ours."""
    plain = unicodedata.normalize("NFKC", text).casefold().strip(" \t\r\n.!。！\"'")
    return _WORDS.get(plain)


def notice(name: str, language: str, **places: str) -> str:
    """One of the notices, in English where the language has none."""
    forms = _NOTICES[name]
    return forms.get(language.partition("-")[0], forms["en"]).format_map(places)
