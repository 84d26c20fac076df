"""What leaves this package sounds the same on every line: level, ends, pauses, rate."""

from __future__ import annotations

import math
import wave
from array import array
from itertools import pairwise
from pathlib import Path

import pytest

from ivr.speech import sound, wav
from ivr.speech.engine import SpeechFailed
from ivr.speech.resample import resample


def sine(hertz: float, rate: int, seconds: float, peak: float = 16000.0) -> array[int]:
    count = round(rate * seconds)
    return array("h", [round(peak * math.sin(math.tau * hertz * n / rate)) for n in range(count)])


def save(path: Path, samples: array[int], rate: int, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


@pytest.mark.parametrize("rate", [11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("hertz", [300, 1000, 3000, 3400])
def test_the_voice_band_passes_at_its_level(rate: int, hertz: int) -> None:
    out = resample(sine(hertz, rate, 0.4), rate, 8000)
    middle = out[800:2400]
    assert len(out) == pytest.approx(3200, abs=1)
    assert sound.rms_dbfs(middle) == pytest.approx(sound.rms_dbfs(sine(1000, 8000, 0.2)), abs=0.3)


@pytest.mark.parametrize("rate", [11025, 22050, 48000])
@pytest.mark.parametrize("hertz", [4700, 5200])
def test_hiss_above_the_voice_band_does_not_fold_back_into_it(rate: int, hertz: int) -> None:
    loud = sine(hertz, rate, 0.4)
    out = resample(loud, rate, 8000)
    assert sound.rms_dbfs(out[400:2800]) < sound.rms_dbfs(loud) - 40


def test_the_pitch_is_kept_when_the_rate_is_reduced() -> None:
    out = resample(sine(1000, 22050, 0.5), 22050, 8000)
    crossings = sum(1 for a, b in pairwise(out) if a < 0 <= b)
    assert crossings == pytest.approx(500, abs=2)


def test_a_full_scale_square_wave_is_clipped_and_does_not_wrap_around() -> None:
    square = array("h", [32767 if n // 11 % 2 else -32768 for n in range(22050)])
    out = resample(square, 22050, 8000)
    assert max(out) == 32767
    assert min(out) == -32768


def test_a_rate_is_never_raised() -> None:
    with pytest.raises(ValueError, match="4000 Hz is below 8000 Hz"):
        resample(array("h", [0]), 4000, 8000)


def test_a_file_reads_back_as_it_was_written(tmp_path: Path) -> None:
    samples = sine(440, 8000, 0.1)
    wav.write(tmp_path / "a.wav", samples)
    assert wav.read(tmp_path / "a.wav") == samples
    assert wav.seconds(tmp_path / "a.wav") == pytest.approx(0.1)


def test_stereo_is_mixed_into_one(tmp_path: Path) -> None:
    both = array("h", [1000, 3000] * 800)
    assert set(wav.read(save(tmp_path / "s.wav", both, 8000, channels=2))) == {2000}


@pytest.mark.parametrize(
    ("rate", "width", "says"), [(8000, 1, "8-bit"), (8000, 3, "24-bit"), (6000, 2, "6000 Hz")]
)
def test_a_recording_of_the_wrong_kind_is_refused_with_the_right_one_named(
    tmp_path: Path, rate: int, width: int, says: str
) -> None:
    path = save(tmp_path / "odd.wav", array("h", [0] * 600), rate, width=width)
    with pytest.raises(SpeechFailed, match=f"odd.wav.*{says}.*save it as 16-bit PCM at 8000 Hz"):
        wav.read(path)


def test_a_file_that_is_no_wav_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "song.wav").write_bytes(b"ID3 this is an mp3")
    with pytest.raises(SpeechFailed, match=r"song\.wav cannot be read as a WAV file"):
        wav.read(tmp_path / "song.wav")
    with pytest.raises(SpeechFailed, match=r"none\.wav"):
        wav.seconds(tmp_path / "none.wav")


@pytest.mark.parametrize("dbfs", [-40.0, -30.0, -20.0, -10.0])
def test_every_voice_comes_out_equally_loud(dbfs: float) -> None:
    out = sound.levelled(sound.tone((500.0,), 0.5, dbfs))
    assert sound.voice_dbfs(out) == pytest.approx(sound.LOUDNESS_DBFS, abs=0.5)


def test_pauses_do_not_make_a_voice_louder() -> None:
    voice = sound.tone((500.0,), 0.5, -30.0)
    alone = sound.levelled(voice)
    with_pause = sound.levelled(voice + sound.silence(2.0) + voice)
    assert sound.peak_dbfs(with_pause) == pytest.approx(sound.peak_dbfs(alone), abs=0.3)


def test_a_click_in_a_soft_recording_is_bent_below_full_scale() -> None:
    voice = sound.tone((500.0,), 0.5, -40.0)
    voice[2000] = 32767
    assert sound.peak_dbfs(sound.levelled(voice)) <= -0.9


def test_hiss_is_not_blown_up_into_a_voice() -> None:
    hiss = array("h", [(-1) ** n for n in range(8000)])
    assert sound.rms_dbfs(sound.levelled(hiss)) < -60


def test_silence_stays_silence() -> None:
    quiet = sound.silence(0.5)
    assert sound.levelled(quiet) == quiet
    assert len(sound.trimmed(quiet)) == 0
    assert sound.rms_dbfs(array("h")) == -math.inf
    assert sound.voice_dbfs(array("h")) == -math.inf


def test_gaps_at_the_ends_go_and_a_breath_stays() -> None:
    padded = sound.silence(0.7) + sound.tone((500.0,), 0.5) + sound.silence(0.9)
    seconds = len(sound.trimmed(padded)) / wav.RATE
    assert seconds == pytest.approx(0.5 + sound.LEAD_SECONDS + sound.TAIL_SECONDS, abs=0.025)


def test_parts_are_joined_with_one_and_the_same_pause() -> None:
    parts = [
        sound.trimmed(sound.silence(gap) + sound.tone((500.0,), 0.2, -10.0) + sound.silence(gap))
        for gap in (0.1, 0.5, 0.9)
    ]
    whole = sound.joined(parts)
    quiet = [max(map(abs, whole[n : n + 80])) < 50 for n in range(0, len(whole), 80)]
    pauses = "".join("-" if frame else "x" for frame in quiet).strip("-").split("x")
    lengths = [len(pause) * 0.01 for pause in pauses if pause]
    assert lengths == pytest.approx([sound.PAUSE_SECONDS] * 2, abs=0.025)


def test_an_empty_part_leaves_no_pause() -> None:
    part = sound.tone((500.0,), 0.2)
    assert sound.joined([array("h"), part, array("h")]) == part


def test_a_tone_has_its_level_and_does_not_click() -> None:
    out = sound.tone((440.0, 480.0), 0.5, -20.0)
    assert sound.rms_dbfs(out) == pytest.approx(-20.0, abs=0.3)
    assert out[0] == out[-1] == 0
