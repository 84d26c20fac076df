"""Shaping sound: even loudness, tidy ends, joined parts, tones. Samples are 16-bit at `wav.RATE`.

A prompt may be made of a recording, a spoken number and a second recording. What makes them one
sentence to the ear is that all are equally loud, that none begins or ends in a gap, and that the
pause between them is always the same.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from operator import mul

from ivr.speech.wav import RATE, Samples

FULL_SCALE = 32768
LOUDNESS_DBFS = -20.0  # of the voice itself, its pauses left out
MOST_GAIN_DB = 24.0  # a recording of nothing must not become a recording of hiss
GATE_DB = 25.0  # frames so far below the voice are its pauses
QUIET_DB = 28.0  # and so far below it nothing is being said at all
QUIET_DBFS = -48.0  # nor anywhere below this, unless the whole recording is that quiet
PAUSE_SECONDS = 0.16  # between the parts of one prompt: a comma's worth
LEAD_SECONDS = 0.03  # kept before the first sound, so that no first letter is cut
TAIL_SECONDS = 0.06

_FRAME = RATE // 50
_KNEE = 0.5 * FULL_SCALE  # louder samples are bent, not cut
_CEILING = 0.89 * FULL_SCALE  # -1 dBFS


def silence(seconds: float) -> Samples:
    """So many seconds of nothing."""
    return array("h", bytes(2 * round(seconds * RATE)))


def rms_dbfs(samples: Sequence[int]) -> float:
    """Root mean square level in dB below full scale; -inf for silence."""
    power = sum(map(mul, samples, samples)) / len(samples) if samples else 0.0
    return _decibels(math.sqrt(power) / FULL_SCALE)


def peak_dbfs(samples: Sequence[int]) -> float:
    """The loudest sample in dB below full scale; -inf for silence."""
    return _decibels(_loudest(samples) / FULL_SCALE if samples else 0.0)


def voice_dbfs(samples: Sequence[int]) -> float:
    """The level of the voice alone; pauses do not count, and a knock on the microphone hardly.

    What the voice reaches is read off below the loudest frames (two, or one in fifty); pauses are
    `GATE_DB` below that.
    """
    powers = sorted(_power(frame) for frame in _frames(samples))
    if not powers or powers[-1] == 0:
        return -math.inf
    knocks = max(2, len(powers) // 50) if len(powers) > 4 else 0
    reached = powers[-1 - knocks] or powers[-1]
    floor = reached / 10.0 ** (GATE_DB / 10)
    voiced = [min(power, 2 * reached) for power in powers if power >= floor]
    return _decibels(math.sqrt(sum(voiced) / len(voiced)) / FULL_SCALE)


def levelled(samples: Samples, to_dbfs: float = LOUDNESS_DBFS) -> Samples:
    """The same voice at `to_dbfs`; peaks bend softly below -1 dBFS, so nothing ever clips."""
    present = voice_dbfs(samples)
    if present == -math.inf:
        return samples
    gain = 10.0 ** (min(to_dbfs - present, MOST_GAIN_DB) / 20)
    return array("h", [_bent(sample * gain) for sample in samples])


def trimmed(samples: Samples) -> Samples:
    """Without the silence at both ends, but for a breath that keeps soft sounds whole."""
    quiet = min(QUIET_DBFS, voice_dbfs(samples) - QUIET_DB)
    threshold = FULL_SCALE * 10.0 ** (quiet / 20)
    heard = [index for index, frame in enumerate(_frames(samples)) if _loudest(frame) > threshold]
    if not heard:
        return array("h")
    start = heard[0] * _FRAME - round(LEAD_SECONDS * RATE)
    end = (heard[-1] + 1) * _FRAME + round(TAIL_SECONDS * RATE)
    return samples[max(0, start) : end]


def joined(parts: Iterable[Samples]) -> Samples:
    """The parts one after the other with `PAUSE_SECONDS` from voice to voice."""
    gap = silence(PAUSE_SECONDS - LEAD_SECONDS - TAIL_SECONDS)
    whole = array("h")
    for part in parts:
        if whole and part:
            whole += gap
        whole += part
    return whole


def tone(frequencies: Sequence[float], seconds: float, dbfs: float = -20.0) -> Samples:
    """Pure tones sounding together, faded in and out over 10 ms so that nothing clicks."""
    count = round(seconds * RATE)
    fade = min(RATE // 100, count // 2) or 1
    each = FULL_SCALE * 10.0 ** (dbfs / 20) * math.sqrt(2 / len(frequencies))
    steps = [math.tau * frequency / RATE for frequency in frequencies]
    return array(
        "h",
        [
            round(_bent(each * sum(math.sin(step * n) for step in steps)) * _edge(n, count, fade))
            for n in range(count)
        ],
    )


def chime() -> Samples:
    """Two soft notes, a falling third: "one moment" without words, for when speech fails."""
    return joined([tone((784.0, 1568.0), 0.22, -26.0), tone((622.3, 1244.5), 0.45, -26.0)])


def _edge(n: int, count: int, fade: int) -> float:
    return min(1.0, n / fade, (count - 1 - n) / fade)


def _bent(value: float) -> int:
    """As it is up to the knee, then ever less, and never past the ceiling."""
    if -_KNEE <= value <= _KNEE:
        return int(value)
    room = _CEILING - _KNEE
    return int(math.copysign(_KNEE + room * math.tanh((abs(value) - _KNEE) / room), value))


def _frames(samples: Sequence[int]) -> list[Sequence[int]]:
    return [samples[start : start + _FRAME] for start in range(0, len(samples), _FRAME)]


def _loudest(frame: Sequence[int]) -> int:
    highest, lowest = max(frame), min(frame)
    return max(highest, -lowest)


def _power(frame: Sequence[int]) -> float:
    return float(sum(map(mul, frame, frame))) / len(frame)


def _decibels(ratio: float) -> float:
    return 20.0 * math.log10(ratio) if ratio > 0 else -math.inf
