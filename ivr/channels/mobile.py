"""What an agent hears who is rung on a mobile: who calls, before they press 1 to take the call."""

from __future__ import annotations

import structlog

from ivr.channels.caller_card import CallerCard
from ivr.channels.services import PromptFiles, sound_name
from ivr.flow.actions import Prompt
from ivr.speech.engine import SpeechFailed
from ivr.speech.phrases import LANGUAGES

log = structlog.get_logger(__name__)


async def who_calls(prompts: PromptFiles, card: CallerCard) -> str:
    """The sound that says who calls: the flow's whisper, else what a phone would show."""
    if card.whisper:
        return card.whisper
    try:
        return sound_name(await prompts.path((Prompt(f"{card.caller_name}.", LANGUAGES[0]),)))
    except SpeechFailed as silent:
        log.error("speech failed", action="who calls", why=str(silent))
        return sound_name(prompts.fallback(LANGUAGES[0]))
