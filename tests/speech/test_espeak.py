"""The engine that speaks by default, as a program that may be slow, broken or lied to."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ivr.speech import sound, wav
from ivr.speech.engine import LONGEST_TEXT, SpeechFailed, SpeechTimedOut, speakable
from ivr.speech.espeak import Espeak, voice_of

Fake = Callable[[str], tuple[str, ...]]


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """A program that stands in for espeak-ng: a shell script with the given body."""

    def make(body: str) -> tuple[str, ...]:
        path = tmp_path / "fake-espeak"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return (str(path),)

    return make


@pytest.mark.parametrize(
    ("language", "text", "seconds"),
    [
        ("en", "Your call will be answered in about three minutes, please stay on.", (3.0, 5.0)),
        ("zh", "欢迎致电诊所。预约请按1，账单请按2。", (3.0, 5.5)),
        ("zh-CN", "请稍候。", (0.6, 1.5)),
    ],
)
async def test_words_become_a_voice_of_a_fitting_length(
    espeak: Espeak, tmp_path: Path, language: str, text: str, seconds: tuple[float, float]
) -> None:
    into = tmp_path / "said.wav"
    await espeak.speak(text, language, into)
    assert seconds[0] < wav.seconds(into) < seconds[1]
    assert sound.voice_dbfs(wav.read(into)) > -30


async def test_the_version_names_program_voices_and_pace(espeak: Espeak) -> None:
    assert espeak.version.startswith("1.")
    assert "zh=cmn" in espeak.version


async def test_four_seconds_of_speech_are_ready_in_well_under_a_second(
    espeak: Espeak, tmp_path: Path
) -> None:
    begun = time.perf_counter()
    await espeak.speak(
        "A caller must not wait for the machine to find its words.", "en", tmp_path / "a"
    )
    assert time.perf_counter() - begun < 0.8


async def test_text_is_never_an_argument_nor_an_option(fake: Fake, tmp_path: Path) -> None:
    engine = Espeak(fake(f'echo "$@" > {tmp_path}/arguments; cat > {tmp_path}/words'), {}, "1")
    await engine.speak("-w /etc/passwd; $(reboot)", "en", tmp_path / "out.wav")
    assert (tmp_path / "words").read_text() == "-w /etc/passwd; $(reboot)"
    assert "passwd" not in (tmp_path / "arguments").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello\x01 20s\r\nthere\x00", "Hello 20s there"),
        ("Mr [[[[h@'loU]]", "Mr [ [ [ [h@'loU]]"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("  您好  ", "您好"),
    ],
)
def test_what_an_engine_would_obey_is_taken_out(text: str, said: str) -> None:
    assert speakable(text) == said


def test_a_text_past_the_limit_is_refused() -> None:
    with pytest.raises(SpeechFailed, match="has 2001 characters; a prompt has 2000"):
        speakable("x" * (LONGEST_TEXT + 1))


@pytest.mark.parametrize("language", ["", "en us", "-w", "../../etc", "e" * 40])
def test_a_language_that_is_none_is_refused(language: str) -> None:
    with pytest.raises(SpeechFailed, match="is not a language; write it as"):
        voice_of(language)


def test_a_language_without_a_chosen_voice_uses_the_engines_own() -> None:
    assert voice_of("fr").name == "fr"
    assert voice_of("EN_us") == voice_of("en")


async def test_an_engine_that_hangs_is_killed(fake: Fake, tmp_path: Path) -> None:
    engine = Espeak(fake(f"echo $$ > {tmp_path}/pid; exec sleep 60"), {}, "1", timeout=0.3)
    with pytest.raises(SpeechTimedOut, match=r"took over 0\.3 s"):
        await engine.speak("hello", "en", tmp_path / "out.wav")
    assert not alive(int((tmp_path / "pid").read_text()))


async def test_a_caller_who_hangs_up_leaves_no_engine_running(fake: Fake, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    engine = Espeak(fake(f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 60"), {}, "1")
    task = asyncio.create_task(engine.speak("hello", "en", tmp_path / "out.wav"))
    while not pid.exists():
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(int(pid.read_text()))


async def test_an_engine_that_fails_says_why(fake: Fake, tmp_path: Path) -> None:
    engine = Espeak(fake("cat > /dev/null; echo no such voice >&2; exit 3"), {}, "1")
    with pytest.raises(SpeechFailed, match=r"failed \(3\): no such voice"):
        await engine.speak("hello", "en", tmp_path / "out.wav")


async def test_an_engine_that_does_not_read_is_no_crash(fake: Fake, tmp_path: Path) -> None:
    engine = Espeak(fake("exit 0"), {}, "1")
    await engine.speak("x" * LONGEST_TEXT, "en", tmp_path / "out.wav")


async def test_a_missing_program_is_reported_not_raised_raw() -> None:
    with pytest.raises(SpeechFailed, match="does not start"):
        await Espeak.found(["/nowhere/espeak-ng"])


async def test_another_program_is_not_taken_for_espeak(fake: Fake) -> None:
    with pytest.raises(SpeechFailed, match="is not espeak-ng"):
        await Espeak.found(fake("echo hello"))


async def test_no_more_than_two_speak_at_once(fake: Fake, tmp_path: Path) -> None:
    body = (
        f"mkdir {tmp_path}/$$.on; ls -d {tmp_path}/*.on | wc -l >> {tmp_path}/at-once; sleep 0.05"
    )
    engine = Espeak(fake(f"{body}; rmdir {tmp_path}/$$.on"), {}, "1")
    await asyncio.gather(*(engine.speak("hi", "en", tmp_path / "o.wav") for _ in range(5)))
    counts = [int(line) for line in (tmp_path / "at-once").read_text().split()]
    assert len(counts) == 5
    assert max(counts) <= 2


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
