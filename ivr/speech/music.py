"""Music on hold, made here: no licence to clear, no file to ship, the same on every machine.

A slow round of broken chords (F, D minor, B flat, C), plucked softly like a kalimba over long low
notes, 40 seconds that begin where they end. It stays below 2 kHz and quieter than speech, because
a phone's codec turns anything richer into gravel.
"""

from __future__ import annotations

import math
from array import array
from functools import cache
from pathlib import Path
from random import Random

from ivr.speech import sound, wav
from ivr.speech.wav import RATE

MUSIC_DBFS = -24.0

_BEAT_SECONDS = 0.625
_BEATS_PER_CHORD = 8
_A4 = 69  # MIDI note numbers below

# The root (sounded an octave up: a phone has no bass), then the plucked notes from low to high.
_CHORDS = (
    (41, (53, 57, 60, 64, 69)),  # F major seventh
    (38, (53, 57, 60, 62, 69)),  # D minor seventh
    (46, (53, 58, 62, 65, 69)),  # B flat major seventh
    (36, (52, 55, 60, 62, 67)),  # C ninth
    (41, (53, 57, 60, 65, 72)),  # F
    (45, (52, 57, 60, 64, 67)),  # A minor seventh
    (43, (53, 58, 62, 65, 67)),  # G minor seventh
    (36, (52, 58, 60, 64, 67)),  # C seventh, which leads back to F
)
# Which of the plucked notes sounds on each beat; None rests.
_FIGURES = (
    (0, 2, 1, 3, 4, 3, 1, None),
    (0, 1, 2, 4, 3, 1, 2, None),
    (0, 2, 3, 1, 4, 2, None, 1),
)
SECONDS = len(_CHORDS) * _BEATS_PER_CHORD * _BEAT_SECONDS


def generate_music(folder: Path) -> Path:
    """Write the music to `folder`, made if need be; Asterisk plays all files of that folder."""
    return _write(folder / "calm.wav", music())


def music() -> wav.Samples:
    """The whole round at `MUSIC_DBFS`; its end runs into its beginning without a seam."""
    round_ = [0.0] * round(SECONDS * RATE)
    human = Random(7)  # noqa: S311 - the slight unevenness of a hand, the same every time
    for index, (root, notes) in enumerate(_CHORDS):
        chord_at = index * _BEATS_PER_CHORD * _BEAT_SECONDS
        _mix(round_, _hum(root + 12), chord_at, 0.6)
        for beat, choice in enumerate(_FIGURES[index % len(_FIGURES)]):
            if choice is not None:
                at = chord_at + beat * _BEAT_SECONDS + human.uniform(0.0, 0.012)
                _mix(round_, _pluck(notes[choice]), at, human.uniform(0.8, 1.0))
    _pluck.cache_clear()  # notes are kept while they repeat, not for the life of the service
    _hum.cache_clear()
    return _at_level(round_, MUSIC_DBFS)


def _mix(into: list[float], note: list[float], at: float, gain: float) -> None:
    """Add a note; what rings past the end rings on at the beginning, so the round closes."""
    start, size = round(at * RATE) % len(into), len(into)
    head = note[: size - start]
    _add(into, start, head, gain)
    _add(into, 0, note[len(head) : size], gain)


def _add(into: list[float], start: int, note: list[float], gain: float) -> None:
    end = start + len(note)
    into[start:end] = [a + gain * b for a, b in zip(into[start:end], note, strict=True)]


@cache
def _pluck(note: int) -> list[float]:
    """A soft mallet: quick to speak, slow to fade, its overtones gone before the note is."""
    attack, seconds = 0.012, 2.4
    partials = ((1.0, 1.0, 1.6), (2.0, 0.28, 3.2), (3.0, 0.08, 6.0))
    return _note(note, seconds, attack, partials)


@cache
def _hum(note: int) -> list[float]:
    """A long low note under a chord; an octave and a twelfth let small speakers hint at it."""
    partials = ((1.0, 1.0, 0.45), (2.0, 0.5, 0.5), (3.0, 0.15, 0.8))
    return _note(note, _BEATS_PER_CHORD * _BEAT_SECONDS * 1.1, 0.25, partials)


def _note(
    note: int, seconds: float, attack: float, partials: tuple[tuple[float, float, float], ...]
) -> list[float]:
    """Partials of (multiple, strength, decay per second), under one envelope."""
    frequency = 440.0 * 2.0 ** ((note - _A4) / 12)
    total = [0.0] * round(seconds * RATE)
    for multiple, strength, decay in partials:
        step = math.tau * frequency * multiple / RATE
        fade = math.exp(-decay / RATE)
        level = strength
        for n in range(len(total)):
            total[n] += level * math.sin(step * n)
            level *= fade
    return [value * _envelope(n, len(total), attack) for n, value in enumerate(total)]


def _envelope(n: int, count: int, attack: float) -> float:
    """A raised cosine up at the start, another down over the last fifth."""
    rise, fall = attack * RATE, count / 5
    edge = min(1.0, n / rise, (count - n) / fall)
    return 0.5 - 0.5 * math.cos(math.pi * edge)


def _at_level(mixed: list[float], dbfs: float) -> wav.Samples:
    power = sum(value * value for value in mixed) / len(mixed)
    gain = sound.FULL_SCALE * 10.0 ** (dbfs / 20) / math.sqrt(power)
    return array("h", [round(value * gain) for value in mixed])


def _write(path: Path, samples: wav.Samples) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    wav.write(scratch, samples)
    scratch.replace(path)
    return path
