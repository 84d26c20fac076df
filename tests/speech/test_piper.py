"""The process that holds a neural voice: kept, bounded in time, replaced when it fails."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ivr.errors import ConfigError
from ivr.settings import Settings, load_settings
from ivr.speech import voices, wav
from ivr.speech.cache import PromptCache
from ivr.speech.engine import LONGEST_TEXT, SpeechFailed, SpeechTimedOut
from ivr.speech.piper import Piper
from ivr.speech.prompts import PromptBook
from ivr.speech.stub import Hum

from . import fake_piper
from .test_prompts import HELLO, MENU


@pytest.fixture
async def piper(tmp_path: Path) -> AsyncIterator[Piper]:
    engine = await Piper.found(
        fake_piper.voice(tmp_path), env=fake_piper.install(tmp_path), timeout=2.0
    )
    yield engine
    await engine.aclose()


def pid(engine: Piper) -> int:
    assert engine._process is not None
    return engine._process.pid


async def test_one_process_speaks_one_prompt_after_the_other(piper: Piper, tmp_path: Path) -> None:
    first = pid(piper)
    for name in ("a", "b"):
        await piper.speak("hello", "en", tmp_path / name)
        assert wav.seconds(tmp_path / name) == pytest.approx(5 * 1300 / 22050, abs=0.01)
    assert pid(piper) == first
    assert piper.version.endswith(";en_US-nobody-low")


async def test_a_voice_that_hangs_is_killed_and_replaced(piper: Piper, tmp_path: Path) -> None:
    first = pid(piper)
    with pytest.raises(SpeechTimedOut, match="piper took over 2 s"):
        await piper.speak("hang", "en", tmp_path / "a")
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    await piper.speak("hello", "en", tmp_path / "a")
    assert wav.seconds(tmp_path / "a") > 0


async def test_a_voice_that_dies_costs_one_prompt(piper: Piper, tmp_path: Path) -> None:
    with pytest.raises(SpeechFailed, match="piper left early"):
        await piper.speak("crash", "en", tmp_path / "a")
    await piper.speak("hello", "en", tmp_path / "a")


async def test_words_that_cannot_be_spoken_cost_nothing_else(piper: Piper, tmp_path: Path) -> None:
    first = pid(piper)
    with pytest.raises(SpeechFailed, match="piper failed: RuntimeError: no such sound"):
        await piper.speak("fail", "en", tmp_path / "a")
    with pytest.raises(SpeechFailed, match="a prompt has 2000"):
        await piper.speak("x" * (LONGEST_TEXT + 1), "en", tmp_path / "a")
    await piper.speak("hello", "en", tmp_path / "a")
    assert pid(piper) == first


async def test_a_caller_who_leaves_in_the_middle_does_not_mix_up_the_answers(
    piper: Piper, tmp_path: Path
) -> None:
    task = asyncio.create_task(piper.speak("hang", "en", tmp_path / "a"))
    while not (tmp_path / "a").exists():
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await piper.speak("hello", "en", tmp_path / "b")
    assert wav.seconds(tmp_path / "b") > 0


async def test_closing_ends_the_process(piper: Piper) -> None:
    process = pid(piper)
    await piper.aclose()
    await piper.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


async def test_a_file_that_is_no_voice_is_refused_by_name(tmp_path: Path) -> None:
    model = fake_piper.voice(tmp_path, "a song")
    with pytest.raises(SpeechFailed, match=r"piper cannot load .*nobody-low\.onnx: not a voice"):
        await Piper.found(model, env=fake_piper.install(tmp_path))


async def test_without_piper_the_cure_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "piper"
    empty.mkdir()
    (empty / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'piper'\")")
    with pytest.raises(SpeechFailed, match=r"not installed .*: pip install '.\[piper\]'"):
        await Piper.found(fake_piper.voice(tmp_path), env={"PYTHONPATH": str(tmp_path)})


async def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(SpeechFailed, match="piper does not start"):
        await Piper.found(Path("x.onnx"), worker=["/nowhere/python"])


async def test_a_program_that_answers_something_else_is_told() -> None:
    for worker in (["/bin/echo", "hello"], ["/bin/echo", "[1]"], ["/bin/true"]):
        with pytest.raises(SpeechFailed, match="piper left early"):
            await Piper.found(Path("x.onnx"), worker=worker)


# --- the setting ------------------------------------------------------------------------------


def settings_of(folder: Path, voices: str) -> Settings:
    (folder / "tieline.yaml").write_text(f"voices: {voices}\n", encoding="utf-8")
    return load_settings(env={}, cwd=folder)


def test_voices_are_chosen_by_language_and_files_lie_beside_the_settings(tmp_path: Path) -> None:
    chosen = settings_of(tmp_path, "{en: piper, zh-tw: espeak, nl: voices/nl.onnx}").voices
    assert chosen == {"en": "piper", "zh-tw": "espeak", "nl": f"{tmp_path}/voices/nl.onnx"}


@pytest.mark.parametrize("voices", ["{en: festival}", "{English: piper}", "{en: 3}", "piper"])
def test_a_voice_that_is_none_is_refused_with_what_would_be_one(
    tmp_path: Path, voices: str
) -> None:
    with pytest.raises(ConfigError, match=r"voices: .*espeak, piper, or a piper voice's file"):
        settings_of(tmp_path, voices)


async def test_espeak_needs_no_engine_of_its_own() -> None:
    assert await voices.engines({"en": "espeak", "zh": "espeak"}) == {}


async def test_a_voice_that_cannot_be_is_refused_with_its_language(tmp_path: Path) -> None:
    with pytest.raises(SpeechFailed, match=r"voices: zh: there is no file /nowhere/zh\.onnx"):
        await voices.engines({"zh": "/nowhere/zh.onnx"})
    with pytest.raises(SpeechFailed, match="piper has no packaged voice for zh: name a file"):
        await voices.engines({"zh": "piper"})


async def test_a_packaged_voice_that_is_missing_names_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(voices, "PACKAGED", {"en": "no_such_package_of_voices"})
    with pytest.raises(SpeechFailed, match=r"en is to be spoken by piper.*\.\[piper\]"):
        await voices.engines({"en": "piper"})


# --- in the book ------------------------------------------------------------------------------


async def test_each_language_is_spoken_by_its_engine(
    hum: Hum, sounds: Path, cache: PromptCache
) -> None:
    own = Hum("own")
    book = PromptBook(hum, [sounds], cache, chosen={"zh": own})
    await book.path([HELLO])
    await book.path([type(HELLO)("您好", "zh-CN")])
    assert (hum.spoken, own.spoken) == ([("en", HELLO.text)], [("zh-CN", "您好")])


async def test_when_the_engine_of_a_language_fails_the_general_one_speaks(
    hum: Hum, sounds: Path, cache: PromptCache
) -> None:
    own = Hum("own")
    book = PromptBook(hum, [sounds], cache, chosen={"en": own})
    own.fails = SpeechFailed("gone")
    spare = await book.path([HELLO, MENU])
    assert [text for _, text in hum.spoken] == [HELLO.text, MENU.text]
    assert book.cached([HELLO, MENU]) is None
    own.fails = None
    assert await book.path([HELLO, MENU]) != spare
    assert book.cached([HELLO, MENU])


async def test_when_all_engines_fail_it_is_told(hum: Hum, sounds: Path, cache: PromptCache) -> None:
    own = Hum("own")
    hum.fails, own.fails = SpeechFailed("general"), SpeechFailed("own")
    book = PromptBook(hum, [sounds], cache, chosen={"en": own})
    with pytest.raises(SpeechFailed, match="general"):
        await book.path([HELLO])


async def test_a_book_that_closes_ends_its_engines(
    piper: Piper, hum: Hum, sounds: Path, cache: PromptCache
) -> None:
    process = pid(piper)
    await PromptBook(hum, [sounds], cache, chosen={"en": piper, "en-gb": piper}).aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
