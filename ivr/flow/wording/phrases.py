"""The sentences that the flow language says by itself, in every language, spoken and written."""

from __future__ import annotations

from collections.abc import Mapping

Forms = tuple[str, str]
"""Spoken, then written."""


def _both(text: str) -> Forms:
    return text, text


PHRASES: Mapping[str, Mapping[str, Forms]] = {
    # --- reading back; {value} as `speak` says it ---
    "confirm": {
        "en": (
            "{value}. If that is right, press 1; to change it, press 2.",
            "{value}. Is that right? 1 yes, 2 no",
        ),
        "zh": ("{value}。正确请按1，修改请按2。", "{value}，对吗？1 对，2 不对"),
    },
    # --- menus: {label} of an option, {key} that chooses it ---
    "option": {
        "en": ("For {label}, press {key}.", "{key} {label}"),
        "zh": ("{label}，请按{key}。", "{key} {label}"),
    },
    # --- booking: {moment} as `speak` says it ---
    "slot": {
        "en": ("For {moment}, press {key}.", "{key} {moment}"),
        "zh": ("{moment}，请按{key}。", "{key} {moment}"),
    },
    "later-slots": {
        "en": ("For later times, press {key}.", "{key} later times"),
        "zh": ("更晚的时间，请按{key}。", "{key} 更晚的时间"),
    },
    "slot-gone": {
        "en": _both("That time has just gone."),
        "zh": _both("这个时间刚刚被约走了。"),
    },
    # --- waits: {place} in the line, {wait} as `WAITS` say it ---
    "wait-next": {
        "en": _both("You are next in line."),
        "zh": _both("您是下一位。"),
    },
    "wait-place": {
        "en": _both("You are number {place} in line."),
        "zh": _both("您现在排在第{place}位。"),
    },
    "wait-short": {
        "en": _both("Your wait will be less than {wait}."),
        "zh": _both("预计等待不到{wait}。"),
    },
    "wait-between": {
        "en": _both("Your wait will be about {least} to {wait}."),
        "zh": _both("预计等待{least}到{wait}。"),
    },
    "wait-promise": {
        "en": _both("We mean to answer every call within {wait}."),
        "zh": _both("我们力争在{wait}内接听每一个来电。"),
    },
    # --- surveys ---
    "survey-skipped": {
        "en": _both("We leave that question out."),
        "zh": _both("我们跳过这个问题。"),
    },
    # --- work that takes time ---
    "one-moment": {"en": _both("One moment, please."), "zh": _both("请稍候。")},
    # --- one-time codes: {code} as it is sent, {minutes} as `speak` says them ---
    "code-text": {
        "en": _both("Your code is {code}. Give it to nobody who calls you."),
        "zh": _both("您的验证码是{code}。请勿告诉任何来电者。"),
    },
    "code-ask": {
        "en": (
            "We have sent you a text message with a code. Please key it in.",
            "We have sent you a text message with a code. Please send it here.",
        ),
        "zh": ("我们已用短信向您发送验证码，请输入。", "我们已用短信向您发送验证码，请在此回复。"),
    },
    "code-wrong": {
        "en": _both("That is not the code. Please try again."),
        "zh": _both("验证码不正确，请再试一次。"),
    },
    "code-expired": {
        "en": _both("That code is no longer valid."),
        "zh": _both("该验证码已失效。"),
    },
}
