"""From prompts to one file that Asterisk can play: recordings where there are any, else speech.

Every part is spoken once and kept under the hash of all that shaped it; what is said together is
then joined. A flow's fixed words are made at start-up (`prepare`), so a call normally meets only
finished files (`cached`, well under a millisecond).

A language may have an engine of its own; when that one fails, the general engine speaks for it.
When all speech fails, `path` raises `SpeechFailed` and the voice channel plays `fallback` ("one
moment, please", or a chime when not even that could be made) and takes the flow's way out for
failures, which leads to a person. It never plays half a menu: a caller who cannot hear the choices
is better served by someone.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from ivr.flow.actions import Prompt
from ivr.speech import sound, wav
from ivr.speech.cache import PromptCache
from ivr.speech.engine import SpeechEngine, SpeechFailed, SpeechTimedOut
from ivr.speech.phrases import LANGUAGES, phrase

FORMAT = "2"  # to be raised when `wav` or `sound` come to shape sound in another way
REST_SECONDS = 10.0
PREPARED_AT_ONCE = 2
FALLBACK = "please-hold"
NOTHING_SECONDS = 0.1

_SOUND = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Part:
    """One prompt, where its sound comes from, and all that shapes it (for the key)."""

    prompt: Prompt
    recording: Path | None
    engine: SpeechEngine
    made_of: tuple[str, ...]


def find_recording(prompt: Prompt, sounds_dirs: Sequence[Path]) -> Path | None:
    """`<language>/<sound>.wav` in the first folder that has it, else that of the base language."""
    if not prompt.sound or not _SOUND.fullmatch(f"{prompt.language}/{prompt.sound}"):
        return None
    base = prompt.language.partition("-")[0]
    places = (
        folder / language / f"{prompt.sound}.wav"
        for folder in sounds_dirs
        for language in dict.fromkeys((prompt.language, base))
    )
    return next((path for path in places if path.is_file()), None)


class PromptBook:
    """Finds or makes the file for what is to be said.

    `sounds_dirs` are searched in order for `<language>/<sound>.wav`. `chosen` are engines by
    language, `engine` speaks all others and takes over from them. `clock` gives seconds.
    """

    def __init__(
        self,
        engine: SpeechEngine,
        sounds_dirs: Sequence[Path],
        cache: PromptCache,
        *,
        chosen: Mapping[str, SpeechEngine] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._chosen = dict(chosen or {})
        self._sounds_dirs = tuple(sounds_dirs)
        self._cache = cache
        self._clock = clock
        self._making: dict[str, asyncio.Task[Path]] = {}
        self._resting_until: dict[SpeechEngine, float] = {}

    def recording(self, prompt: Prompt) -> Path | None:
        """The recording played instead of the words, if the prompt names one and it exists."""
        return find_recording(prompt, self._sounds_dirs)

    def cached(self, prompts: Sequence[Prompt]) -> Path | None:
        """The finished file, or None when it has to be made: the path that costs nothing."""
        return self._cache.get(_key(self._parts(prompts)))

    async def path(self, prompts: Sequence[Prompt]) -> Path:
        """The prompts as one 8 kHz 16-bit mono WAV (the path ends in `.wav`).

        Made at most once however many calls ask at the same time. Raises `SpeechFailed`.
        """
        parts = self._parts(prompts)
        try:
            return await self._ready(parts)
        except SpeechFailed:
            spare = self._parts(prompts, understudy=True)
            if spare == parts:
                raise
            return await self._ready(spare)

    async def prepare(
        self,
        batches: Iterable[Sequence[Prompt]],
        progress: Callable[[int, int], None] | None = None,
    ) -> list[SpeechFailed]:
        """Make ahead what calls will ask for; each of `batches` is what one `path` would get.

        `progress` is told (done, of how many) after each. Returns the failures; raises none.
        """
        todo = list(dict.fromkeys(tuple(batch) for batch in batches))
        slots = asyncio.Semaphore(PREPARED_AT_ONCE)
        done = 0

        async def one(batch: tuple[Prompt, ...]) -> SpeechFailed | None:
            nonlocal done
            failure = None
            async with slots:
                await asyncio.sleep(0)  # calls have their turn between what is made ahead
                try:
                    await self.path(batch)
                except SpeechFailed as why:
                    failure = why
            done += 1
            if progress:
                progress(done, len(todo))
            return failure

        return [why for why in await asyncio.gather(*map(one, todo)) if why]

    async def prepare_fallback(self, languages: Sequence[str] = LANGUAGES) -> list[SpeechFailed]:
        """Make what `fallback` plays while speech still works, and keep it for good."""
        waiting = [[phrase(FALLBACK, language)] for language in languages]
        for prompts in waiting:
            self._cache.pin(_key(self._parts(prompts)))
        return await self.prepare(waiting)

    def fallback(self, language: str) -> Path:
        """Something to play when `path` failed: words if `prepare_fallback` made them, or a chime.

        Raises `SpeechFailed` only when nothing can be written to the disk either.
        """
        chime = _hashed("chime")
        try:
            return (
                self.cached([phrase(FALLBACK, language)])
                or self._cache.get(chime)
                or self._cache.put(chime, sound.chime())
            )
        except OSError as error:
            raise SpeechFailed(f"the prompt cannot be stored: {error}") from error

    async def aclose(self) -> None:
        """End what is being made; no engine is left running."""
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for engine in dict.fromkeys((self._engine, *self._chosen.values())):
            await engine.aclose()

    def _engine_of(self, language: str) -> SpeechEngine:
        tag = language.lower()
        base = tag.partition("-")[0]
        return self._chosen.get(tag) or self._chosen.get(base) or self._engine

    def _parts(self, prompts: Sequence[Prompt], *, understudy: bool = False) -> list[_Part]:
        """What is to be joined; with `understudy`, as the general engine would speak it."""
        parts = (
            self._part(prompt, self._engine if understudy else self._engine_of(prompt.language))
            for prompt in prompts
        )
        return [part for part in parts if part]

    def _part(self, prompt: Prompt, engine: SpeechEngine) -> _Part | None:
        recording = self.recording(prompt)
        if recording is None and not prompt.text.strip():
            return None
        if recording is None:
            made_of = (engine.name, engine.version, prompt.language, prompt.text)
            return _Part(prompt, None, engine, made_of)
        status = recording.stat()
        made_of = (str(recording), str(status.st_mtime_ns), str(status.st_size), prompt.text)
        return _Part(prompt, recording, engine, made_of)

    async def _ready(self, parts: Sequence[_Part]) -> Path:
        key = _key(parts)
        return self._cache.get(key) or await self._made_once(key, parts)

    async def _made_once(self, key: str, parts: Sequence[_Part]) -> Path:
        task = self._making.get(key)
        if task is None:
            task = asyncio.create_task(self._make(key, parts))
            self._making[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        # A caller who hangs up does not take the prompt away from the others who wait for it.
        return await asyncio.shield(task)

    def _forget(self, key: str, done: asyncio.Task[Path]) -> None:
        del self._making[key]
        if not done.cancelled() and (error := done.exception()):
            log.warning("prompt_failed", why=str(error))

    async def _make(self, key: str, parts: Sequence[_Part]) -> Path:
        try:
            if len(parts) == 1:
                samples = await self._sound_of(parts[0])
            else:
                files = await asyncio.gather(*(self._ready([part]) for part in parts))
                samples = await asyncio.to_thread(_joined, files)
            # A file without any sound in it is an error to some players.
            samples = samples or sound.silence(NOTHING_SECONDS)
            return await asyncio.to_thread(self._cache.put, key, samples)
        except OSError as error:
            raise SpeechFailed(f"the prompt cannot be stored: {error}") from error

    async def _sound_of(self, part: _Part) -> wav.Samples:
        if part.recording:
            try:
                return await asyncio.to_thread(_tidied, part.recording)
            except SpeechFailed as why:
                log.warning("recording_unreadable", why=str(why))
        with self._cache.scratch() as scratch:
            await self._speak(part, scratch)
            return await asyncio.to_thread(_tidied, scratch)

    async def _speak(self, part: _Part, into: Path) -> None:
        engine = part.engine
        if self._clock() < self._resting_until.get(engine, -1.0):
            raise SpeechFailed("the speech engine hung a moment ago and is left to rest")
        try:
            await engine.speak(part.prompt.text, part.prompt.language, into)
        except SpeechTimedOut:
            # The next caller shall not sit through the same silence to learn the same thing.
            self._resting_until[engine] = self._clock() + REST_SECONDS
            raise


def _tidied(path: Path) -> wav.Samples:
    return sound.levelled(sound.trimmed(wav.read(path)))


def _joined(files: Sequence[Path]) -> wav.Samples:
    return sound.joined(wav.read(file) for file in files)


def _key(parts: Sequence[_Part]) -> str:
    return _hashed(*(part.made_of for part in parts))


def _hashed(*made_of: object) -> str:
    whole = json.dumps([FORMAT, *made_of], ensure_ascii=False).encode("utf-8", "surrogatepass")
    return hashlib.sha256(whole).hexdigest()[:32]
