"""What the service itself says, to callers and to agents, in English and Mandarin.

Each phrase can be replaced by a recording, `<sounds>/<language>/service/<name>.wav`, except those
with a place to fill in. `render_phrases` lays them out as files, because the dialplan needs some of
them when the service is away.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ivr.flow.actions import Prompt
from ivr.speech import sound, wav
from ivr.speech.engine import SpeechFailed

LANGUAGES = ("en", "zh")

PHRASES: Mapping[str, Mapping[str, str]] = {
    # --- the service is away: played by the dialplan alone ---
    "away": {
        "en": "We are sorry. We cannot take your call just now. "
        "Press 1 to leave a message, or stay on the line.",
        "zh": "很抱歉，我们暂时无法接听您的电话。留言请按1，或者请不要挂机。",
    },
    "unavailable": {
        "en": "This service is not available just now. Please try again in a minute.",
        "zh": "服务暂时不可用，请稍后再试。",
    },
    # --- callers ---
    "please-hold": {"en": "One moment, please.", "zh": "请稍候。"},
    "not-in-service": {
        "en": "The number you have dialled is not in service. Please check it and call again.",
        "zh": "您拨打的号码无人使用，请核对后再拨。",
    },
    "agent-did-not-answer": {
        "en": "Sorry, the agent did not answer. You keep your place; we are finding someone else.",
        "zh": "抱歉，客服人员没有接听。您的排队位置保留，正在为您转接其他人员。",
    },
    "connecting": {"en": "We are connecting you now.", "zh": "正在为您接通。"},
    "transfer-failed": {
        "en": "Sorry, we could not put you through. Please stay on the line.",
        "zh": "抱歉，转接没有成功，请不要挂机。",
    },
    "something-went-wrong": {
        "en": "Sorry, something went wrong on our side. Please stay on the line.",
        "zh": "抱歉，我们的系统出现问题，请不要挂机。",
    },
    "goodbye": {"en": "Thank you for calling. Goodbye.", "zh": "感谢您的来电，再见。"},
    # --- callbacks: to the customer, and to an agent who is rung first ---
    "callback-hello": {
        "en": "Hello. This is the call you asked us for.",
        "zh": "您好，这是您要求的回电。",
    },
    "callback-confirm": {
        "en": "Press {key} to be connected.",
        "zh": "接通请按{key}。",
    },
    "callback-again": {
        "en": "We are sorry, nobody is free just now. We will call you again. Goodbye.",
        "zh": "很抱歉，现在没有客服人员。我们会再次给您回电，再见。",
    },
    "callback-sorry": {
        "en": "We are sorry, nobody is free just now. Please call us again. Goodbye.",
        "zh": "很抱歉，现在没有客服人员。请您再次致电，再见。",
    },
    "callback-agent": {
        "en": "Callback. We are ringing the customer.",
        "zh": "回电，正在呼叫客户。",
    },
    # --- voicemail ---
    "leave-message": {
        "en": "Please leave a message after the tone. To finish, press hash.",
        "zh": "请在提示音后留言，结束请按井号键。",
    },
    "message-saved": {
        "en": "Thank you. Your message is saved. Goodbye.",
        "zh": "谢谢，您的留言已保存，再见。",
    },
    "no-message": {"en": "No message was left. Goodbye.", "zh": "没有录到留言，再见。"},
    # --- agents' feature codes ---
    "agent-logged-in": {"en": "You are logged in. Ready.", "zh": "您已登录，可以接听。"},
    "agent-logged-out": {"en": "You are logged out. Goodbye.", "zh": "您已退出登录，再见。"},
    "agent-ready": {"en": "You are ready.", "zh": "您可以接听了。"},
    "agent-paused": {"en": "You are paused.", "zh": "您已暂停。"},
    "agent-paused-for": {"en": "Paused, {reason}.", "zh": "已暂停，{reason}。"},
    "agent-paused-after-call": {
        "en": "You will be paused after this call.",
        "zh": "本次通话结束后您将暂停。",
    },
    "wrap-up-ended": {"en": "Wrap-up ended. Ready.", "zh": "话后处理已结束，可以接听。"},
    "wrap-up-extended": {"en": "More time for wrap-up.", "zh": "话后处理时间已延长。"},
    "no-wrap-up": {"en": "You are not in wrap-up.", "zh": "您不在话后处理状态。"},
    "agent-not-logged-in": {"en": "You are not logged in.", "zh": "您还没有登录。"},
    "agent-busy": {
        "en": "Not while you are on a call.",
        "zh": "通话中不能进行此操作。",
    },
    "agent-unknown": {
        "en": "This phone belongs to no agent. Please ask your supervisor.",
        "zh": "此话机没有对应的客服人员，请联系主管。",
    },
    "no-such-reason": {"en": "There is no such pause reason.", "zh": "没有这个暂停原因。"},
    "queue-joined": {"en": "You take calls of {queue}.", "zh": "您现在接听{queue}的来电。"},
    "queue-left": {"en": "You have left {queue}.", "zh": "您已暂离{queue}。"},
    "no-such-queue": {"en": "You do not work for that queue.", "zh": "您不属于该队列。"},
    "disposition-due": {
        "en": "First say how the call ended: star 4 7 and a digit.",
        "zh": "请先登记本次通话结果：按星号47和一个数字。",
    },
    "disposition-given": {"en": "Noted, {disposition}.", "zh": "已登记，{disposition}。"},
    "no-such-disposition": {"en": "There is no such result.", "zh": "没有这个通话结果。"},
    "no-disposition": {"en": "No call needs a result.", "zh": "没有需要登记结果的通话。"},
    # --- where an agent's calls ring ---
    "on-the-mobile": {
        "en": "Your calls ring at your mobile. Ready.",
        "zh": "来电将转到您的手机，可以接听。",
    },
    "at-this-phone": {"en": "Your calls ring at this phone.", "zh": "来电将转到此话机。"},
    "no-mobile": {
        "en": "There is no mobile number for you that may be dialled.",
        "zh": "没有可以拨打的您的手机号码。",
    },
    "desk-number": {
        "en": "Enter your agent number, and then hash.",
        "zh": "请输入您的工号，按井号键结束。",
    },
    "desk-pin": {"en": "Enter your PIN, and then hash.", "zh": "请输入您的密码，按井号键结束。"},
    "desk-wrong": {
        "en": "Number and PIN do not match. Please dial again.",
        "zh": "工号或密码错误，请重新拨打。",
    },
    "desk-locked": {
        "en": "Too many wrong tries. Please wait ten minutes.",
        "zh": "错误次数过多，请十分钟后再试。",
    },
    "desk-free": {
        "en": "Nobody is logged in at this phone. To log in, dial star 4 1.",
        "zh": "此话机无人登录，登录请拨星号41。",
    },
    "press-to-take": {
        "en": "Press 1 to take the call.",
        "zh": "接听请按1。",
    },
    # --- colleagues ---
    "colleague-away": {"en": "Nobody can be reached there.", "zh": "暂时无法联系到对方。"},
    "no-call-to-ask-about": {
        "en": "You can ask a queue only while you talk with a caller.",
        "zh": "只有在与来电者通话时才能咨询队列。",
    },
    # --- transfers, said to the agent ---
    "transfer-refused": {
        "en": "The transfer did not work. You are back with the caller.",
        "zh": "转接没有成功，您已恢复与来电者的通话。",
    },
}

PAUSE_REASONS: Mapping[str, Mapping[str, str]] = {
    "lunch": {"zh": "午餐"},
    "break": {"zh": "休息"},
    "training": {"zh": "培训"},
    "meeting": {"zh": "会议"},
    "coaching": {"zh": "辅导"},
    "missed": {"en": "missed calls", "zh": "漏接来电"},
}

BEEP = "beep"


class _Book(Protocol):
    """What is needed of a `PromptBook`."""

    async def path(self, prompts: Sequence[Prompt]) -> Path:
        """The prompts as one WAV; raises `SpeechFailed`."""


def phrase(name: str, language: str, **values: str) -> Prompt:
    """The phrase `name` in `language` (else in English), its places filled in.

    Raises `KeyError` for a name that is not in `PHRASES` and for a place without a value.
    """
    texts = PHRASES[name]
    spoken = _spoken_language(language)
    if not values:
        return Prompt(texts[spoken], spoken, f"service/{name}")
    return Prompt(texts[spoken].format_map(values), spoken)


def paused_for(reason: str, language: str) -> Prompt:
    """Confirms a pause: "Paused, lunch."; a reason we have no words for is spoken as written."""
    word = PAUSE_REASONS.get(reason, {}).get(_spoken_language(language), reason)
    return phrase("agent-paused-for", language, reason=word)


def whisper(queue: str, who: str, reason: str, language: str) -> Prompt:
    """What the agent hears before the caller is joined: queue, who, reason; unknown ones left out.

    A language without phrases of its own is kept: these are the flow's words, not ours.
    """
    stop = "。" if _spoken_language(language) == "zh" else ". "
    known = [part.strip().rstrip(".。") for part in (queue, who, reason)]
    return Prompt(stop.join(part for part in known if part) + stop.strip(), language)


def fixed_phrases() -> list[str]:
    """The names of the phrases without a place to fill in, the ones that become files."""
    return [name for name, texts in PHRASES.items() if "{" not in texts["en"]]


async def render_phrases(
    book: _Book,
    folder: Path,
    languages: Sequence[str] = LANGUAGES,
    progress: Callable[[int, int], None] | None = None,
) -> list[SpeechFailed]:
    """Write every fixed phrase to `<folder>/<language>/<name>.wav`, and the voicemail tone.

    `progress` is told (done, of how many). Where speech fails, a soft chime is written instead, so
    that every file the dialplan names is there; the failures are returned.
    """
    work = [(language, name) for language in languages for name in fixed_phrases()]
    failures: list[SpeechFailed] = []
    for language in languages:
        (folder / language).mkdir(parents=True, exist_ok=True)
        _write(folder / language / f"{BEEP}.wav", sound.tone((1000.0,), 0.4, -18.0))
    for done, (language, name) in enumerate(work, 1):
        target = folder / language / f"{name}.wav"
        try:
            _copy(await book.path([phrase(name, language)]), target)
        except SpeechFailed as failure:
            failures.append(failure)
            _write(target, sound.chime())
        if progress:
            progress(done, len(work))
    return failures


def _spoken_language(language: str) -> str:
    base = language.lower().replace("_", "-").partition("-")[0]
    return base if base in LANGUAGES else LANGUAGES[0]


def _copy(source: Path, target: Path) -> None:
    # Asterisk may be playing the old file: it keeps that one, and the next call gets the new one.
    scratch = target.with_suffix(".part")
    shutil.copyfile(source, scratch)
    scratch.replace(target)


def _write(target: Path, samples: wav.Samples) -> None:
    scratch = target.with_suffix(".part")
    wav.write(scratch, samples)
    scratch.replace(target)
