"""WAV files in and out: 16-bit mono at 8 kHz, the one format every Asterisk plays as it is."""

from __future__ import annotations

import sys
import wave
from array import array
from pathlib import Path
from typing import TypeAlias

from ivr.speech.engine import SpeechFailed
from ivr.speech.resample import resample

RATE = 8000

Samples: TypeAlias = "array[int]"
"""16-bit samples, mono, at `RATE`."""


def read(path: Path) -> Samples:
    """The sound in `path` as 16-bit samples at `RATE`, channels mixed into one.

    Raises `SpeechFailed`, saying what is wrong with the file and what would be right.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            frames = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise SpeechFailed(f"{path} cannot be read as a WAV file: {error}") from error
    if width != 2 or rate < RATE:
        raise SpeechFailed(
            f"{path} holds {8 * width}-bit samples at {rate} Hz; "
            f"save it as 16-bit PCM at {RATE} Hz or more"
        )
    return resample(_mixed(_from_bytes(frames), channels), rate, RATE)


def write(path: Path, samples: Samples) -> None:
    """Write `samples` (16-bit, at `RATE`) to `path`; raises `OSError`."""
    with path.open("wb") as handle, wave.open(handle, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(_to_bytes(samples))


def seconds(path: Path) -> float:
    """How long the WAV file plays; raises `SpeechFailed`."""
    try:
        with wave.open(str(path), "rb") as file:
            return file.getnframes() / file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise SpeechFailed(f"{path} cannot be read as a WAV file: {error}") from error


def _mixed(samples: Samples, channels: int) -> Samples:
    if channels == 1:
        return samples
    apart = [samples[channel::channels] for channel in range(channels)]
    return array("h", (sum(together) // channels for together in zip(*apart, strict=False)))


def _from_bytes(frames: bytes) -> Samples:
    samples = array("h")
    samples.frombytes(frames[: len(frames) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _to_bytes(samples: Samples) -> bytes:
    if sys.byteorder == "big":
        samples = array("h", samples)
        samples.byteswap()
    return samples.tobytes()
