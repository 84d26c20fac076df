"""What every speech engine promises, whichever it is."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ivr.asterisk.provision import Tool
from ivr.speech import sound, voices, wav
from ivr.speech.cache import PromptCache
from ivr.speech.engine import SpeechEngine
from ivr.speech.espeak import Espeak
from ivr.speech.piper import Piper
from ivr.speech.prompts import PromptBook
from ivr.speech.stub import Hum

from . import fake_piper
from .test_loudness import SPEECH

ENGINES = ["hum", "espeak", "piper-worker"]
if all(map(importlib.util.find_spec, ("piper", voices.PACKAGED["en"]))):
    ENGINES.append("piper")
"""The last one is the real voice, where the extra is installed."""


@pytest.fixture(params=ENGINES)
async def engine(
    request: pytest.FixtureRequest, espeak_tool: Tool, tmp_path: Path
) -> AsyncIterator[SpeechEngine]:
    match request.param:
        case "hum":
            made: SpeechEngine = Hum()
        case "espeak":
            made = await Espeak.found(espeak_tool.argv_prefix, espeak_tool.env)
        case "piper-worker":
            environment = fake_piper.install(tmp_path)
            made = await Piper.found(fake_piper.voice(tmp_path), env=environment)
        case _:
            made = (await voices.engines({"en": "piper"}))["en"]
    yield made
    await made.aclose()


async def test_words_become_sound_that_a_line_can_carry(
    engine: SpeechEngine, tmp_path: Path
) -> None:
    await engine.speak("Good morning, and welcome.", "en", tmp_path / "a.wav")
    samples = wav.read(tmp_path / "a.wav")
    assert 0.5 < len(samples) / wav.RATE < 5
    assert sound.voice_dbfs(samples) > -30


async def test_more_words_take_longer(engine: SpeechEngine, tmp_path: Path) -> None:
    await engine.speak("Yes.", "en", tmp_path / "a.wav")
    await engine.speak("Yes, and there is a good deal more to be said.", "en", tmp_path / "b.wav")
    assert wav.seconds(tmp_path / "b.wav") > 1.5 * wav.seconds(tmp_path / "a.wav")


@pytest.mark.parametrize(
    "text", ["-v --help", '"quoted" {"into": "/tmp/x"}', "a\nb\r\nc", "[[x]] \x01", "…", "1 € = ¥8"]
)
async def test_odd_words_are_words(engine: SpeechEngine, tmp_path: Path, text: str) -> None:
    await engine.speak(text, "en", tmp_path / "a.wav")
    wav.read(tmp_path / "a.wav")
    await engine.speak("And on it goes.", "en", tmp_path / "b.wav")
    assert wav.seconds(tmp_path / "b.wav") > 0.3


async def test_several_at_once_do_not_mix_up_their_words(
    engine: SpeechEngine, tmp_path: Path
) -> None:
    texts = ["One.", "One, two, three, four, five, six, seven.", "One, two, three."]
    paths = [tmp_path / f"{n}.wav" for n in range(len(texts))]
    await asyncio.gather(
        *(engine.speak(text, "en", path) for text, path in zip(texts, paths, strict=True))
    )
    lengths = [wav.seconds(path) for path in paths]
    assert lengths[0] < lengths[2] < lengths[1]


async def test_an_engine_says_which_it_is(engine: SpeechEngine) -> None:
    assert engine.name
    assert engine.version


async def test_a_prompt_of_any_engine_comes_out_at_the_loudness_of_the_house(
    engine: SpeechEngine, sounds: Path, tmp_path: Path
) -> None:
    book = PromptBook(engine, [sounds], PromptCache(tmp_path / "cache"))
    samples = wav.read(await book.path([SPEECH]))
    assert sound.voice_dbfs(samples) == pytest.approx(sound.LOUDNESS_DBFS, abs=0.5)
    assert sound.peak_dbfs(samples) <= -0.9
