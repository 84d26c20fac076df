"""The book of prompts: recorded first, spoken otherwise, made once, never silent."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from ivr.flow.actions import Prompt
from ivr.speech import sound, wav
from ivr.speech.cache import PromptCache
from ivr.speech.engine import SpeechFailed, SpeechTimedOut
from ivr.speech.espeak import Espeak
from ivr.speech.prompts import REST_SECONDS, PromptBook
from ivr.speech.stub import SECONDS_PER_CHARACTER, Hum, Mute

from .conftest import record

HELLO = Prompt("Welcome to the clinic.", "en", "greet")
MENU = Prompt("Press 1 for appointments.", "en")


async def test_words_without_a_recording_are_spoken(book: PromptBook, hum: Hum) -> None:
    path = await book.path([HELLO])
    assert path.suffix == ".wav"
    assert hum.spoken == [("en", HELLO.text)]
    assert wav.seconds(path) == pytest.approx(SECONDS_PER_CHARACTER * len(HELLO.text), abs=0.15)


async def test_a_recording_is_played_instead_of_the_words(
    book: PromptBook, hum: Hum, sounds: Path
) -> None:
    record(sounds / "en" / "greet.wav", 2.0)
    path = await book.path([HELLO])
    assert hum.spoken == []
    assert wav.seconds(path) == pytest.approx(2.0, abs=0.15)
    assert sound.voice_dbfs(wav.read(path)) == pytest.approx(sound.LOUDNESS_DBFS, abs=0.5)


async def test_a_recording_that_is_replaced_is_heard_by_the_next_call(
    book: PromptBook, sounds: Path
) -> None:
    recording = record(sounds / "en" / "greet.wav", 2.0)
    before = await book.path([HELLO])
    record(recording, 1.0)
    os.utime(recording, (1, 1))
    after = await book.path([HELLO])
    assert before != after
    assert wav.seconds(after) == pytest.approx(1.0, abs=0.15)


async def test_an_unreadable_recording_is_spoken(book: PromptBook, hum: Hum, sounds: Path) -> None:
    (sounds / "en" / "greet.wav").write_bytes(b"not a wav at all")
    await book.path([HELLO])
    assert hum.spoken == [("en", HELLO.text)]


@pytest.mark.parametrize("name", ["../secret", "/etc/secret", "a/../../secret", "a b", ".secret"])
async def test_a_sound_is_never_looked_for_outside_its_folder(
    book: PromptBook, sounds: Path, name: str
) -> None:
    record(sounds / "secret.wav", 0.1)
    record(sounds / "en" / ".secret.wav", 0.1)
    assert book.recording(Prompt("x", "en", name)) is None


async def test_a_regional_language_falls_back_to_its_base(book: PromptBook, sounds: Path) -> None:
    recording = record(sounds / "zh" / "greet.wav", 0.3)
    assert book.recording(Prompt("您好", "zh-TW", "greet")) == recording
    own = record(sounds / "zh-TW" / "greet.wav", 0.3)
    assert book.recording(Prompt("您好", "zh-TW", "greet")) == own


async def test_the_installations_own_recordings_come_first(
    hum: Hum, cache: PromptCache, tmp_path: Path
) -> None:
    shipped = record(tmp_path / "shipped" / "en" / "greet.wav", 0.3)
    book = PromptBook(hum, [tmp_path / "own", tmp_path / "shipped"], cache)
    assert book.recording(HELLO) == shipped
    own = record(tmp_path / "own" / "en" / "greet.wav", 0.3)
    assert book.recording(HELLO) == own


async def test_parts_become_one_file_and_are_kept_for_other_sentences(
    book: PromptBook, hum: Hum
) -> None:
    first, second = Prompt("Your balance is", "en"), Prompt("two hundred", "en")
    whole = await book.path([first, second])
    alone = [wav.seconds(await book.path([part])) for part in (first, second)]
    inner = sound.PAUSE_SECONDS - sound.LEAD_SECONDS - sound.TAIL_SECONDS
    assert wav.seconds(whole) == pytest.approx(sum(alone) + inner, abs=0.01)
    assert hum.spoken == [("en", first.text), ("en", second.text)]


async def test_a_hundred_calls_for_the_same_words_speak_them_once(
    book: PromptBook, hum: Hum
) -> None:
    paths = await asyncio.gather(*(book.path([HELLO, MENU]) for _ in range(100)))
    assert len(set(paths)) == 1
    assert sorted(hum.spoken) == sorted([("en", HELLO.text), ("en", MENU.text)])


async def test_a_caller_who_hangs_up_does_not_take_the_prompt_from_the_others(
    book: PromptBook, hum: Hum
) -> None:
    hum.waits = asyncio.Event()
    leaves, stays = (asyncio.create_task(book.path([HELLO])) for _ in range(2))
    while not hum.spoken:
        await asyncio.sleep(0)
    leaves.cancel()
    hum.waits.set()
    assert (await stays).is_file()
    assert leaves.cancelled()


async def test_another_engine_version_speaks_anew(
    book: PromptBook, cache: PromptCache, sounds: Path
) -> None:
    newer = Hum("2")
    old = await book.path([HELLO])
    assert await PromptBook(newer, [sounds], cache).path([HELLO]) != old
    assert newer.spoken


@pytest.mark.usefixtures("untraced")
async def test_a_finished_prompt_costs_well_under_a_millisecond(book: PromptBook) -> None:
    prompts = [HELLO, MENU, Prompt("Or stay on the line.", "en")]
    path = await book.path(prompts)
    begun = time.process_time()
    for _ in range(200):
        assert book.cached(prompts) == path
    assert (time.process_time() - begun) / 200 < 0.001


async def test_what_is_not_made_yet_is_not_cached(book: PromptBook) -> None:
    assert book.cached([HELLO]) is None


async def test_nothing_to_say_is_a_short_silence(book: PromptBook, hum: Hum) -> None:
    for prompts in ([], [Prompt("  ", "en")]):
        samples = wav.read(await book.path(prompts))
        assert 0 < len(samples) < wav.RATE
        assert set(samples) == {0}
    assert hum.spoken == []


async def test_speech_that_fails_is_told_and_tried_again(book: PromptBook, hum: Hum) -> None:
    hum.fails = SpeechFailed("no such voice")
    with pytest.raises(SpeechFailed, match="no such voice"):
        await book.path([HELLO, MENU])
    hum.fails = None
    assert (await book.path([HELLO, MENU])).is_file()


async def test_an_engine_that_hung_is_not_waited_for_by_the_next_caller(
    hum: Hum, sounds: Path, cache: PromptCache
) -> None:
    now = 0.0
    book = PromptBook(hum, [sounds], cache, clock=lambda: now)
    hum.fails = SpeechTimedOut("the speech engine took over 5 s")
    with pytest.raises(SpeechTimedOut):
        await book.path([HELLO])
    with pytest.raises(SpeechFailed, match="left to rest"):
        await book.path([MENU])
    assert len(hum.spoken) == 1
    hum.fails = None
    now = REST_SECONDS + 1
    assert (await book.path([MENU])).is_file()


async def test_without_speech_a_caller_still_hears_something(
    sounds: Path, cache: PromptCache
) -> None:
    book = PromptBook(Mute("install espeak-ng"), [sounds], cache)
    with pytest.raises(SpeechFailed, match="install espeak-ng"):
        await book.path([HELLO])
    assert await book.prepare_fallback()
    assert wav.seconds(book.fallback("en")) > 0.3


async def test_the_fallback_is_words_when_they_could_be_made_in_time(
    book: PromptBook, hum: Hum
) -> None:
    assert await book.prepare_fallback() == []
    hum.fails = SpeechFailed("gone")
    assert ("zh", "请稍候。") in hum.spoken
    assert book.fallback("zh") != book.fallback("en")
    assert book.fallback("fr") == book.fallback("en")


async def test_a_full_disk_is_a_failure_of_speech_not_of_the_service(
    book: PromptBook, cache: PromptCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "put", full)
    with pytest.raises(SpeechFailed, match="No space left"):
        await book.path([HELLO])
    with pytest.raises(SpeechFailed, match="No space left"):
        book.fallback("en")


async def test_preparing_tells_its_progress_and_its_failures(book: PromptBook, hum: Hum) -> None:
    told: list[tuple[int, int]] = []
    failures = await book.prepare(
        [[HELLO], [MENU], [HELLO]], lambda done, of: told.append((done, of))
    )
    assert failures == []
    assert told == [(1, 2), (2, 2)]
    assert book.cached([HELLO])
    hum.fails = SpeechFailed("gone")
    assert [str(why) for why in await book.prepare([[Prompt("new", "en")]])] == ["gone"]


async def test_a_book_that_closes_leaves_nothing_running(book: PromptBook, hum: Hum) -> None:
    hum.waits = asyncio.Event()
    waiting = asyncio.create_task(book.path([HELLO]))
    while not hum.spoken:
        await asyncio.sleep(0)
    await book.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_real_prompt_is_ready_before_a_caller_would_notice(
    espeak: Espeak, sounds: Path, cache: PromptCache
) -> None:
    book = PromptBook(espeak, [sounds], cache)
    await book.path([Prompt("Good morning.", "en")])
    begun = time.perf_counter()
    path = await book.path(
        [Prompt("Please tell us the number of your account, then press hash.", "en")]
    )
    # A tenth of this on an idle machine; test machines are busy.
    assert time.perf_counter() - begun < 1.0
    samples = wav.read(path)
    assert sound.voice_dbfs(samples) == pytest.approx(sound.LOUDNESS_DBFS, abs=0.5)
    assert sound.peak_dbfs(samples) < -0.9
