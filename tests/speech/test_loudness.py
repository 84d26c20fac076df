"""Every prompt is equally loud, however it was recorded: measured by a meter of our own here.

The meter gates as ITU-R BS.1770 does (blocks of 400 ms, a quarter apart; those 10 dB below the mean
do not count) but does not weight frequencies, as a telephone line carries only the middle ones.
"""

from __future__ import annotations

import math
import time
from array import array
from pathlib import Path

import pytest

from ivr.flow.actions import Prompt
from ivr.speech import sound, wav
from ivr.speech.cache import PromptCache
from ivr.speech.espeak import Espeak
from ivr.speech.prompts import PromptBook
from ivr.speech.stub import Mute

SPEECH = Prompt("Your call will be answered in about three minutes, please stay on the line.", "en")


def gated_dbfs(samples: wav.Samples) -> float:
    powers = [
        sum(each * each for each in samples[at : at + 3200]) / 3200
        for at in range(0, max(1, len(samples) - 3199), 800)
    ]
    gate = sum(powers) / len(powers) / 10
    loud = [power for power in powers if power >= gate]
    return 10 * math.log10(sum(loud) / len(loud) / 32768**2)


def amplified(samples: wav.Samples, decibels: float) -> wav.Samples:
    gain = 10 ** (decibels / 20)
    return array("h", [max(-32768, min(32767, round(each * gain))) for each in samples])


@pytest.fixture
async def speech(espeak: Espeak, tmp_path: Path) -> wav.Samples:
    await espeak.speak(SPEECH.text, SPEECH.language, tmp_path / "speech.wav")
    return wav.read(tmp_path / "speech.wav")


async def played(samples: wav.Samples, sounds: Path, cache: PromptCache, name: str) -> wav.Samples:
    wav.write(sounds / "en" / f"{name}.wav", samples)
    book = PromptBook(Mute("only recordings"), [sounds], cache)
    return wav.read(await book.path([Prompt("", "en", name)]))


async def test_a_quiet_and_a_loud_recording_are_heard_alike(
    speech: wav.Samples, sounds: Path, cache: PromptCache
) -> None:
    told = {
        decibels: await played(amplified(speech, decibels), sounds, cache, f"take{index}")
        for index, decibels in enumerate((-22.0, -12.0, 0.0, 9.0))
    }
    levels = [gated_dbfs(samples) for samples in told.values()]
    assert max(levels) - min(levels) < 0.6
    for samples in told.values():
        assert sound.voice_dbfs(samples) == pytest.approx(sound.LOUDNESS_DBFS, abs=0.5)
        assert sound.peak_dbfs(samples) <= -0.9


async def test_a_knock_on_the_microphone_does_not_silence_the_voice(
    speech: wav.Samples, sounds: Path, cache: PromptCache
) -> None:
    quiet = amplified(speech, -20.0)
    knocked = array("h", quiet)
    knocked[4000:4160] = array("h", [(-1) ** n * 32000 for n in range(160)])
    plain = await played(quiet, sounds, cache, "plain")
    other = await played(knocked, sounds, cache, "knocked")
    tail = slice(12_000, 20_000)
    assert sound.rms_dbfs(other[tail]) == pytest.approx(sound.rms_dbfs(plain[tail]), abs=1.0)
    assert sound.peak_dbfs(other) <= -0.9


async def test_a_very_quiet_recording_keeps_its_soft_ends(speech: wav.Samples) -> None:
    loud, quiet = sound.trimmed(speech), sound.trimmed(amplified(speech, -24.0))
    assert len(quiet) == pytest.approx(len(loud), abs=wav.RATE // 10)


@pytest.mark.usefixtures("untraced")
async def test_making_a_prompt_even_costs_a_fraction_of_its_length(speech: wav.Samples) -> None:
    began = time.process_time()
    sound.levelled(sound.trimmed(speech))
    assert time.process_time() - began < 0.05 * len(speech) / wav.RATE
