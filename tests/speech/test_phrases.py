"""The service's own words, and its music."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from ivr.speech import music, phrases, sound, wav
from ivr.speech.cache import PromptCache
from ivr.speech.espeak import Espeak
from ivr.speech.phrases import LANGUAGES, PHRASES, fixed_phrases, paused_for, phrase, whisper
from ivr.speech.prompts import PromptBook
from ivr.speech.stub import Hum, Mute


@pytest.mark.parametrize("name", PHRASES)
def test_every_phrase_is_there_in_every_language_with_the_same_places(name: str) -> None:
    places = {language: re.findall(r"{(\w+)}", PHRASES[name][language]) for language in LANGUAGES}
    assert set(PHRASES[name]) == set(LANGUAGES)
    assert len({tuple(found) for found in places.values()}) == 1


def test_a_language_without_phrases_gets_english() -> None:
    assert phrase("goodbye", "fr") == phrase("goodbye", "en")
    assert phrase("goodbye", "zh-CN").language == "zh"


def test_a_pause_is_confirmed_in_the_words_of_the_language() -> None:
    assert paused_for("lunch", "en").text == "Paused, lunch."
    assert paused_for("lunch", "zh").text == "已暂停，午餐。"
    assert paused_for("paperwork", "zh").text == "已暂停，paperwork。"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("Billing", "Ms Li, verified", "refund"), "Billing. Ms Li, verified. refund."),
        (("Billing", "", "refund."), "Billing. refund."),
        (("Billing", " ", ""), "Billing."),
    ],
)
def test_a_whisper_says_what_is_known(parts: tuple[str, str, str], said: str) -> None:
    assert whisper(*parts, "en").text == said


async def test_every_phrase_the_dialplan_names_becomes_a_file(
    book: PromptBook, tmp_path: Path
) -> None:
    told: list[int] = []
    folder = tmp_path / "phrases"
    assert (
        await phrases.render_phrases(book, folder, progress=lambda done, of: told.append(done))
        == []
    )
    for language in LANGUAGES:
        names = {path.stem for path in (folder / language).iterdir()}
        assert names == {*fixed_phrases(), "beep"}
    assert {"away", "unavailable", "leave-message", "message-saved"} <= set(fixed_phrases())
    assert told[-1] == len(told)


async def test_without_speech_the_files_are_still_there(tmp_path: Path, cache: PromptCache) -> None:
    book = PromptBook(Mute("no engine"), [], cache)
    assert await phrases.render_phrases(book, tmp_path / "p", ["en"])
    assert wav.seconds(tmp_path / "p" / "en" / "away.wav") > 0.3


async def test_a_phrase_can_be_replaced_by_a_recording(
    book: PromptBook, hum: Hum, sounds: Path, tmp_path: Path
) -> None:
    (sounds / "en" / "service").mkdir()
    wav.write(sounds / "en" / "service" / "away.wav", sound.tone((440.0,), 1.5))
    await phrases.render_phrases(book, tmp_path / "p", ["en"])
    assert wav.seconds(tmp_path / "p" / "en" / "away.wav") == pytest.approx(1.5, abs=0.15)
    assert PHRASES["away"]["en"] not in [text for _, text in hum.spoken]


async def test_spoken_phrases_are_short_and_equally_loud(
    espeak: Espeak, cache: PromptCache
) -> None:
    book = PromptBook(espeak, [], cache)
    for language in LANGUAGES:
        for name in ("away", "agent-logged-in", "leave-message"):
            samples = wav.read(await book.path([phrase(name, language)]))
            assert 1.0 < len(samples) / wav.RATE < 9.0
            assert sound.voice_dbfs(samples) == pytest.approx(sound.LOUDNESS_DBFS, abs=0.5)


def test_the_music_is_quiet_steady_always_the_same_and_closes_on_itself(tmp_path: Path) -> None:
    samples = wav.read(music.generate_music(tmp_path / "moh"))
    seconds = [sound.rms_dbfs(samples[n : n + 8000]) for n in range(0, len(samples), 8000)]
    steps = sorted(abs(a - b) for a, b in pairwise(samples))
    assert samples == music.music()
    assert len(samples) / wav.RATE == pytest.approx(music.SECONDS) == 40.0
    assert sound.rms_dbfs(samples) == pytest.approx(music.MUSIC_DBFS, abs=0.1)
    assert sound.peak_dbfs(samples) < -6
    assert max(seconds) - min(seconds) < 12
    assert abs(samples[0] - samples[-1]) < steps[round(0.95 * len(steps))]
