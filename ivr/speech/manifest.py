"""Which recordings flows name, which are there, how long and how loud they are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ivr.flow.loading.loader import Library
from ivr.flow.words import NOWHERE
from ivr.speech import sound, wav
from ivr.speech.engine import SpeechFailed
from ivr.speech.phrases import LANGUAGES, PHRASES, fixed_phrases, phrase
from ivr.speech.prompts import find_recording
from ivr.speech.script import Line, lines

State = Literal["recorded", "spoken", "silent", "unreadable", "unused"]
MEANINGS: dict[State, str] = {
    "recorded": "played as recorded",
    "spoken": "no recording: the engine speaks the words",
    "silent": "no recording and no words: callers hear nothing",
    "unreadable": "the recording cannot be used: the engine speaks the words",
    "unused": "a recording that no flow names",
}


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording that is named or present.

    `words` are what it says, `where` names it (the line of a flow, or the file), `path` is where it
    is or belongs. `seconds` and `dbfs` (the level of its voice, before it is made even) are those
    of the file.
    """

    name: str
    language: str
    state: State
    where: str
    path: str
    words: str = ""
    seconds: float | None = None
    dbfs: float | None = None


def manifest(library: Library, folder: Path) -> list[Sound]:
    """Every recording that the flows name, in their order, then those that nobody names."""
    named = _named(library)
    found = [_sound(line, folder) for line in named.values()]
    return [*found, *_unused({name for name, _ in named}, folder)]


def missing_sounds(library: Library, folder: Path) -> list[Line]:
    """The lines that name a recording which is not in `folder`; their `place` says where."""
    return [
        line for line in _named(library).values() if find_recording(line.prompt, [folder]) is None
    ]


def disputed_sounds(library: Library) -> list[tuple[Line, Line]]:
    """Pairs of lines that name one recording for different words: it can only say one of them."""
    named, pairs = _named(library), []
    for line in lines(library.flows.values()):
        first = named.get((line.prompt.sound or "", line.prompt.language))
        if first is not None and first.prompt.text != line.prompt.text:
            pairs.append((first, line))
    return pairs


def service_sounds(folder: Path) -> list[Sound]:
    """The service's own phrases, each of which a recording may replace."""
    return [
        _sound(Line(phrase(name, language), True, NOWHERE), folder)
        for language in LANGUAGES
        for name in fixed_phrases()
    ]


def where(line: Line) -> str:
    """The file and line that name the recording."""
    return f"{Path(line.place.file).name}:{line.place.line}" if line.place.file else "the service"


def _named(library: Library) -> dict[tuple[str, str], Line]:
    named: dict[tuple[str, str], Line] = {}
    for line in lines(library.flows.values()):
        if line.prompt.sound:
            named.setdefault((line.prompt.sound, line.prompt.language), line)
    return named


def _sound(line: Line, folder: Path) -> Sound:
    prompt = line.prompt
    recording = find_recording(prompt, [folder])
    path = recording or folder / prompt.language / f"{prompt.sound}.wav"
    words = prompt.text.strip()
    state: State = "spoken" if words else "silent"
    seconds = dbfs = None
    if recording is not None:
        try:
            seconds, dbfs = _measured(recording)
            state = "recorded"
        except SpeechFailed:
            state = "unreadable" if words else "silent"
    return Sound(
        prompt.sound or "", prompt.language, state, where(line), str(path), words, seconds, dbfs
    )


def _measured(path: Path) -> tuple[float, float | None]:
    samples = wav.read(path)
    level = sound.voice_dbfs(samples)
    return round(len(samples) / wav.RATE, 1), round(level, 1) if math.isfinite(level) else None


def _unused(named: Iterable[str], folder: Path) -> list[Sound]:
    used = {*named, *(f"service/{name}" for name in PHRASES)}
    found = []
    for path in sorted(folder.glob("*/**/*.wav")):
        language, *rest = path.relative_to(folder).with_suffix("").parts
        name = "/".join(rest)
        if name not in used:
            found.append(Sound(name, language, "unused", str(path), str(path)))
    return found
